//! `POST /webhooks/google`: Google tells that something has changed in a calendar, and not what.
//!
//! Everybody may say so; the token in the header tells whether it was Google. Whoever asks is
//! answered 200 either way, so that nothing can be found out here, and 503 where the message could
//! not be kept: then Google comes again. What stands in the body is not looked at.

use futures::FutureExt;
use futures::future::BoxFuture;
use http::StatusCode;
use jobs::Services;
use jobs::channels::{self, Notice};

use crate::trigger::{HttpTrigger, Response};

/// Answers.
pub fn run(services: &Services, request: HttpTrigger) -> BoxFuture<'_, Response> {
    async move {
        let header = |name| {
            request.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let notice = Notice {
            channel: header("x-goog-channel-id"),
            token: header("x-goog-channel-token"),
            resource: header("x-goog-resource-id"),
            greeting: header("x-goog-resource-state") == "sync",
        };
        match channels::hear_google(services, notice).await {
            Ok(heard) => {
                tracing::debug!(?heard, "Google called");
                Response::text(StatusCode::OK, "")
            }
            Err(error) => {
                tracing::warn!(%error, "a call by Google could not be kept; Google will call \
                again");
                Response::text(StatusCode::SERVICE_UNAVAILABLE, "")
            }
        }
    }
    .boxed()
}
