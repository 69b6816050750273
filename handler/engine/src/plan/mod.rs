//! Changes and mappings to decisions: the whole algorithm, without I/O.
//!
//! # Properties
//! * The same input gives the same decision: a dry run shows what the pass will do, and a pass that
//!   is repeated after a crash ends where the first would have.
//! * Only [`Observed::Gone`] (a read of that id found nothing), a cancelled or a declined event
//!   deletes. What was not seen is unchanged.
//! * An event in which other people take part is never written to or deleted, be it an origin or a
//!   copy to which its owner invited a guest.
//! * In a one-way pair nothing is ever written to the calendar of the origin.
//!
//! # The cases
//! ```text
//!                    copy as it was        copy edited              copy gone
//! origin as it was   -                     flows back | drift       delete origin | suppress
//! origin edited      write copy            merge                    make the copy again (one-way: if time or title changed)
//! origin gone        delete copy           make the origin again    forget
//!                                          | delete copy
//! ```
//! Where two are named, the first is for two-way pairs. A suppressed copy comes back when its
//! origin's time or title changes.

use jiff::Timestamp;

use crate::calendar::CalendarId;
use crate::copy::{CopyStyle, in_origin_terms};
use crate::event::{Draft, Event, EventId, Parts};
use crate::fingerprint::Fingerprinter;
use crate::mapping::{MappedEvent, Mapping};
use crate::marker::{MappingId, Mark, Marks, Role};
use crate::pair::{Pair, PerSide, Side, Window};
use crate::provider::ProviderKind;
use crate::reason::Reason;
use crate::recurrence;
use crate::uid::UidHash;

pub use along::Halves;
pub use conflict::{Conflict, Outcome};
pub use unknown::{Beside, Unknown};

mod along;
mod apart;
mod conflict;
mod copy_missing;
mod known;
mod merged;
#[cfg(test)]
mod tests;
mod unknown;

/// What a decision may look at besides the events themselves.
pub struct Planner<'a> {
    /// The pair.
    pub pair: &'a Pair,
    /// The providers of the two calendars, `from` first.
    pub kinds: PerSide<ProviderKind>,
    /// The zones in which their floating times are meant.
    pub zones: PerSide<Option<&'a str>>,
    /// Marks.
    pub marks: &'a Marks,
    /// The calendars to which marks of the former form may be bound.
    pub calendars: &'a [CalendarId],
    /// Fingerprints of this pair.
    pub prints: &'a Fingerprinter,
    /// The window of today.
    pub window: Window,
    /// Now.
    pub now: Timestamp,
    /// The number of this pass.
    pub pass: u64,
    /// A full pass also puts copies right that were edited, and whose origin has no news.
    pub full: bool,
}

/// What was seen of one of the two events of a mapping.
#[derive(Clone, Debug)]
pub enum Observed {
    /// No news: as the mapping remembers it.
    Unchanged,
    /// It is there, and this is what it shows.
    Event(Box<Event>),
    /// A read of its id found nothing.
    Gone,
    /// Gone with everything else that the pair had in its calendar, and the owner has said what is
    /// to be done about it.
    Emptied(Answer),
    /// It is there and cannot be read.
    Unreadable {
        /// Its version.
        etag: Option<String>,
        /// Why, in words.
        why: String,
    },
}

/// What is to be done about a calendar that was emptied or created again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// What the pair had there is made again.
    MakeAgain,
    /// It stays away.
    LeaveOut,
}

/// What to do about an event.
#[derive(Clone, Debug)]
pub enum Decision {
    /// Nothing, and nothing to remember.
    Nothing,
    /// Leave it alone; say why.
    Skip {
        /// Why.
        reason: Reason,
        /// In words, where the reason alone does not say enough.
        why: Option<String>,
        /// What to remember.
        remember: Option<Box<Mapping>>,
    },
    /// Only remember.
    Remember(Box<Mapping>),
    /// Both are gone: drop the mapping.
    Forget(Box<Mapping>),
    /// Make the copy.
    Create(Box<Create>),
    /// Write to one or both.
    Write(Box<Write>),
    /// Delete one of the two, then drop the mapping.
    Delete(Box<Delete>),
}

/// An event to be made.
#[derive(Clone, Debug)]
pub struct Create {
    /// The mapping as it will be; the id and version of what is made come from the provider.
    pub mapping: Mapping,
    /// The copy, or the origin that is made again.
    pub role: Role,
    /// What it shows.
    pub draft: Draft,
    /// Why, where it is not plain.
    pub reason: Option<Reason>,
    /// The origin has the mark of a copy, and is marked as an event of its own.
    pub mark_origin: bool,
    /// An edit and a deletion that met.
    pub conflict: Option<Conflict>,
}

/// Writes to events that are there.
#[derive(Clone, Debug)]
pub struct Write {
    /// The mapping as it was; the base of the intents.
    pub before: Mapping,
    /// As it will be; versions come from the provider.
    pub mapping: Mapping,
    /// What to write to the copy.
    pub copy: Option<Change>,
    /// What to write to the origin.
    pub origin: Option<Change>,
    /// Why, where it is not plain.
    pub reason: Option<Reason>,
    /// Changes of both sides that met.
    pub conflict: Option<Conflict>,
}

/// One write.
#[derive(Clone, Debug)]
pub struct Change {
    /// The event as it should be.
    pub draft: Draft,
    /// Which of its parts.
    pub parts: Parts,
    /// Write it whole, without reading it first: it is exactly as we left it.
    pub whole: bool,
}

