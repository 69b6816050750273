//! `GET /`: says that somebody is here. The Functions host asks it to see whether the handler has started and is still there, so it is cheap.

use futures::FutureExt;
use futures::future::BoxFuture;
use http::StatusCode;
use jobs::Services;

use crate::trigger::{Request, Response};

/// Answers.
pub fn run(_services: &Services, _request: Request) -> BoxFuture<'_, Response> {
    async { Response::text(StatusCode::OK, "Calrelay is running. How it is: /health. How your pairs are: `calrelay status`.\n") }.boxed()
}
