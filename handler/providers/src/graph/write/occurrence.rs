//! An occurrence of a series, as a write needs it.

use engine::event::{Content, Draft, OriginalStart, Span};
use jiff::civil::Date;
use jiff::tz::TimeZone;

pub(super) const OTHER_OCCURRENCES: &str = "Microsoft shows other occurrences than its rule gives";

/// An occurrence as a single event.
pub(super) fn single(content: &Content) -> Draft {
    Draft { content: content.clone(), series: None }
}

/// The day of an original start in the zone of a series.
pub(super) fn day_of(draft: &Draft, start: OriginalStart) -> Date {
    match (start, &draft.content.span) {
        (OriginalStart::Day(day), _) => day,
        (OriginalStart::Floating(local), _) => local.date(),
        (OriginalStart::At(at), Span::Timed { start, .. }) => {
            engine::zone::rules(&start.zone, None).to_datetime(at).date()
        }
        (OriginalStart::At(at), Span::AllDay { .. }) => TimeZone::UTC.to_datetime(at).date(),
    }
}
