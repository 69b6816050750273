//! Google's format into the engine's and back; no other file knows both.
//!
//! | engine | read | written |
//! |---|---|---|
//! | title, location | `summary`, `location` | as read |
//! | description | `description`, HTML to plain text | plain text that reads back as it was |
//! | all-day | `start.date`, `end.date`, end exclusive | as read |
//! | timed | `dateTime` in its `timeZone` | with offset and IANA zone |
//! | visibility | absent is `default` | all four values |
//! | free | `transparency: transparent` | `transparent` (working elsewhere too) |
//! | tentative | `status: tentative` and opaque | `opaque`: `status` holds the owner's answer |
//! | out of office | `eventType: outOfOffice` and opaque | `opaque` |
//! | busy | anything else | `opaque` |
//! | guests | `attendees` without ourselves and rooms | never |
//! | organizer | `organizer`, ours if `self` | never |
//! | declined | ourselves with `responseStatus: declined` | never |
//! | loop mark | `extendedProperties.private.calrelayOrigin` | as read |
//! | series | `recurrence` and exceptions | as read |

mod context;
mod read;
mod time;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use engine::event::{Content, Field, OriginalStart, Series, Span};

pub(super) use context::EventContext;
pub(super) use engine::recurrence::unchanged as plain;
pub(super) use read::{content, event, is_declined, is_event, is_withheld, original_start};
pub(super) use time::rfc3339;
pub(super) use write::{MARKER, Purpose, copy, fields, marker, recurrence};

/// The fields in which two contents differ, as far as Google distinguishes them.
pub(super) fn differences(found: &Content, wanted: &Content) -> BTreeSet<Field> {
    let words = |text: &str| engine::text::normalise(text).trim_start().to_owned();
    let same_text = |a: &str, b: &str| a == b || words(a) == words(b);
    let mut differ = BTreeSet::new();
    let mut note = |field, same: bool| {
        if !same {
            differ.insert(field);
        }
    };
    note(Field::Time, same_span(&found.span, &wanted.span));
    note(Field::Title, same_text(&found.title, &wanted.title));
    note(Field::Description, same_text(&found.description, &wanted.description));
    note(Field::Location, same_text(&found.location, &wanted.location));
    note(Field::Visibility, found.visibility == wanted.visibility);
    note(Field::Busy, write::transparency(found.busy) == write::transparency(wanted.busy));
    differ
}

/// The same instants, in the same zone where they begin.
pub(super) fn same_span(a: &Span, b: &Span) -> bool {
    match (a, b) {
        (Span::Timed { start: from, end: to }, Span::Timed { start, end }) => {
            let instant = |moment| engine::zone::instant(moment, None);
            from.zone == start.zone
                && instant(from) == instant(start)
                && instant(to) == instant(end)
        }
        (a, b) => a == b,
    }
}

/// Whether the series gives this start; `None` where its rules cannot be followed.
pub(super) fn is_occurrence(
    master: &Content,
    series: &Series,
    start: OriginalStart,
) -> Option<bool> {
    let Some(plain) = plain(master, start) else { return Some(false) };
    let bare = Series { exceptions: BTreeMap::new(), ..series.clone() };
    let from = engine::zone::start(&plain.span, None);
    let to = from.checked_add(jiff::SignedDuration::from_secs(1)).ok()?;
    let found = engine::recurrence::occurrences(master, &bare, from..to, None).ok()?;
    Some(found.iter().any(|occurrence| occurrence.original == start))
}

#[cfg(test)]
mod tests;
