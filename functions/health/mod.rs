//! `GET /health`: 200 if storage and vault answer and work continues, else 503. `?detail` adds
//! numbers and findings, for operators of the standalone host. In Azure operators use `diagnose`.

use futures::FutureExt;
use futures::future::BoxFuture;
use http::StatusCode;
use jobs::Services;

use crate::health_reply::health_reply;
use crate::trigger::{HttpTrigger, Response};

/// Answers a request.
pub fn run(services: &Services, request: HttpTrigger) -> BoxFuture<'_, Response> {
    async move {
        let asked = request.uri.query().is_some_and(|query| {
            query.split('&').any(|part| part == "detail" || part.starts_with("detail="))
        });
        if asked && !request.operator {
            return Response::text(
                StatusCode::FORBIDDEN,
                "Details are for operators: on the machine itself where it has no public address, \
                elsewhere with the token in operator.token of the \
                 data directory (Authorization: Bearer), in Azure at /health/detail with a key of \
                 the function app (x-functions-key). /health without them needs no right.\n",
            );
        }
        health_reply(services, asked).await
    }
    .boxed()
}
