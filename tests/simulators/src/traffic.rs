//! What was asked of a server, how often, how much of it, and how much of it at once.
//!
//! Counted in one way by the simulator and by the proxy before real servers, so that one
//! expectation serves both.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A kind of request: for CalDAV the method, and for REPORT which report it is; for Google and
/// Microsoft Graph which of their methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// PROPFIND.
    Propfind,
    /// REPORT `DAV:sync-collection` (RFC 6578).
    SyncCollection,
    /// REPORT `calendar-query` (RFC 4791, section 7.8).
    CalendarQuery,
    /// REPORT `calendar-multiget` (RFC 4791, section 7.9).
    Multiget,
    /// Any other REPORT.
    OtherReport,
    /// GET and HEAD.
    Get,
    /// PUT.
    Put,
    /// DELETE.
    Delete,
    /// OPTIONS.
    Options,
    /// MKCALENDAR and MKCOL.
    MakeCalendar,
    /// Google, Entra: the page on which a person consents, and its form.
    Consent,
    /// Google, Entra: a code or a refresh token becomes an access token.
    Token,
    /// Google: a grant is given back.
    Revoke,
    /// Google: `calendarList.list` and `calendarList.get`. Graph: calendars, all or one.
    CalendarList,
    /// Google: `events.list`.
    List,
    /// Google: `events.instances`. Graph: `/instances`.
    Instances,
    /// Google: `events.insert`. Graph: POST of an event.
    Insert,
    /// Google: `events.import`.
    Import,
    /// Google: `events.update`.
    Update,
    /// Google: `events.patch`. Graph: PATCH of an event.
    Patch,
    /// Google: `events.watch`. Graph: POST of a subscription.
    Watch,
    /// Google: `channels.stop`. Graph: DELETE of a subscription.
    Stop,
    /// Graph: PATCH of a subscription, or its authorization.
    Renew,
    /// Graph: subscriptions, all or one.
    Subscriptions,
    /// Graph: `calendarView`.
    View,
    /// Graph: `calendarView/delta`.
    Delta,
    /// Graph: events of a whole mailbox, by a filter.
    Find,
    /// Entra: the keys of its tokens.
    Keys,
    /// Google: many calls in one request. What is inside is counted in [`Counts::batched`].
    Batch,
    /// Everything else.
    Other,
}

impl Kind {
    /// The kind of a request with this method, and this beginning of a body.
    pub fn of(method: &str, body: &[u8]) -> Self {
        match method {
            "PROPFIND" => Self::Propfind,
            "REPORT" => {
                let beginning = String::from_utf8_lossy(&body[..body.len().min(400)]);
                let reports = [
                    ("sync-collection", Self::SyncCollection),
                    ("calendar-query", Self::CalendarQuery),
                    ("calendar-multiget", Self::Multiget),
                ];
                reports
                    .into_iter()
                    .find(|(name, _)| beginning.contains(name))
                    .map_or(Self::OtherReport, |(_, kind)| kind)
            }
            "GET" | "HEAD" => Self::Get,
            "PUT" => Self::Put,
            "DELETE" => Self::Delete,
            "OPTIONS" => Self::Options,
            "MKCALENDAR" | "MKCOL" => Self::MakeCalendar,
            _ => Self::Other,
        }
    }

    /// Whether it changes the content of the server.
    pub fn writes(self) -> bool {
        matches!(
            self,
            Self::Put
                | Self::Delete
                | Self::MakeCalendar
                | Self::Insert
                | Self::Import
                | Self::Update
                | Self::Patch
                | Self::Other
        )
    }

    /// Whether its response contains the content of a calendar or a home.
    pub fn lists(self) -> bool {
        matches!(
            self,
            Self::Propfind
                | Self::SyncCollection
                | Self::CalendarQuery
                | Self::Multiget
                | Self::CalendarList
                | Self::List
                | Self::Instances
                | Self::View
                | Self::Delta
                | Self::Find
        )
    }
}

/// The sum over the requests of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many.
    pub requests: u64,
    /// Bytes of their bodies.
    pub bytes_up: u64,
    /// Bytes of the bodies of the answers.
    pub bytes_down: u64,
}

/// A count of requests since the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    by_kind: BTreeMap<Kind, Tally>,
    inside: BTreeMap<Kind, u64>,
    /// Most requests under way at one moment.
    pub peak: usize,
    /// Most writes under way at one moment. A batch in which something is written is one.
    pub peak_writes: usize,
}

impl Counts {
    /// How many requests of this kind there were.
    pub fn of(&self, kind: Kind) -> u64 {
        self.tally(kind).requests
    }

    /// Requests and bytes of this kind.
    pub fn tally(&self, kind: Kind) -> Tally {
        self.by_kind.get(&kind).copied().unwrap_or_default()
    }

    /// How many calls of this kind came inside of batches. They are no requests of their own; of
    /// the other numbers here only [`Counts::writes`] knows them.
    pub fn batched(&self, kind: Kind) -> u64 {
        self.inside.get(&kind).copied().unwrap_or_default()
    }

    /// All requests.
    pub fn total(&self) -> u64 {
        self.by_kind.values().map(|t| t.requests).sum()
    }

    /// All requests that could have changed something, and all such calls inside of batches.
    pub fn writes(&self) -> u64 {
        let requests = self.by_kind.iter().map(|(kind, tally)| (kind, tally.requests));
        let inside = self.inside.iter().map(|(kind, calls)| (kind, *calls));
        requests.chain(inside).filter(|(kind, _)| kind.writes()).map(|(_, count)| count).sum()
    }

