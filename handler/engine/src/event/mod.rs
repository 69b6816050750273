//! One event, in no provider's words.
//!
//! A provider's `convert` reads its own format into [`Event`] and writes [`Draft`]s back; nothing
//! above it knows iCalendar or JSON.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// What a provider calls an event: opaque to us, unique in its calendar.
///
/// For CalDAV this is the percent-decoded name of the resource within its calendar; two spellings
/// of one href are one id, and so are the hrefs of a calendar that is reached by two paths.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventId {
    key: String,
    /// The exact address to use in a request, kept only where it cannot be derived from `key`
    /// (a server that percent-encodes in its own way must get its own spelling back).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

impl EventId {
    /// An id whose address follows from itself.
    pub fn new(key: impl Into<String>) -> Self {
        Self { key: key.into(), address: None }
    }

    /// An id with the server's own spelling of its address.
    pub fn with_address(key: impl Into<String>, address: impl Into<String>) -> Self {
        Self { key: key.into(), address: Some(address.into()) }
    }

    /// The id of one occurrence of a series whose occurrences are events of their own: the id of
    /// the series and the start that its rule gave the occurrence, so that both sort together.
    ///
    /// The start is in UTC (`YYYYMMDDTHHMMSSZ`, in whole seconds), a day (`YYYYMMDD`), or a floating
    /// time (`YYYYMMDDTHHMMSS`).
    pub fn instance(master: &str, start: OriginalStart) -> Self {
        let start = match start {
            OriginalStart::Day(day) => day.strftime("%Y%m%d").to_string(),
            OriginalStart::At(instant) => instant.strftime("%Y%m%dT%H%M%SZ").to_string(),
            OriginalStart::Floating(local) => local.strftime("%Y%m%dT%H%M%S").to_string(),
        };
        Self::new(format!("{master}/{start}"))
    }

    /// The series and the original start, where this is the id of one occurrence
    /// ([`EventId::instance`]); `None` for any other id.
    pub fn in_series(&self) -> Option<(&str, OriginalStart)> {
        let (master, start) = self.key.rsplit_once('/')?;
        (!master.is_empty()).then_some((master, parse_original_start(start)?))
    }

    /// The id as it is compared, stored and shown.
    pub fn as_str(&self) -> &str {
        &self.key
    }

    /// The server's own spelling, if it differs from the canonical one.
    pub fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }
}

/// Reads what [`EventId::instance`] writes, and nothing else.
fn parse_original_start(text: &str) -> Option<OriginalStart> {
    let number = |at: usize, length: usize| {
        let digits = text.get(at..at + length)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<i16>().ok())?
    };
    let small = |at| number(at, 2).and_then(|number| i8::try_from(number).ok());
    let day = Date::new(number(0, 4)?, small(4)?, small(6)?).ok()?;
    if text.len() == 8 {
        return Some(OriginalStart::Day(day));
    }
    if text.as_bytes().get(8) != Some(&b'T') {
        return None;
    }
    let time = Time::new(small(9)?, small(11)?, small(13)?, 0).ok()?;
    let local = day.to_datetime(time);
    match text.get(15..)? {
        "" => Some(OriginalStart::Floating(local)),
        "Z" => local.to_zoned(TimeZone::UTC).ok().map(|zoned| OriginalStart::At(zoned.timestamp())),
        _ => None,
    }
}

impl PartialEq for EventId {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}
impl Eq for EventId {}
impl PartialOrd for EventId {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for EventId {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}
impl Hash for EventId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key.hash(state);
    }
}
impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.key)
    }
}

