//! `POST /webhooks/google`: Google notifies that a calendar changed, without saying what changed.
//!
//! The token in the header proves that the request comes from Google. The answer is 200 with and
//! without a valid token, so that a caller learns nothing, and 503 if the nudge could not be
//! stored: then Google repeats the notification. The body is ignored.

use futures::FutureExt;
use futures::future::BoxFuture;
use http::StatusCode;
use jobs::Services;
use jobs::channels::{self, Notice};

use crate::trigger::{HttpTrigger, Response};

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
                tracing::debug!(?heard, "notification from Google");
                Response::text(StatusCode::OK, "")
            }
            Err(error) => {
                tracing::warn!(%error, "a notification from Google could not be stored; Google will repeat it");
                Response::text(StatusCode::SERVICE_UNAVAILABLE, "")
            }
        }
    }
    .boxed()
}
