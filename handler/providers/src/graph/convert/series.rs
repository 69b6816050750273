//! A series as one event: a master that this program wrote, with its exceptions.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use engine::event::{Content, Draft, Event, Exception, OriginalStart, Series, Span};
use engine::recurrence::{Unsupported, occurrences, unchanged};
use ical::Unreadable;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::super::wire::{EventBody, PatternedRecurrence, WireEvent};
use super::super::{recurrence, zones};
use super::{EventContext, read, same_span, time};

/// So many departures from a rule are read.
const MOST_EXCEPTIONS: usize = 2_000;

/// A series: its master, the occurrences that depart from it (those that do not may be among them),
/// and those that its master says are cancelled.
///
/// # Errors
/// The master or an exception cannot be read, or the master does not repeat by a rule. A cancelled
/// day on which the rule has no occurrence is passed over: it is one of an earlier rule.
pub(in super::super) fn series(
    master: &WireEvent,
    exceptions: &[WireEvent],
    context: EventContext<'_>,
) -> Result<Event, Unreadable> {
    let mut event = read::event(master, context)?;
    let pattern = pattern(master)?;
    let rules = vec![recurrence::rule(&pattern, &event.content.span)?];
    let mut found = BTreeMap::new();
    let of_days = matches!(event.content.span, Span::AllDay { .. });
    let context = EventContext { series_of_days: Some(of_days), ..context };
    let bare = Series { rules, ..Series::default() };
    for text in &master.cancelled_occurrences {
        let day = text.rsplit('.').next().and_then(|day| day.parse::<Date>().ok());
        let day = day.ok_or_else(|| {
            Unreadable("one of its cancelled occurrences does not say its day".into())
        })?;
        if let Some(start) = on_day(&event.content, &bare, day) {
            found.insert(start, Exception::Cancelled);
        }
    }
    for item in exceptions.iter().filter(|item| item.is_exception()) {
        let start = read::original_start(item, context).ok_or_else(|| {
            Unreadable("one of its exceptions does not say which occurrence it changes".into())
        })?;
        let content = read::content(item, context)?;
        // What a person invited others to is never plain: a write to its series would mail them.
        let is_plain = content.attendees.is_empty()
            && unchanged(&event.content, start)
                .is_some_and(|plain| super::differences(&content, &plain).is_empty());
        if item.is_cancelled {
            found.insert(start, Exception::Cancelled);
        } else if !is_plain {
            found.insert(start, Exception::Changed(Box::new(content)));
        }
        event.others |= read::event(item, context)?.others;
    }
    if found.len() > MOST_EXCEPTIONS {
        let why = format!("more than {MOST_EXCEPTIONS} of its occurrences depart from its rule");
        return Err(Unreadable(why));
    }
    event.series = Some(Series { exceptions: found, ..bare });
    Ok(event)
}

fn pattern(master: &WireEvent) -> Result<PatternedRecurrence, Unreadable> {
    let recurrence = master.recurrence.clone().unwrap_or_default();
    serde_json::from_value(recurrence)
        .map_err(|_| Unreadable("it does not repeat by a known pattern".into()))
}

/// The occurrence of a day. The day is that of the series' own zone; where no occurrence begins on
/// it, that of UTC is tried, because the service does not say which of the two it names.
fn on_day(master: &Content, series: &Series, day: Date) -> Option<OriginalStart> {
    let Span::Timed { start, .. } = &master.span else {
        let range = engine::zone::day_instant(day)..engine::zone::day_instant(time::next(day)?);
        let near = occurrences(master, series, range, None).ok()?;
        return near.iter().map(|one| one.original).find(|start| *start == OriginalStart::Day(day));
    };
    let from = engine::zone::day_instant(day).checked_sub(SignedDuration::from_hours(26)).ok()?;
    let to = from.checked_add(SignedDuration::from_hours(24 + 2 * 26)).ok()?;
    let near = occurrences(master, series, from..to, None).ok()?;
    let rules = engine::zone::rules(&start.zone, None);
    let days = |original: OriginalStart| match original {
        OriginalStart::At(at) => {
            [rules.to_datetime(at).date(), jiff::tz::TimeZone::UTC.to_datetime(at).date()]
        }
        OriginalStart::Day(day) => [day; 2],
        OriginalStart::Floating(local) => [local.date(); 2],
    };
    let at = |form: usize| near.iter().map(|o| o.original).find(|o| days(*o)[form] == day);
    at(0).or_else(|| at(1))
}

