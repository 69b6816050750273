//! `POST /webhooks/google`: Google notifies that a calendar changed, without saying what changed.
//!
//! The token in the header proves that the request comes from Google. The answer is 200 with and
//! without a valid token, so that a caller learns nothing, and 503 if the nudge could not be
//! stored: then Google repeats the notification. The body is ignored.

use futures::FutureExt;
use futures::future::BoxFuture;
use http::StatusCode;
use jobs::Services;

use crate::trigger::{HttpTrigger, Response};

/// Answers a request.
pub fn run(services: &Services, request: HttpTrigger) -> BoxFuture<'_, Response> {
    async move {
        let header = |name: &str| request.headers.get(name)?.to_str().ok();
        match jobs::watches::receive_headers(services, "google", header).await {
            Ok(received) => {
                tracing::debug!(?received, "notification from Google");
                Response::text(StatusCode::OK, "")
            }
            Err(error) => {
                tracing::warn!(%error, "a notification was not stored; Google will repeat it");
                Response::text(StatusCode::SERVICE_UNAVAILABLE, "")
            }
        }
    }
    .boxed()
}
