//! What goes wrong on the way to a server and back: planned one by one, or by a seed.
//!
//! Properties:
//! - A planned fault applies to the next request that it fits, once; planned ones come before
//!   random ones.
//! - Random faults depend on seed, kind, path and the number of such requests to that path:
//!   parallel requests get the same faults in any order of arrival, so that a seed can be repeated.
//! - The faults that were applied can be read afterwards.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::Response;

use crate::rng::Rng;
use crate::traffic::Kind;

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The line breaks before the server has done anything.
    DropBefore,
    /// The server does its work; the line breaks before the answer is out.
    DropAfter,
    /// This status, and nothing done.
    Status(u16),
    /// The server does its work, and this status is answered nevertheless (a gateway that lost
    /// patience).
    StatusAfter(u16),
    /// This status (429 or 503) with `Retry-After` in seconds, and nothing done.
    Throttled {
        /// 429 or 503.
        status: u16,
        /// Seconds.
        retry_after: u64,
    },
    /// The server does its work; the line breaks in the middle of the answer's body.
    Truncated,
    /// A listing without any entry, as from a server whose index is broken; all else about it is in
    /// order. Fits listings only.
    EmptyListing,
    /// A listing that names neither a next page nor a sync token: no client can know that it is
    /// complete. Fits Google's listings of events and Graph's rounds of delta only.
    NoEnd,
    /// The sync token is not known any more: 403 `valid-sync-token`, from Google 410
    /// `fullSyncRequired`, from Graph 410 `SyncStateNotFound`. Fits listings with a token only, each page of them by itself.
    LostToken,
    /// Refused with this status and this reason of Google's (`rateLimitExceeded`, `quotaExceeded`,
    /// `accessNotConfigured`…), and nothing done.
    Refused {
        /// Status.
        status: u16,
        /// The reason in the error.
        reason: &'static str,
    },
    /// The answer comes late.
    Delay(Duration),
}

impl Fault {
    /// Faults that pass, and that no calendar may suffer from: broken lines, overload, a server in
    /// trouble, a lost token.
    pub const PASSING: &[Self] = &[
        Self::DropBefore,
        Self::DropAfter,
        Self::Status(500),
        Self::Status(503),
        Self::StatusAfter(504),
        Self::Throttled { status: 429, retry_after: 0 },
        Self::Throttled { status: 503, retry_after: 0 },
        Self::Truncated,
        Self::LostToken,
    ];

    fn fits(self, asked: &Asked<'_>) -> bool {
        match self {
            Self::EmptyListing => asked.kind.lists(),
            Self::NoEnd => matches!(asked.kind, Kind::List | Kind::Delta),
            Self::LostToken => {
                matches!(asked.kind, Kind::SyncCollection | Kind::List | Kind::Delta)
                    && asked.incremental
            }
            _ => true,
        }
    }

    /// Whether the server still does its work.
    pub(crate) fn lets_through(self) -> bool {
        matches!(
            self,
            Self::DropAfter | Self::StatusAfter(_) | Self::Truncated | Self::NoEnd | Self::Delay(_)
        )
    }

    /// The answer that takes the place of a CalDAV server's, where the fault is an answer.
    pub(crate) fn answer(self) -> Option<Response<Body>> {
        let (status, retry_after, xml) = match self {
            Self::Status(status) | Self::StatusAfter(status) | Self::Refused { status, .. } => {
                (status, None, "")
            }
            Self::Throttled { status, retry_after } => (status, Some(retry_after), ""),
            Self::EmptyListing => (207, None, r#"<multistatus xmlns="DAV:"/>"#),
            Self::LostToken => (403, None, r#"<error xmlns="DAV:"><valid-sync-token/></error>"#),
            Self::DropBefore | Self::DropAfter | Self::Truncated | Self::NoEnd | Self::Delay(_) => {
                return None;
            }
        };
        let mut answer = Response::builder().status(status);
        if let Some(seconds) = retry_after {
            answer = answer.header("retry-after", seconds);
        }
        if status == 401 {
            answer = answer.header("www-authenticate", "Basic realm=\"calendars\"");
        }
        if !xml.is_empty() {
            answer = answer.header("content-type", "application/xml; charset=utf-8");
        }
        answer.body(Body::from(xml)).ok()
    }
}

/// Which requests a fault is meant for.
#[derive(Clone, Debug, Default)]
pub struct On {
    kinds: Option<Vec<Kind>>,
    path: Option<String>,
    body: Option<String>,
}

impl On {
    /// Any request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests of one kind.
    pub fn kind(kind: Kind) -> Self {
        Self { kinds: Some(vec![kind]), ..Self::default() }
    }

    /// Requests of these kinds.
    pub fn kinds(kinds: &[Kind]) -> Self {
        Self { kinds: Some(kinds.to_vec()), ..Self::default() }
    }

    /// Writes of events: PUT and DELETE, and Google's insert, import, update, patch and delete.
    pub fn writes() -> Self {
        Self::kinds(&[
            Kind::Put,
            Kind::Delete,
            Kind::Insert,
            Kind::Import,
            Kind::Update,
            Kind::Patch,
        ])
    }

    /// Only where the path contains this.
    pub fn at(mut self, part: &str) -> Self {
        self.path = Some(part.to_owned());
        self
    }

    /// Only where the body contains this.
    pub fn saying(mut self, part: &str) -> Self {
        self.body = Some(part.to_owned());
        self
    }

    fn matches(&self, asked: &Asked<'_>) -> bool {
        let says = |part: &String| {
            asked.body.windows(part.len().max(1)).any(|window| window == part.as_bytes())
        };
        self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&asked.kind))
            && self.path.as_ref().is_none_or(|part| asked.path.contains(part))
            && self.body.as_ref().is_none_or(says)
    }
}