/// The occurrences that the rule of a series gives a range and that are not among the instances
/// found there: each is cancelled, or was moved out of the range.
///
/// # Errors
/// The rule cannot be followed.
#[cfg(test)]
pub(super) fn absent(
    event: &Event,
    found: &[WireEvent],
    range: &Range<Timestamp>,
) -> Result<Vec<OriginalStart>, Unsupported> {
    let Some(series) = &event.series else { return Ok(Vec::new()) };
    let bare = Series { exceptions: BTreeMap::new(), ..series.clone() };
    let of_days = matches!(event.content.span, Span::AllDay { .. });
    let context = EventContext { series_of_days: Some(of_days), ..EventContext::default() };
    let there: BTreeSet<_> =
        found.iter().filter_map(|item| read::original_start(item, context)).collect();
    let expected = occurrences(&event.content, &bare, range.clone(), None)?;
    let starts = expected.into_iter().map(|occurrence| occurrence.original);
    Ok(starts.filter(|start| !there.contains(start)).collect())
}

/// Whether the time and the pattern of a master are those of a body that would be written: the same
/// first occurrence, zones with the same rules over the window, the same days. Then a change of the
/// master must not name them, because the service would restore every occurrence.
pub(in super::super) fn same_series(
    master: &WireEvent,
    event: &Event,
    wanted: &Draft,
    body: &EventBody,
    window: &Range<Timestamp>,
) -> bool {
    let found = pattern(master).ok();
    let same_pattern = match (&found, &body.recurrence) {
        (Some(found), Some(Some(body))) => recurrence::same(found, body),
        (None, None | Some(None)) => true,
        _ => false,
    };
    let zone = |span: &Span| match span {
        Span::Timed { start, .. } => Some(match &start.zone {
            engine::event::Zone::Iana(name) => name.clone(),
            _ => "Etc/UTC".to_owned(),
        }),
        Span::AllDay { .. } => None,
    };
    let span = &wanted.content.span;
    let counted = time::counted(engine::zone::start(span, None), window);
    let same_zone = match (zone(&event.content.span), zone(span)) {
        (Some(found), Some(wanted)) => zones::same_rules(&found, &wanted, &counted),
        (found, wanted) => found == wanted,
    };
    same_pattern && same_zone && same_span(&event.content.span, span)
}

/// Whether a master that was just created has the occurrences that its rule gives it inside a
/// range: `found` are its instances there. Exceptions of the draft are not looked at.
///
/// # Errors
/// The rule cannot be followed.
pub(in super::super) fn has_instances(
    draft: &Draft,
    found: &[WireEvent],
    range: &Range<Timestamp>,
) -> Result<bool, Unsupported> {
    let Some(series) = &draft.series else { return Ok(found.is_empty()) };
    let bare = Series { exceptions: BTreeMap::new(), ..series.clone() };
    let key = |span: &Span| {
        let (start, end) = (engine::zone::start(span, None), engine::zone::end(span, None));
        let inside = start < range.end && (start >= range.start || end > range.start);
        inside.then_some((start.as_second(), end.as_second(), matches!(span, Span::AllDay { .. })))
    };
    let expected = occurrences(&draft.content, &bare, range.clone(), None)?;
    let expected: BTreeSet<_> = expected.iter().filter_map(|one| key(&one.span)).collect();
    let mut there = BTreeSet::new();
    for item in found {
        let Ok(content) = read::content(item, EventContext::default()) else { return Ok(false) };
        if key(&content.span).is_some_and(|key| !there.insert(key)) {
            return Ok(false);
        }
    }
    Ok(there == expected)
}

/// Whether the instances of a master in a range have the original starts that its rule gives them.
/// What the draft cancels or changes, and with `may_lack` anything, may be missing.
///
/// # Errors
/// The rule cannot be followed.
pub(in super::super) fn follows_rule(
    draft: &Draft,
    found: &[WireEvent],
    range: &Range<Timestamp>,
    may_lack: bool,
) -> Result<bool, Unsupported> {
    let Some(series) = &draft.series else { return Ok(true) };
    let bare = Series { exceptions: BTreeMap::new(), ..series.clone() };
    let of_days = matches!(draft.content.span, Span::AllDay { .. });
    let context = EventContext { series_of_days: Some(of_days), ..EventContext::default() };
    let is_inside = |start: &OriginalStart| range.contains(&engine::zone::near(*start));
    let expected = occurrences(&draft.content, &bare, range.clone(), None)?;
    let expected: BTreeSet<_> = expected.iter().map(|one| one.original).filter(is_inside).collect();
    let there = found.iter().filter_map(|item| read::original_start(item, context));
    let there: BTreeSet<_> = there.filter(is_inside).collect();
    let mut lacking = expected.difference(&there);
    Ok(there.is_subset(&expected)
        && (may_lack || lacking.all(|start| series.exceptions.contains_key(start))))
}