/// An event as one side shows it: a single event, or a series with all its exceptions.
///
/// `Debug` prints no content (requirement S2): ids and times only.
#[derive(Clone, PartialEq)]
pub struct Event {
    /// The event's id at the provider.
    pub id: EventId,
    /// The iCalendar UID; tracked, never reused for a copy (iCloud allows a UID once in an
    /// account).
    pub uid: String,
    /// The version the provider gave; `None` where it gives none.
    pub etag: Option<String>,
    /// iCalendar SEQUENCE (RFC 5545 section 3.8.7.4); 0 where there is none.
    pub sequence: u32,
    /// The event itself, or the master of the series.
    pub content: Content,
    /// Present for a series: its rules and exceptions.
    pub series: Option<Series>,
    /// The organizer of the meeting; read, never written.
    pub organizer: Option<Organizer>,
    /// There are guests that [`Content::attendees`] does not name: a room, or guests that this
    /// account may not see.
    pub others: bool,
    /// Cancelled as a whole: counts as deleted.
    pub cancelled: bool,
    /// The user of this account declined it: counts as deleted.
    pub declined: bool,
    /// The loop mark found on it, not yet verified (`marker.rs`).
    pub marker: Option<String>,
    /// CREATED, LAST-MODIFIED and DTSTAMP of the event.
    pub stamps: Stamps,
    /// The event names a zone that cannot be resolved, so the zone of its calendar is used.
    pub zone_guessed: bool,
}

/// The instants in the properties of an event (RFC 5545 section 3.8.7), as far as it has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamps {
    /// CREATED.
    pub created: Option<Timestamp>,
    /// LAST-MODIFIED.
    pub modified: Option<Timestamp>,
    /// DTSTAMP.
    pub stamped: Option<Timestamp>,
}

/// The largest difference, in seconds, that is assumed between the clocks of a server and of this
/// process.
const CLOCKS_APART: i64 = 24 * 60 * 60;

impl Stamps {
    /// Whether nothing older than a write of ours at that second can say this: it was made since,
    /// or has the very stamps of that write.
    pub fn prove_younger(&self, written: i64) -> bool {
        let is_ours = |stamp: Timestamp| stamp.as_second() == written;
        match self.created {
            Some(created) => created.as_second() >= written,
            None => self.stamped.is_some_and(is_ours) && self.modified.is_some_and(is_ours),
        }
    }

    /// Whether the event, in this version, was there before a write of this program at that second.
    pub fn prove_older(&self, written: i64) -> bool {
        let last = [self.created, self.modified, self.stamped].into_iter().flatten().max();
        last.is_some_and(|last| last.as_second() < written - CLOCKS_APART)
    }
}

impl Event {
    /// Whether other people are involved, so that writing here could reach them.
    pub fn has_guests(&self) -> bool {
        let invites = |exception: &Exception| matches!(exception, Exception::Changed(content) if !content.attendees.is_empty());
        self.others
            || !self.content.attendees.is_empty()
            || self.organizer.as_ref().is_some_and(|organizer| !organizer.is_me)
            || self.series.as_ref().is_some_and(|series| series.exceptions.values().any(invites))
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("id", &self.id)
            .field("etag", &self.etag)
            .field("span", &self.content.span)
            .finish_non_exhaustive()
    }
}

/// The organizer of a meeting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organizer {
    /// Lower-cased address.
    pub email: String,
    /// It is the owner of the account that we read with.
    pub is_me: bool,
}

/// What is carried over: the fields a copy may show.
///
/// Texts are as the provider gave them, with line ends as `\n`; `fingerprint.rs` normalises before
/// it hashes.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// When.
    pub span: Span,
    /// Title, one line.
    pub title: String,
    /// Description, plain text.
    pub description: String,
    /// Location, plain text.
    pub location: String,
    /// Addresses of the guests: lower-cased, sorted, no doubles, no rooms, without the account's
    /// own.
    pub attendees: Vec<String>,
    /// Its visibility.
    pub visibility: Visibility,
    /// What it does to the free/busy of its owner.
    pub busy: Busy,
}

impl Content {
    /// Takes over one field of another content. Guests are read and never written, so they stay.
    pub fn take_field(&mut self, field: Field, from: &Self) {
        match field {
            Field::Time => self.span.clone_from(&from.span),
            Field::Title => self.title.clone_from(&from.title),
            Field::Description => self.description.clone_from(&from.description),
            Field::Location => self.location.clone_from(&from.location),
            Field::Visibility => self.visibility = from.visibility,
            Field::Busy => self.busy = from.busy,
            Field::Attendees => {}
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("span", &self.span).finish_non_exhaustive()
    }
}

/// When an event is. Ends are exclusive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Span {
    /// Whole days, in no zone.
    AllDay {
        /// First day.
        start: Date,
        /// The day after the last.
        end: Date,
    },
    /// From one time to another; the two may be in different zones (a flight).
    Timed {
        /// Start.
        start: Moment,
        /// End, never before the start.
        end: Moment,
    },
}

