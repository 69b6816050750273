//! `GET /health/detail`: health with numbers and the findings of `calrelay doctor`. For operators
//! only.
//!
//! Under the Functions host an operator sends the function's key (`x-functions-key`), and the host
//! refuses all other requests. In the standalone host an operator sends the token of the data
//! directory, or calls from the machine itself if the service has no public address.

use futures::FutureExt;
use futures::future::BoxFuture;
use http::StatusCode;
use jobs::Services;

use crate::health_reply::health_reply;
use crate::trigger::{HttpTrigger, Response};

/// Answers a request.
pub fn run(services: &Services, request: HttpTrigger) -> BoxFuture<'_, Response> {
    async move {
        if !request.operator {
            return Response::text(
                StatusCode::FORBIDDEN,
                "Details are for operators: ask with the token in operator.token of the data \
                directory (Authorization: Bearer), or run `calrelay \
                 doctor`. /health needs no right.\n",
            );
        }
        health_reply(services, true).await
    }
    .boxed()
}
