//! `/api/v1/…`: what programs read and do.

use futures::FutureExt;
use futures::future::BoxFuture;
use jobs::Services;

use crate::trigger::{WebRequest, WebResponse};

/// Answers a request.
pub fn run(services: &Services, request: WebRequest) -> BoxFuture<'_, WebResponse> {
    web::api(services, request).boxed()
}
