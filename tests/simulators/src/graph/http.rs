//! The way of a request through faults and limits to its answer.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use jiff::{SignedDuration, Timestamp};

use super::asking::Asking;
use super::manners::Manners;
use super::paths::BASE;
use super::reply::{Refusal, Reply};
use super::shared::{InFlight, Shared};
use super::{api, faults, ids, sign_in, subscriptions};
use crate::faults::Fault;
use crate::traffic::Kind;
use crate::wire::{Outcome, truncated};

const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// Answers a request, with the time of the simulator.
pub(super) async fn answer(shared: &Arc<Shared>, request: Request<Incoming>) -> Outcome {
    let mut outcome = answered(shared, request).await;
    let now = shared.clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let (Outcome::Answer(answer), Ok(now)) = (&mut outcome, now.parse()) {
        answer.headers_mut().insert("date", now);
    }
    outcome
}

/// Takes a request through faults to an answer.
async fn answered(shared: &Arc<Shared>, request: Request<Incoming>) -> Outcome {
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
    let kind = request.kind();
    let under_way = shared.meter.enter(kind, request.body.len());
    let manners = shared.manners();
    let fault = shared.faults.draw(&request.asked(kind));
    // A mailbox counts its requests from their arrival to their answer.
    let in_flight = match let_in(shared, &request, &manners) {
        Ok(in_flight) => in_flight,
        Err(refusal) => return response(&signed(shared, &request, Err(refusal)), None),
    };
    let delay = if let Some(Fault::Delay(delay)) = fault { delay } else { Duration::ZERO };
    let wait = manners.latency + delay;
    // Even no sleep at all takes a millisecond.
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    let instead = |fault: Fault| {
        let location = format!("{}{}", shared.base(), request.path);
        faults::answer(fault, kind, &manners, &location, shared.clock.now())
            .map_or(Outcome::Cut, |reply| response(&reply, None))
    };
    if let Some(fault) =
        fault.filter(|fault| !fault.lets_through() && *fault != Fault::EmptyListing)
    {
        return instead(fault);
    }
    shared.hooks.run(kind);
    let reply = match kind {
        Kind::Consent | Kind::Token | Kind::Keys => sign_in::serve(shared, &request),
        Kind::Watch | Kind::Renew => {
            let made = subscriptions::with_handshake(shared, &request).await;
            signed(shared, &request, made)
        }
        _ => {
            let made = api::api(shared, &request);
            signed(shared, &request, made)
        }
    };
    drop(in_flight);
    match fault {
        Some(Fault::DropAfter) => Outcome::Cut,
        Some(fault @ (Fault::EmptyListing | Fault::NoEnd)) => {
            response(&faults::spoilt(fault, reply), None)
        }
        Some(fault @ Fault::StatusAfter(_)) => instead(fault),
        // Nothing to cut in an empty answer but the answer itself.
        Some(Fault::Truncated) if reply.body.is_empty() => Outcome::Cut,
        Some(Fault::Truncated) => response(&reply, Some(truncated(&reply.body))),
        _ => {
            under_way.answered(reply.body.len());
            response(&reply, None)
        }
    }
}

/// Counts a request to a mailbox in, or throttles it.
fn let_in(
    shared: &Shared,
    request: &Asking,
    manners: &Manners,
) -> Result<Option<InFlight>, Refusal> {
    let now = shared.clock.now();
    let is_mailbox = request.path.starts_with(BASE) && request.path.contains("/me/");
    let Some(mailbox) = request.bearer().filter(|_| is_mailbox).and_then(|token| {
        shared.write(|records| records.grants.access(token, now).map(|(access, _)| access.person))
    }) else {
        return Ok(None);
    };
    let too_many = shared.write(|records| {
        let many = too_many(&mut records.people[mailbox].requests, manners, now);
        records.throttled += u64::from(many);
        many
    });
    if too_many {
        return Err(Refusal::throttled(429, manners.retry_after));
    }
    match shared.flights.enter(mailbox, manners.concurrency) {
        Some(in_flight) => Ok(Some(in_flight)),
        None => {
            shared.write(|records| records.throttled += 1);
            Err(Refusal::throttled(manners.throttled_with, manners.retry_after))
        }
    }
}

fn too_many(
    requests: &mut std::collections::VecDeque<Timestamp>,
    manners: &Manners,
    now: Timestamp,
) -> bool {
    let before = now - SignedDuration::from_mins(10);
    while requests.front().is_some_and(|moment| *moment <= before) {
        requests.pop_front();
    }
    if requests.len() >= manners.requests_in_ten_minutes {
        return true;
    }
    requests.push_back(now);
    false
}

/// The answer with what every answer of Graph has.
fn signed(shared: &Shared, request: &Asking, made: Result<Reply, Refusal>) -> Reply {
    let id = ids::uuid(shared.write(|records| records.next()), 9);
    let client = request.header("client-request-id").unwrap_or(&id).to_owned();
    let reply = match made {
        Ok(reply) => reply,
        Err(refusal) => refusal.reply(shared.clock.now(), &id, &client),
    };
    reply.header("request-id", id).header("client-request-id", client)
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
