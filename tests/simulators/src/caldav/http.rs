//! The HTTP layer: user, path and method of a request. What happens before and after a broken
//! connection is decided here.

use std::sync::PoisonError;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request};
use data_encoding::BASE64;
use hyper::body::Incoming;

use super::asking::Asking;
use super::bases::Route;
use super::digest::SignIn;
use super::manners::{Etags, Manners, Redirect};
use super::paths::{Paths, Place};
use super::reply::Reply;
use super::shared::Shared;
use super::state::Records;
use super::{propfind, report, write};
use crate::faults::{Asked, Fault};
use crate::traffic::Kind;
use crate::wire::{Outcome, truncated};

const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// Takes a request through faults and manners to an answer.
pub(super) async fn answer(shared: &Shared, request: Request<Incoming>) -> Outcome {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(Body::new(body), LARGEST_BODY).await else {
        return Outcome::Cut;
    };
    let path = parts.uri.path();
    let kind = Kind::of(parts.method.as_str(), &body);
    let under_way = shared.meter.enter(kind, body.len());
    let fault = shared.faults.draw(&Asked::new(kind, path, &body));
    if let Some(Fault::Delay(delay)) = fault {
        tokio::time::sleep(delay).await;
    }
    let broken = fault.filter(|fault| !fault.lets_through());
    if let Some(fault) = broken {
        return fault.answer().map_or(Outcome::Cut, Outcome::Answer);
    }
    let reply = throttled(shared)
        .unwrap_or_else(|| serve(shared, parts.method.as_str(), path, &parts.headers, &body));
    let reply = reply.with_etag(shared.manners().etags, parts.method == "GET");
    match fault {
        Some(Fault::DropAfter) => Outcome::Cut,
        Some(fault @ Fault::StatusAfter(_)) => fault.answer().map_or(Outcome::Cut, Outcome::Answer),
        // Nothing to cut in an empty answer but the answer itself.
        Some(Fault::Truncated) if reply.body.is_empty() => Outcome::Cut,
        Some(Fault::Truncated) => {
            let half = truncated(&reply.body);
            reply.response(half)
        }
        _ => {
            let body = if parts.method == "HEAD" { Bytes::new() } else { reply.body.clone() };
            under_way.answered(body.len());
            reply.response(Body::from(body))
        }
    }
}

fn serve(shared: &Shared, method: &str, path: &str, headers: &HeaderMap, body: &Bytes) -> Reply {
    let manners = shared.manners();
    if manners.only_web_pages {
        return Reply {
            body: Bytes::from_static(b"<!doctype html><title>Welcome</title><p>Hello"),
            ..Reply::status(200)
        }
        .header("content-type", "text/html");
    }
    if let Some(reply) = redirected(shared, &manners, path, headers) {
        return reply;
    }
    let (prefix, route) = manners.route(path);
    if let Route::Moved(status, location) = route {
        return Reply::status(status).header("location", location);
    }
    let mut records = shared.records();
    let place = Paths { manners: &manners, records: &records, prefix: &prefix }.place(path);
    if place == Place::WellKnown {
        let root = if manners.root_knows_principal { "/" } else { "/dav/" };
        return Reply::status(301).header("location", format!("{prefix}{}{root}", manners.base));
    }
    let user = if manners.login {
        match signed_in(shared, &manners, &records, (method, path), headers) {
            Ok(user) => user,
            Err(challenge) => {
                return Reply::words(401, "who are you?").header("www-authenticate", challenge);
            }
        }
    } else {
        let only = records.accounts.keys().next().cloned();
        place.owner().map(str::to_owned).or(only).unwrap_or_default()
    };
    if place.owner().is_some_and(|owner| owner != user) {
        return Reply::words(403, "that is not yours");
    }
    let asking = Asking {
        headers,
        body,
        user,
        manners: &manners,
        partition: shared.partition.get().copied(),
        prefix,
    };
    let reads = matches!(method, "PROPFIND" | "REPORT" | "GET" | "HEAD");
    if reads {
        records.exchange_shown();
    }
    let reply = match method {
        "OPTIONS" => Reply::status(200)
            .header("dav", "1, 3, access-control, calendar-access, calendar-auto-schedule")
            .header("allow", "OPTIONS, PROPFIND, REPORT, GET, HEAD, PUT, DELETE, MKCALENDAR"),
        "PROPFIND" => propfind::propfind(&asking, &records, &place),
        "REPORT" => report::report(&asking, &records, &place),
        "GET" | "HEAD" => get(&records, &place, manners.etags),
        "PUT" => write::put(&asking, &mut records, &place),
        "DELETE" => write::delete(&asking, &mut records, &place),
        "MKCALENDAR" => write::make_calendar(&asking, &mut records, &place),
        _ => Reply::status(405),
    };
    if reads {
        records.exchange_shown();
    }
    reply
}

