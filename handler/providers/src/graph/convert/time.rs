//! Days and times.

use engine::event::{Moment, Span, Zone};
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::super::wire::DateTimeTimeZone;
use super::super::zones::{UTC, ZoneNames};

/// The day of a bound of an all-day event, in whichever zone its midnight is: it is never
/// converted.
pub(super) fn day(bound: &DateTimeTimeZone) -> Option<Date> {
    local(&bound.date_time).map(DateTime::date)
}

/// The instant of a bound.
pub(super) fn instant_of(bound: &DateTimeTimeZone) -> Option<Timestamp> {
    if let Some(instant) = instant(&bound.date_time) {
        return Some(instant);
    }
    let zone = zone_of(bound)?;
    Some(engine::zone::instant(&Moment { local: local(&bound.date_time)?, zone }, None))
}

/// A bound as a time in the zone that `hint` names; in the zone of the answer where it names none.
/// `repeats` says that its zone matters and not its instant alone.
pub(super) fn moment(
    bound: &DateTimeTimeZone,
    hint: Option<&str>,
    repeats: bool,
) -> Option<Moment> {
    let instant = instant_of(bound)?;
    let zone = match hint.map(engine::zone::resolve) {
        Some(Some(zone)) => zone,
        // A series in an unknown zone would drift, so it is not read at all.
        Some(None) if repeats => return None,
        Some(None) => Zone::Utc,
        None => zone_of(bound)?,
    };
    Some(engine::zone::moment(instant, zone, repeats))
}

/// An instant as Microsoft writes it: with 0 to 7 decimals, and `Z` or an offset.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

fn local(text: &str) -> Option<DateTime> {
    text.trim_end_matches('Z').parse().ok()
}

fn zone_of(bound: &DateTimeTimeZone) -> Option<Zone> {
    match bound.time_zone.as_deref() {
        None | Some("") => Some(Zone::Utc),
        Some(name) => engine::zone::resolve(name),
    }
}

/// Start and end of a single event.
pub(super) fn write(span: &Span, names: &ZoneNames<'_>) -> [DateTimeTimeZone; 2] {
    match span {
        Span::AllDay { start, end } => [start, end].map(|day| midnight(*day)),
        Span::Timed { start, end } => [start, end].map(|moment| {
            let instant = engine::zone::instant(moment, None);
            let next = instant.saturating_add(SignedDuration::from_secs(1)).unwrap_or(instant);
            let name = names.name(&moment.zone, &(instant..next));
            match name.filter(|_| is_unambiguous(moment)) {
                Some(name) => bound(moment.local, name),
                None => bound(TimeZone::UTC.to_datetime(instant), UTC),
            }
        }),
    }
}

/// Start and end of the first occurrence of a series; both in the zone of its start, because its
/// occurrences last equally long. `None` where that zone has no name over this range.
pub(super) fn write_series(
    span: &Span,
    names: &ZoneNames<'_>,
    window: &std::ops::Range<Timestamp>,
) -> Option<[DateTimeTimeZone; 2]> {
    let Span::Timed { start, end } = span else { return Some(write(span, names)) };
    let first = engine::zone::instant(start, None);
    let name = names.name(&start.zone, &counted(first, window))?;
    let rules = engine::zone::rules(&start.zone, None);
    let end = if end.zone == start.zone {
        end.local
    } else {
        rules.to_datetime(engine::zone::instant(end, None))
    };
    Some([bound(start.local, name), bound(end, name)])
}

/// The part of the window in which there can be occurrences; at least a year from the first one.
pub(super) fn counted(
    first: Timestamp,
    window: &std::ops::Range<Timestamp>,
) -> std::ops::Range<Timestamp> {
    let year = first.saturating_add(SignedDuration::from_hours(24 * 366)).unwrap_or(Timestamp::MAX);
    first.max(window.start)..window.end.max(year)
}

/// Whether the wall clock shows this time once. Of two hours of one name the service may take
/// either.
fn is_unambiguous(moment: &Moment) -> bool {
    let rules = engine::zone::rules(&moment.zone, None);
    matches!(
        rules.to_ambiguous_timestamp(moment.local).offset(),
        AmbiguousOffset::Unambiguous { .. }
    )
}

fn midnight(day: Date) -> DateTimeTimeZone {
    bound(day.at(0, 0, 0, 0), UTC)
}

fn bound(local: DateTime, zone: &str) -> DateTimeTimeZone {
    DateTimeTimeZone {
        date_time: local.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
        time_zone: Some(zone.to_owned()),
    }
}

/// The day after a day.
pub(super) fn next(day: Date) -> Option<Date> {
    day.checked_add(1.day()).ok()
}
