//! The answer of `health` and `diagnose`.

use http::StatusCode;
use jobs::Services;

use crate::trigger::Response;

/// The health of the service, with `detail` numbers and findings; 503 if it is not well.
pub async fn health_reply(services: &Services, detail: bool) -> Response {
    let health = jobs::health(services, detail).await;
    let status = if health.ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    Response::json(status, &health)
}
