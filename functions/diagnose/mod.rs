//! `GET /health/detail`: how the service stands, with numbers and what `calrelay doctor` finds. For
//! its operator only.
//!
//! Under the Functions host the operator shows the function's key (`x-functions-key`), and the host
//! refuses everybody else before we hear of them. Standalone there are no keys, and the operator is
//! whoever shows the token of the data directory, or asks from the machine itself where it has no
//! public address.

use futures::FutureExt;
use futures::future::BoxFuture;
use http::StatusCode;
use jobs::Services;

use crate::trigger::{HttpTrigger, Response};

/// Answers.
pub fn run(services: &Services, request: HttpTrigger) -> BoxFuture<'_, Response> {
    async move {
        if !request.operator {
            return Response::text(
                StatusCode::FORBIDDEN,
                "Details are for operators: ask with the token in operator.token of the data \
                directory (Authorization: Bearer), or run `calrelay \
                 doctor`. /health is for everybody.\n",
            );
        }
        let health = jobs::health(services, true).await;
        Response::json(
            if health.ok { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE },
            &health,
        )
    }
    .boxed()
}