/// A wall-clock time and the zone it is meant in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The local date and time.
    pub local: DateTime,
    /// The time zone.
    pub zone: Zone,
}

/// The zone of a wall-clock time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Zone {
    /// Coordinated universal time.
    Utc,
    /// A zone of the IANA database, known to exist there.
    Iana(String),
    /// Nowhere in particular: the calendar's own zone decides (RFC 5545 section 3.3.5, form 1).
    Floating,
}

/// The visibility of an event. The order is strictness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// As the calendar has it.
    Default,
    /// Visible to all who can see the calendar.
    Public,
    /// Details for the owner only.
    Private,
    /// CLASS:CONFIDENTIAL (RFC 5545 section 3.8.1.3).
    Confidential,
}

/// What an event does to the free/busy of its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Busy {
    /// Blocks nothing.
    Free,
    /// May take place.
    Tentative,
    /// Blocks the time.
    Busy,
    /// Out of office (Microsoft).
    Oof,
    /// Working elsewhere (Microsoft).
    WorkingElsewhere,
}

/// How a series repeats, and where it departs from its rule.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Series {
    /// RRULE values without the name (`FREQ=WEEKLY;BYDAY=TU`). Usually one; none where only `extra`
    /// repeats.
    pub rules: Vec<String>,
    /// RDATE: further starts, sorted.
    pub extra: Vec<OriginalStart>,
    /// Cancelled (EXDATE) and changed (RECURRENCE-ID) occurrences by the start that the rule gave
    /// them.
    pub exceptions: BTreeMap<OriginalStart, Exception>,
}

/// One departure from the rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exception {
    /// This occurrence does not take place.
    Cancelled,
    /// This occurrence is different; all its content, not the difference.
    Changed(Box<Content>),
}

/// The start that the rule gave an occurrence: its identity within the series, compared as an
/// instant, independent of the zone it was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OriginalStart {
    /// Of an all-day series.
    Day(Date),
    /// Of a series in a zone or in UTC.
    At(Timestamp),
    /// Of a floating series.
    Floating(DateTime),
}

/// What an event should show: a copy to be made, or new values for one that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The event, or the master of the series.
    pub content: Content,
    /// Rules and exceptions.
    pub series: Option<Series>,
}

impl From<&Event> for Draft {
    fn from(event: &Event) -> Self {
        Self { content: event.content.clone(), series: event.series.clone() }
    }
}

/// One field that is carried over. Time, all-day and the rule of the series are one field: they
/// only make sense together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// [`Content::span`], [`Series::rules`], [`Series::extra`].
    Time,
    /// [`Content::title`].
    Title,
    /// [`Content::description`].
    Description,
    /// [`Content::location`].
    Location,
    /// [`Content::attendees`].
    Attendees,
    /// [`Content::visibility`].
    Visibility,
    /// [`Content::busy`].
    Busy,
}

impl Field {
    /// All fields, in their order in a fingerprint.
    pub const ALL: [Field; 7] = [
        Field::Time,
        Field::Title,
        Field::Description,
        Field::Location,
        Field::Attendees,
        Field::Visibility,
        Field::Busy,
    ];
}

/// Which parts of an event differ: fields of the event or master, and single exceptions of the
/// series.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parts {
    /// Fields of the event or of the master.
    pub fields: std::collections::BTreeSet<Field>,
    /// Occurrences whose exception appeared, changed or went away.
    pub exceptions: std::collections::BTreeSet<OriginalStart>,
}

impl Parts {
    /// Nothing differs.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.exceptions.is_empty()
    }
}

#[cfg(test)]
mod tests;
