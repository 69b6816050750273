//! `POST /webhooks/google`: Google notifies that a calendar changed, without saying what changed.
//!
//! The token in the header proves that the request comes from Google. The answer is 200 with and
//! without a valid token, so that a caller learns nothing, and 503 if the nudge could not be
//! stored: then Google repeats the notification. The body is ignored.

use engine::provider::ProviderKind;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::StatusCode;
use jobs::Services;
use jobs::watches;
use jobs::watches::Notice;
use jobs::watches::NoticeEvent;

use crate::trigger::{HttpTrigger, Response};

/// Answers a request.
pub fn run(services: &Services, request: HttpTrigger) -> BoxFuture<'_, Response> {
    async move {
        let header = |name| {
            request.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let event = match header("x-goog-resource-state") {
            "sync" => NoticeEvent::Started,
            _ => NoticeEvent::Changed,
        };
        let notice = Notice {
            watch: header("x-goog-channel-id"),
            secret: header("x-goog-channel-token"),
            resource: header("x-goog-resource-id"),
            event,
        };
        match watches::receive(services, ProviderKind::Google, notice).await {
            Ok(received) => {
                tracing::debug!(?received, "notification from Google");
                Response::text(StatusCode::OK, "")
            }
            Err(error) => {
                tracing::warn!(%error, "a notification from Google could not be stored; Google \
                will repeat it");
                Response::text(StatusCode::SERVICE_UNAVAILABLE, "")
            }
        }
    }
    .boxed()
}
