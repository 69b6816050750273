//! `GET /oauth/{provider}/callback`: the browser returns from a provider's consent page.

use futures::FutureExt;
use futures::future::BoxFuture;
use jobs::Services;

use crate::callback_pages;
use crate::trigger::{HttpTrigger, Response};

/// Answers a request.
pub fn run(services: &Services, request: HttpTrigger) -> BoxFuture<'_, Response> {
    callback_pages::answer(services, request).boxed()
}
