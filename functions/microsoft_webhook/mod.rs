//! `POST /webhooks/microsoft`: Microsoft tries the address, or notifies that events of accounts
//! changed.
//!
//! The answer to a try is its text, without storage, while our own request for the subscription is
//! still open. Each notification proves by its `clientState` that it comes from Microsoft.

use futures::FutureExt;
use futures::future::BoxFuture;
use jobs::Services;

use crate::delivery_reply;
use crate::trigger::{HttpTrigger, Response};

/// Answers a request.
pub fn run(services: &Services, request: HttpTrigger) -> BoxFuture<'_, Response> {
    async move { delivery_reply::answer(services, "microsoft", &request).await }.boxed()
}