/// A deletion.
#[derive(Clone, Debug)]
pub struct Delete {
    /// The mapping that ends with it.
    pub mapping: Mapping,
    /// Which of the two.
    pub role: Role,
    /// The version that was judged; a newer one is not deleted.
    pub etag: Option<String>,
    /// Why.
    pub reason: Reason,
}

impl Planner<'_> {
    fn kind(&self, side: Side) -> ProviderKind {
        self.kinds[side]
    }

    fn zone(&self, side: Side) -> Option<&str> {
        self.zones[side]
    }

    /// How copies at that end are to look.
    fn style(&self, side: Side) -> CopyStyle<'_> {
        let (source, target) = (self.kind(side.other()), self.kind(side));
        let zone = self.zone(side.other()).or(self.zone(side));
        CopyStyle {
            private: self.pair.private_towards(side),
            source,
            target,
            zone,
            window: self.window,
        }
    }

    /// A copy at that side, as the provider of its origin shows it.
    fn in_origin_terms(&self, side: Side, copy: &Event) -> Draft {
        in_origin_terms(&Draft::from(copy), self.kind(side.other()), self.kind(side))
    }

    /// The mapping id of an origin at that side; `again` as in [`Marks::mapping`].
    pub fn mapping_id(&self, side: Side, origin: &EventId, again: u32) -> MappingId {
        self.marks.mapping(
            self.pair.calendar(side),
            self.pair.calendar(side.other()),
            origin,
            again,
        )
    }

    /// What an event's mark says, if it has one.
    pub fn mark(&self, event: &Event) -> Option<Mark> {
        event.marker.as_deref().map(|mark| self.marks.read(mark, self.calendars))
    }

    /// Whether another installation has marked an event as its own.
    pub fn is_anothers(&self, event: &Event) -> bool {
        event.marker.as_deref().is_some_and(|mark| self.marks.is_of_another_key(mark))
    }

    /// The UID of the event that this one began as.
    pub fn first(&self, event: &Event) -> Option<UidHash> {
        let marked = match self.mark(event) {
            // An origin that another installation made again: its copies name the mapping of that
            // origin.
            Some(Mark::Ours { first, .. } | Mark::Foreign { role: Role::Origin, first }) => first,
            Some(Mark::Foreign { .. }) | None => None,
        };
        marked.or_else(|| UidHash::of(&event.uid))
    }

    /// Whether an event says of itself that it is the copy of this mapping: by its mark, or where a
    /// server takes marks away, by its UID.
    pub fn is_copy_of(&self, event: &Event, id: MappingId) -> bool {
        match self.mark(event) {
            Some(mark) => {
                matches!(mark, Mark::Ours { role: Role::Copy, mapping, .. } if mapping == id)
            }
            None => MappingId::of_copy_uid(&event.uid) == Some(id),
        }
    }

    /// Why an event is not copied, apart from its other roles.
    fn why_not(&self, side: Side, event: &Event) -> Option<Reason> {
        if event.cancelled {
            return Some(Reason::Cancelled);
        }
        if event.declined {
            return Some(Reason::Declined);
        }
        match self.place(side, event) {
            Ok(SlotPlace::Inside) => None,
            Ok(SlotPlace::Before | SlotPlace::After) => Some(Reason::OutsideWindow),
            Err(reason) => Some(reason),
        }
    }

    /// Whether an event lies in the window, as far as its rule can be followed.
    pub fn is_inside(&self, side: Side, event: &Event) -> bool {
        matches!(self.place(side, event), Ok(SlotPlace::Inside))
    }

    /// Whether all of an event lies after the window.
    fn is_beyond(&self, side: Side, draft: &Draft) -> bool {
        let starts_after =
            crate::zone::start(&draft.content.span, self.zone(side)) >= self.window.end_instant();
        starts_after
            && recurrence::any_in_window(draft, self.window, self.zone(side))
                .is_ok_and(|inside| !inside)
    }

    fn place(&self, side: Side, event: &Event) -> Result<SlotPlace, Reason> {
        let draft = Draft::from(event);
        if draft.series.as_ref().is_some_and(|series| series.exceptions.len() > MOST_EXCEPTIONS) {
            return Err(Reason::UnsupportedRule);
        }
        let inside = recurrence::any_in_window(&draft, self.window, self.zone(side))
            .map_err(|_| Reason::UnsupportedRule)?;
        if !self.style(side.other()).can_show(&draft) {
            return Err(Reason::UnsupportedRule);
        }
        if inside {
            return Ok(SlotPlace::Inside);
        }
        let start = crate::zone::start(&event.content.span, self.zone(side));
        Ok(if start >= self.window.end_instant() { SlotPlace::After } else { SlotPlace::Before })
    }
}

impl Write {
    /// The mapping to note before the writes: as it was, with what is about to be written.
    pub fn intent(&self) -> Mapping {
        let mut noted = self.before.clone();
        let note = |mapped: &mut MappedEvent, after: &MappedEvent, change: &Option<Change>| {
            mapped.intent =
                change.as_ref().map(|change| mapped.base.overlaid(&after.base, &change.parts));
        };
        note(&mut noted.copy, &self.mapping.copy, &self.copy);
        note(&mut noted.origin, &self.mapping.origin, &self.origin);
        noted
    }
}

/// A series with more exceptions is not carried over: what is remembered of it would outgrow a row.
const MOST_EXCEPTIONS: usize = 500;

/// Where an event lies.
enum SlotPlace {
    Before,
    Inside,
    After,
}
