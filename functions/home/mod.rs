//! `GET /`: says that somebody is here. The Functions host asks it to see whether the handler has
//! started and is still there, so it is cheap.

use futures::FutureExt;
use futures::future::BoxFuture;
use http::StatusCode;
use jobs::{Services, consent};

use crate::connect;
use crate::page::{self, NextStep};
use crate::trigger::{HttpTrigger, Response};

/// Answers.
pub fn run(services: &Services, request: HttpTrigger) -> BoxFuture<'_, Response> {
    async move {
        let own = request.operator && services.setup.public_url.is_none();
        let offered = own
            && consent::kind("google").is_some_and(|kind| services.connect.consents(kind).is_ok());
        let way = if offered {
            NextStep::Link {
                label: "Connect a Google \
        account",
                to: connect::PATH,
            }
        } else {
            NextStep::Nowhere
        };
        let words =
            ["How it is, is told at `/health`. How your pairs are: `calrelay status`. What is \
            wrong, if anything: `calrelay doctor`."];
        page::page_with(StatusCode::OK, "Calrelay is running", &words, way)
    }
    .boxed()
}