/// A request, as far as faults look at it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub kind: Kind,
    pub path: &'a str,
    pub body: &'a [u8],
    /// Whether it is a listing with a sync token.
    pub incremental: bool,
}

impl<'a> Asked<'a> {
    pub(crate) fn new(kind: Kind, path: &'a str, body: &'a [u8]) -> Self {
        let incremental = kind == Kind::SyncCollection && {
            // `<d:sync-token>x` holds something; `<d:sync-token/>` and `<d:sync-token></` hold
            // nothing.
            let text = String::from_utf8_lossy(&body[..body.len().min(2_000)]);
            text.split_once("sync-token").and_then(|(_, rest)| rest.split_once('>')).is_some_and(
                |(tag, rest)| !tag.ends_with('/') && !rest.trim_start().starts_with('<'),
            )
        };
        Self { kind, path, body, incremental }
    }
}

/// A fault that struck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Struck {
    /// The kind of the request.
    pub kind: Kind,
    /// Its path.
    pub path: String,
    /// What happened to it.
    pub fault: Fault,
}

/// The plan of what goes wrong. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    planned: Vec<Planned>,
    random: Option<Random>,
    struck: Vec<Struck>,
}

#[derive(Debug)]
struct Planned {
    on: On,
    fault: Fault,
    skip: usize,
    times: usize,
}

#[derive(Debug)]
struct Random {
    seed: u64,
    probability: f64,
    on: On,
    faults: Vec<Fault>,
    asked: HashMap<(Kind, String), u64>,
}

impl Faults {
    /// The next request that fits meets this fault.
    pub fn next(&self, on: On, fault: Fault) {
        self.times(1, on, fault);
    }

    /// The next so many requests that fit meet this fault.
    pub fn times(&self, times: usize, on: On, fault: Fault) {
        self.after(0, times, on, fault);
    }

    /// Every request that fits meets this fault, until [`Faults::clear`].
    pub fn always(&self, on: On, fault: Fault) {
        self.times(usize::MAX, on, fault);
    }

    /// Lets `skip` requests that fit pass, then strikes `times` of them.
    pub fn after(&self, skip: usize, times: usize, on: On, fault: Fault) {
        self.plan().planned.push(Planned { on, fault, skip, times });
    }

    /// Every request that fits meets one of these faults with this probability, as the seed
    /// decides, until [`Faults::clear`].
    pub fn randomly(&self, seed: u64, probability: f64, on: On, faults: &[Fault]) {
        self.plan().random =
            Some(Random { seed, probability, on, faults: faults.to_vec(), asked: HashMap::new() });
    }

    /// From now on all is well.
    pub fn clear(&self) {
        let mut plan = self.plan();
        plan.planned.clear();
        plan.random = None;
    }

    /// Whether planned faults wait for their request still: a test that ends with one has not
    /// tested what it meant to.
    pub fn waiting(&self) -> bool {
        !self.plan().planned.is_empty()
    }

    /// What struck so far, in order.
    pub fn struck(&self) -> Vec<Struck> {
        self.plan().struck.clone()
    }

    /// The fault that this request meets.
    pub(crate) fn draw(&self, asked: &Asked<'_>) -> Option<Fault> {
        let mut plan = self.plan();
        let fault = plan
            .planned(asked)
            .or_else(|| plan.random.as_mut().and_then(|random| random.draw(asked)))?;
        plan.struck.push(Struck { kind: asked.kind, path: asked.path.to_owned(), fault });
        Some(fault)
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plan {
    fn planned(&mut self, asked: &Asked<'_>) -> Option<Fault> {
        for (n, planned) in self.planned.iter_mut().enumerate() {
            if !planned.on.matches(asked) || !planned.fault.fits(asked) {
                continue;
            }
            if planned.skip > 0 {
                planned.skip -= 1;
                continue;
            }
            let fault = planned.fault;
            planned.times = planned.times.saturating_sub(1);
            if planned.times == 0 {
                self.planned.remove(n);
            }
            return Some(fault);
        }
        None
    }
}

impl Random {
    fn draw(&mut self, asked: &Asked<'_>) -> Option<Fault> {
        if !self.on.matches(asked) {
            return None;
        }
        let nth = self.asked.entry((asked.kind, asked.path.to_owned())).or_default();
        *nth += 1;
        let mut rng =
            Rng::of(self.seed, &[&format!("{:?}", asked.kind), asked.path, &nth.to_string()]);
        if !rng.chance(self.probability) {
            return None;
        }
        let fitting: Vec<Fault> =
            self.faults.iter().copied().filter(|fault| fault.fits(asked)).collect();
        rng.pick(&fitting).copied()
    }
}

#[cfg(test)]
mod tests;
