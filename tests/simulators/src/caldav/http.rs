//! The skin: who asks, where, and which method. What comes before and after the line breaks is decided here.

use std::borrow::Cow;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, Response};
use data_encoding::BASE64;
use hyper::body::Incoming;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use super::manners::Manners;
use super::state::Records;
use super::{Shared, propfind, report, write};
use crate::faults::{Asked, Fault};
use crate::traffic::Kind;
use crate::wire::{Outcome, truncated};
use crate::xml::{CALDAV, DAV, Node};

const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// What is kept as it is in a path segment.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
const SEGMENT_WITH_AT: &AsciiSet = &SEGMENT.remove(b'@');

/// An answer before it is on the wire.
#[derive(Debug)]
pub(super) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// A refusal in words, for whoever reads the log of a failed test.
    pub fn words(status: u16, words: &str) -> Self {
        Self { body: Bytes::from(words.to_owned()), ..Self::status(status) }.header("content-type", "text/plain; charset=utf-8")
    }

    /// A refusal by a precondition (RFC 4918, section 16).
    pub fn precondition(status: u16, ns: &str, name: &str, manners: &Manners) -> Self {
        Self::xml(status, &Node::dav("error").child(Node::new(ns, name)), manners)
    }

    pub fn xml(status: u16, node: &Node, manners: &Manners) -> Self {
        Self { body: Bytes::from(node.write(manners.naming)), ..Self::status(status) }
            .header("content-type", "application/xml; charset=utf-8")
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn response(self, body: Body) -> Outcome {
        let mut answer = Response::builder().status(self.status).header("content-length", self.body.len());
        for (name, value) in self.headers {
            answer = answer.header(name, value);
        }
        answer.body(body).map_or(Outcome::Cut, Outcome::Answer)
    }
}

/// A request as the rest of the skin sees it.
#[derive(Debug)]
pub(super) struct Asking<'a> {
    pub headers: &'a HeaderMap,
    pub body: &'a Bytes,
    pub user: String,
    pub manners: &'a Manners,
    pub partition: Option<std::net::SocketAddr>,
}

impl Asking<'_> {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The XML in the body, checked as strictly as the manners ask.
    pub fn xml(&self) -> Result<Node, Reply> {
        let kind = self.header("content-type").unwrap_or_default();
        if self.manners.strict && !kind.starts_with("application/xml") && !kind.starts_with("text/xml") {
            return Err(Reply::words(415, "the body is not said to be XML"));
        }
        let text = std::str::from_utf8(self.body).map_err(|_| Reply::words(400, "the body is not UTF-8"))?;
        Node::read(text).map_err(|why| Reply::words(400, &format!("the body is not XML: {why}")))
    }

    /// Depth, where a careful client says it.
    pub fn depth(&self, usual: &'static str) -> Result<String, Reply> {
        match self.header("depth") {
            Some(depth) => Ok(depth.to_ascii_lowercase()),
            None if self.manners.strict => Err(Reply::words(400, "there is no Depth")),
            None => Ok(usual.to_owned()),
        }
    }
}

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Root,
    WellKnown,
    Principal(String),
    Home(String),
    Calendar(String, String),
    Object(String, String, String),
    Nowhere,
}

impl Place {
    pub fn owner(&self) -> Option<&str> {
        match self {
            Self::Principal(user) | Self::Home(user) | Self::Calendar(user, _) | Self::Object(user, _, _) => Some(user),
            Self::Root | Self::WellKnown | Self::Nowhere => None,
        }
    }
}

/// Paths, written and read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Paths<'a> {
    pub manners: &'a Manners,
    pub records: &'a Records,
}

impl Paths<'_> {
    pub fn principal(&self, user: &str) -> String {
        self.manners.principal.replace("{}", &self.account(user))
    }

    pub fn home(&self, user: &str) -> String {
        self.manners.home.replace("{}", &self.account(user))
    }

    pub fn calendar(&self, user: &str, calendar: &str) -> String {
        format!("{}{}/", self.home(user), self.encode(calendar))
    }

    pub fn object(&self, user: &str, calendar: &str, name: &str) -> String {
        format!("{}{}", self.calendar(user, calendar), self.encode(name))
    }

    fn account<'b>(&self, user: &'b str) -> Cow<'b, str> {
        match self.records.accounts.get(user) {
            Some(account) if self.manners.numbered_accounts => account.number.to_string().into(),
            _ => self.encode(user),
        }
    }

    pub fn encode<'b>(&self, segment: &'b str) -> Cow<'b, str> {
        let set = if self.manners.at_sign_encoded { SEGMENT } else { SEGMENT_WITH_AT };
        Cow::from(utf8_percent_encode(segment, set))
    }

    /// Where a path or an absolute address leads.
    pub fn place(&self, address: &str) -> Place {
        let path = match address.split_once("://") {
            Some((_, rest)) => rest.find('/').map_or("/", |slash| &rest[slash..]),
            None => address,
        };
        let decoded: Option<Vec<String>> =
            path.split('/').filter(|s| !s.is_empty()).map(|s| percent_decode_str(s).decode_utf8().ok().map(Cow::into_owned)).collect();
        let Some(segments) = decoded else { return Place::Nowhere };
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        match segments[..] {
            [] if self.manners.root_knows_principal => return Place::Root,
            ["dav"] => return Place::Root,
            [".well-known", "caldav"] => return Place::WellKnown,
            _ => {}
        }
        let under = |template: &str| -> Option<(String, Vec<String>)> {
            let mut rest = segments.iter();
            let mut user = None;
            for part in template.split('/').filter(|s| !s.is_empty()) {
                let segment = rest.next()?;
                if part == "{}" {
                    user = self.records.accounts.iter().find(|(name, account)| {
                        if self.manners.numbered_accounts { account.number.to_string() == *segment } else { name.as_str() == *segment }
                    });
                    user?;
                } else if part != *segment {
                    return None;
                }
            }
            Some((user?.0.clone(), rest.map(ToString::to_string).collect()))
        };
        match under(self.manners.home) {
            Some((user, rest)) => match <[String; 1]>::try_from(rest) {
                Ok([calendar]) => Place::Calendar(user, calendar),
                Err(rest) if rest.is_empty() => Place::Home(user),
                Err(rest) => match <[String; 2]>::try_from(rest) {
                    Ok([calendar, name]) => Place::Object(user, calendar, name),
                    Err(_) => Place::Nowhere,
                },
            },
            None => match under(self.manners.principal) {
                Some((user, rest)) if rest.is_empty() => Place::Principal(user),
                _ => Place::Nowhere,
            },
        }
    }
}

