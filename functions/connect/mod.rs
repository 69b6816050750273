//! `/oauth/{provider}/start`: sends a browser to a provider's consent page. The answer comes to
//! `oauth_callback`.

use futures::FutureExt;
use futures::future::BoxFuture;
use jobs::Services;

use crate::connect_pages;
use crate::trigger::{HttpTrigger, Response};

/// Answers a request.
pub fn run(services: &Services, request: HttpTrigger) -> BoxFuture<'_, Response> {
    connect_pages::answer(services, request).boxed()
}
