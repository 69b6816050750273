//! `POST /webhooks/microsoft/lifecycle`: Microsoft tries the address, or notifies that something
//! happened to subscriptions. What each address accepts, the other one accepts too.

use futures::FutureExt;
use futures::future::BoxFuture;
use jobs::Services;

use crate::delivery_reply;
use crate::trigger::{HttpTrigger, Response};

/// Answers a request.
pub fn run(services: &Services, request: HttpTrigger) -> BoxFuture<'_, Response> {
    async move { delivery_reply::answer(services, "microsoft", &request).await }.boxed()
}
