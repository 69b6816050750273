//! Graph's format into the engine's and back; no other file knows both.
//!
//! | engine | read | written |
//! |---|---|---|
//! | title | `subject`; of others' private events "Busy" | `subject`, cut at 255 |
//! | description | `body`: text, or a page as text | `body` as text |
//! | location | `location.displayName` | as read |
//! | all-day | the dates of `start` and `end`, end exclusive | midnights in UTC |
//! | timed | the instants, in `originalStartTimeZone` | wall-clock time in a zone that Microsoft has a name for, else in UTC |
//! | visibility | `normal`; `personal` and `private`; `confidential` | `normal` (public too), `private`, `confidential` |
//! | free/busy | five values of `showAs`; `unknown` is busy | the five values |
//! | guests | `attendees` without ourselves and rooms | never |
//! | others | rooms, and guests that are hidden from us | never |
//! | organizer | `organizer`, ours by `isOrganizer` | never |
//! | cancelled | `isCancelled` | never |
//! | declined | our `responseStatus` | never |
//! | stamps | `createdDateTime`, `lastModifiedDateTime` | never |
//! | loop mark | an extended property | as read |
//! | series | `recurrence` of a master, its exceptions and cancelled occurrences | `recurrence`; exceptions are written by themselves |
//!
//! The zone in an answer is only a hint: what was written as `Europe/Tallinn` may come back as the
//! zone that Windows names after Kyiv. So zones are never compared, but the instants they give.

mod body;
mod context;
mod read;
mod series;
mod time;
mod write;

use std::collections::BTreeSet;

use engine::event::{Content, Field, Span};

pub(super) use context::{EventContext, WriteContext};
pub(super) use read::{content, event, original_start};
#[cfg(test)]
use series::absent;
pub(super) use series::{follows_rule, has_instances, same_series, series};
pub(super) use write::{create, marker, patch, repeats};

/// The fields in which two contents differ, as far as Graph distinguishes them: what is written and
/// comes back changes nothing.
pub(super) fn differences(found: &Content, wanted: &Content) -> BTreeSet<Field> {
    let words = |text: &str| engine::text::normalise(text).trim_start().to_owned();
    let one_line = |text: &str| engine::text::one_line(&write::subject(text));
    let mut differ = BTreeSet::new();
    let mut note = |field, same: bool| {
        if !same {
            differ.insert(field);
        }
    };
    note(Field::Time, same_span(&found.span, &wanted.span));
    note(Field::Title, one_line(&found.title) == one_line(&wanted.title));
    note(Field::Description, words(&found.description) == words(&wanted.description));
    note(
        Field::Location,
        engine::text::one_line(&found.location) == engine::text::one_line(&wanted.location),
    );
    note(
        Field::Visibility,
        write::sensitivity(found.visibility) == write::sensitivity(wanted.visibility),
    );
    note(Field::Busy, found.busy == wanted.busy);
    differ
}

/// The same days, or the same instants, in whichever zones.
pub(super) fn same_span(a: &Span, b: &Span) -> bool {
    match (a, b) {
        (Span::Timed { start: from, end: to }, Span::Timed { start, end }) => {
            let second = |moment| engine::zone::instant(moment, None).as_second();
            second(from) == second(start) && second(to) == second(end)
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests;
