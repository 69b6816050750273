//! The way of a request through faults to its answer.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;

use super::api::api;
use super::asking::Asking;
use super::reply::Reply;
use super::shared::Shared;
use super::{batch, faults, oauth};
use crate::faults::Fault;
use crate::traffic::Kind;
use crate::wire::{Outcome, truncated};

const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// Takes a request through faults to an answer.
pub(super) async fn answer(shared: &Arc<Shared>, request: Request<Incoming>) -> Outcome {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(Body::new(body), LARGEST_BODY).await else {
        return Outcome::Cut;
    };
    let request = Asking {
        verb: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts.headers,
        body,
    };
    let kind = request.kind(shared.discovery);
    let under_way = shared.meter.enter(kind, request.body.len());
    let fault = shared.faults.draw(&request.asked(kind));
    let delay = if let Some(Fault::Delay(delay)) = fault { delay } else { Duration::ZERO };
    let wait = shared.manners().latency + delay;
    // Even no sleep at all takes a millisecond.
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    if let Some(fault) =
        fault.filter(|fault| !fault.lets_through() && *fault != Fault::EmptyListing)
    {
        return faults::answer(fault, kind).map_or(Outcome::Cut, |reply| response(&reply, None));
    }
    let reply = match kind {
        Kind::Consent | Kind::Token | Kind::Revoke => oauth::serve(shared, &request),
        Kind::Batch => batch::serve(shared, &request).await,
        _ => {
            let reply = api(shared, &request);
            greet(shared, kind).await;
            reply
        }
    };
    match fault {
        Some(Fault::DropAfter) => Outcome::Cut,
        Some(fault @ (Fault::EmptyListing | Fault::NoEnd)) => {
            response(&faults::spoilt(fault, reply), None)
        }
        Some(fault @ Fault::StatusAfter(_)) => {
            faults::answer(fault, kind).map_or(Outcome::Cut, |reply| response(&reply, None))
        }
        // Nothing to cut in an empty answer but the answer itself.
        Some(Fault::Truncated) if reply.body.is_empty() => Outcome::Cut,
        Some(Fault::Truncated) => response(&reply, Some(truncated(&reply.body))),
        _ => {
            under_way.answered(reply.body.len());
            response(&reply, None)
        }
    }
}

fn response(reply: &Reply, body: Option<Body>) -> Outcome {
    let mut answer = Response::builder().status(reply.status);
    if !matches!(reply.status, 204 | 304) {
        answer = answer.header("content-length", reply.body.len());
    }
    for (name, value) in &reply.headers {
        answer = answer.header(*name, value);
    }
    answer
        .body(body.unwrap_or_else(|| Body::from(reply.body.clone())))
        .map_or(Outcome::Cut, Outcome::Answer)
}

/// Where the `sync` message is to come before the answer, waits until it has.
async fn greet(shared: &Shared, kind: Kind) {
    if kind == Kind::Watch && shared.pushes.greets_first() {
        // A webhook that waits for the answer itself must not wait for ever.
        let _ = tokio::time::timeout(Duration::from_secs(5), shared.pushes.settle()).await;
    }
}