fn redirected(
    shared: &Shared,
    manners: &Manners,
    path: &str,
    headers: &HeaderMap,
) -> Option<Reply> {
    let partition = shared.partition.get()?.to_string();
    let host = headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
    let (status, location) = match manners.redirect.as_ref()? {
        Redirect::ToPartition(_) if host == partition => return None,
        Redirect::ToPartition(status) => (*status, format!("http://{partition}{path}")),
        Redirect::InCircles(status) => (*status, path.to_owned()),
        Redirect::To(status, address) => (*status, address.clone()),
    };
    Some(Reply::status(status).header("location", location))
}

/// The user of a request, or the challenge where the request does not authenticate in the server's
/// way.
fn signed_in(
    shared: &Shared,
    manners: &Manners,
    records: &Records,
    asked: (&str, &str),
    headers: &HeaderMap,
) -> Result<String, String> {
    match manners.sign_in {
        SignIn::Basic => {
            login(records, headers).ok_or_else(|| "Basic realm=\"calendars\"".to_owned())
        }
        SignIn::Other(challenge) => Err(challenge.to_owned()),
        SignIn::Digest(algorithm, uses) => {
            let mut nonces = shared.nonces.lock().unwrap_or_else(PoisonError::into_inner);
            let said = headers
                .get("authorization")
                .and_then(|said| said.to_str().ok()?.strip_prefix("Digest "));
            let password =
                |user: &str| records.accounts.get(user).map(|account| account.password.clone());
            let judged = said
                .map_or(Err(false), |said| nonces.judge(said, asked, (algorithm, uses), password));
            judged.map_err(|stale| nonces.challenge(algorithm, stale))
        }
    }
}

fn login(records: &Records, headers: &HeaderMap) -> Option<String> {
    let said = headers.get("authorization")?.to_str().ok()?.strip_prefix("Basic ")?;
    let said = String::from_utf8(BASE64.decode(said.as_bytes()).ok()?).ok()?;
    let (user, password) = said.split_once(':')?;
    records
        .accounts
        .get(user)
        .filter(|account| account.password == password)
        .map(|_| user.to_owned())
}

fn get(records: &Records, place: &Place, etags: Etags) -> Reply {
    let Place::Object(user, calendar, name) = place else {
        return Reply::status(if *place == Place::Nowhere { 404 } else { 405 });
    };
    let collection = records.visible(user, calendar);
    let of_calendar = collection
        .filter(|_| etags == Etags::OfCalendar)
        .map(|calendar| format!("\"cal-{}\"", calendar.ctag()));
    match collection.and_then(|calendar| calendar.shown(name)) {
        Some(resource) => {
            Reply { body: Bytes::from(resource.body.to_string()), ..Reply::status(200) }
                .header("content-type", "text/calendar; charset=utf-8; component=VEVENT")
                .header("etag", of_calendar.unwrap_or_else(|| resource.etag.clone()))
        }
        None => Reply::status(404),
    }
}

fn throttled(shared: &Shared) -> Option<Reply> {
    let throttle = shared.manners().throttle?;
    let mut count = shared.throttled.lock().unwrap_or_else(PoisonError::into_inner);
    let place = *count % (throttle.every + throttle.refused).max(1);
    *count = count.wrapping_add(1);
    (place >= throttle.every).then(|| {
        Reply::status(throttle.status).header("retry-after", throttle.retry_after.to_string())
    })
}