    /// Bytes of all request bodies.
    pub fn bytes_up(&self) -> u64 {
        self.by_kind.values().map(|t| t.bytes_up).sum()
    }

    /// Bytes of all answers' bodies.
    pub fn bytes_down(&self) -> u64 {
        self.by_kind.values().map(|t| t.bytes_down).sum()
    }
}

/// One line, as failing assertions and benchmarks print it: `2 Propfind, 1 SyncCollection (4 at
/// once)`.
impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.by_kind.is_empty() {
            return f.write_str("no request");
        }
        for (n, (kind, tally)) in self.by_kind.iter().enumerate() {
            write!(f, "{}{} {kind:?}", if n == 0 { "" } else { ", " }, tally.requests)?;
        }
        for (kind, calls) in &self.inside {
            write!(f, ", {calls} {kind:?} inside")?;
        }
        write!(f, " ({} at once)", self.peak)
    }
}

/// Counts requests as they come and go.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<Reading>>);

#[derive(Debug, Default)]
struct Reading {
    counts: Counts,
    now: usize,
    writes_now: usize,
}

impl Meter {
    /// The counts since the last reset.
    pub fn counts(&self) -> Counts {
        self.reading().counts.clone()
    }

    /// Begins again at zero.
    pub fn reset(&self) {
        let mut reading = self.reading();
        reading.counts =
            Counts { peak: reading.now, peak_writes: reading.writes_now, ..Counts::default() };
    }

    /// Counts a request in; it is under way until the guard is dropped.
    pub(crate) fn enter(&self, kind: Kind, bytes_up: usize) -> UnderWay {
        let mut reading = self.reading();
        reading.now += 1;
        reading.writes_now += usize::from(kind.writes());
        reading.counts.peak = reading.counts.peak.max(reading.now);
        reading.counts.peak_writes = reading.counts.peak_writes.max(reading.writes_now);
        let tally = reading.counts.by_kind.entry(kind).or_default();
        tally.requests += 1;
        tally.bytes_up += bytes_up as u64;
        drop(reading);
        UnderWay { meter: self.clone(), kind }
    }

    /// Counts a call inside of a batch.
    pub(crate) fn inside(&self, kind: Kind) {
        *self.reading().counts.inside.entry(kind).or_default() += 1;
    }

    /// What is under way is a write, though its kind does not say so, until the guard is dropped.
    pub(crate) fn writing(&self) -> Writing {
        let mut reading = self.reading();
        reading.writes_now += 1;
        reading.counts.peak_writes = reading.counts.peak_writes.max(reading.writes_now);
        drop(reading);
        Writing(self.clone())
    }

    fn reading(&self) -> MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A write inside of a request that has not been answered yet.
#[derive(Debug)]
pub(crate) struct Writing(Meter);

impl Drop for Writing {
    fn drop(&mut self) {
        self.0.reading().writes_now -= 1;
    }
}

/// A request that has not been answered yet.
#[derive(Debug)]
pub(crate) struct UnderWay {
    meter: Meter,
    kind: Kind,
}

impl UnderWay {
    /// Counts bytes of the request's body, where they are known only later.
    pub(crate) fn sent(&self, bytes: usize) {
        self.meter.reading().counts.by_kind.entry(self.kind).or_default().bytes_up += bytes as u64;
    }

    /// Counts bytes of the answer's body.
    pub(crate) fn answered(&self, bytes: usize) {
        self.meter.reading().counts.by_kind.entry(self.kind).or_default().bytes_down +=
            bytes as u64;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut reading = self.meter.reading();
        reading.now -= 1;
        reading.writes_now -= usize::from(self.kind.writes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_told_apart() {
        assert_eq!(Kind::of("REPORT", b"<?xml?><d:sync-collection xmlns"), Kind::SyncCollection);
        assert_eq!(Kind::of("REPORT", b"<C:calendar-multiget"), Kind::Multiget);
        assert_eq!(Kind::of("REPORT", b"<free-busy-query"), Kind::OtherReport);
    }

    #[test]
    fn what_a_batch_writes_is_written() {
        let meter = Meter::default();
        let batch = meter.enter(Kind::Batch, 10);
        let writing = meter.writing();
        meter.inside(Kind::Patch);
        meter.inside(Kind::Get);
        drop((meter.enter(Kind::Insert, 0), batch, writing));
        let counts = meter.counts();
        assert_eq!(
            (counts.writes(), counts.total(), counts.peak_writes, counts.batched(Kind::Get)),
            (2, 2, 2, 1)
        );
        assert_eq!(
            counts.to_string(),
            "1 Insert, 1 Batch, 1 Get inside, 1 Patch inside (2 at once)"
        );
        drop(meter.enter(Kind::Insert, 0));
        meter.reset();
        assert_eq!(meter.counts().peak_writes, 0, "nothing is under way any more");
    }

    #[test]
    fn the_peak_is_what_was_under_way_at_once() {
        let meter = Meter::default();
        let a = meter.enter(Kind::Put, 10);
        let b = meter.enter(Kind::Get, 0);
        b.answered(5);
        drop((a, b));
        drop(meter.enter(Kind::Put, 1));
        let counts = meter.counts();
        assert_eq!(
            (counts.peak, counts.peak_writes, counts.total(), counts.writes()),
            (2, 1, 3, 2)
        );
        assert_eq!(counts.tally(Kind::Put), Tally { requests: 2, bytes_up: 11, bytes_down: 0 });
        assert_eq!(counts.to_string(), "1 Get, 2 Put (2 at once)");
        meter.reset();
        assert_eq!(meter.counts().total(), 0);
    }
}
