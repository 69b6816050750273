//! `GET /`: shows that the service runs. The Functions host polls it to see whether the handler is
//! alive, so it is cheap.

use futures::FutureExt;
use futures::future::BoxFuture;
use http::StatusCode;
use jobs::Services;

use crate::connect_pages;
use crate::page::{self, NextStep};
use crate::trigger::{HttpTrigger, Response};

/// Answers a request.
pub fn run(services: &Services, request: HttpTrigger) -> BoxFuture<'_, Response> {
    async move {
        let words =
            ["Its health: `/health`. The state of your pairs: `calrelay status`. Problems, \
            if there are any: `calrelay doctor`."];
        let open = NextStep::Link { label: "Open Calrelay", to: "/app/pairs" };
        let steps = [open, connect_pages::offer(services, &request)];
        page::page_with_steps(StatusCode::OK, "Calrelay is running", &words, None, &steps)
    }
    .boxed()
}
