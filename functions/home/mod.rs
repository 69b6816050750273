//! `GET /`: shows that the service runs. The Functions host polls it to see whether the handler is
//! alive, so it is cheap.

use futures::FutureExt;
use futures::future::BoxFuture;
use http::StatusCode;
use jobs::Services;
use jobs::consent;

use crate::connect_pages;
use crate::page::{self, NextStep};
use crate::trigger::{HttpTrigger, Response};

/// Answers a request.
pub fn run(services: &Services, request: HttpTrigger) -> BoxFuture<'_, Response> {
    async move {
        let own = request.operator && services.setup.public_url.is_none();
        let offered = own
            && consent::kind("google").is_some_and(|kind| services.connect.consents(kind).is_ok());
        let way = if offered {
            NextStep::Link {
                label: "Connect a Google \
        account",
                to: connect_pages::START_PATH,
            }
        } else {
            NextStep::Nowhere
        };
        let words =
            ["Its health: `/health`. The state of your pairs: `calrelay status`. Problems, if \
            there are any: `calrelay doctor`."];
        page::page_with(StatusCode::OK, "Calrelay is running", &words, way)
    }
    .boxed()
}
