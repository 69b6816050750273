//! One event, in no provider's words.
//!
//! A provider's `convert` reads its own format into [`Event`] and writes [`Draft`]s back; nothing
//! above it knows iCalendar or JSON.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

mod event_id;
mod original_start;

pub use event_id::EventId;
pub use original_start::OriginalStart;

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
    /// When its provider says that it last changed, where that is none of its properties.
    pub updated: Option<Timestamp>,
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
    /// When it last changed, as far as it or its provider says so.
    pub fn changed_at(&self) -> Option<Timestamp> {
        self.updated.or(self.stamps.modified.max(self.stamps.stamped))
    }

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
