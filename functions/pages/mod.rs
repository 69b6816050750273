//! `/app/…`: the pages that a person reads and uses.

use futures::FutureExt;
use futures::future::BoxFuture;
use jobs::Services;

use crate::trigger::{WebRequest, WebResponse};

/// Answers a request.
pub fn run(services: &Services, request: WebRequest) -> BoxFuture<'_, WebResponse> {
    web::pages(services, request).boxed()
}