/// Takes a request through faults and manners to an answer.
pub(super) async fn answer(shared: &Shared, request: Request<Incoming>) -> Outcome {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(Body::new(body), LARGEST_BODY).await else { return Outcome::Cut };
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
    let reply = shared.throttled().unwrap_or_else(|| serve(shared, parts.method.as_str(), path, &parts.headers, &body));
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
            under_way.answered(reply.body.len());
            let whole = if parts.method == "HEAD" { Body::empty() } else { Body::from(reply.body.clone()) };
            reply.response(whole)
        }
    }
}

fn serve(shared: &Shared, method: &str, path: &str, headers: &HeaderMap, body: &Bytes) -> Reply {
    let manners = shared.manners();
    let mut records = shared.records();
    let place = Paths { manners: &manners, records: &records }.place(path);
    if place == Place::WellKnown {
        return Reply::status(301).header("location", if manners.root_knows_principal { "/" } else { "/dav/" });
    }
    let user = if manners.login {
        match login(&records, headers) {
            Some(user) => user,
            None => return Reply::words(401, "who are you?").header("www-authenticate", "Basic realm=\"calendars\""),
        }
    } else {
        let only = records.accounts.keys().next().cloned();
        place.owner().map(str::to_owned).or(only).unwrap_or_default()
    };
    if place.owner().is_some_and(|owner| owner != user) {
        return Reply::words(403, "that is not yours");
    }
    let asking = Asking { headers, body, user, manners: &manners, partition: shared.partition.get().copied() };
    match method {
        "OPTIONS" => Reply::status(200)
            .header("dav", "1, 3, access-control, calendar-access, calendar-auto-schedule")
            .header("allow", "OPTIONS, PROPFIND, REPORT, GET, HEAD, PUT, DELETE, MKCALENDAR"),
        "PROPFIND" => propfind::propfind(&asking, &records, &place),
        "REPORT" => report::report(&asking, &records, &place),
        "GET" | "HEAD" => get(&records, &place),
        "PUT" => write::put(&asking, &mut records, &place),
        "DELETE" => write::delete(&asking, &mut records, &place),
        "MKCALENDAR" => write::make_calendar(&asking, &mut records, &place),
        _ => Reply::status(405),
    }
}

fn login(records: &Records, headers: &HeaderMap) -> Option<String> {
    let said = headers.get("authorization")?.to_str().ok()?.strip_prefix("Basic ")?;
    let said = String::from_utf8(BASE64.decode(said.as_bytes()).ok()?).ok()?;
    let (user, password) = said.split_once(':')?;
    records.accounts.get(user).filter(|account| account.password == password).map(|_| user.to_owned())
}

fn get(records: &Records, place: &Place) -> Reply {
    let Place::Object(user, calendar, name) = place else { return Reply::status(if *place == Place::Nowhere { 404 } else { 405 }) };
    match records.visible(user, calendar).and_then(|calendar| calendar.get(name)) {
        Some(resource) => Reply { body: Bytes::from(resource.body.to_string()), ..Reply::status(200) }
            .header("content-type", "text/calendar; charset=utf-8; component=VEVENT")
            .header("etag", resource.etag.clone()),
        None => Reply::status(404),
    }
}

impl Shared {
    fn throttled(&self) -> Option<Reply> {
        let throttle = self.manners().throttle?;
        let mut count = self.throttled.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let place = *count % (throttle.every + throttle.refused).max(1);
        *count = count.wrapping_add(1);
        (place >= throttle.every).then(|| Reply::status(throttle.status).header("retry-after", throttle.retry_after.to_string()))
    }
}

/// The names of the preconditions that are ours to choose between.
pub(super) const fn namespace_of(precondition: &str) -> &'static str {
    match precondition.as_bytes() {
        b"valid-sync-token" | b"number-of-matches-within-limits" | b"supported-report" | b"propfind-finite-depth" | b"need-privileges" => {
            DAV
        }
        _ => CALDAV,
    }
}
