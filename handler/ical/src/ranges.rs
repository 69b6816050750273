//! What a series comes to where its rule alone does not say it: a change of an occurrence and all
//! that follow (RECURRENCE-ID with RANGE=THISANDFUTURE, RFC 5545 section 3.2.13), and a zone that
//! only its VTIMEZONE knows.
//!
//! Both are expanded for some years: the occurrences after such a change are changed
//! occurrences, those in such a zone are dates in UTC. The rule of the first ends where its
//! expansion does.

use std::ops::Range;

use engine::event::{Content, Exception, Moment, OriginalStart, Series, Span, Zone};
use engine::recurrence;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::observance::Rules;
use crate::{Unreadable, until};

/// Years that are expanded: the one before, this one, and two more.
const YEARS_BACK: i16 = 1;
const YEARS_AHEAD: i16 = 3;
/// The most changed occurrences that a change of all that follow may come to.
const MOST: usize = 400;

/// What one change does to an occurrence and all that follow.
pub(crate) struct Following {
    /// From which occurrence on.
    pub(crate) from: OriginalStart,
    /// What they do instead.
    pub(crate) exception: Exception,
}

/// The range that is expanded around an instant: whole years, so that an object is read alike for a
/// year.
pub(crate) fn years(around: Timestamp) -> Range<Timestamp> {
    let year = TimeZone::UTC.to_datetime(around).year();
    let start = |year: i16| {
        engine::zone::day_instant(Date::new(year.clamp(-9999, 9999), 1, 1).unwrap_or(Date::ZERO))
    };
    start(year.saturating_sub(YEARS_BACK))..start(year.saturating_add(YEARS_AHEAD))
}

/// Lets changes reach all occurrences that follow, up to the end of a range.
///
/// # Errors
/// The rule cannot be followed, or too many occurrences follow.
pub(crate) fn follow(
    master: &Content,
    series: &mut Series,
    mut changes: Vec<Following>,
    end: Timestamp,
    floating: Option<&str>,
) -> Result<(), Unreadable> {
    let refused = || {
        Unreadable(
            "one of its changes is for an occurrence and all that follow, and those cannot \
        be worked out"
                .into(),
        )
    };
    let instant = |start: &OriginalStart| begin(start, floating);
    changes.sort_by_key(|change| instant(&change.from));
    let Some(first) = changes.first().map(|change| instant(&change.from)) else { return Ok(()) };
    let all = recurrence::dates(master, series, first..end.max(first), floating)
        .map_err(|_| refused())?;
    let mut changed = 0;
    for start in all.into_iter().filter(|start| instant(start) >= first) {
        let Some(change) = changes.iter().rfind(|change| instant(&change.from) <= instant(&start))
        else {
            continue;
        };
        if change.from == start || series.exceptions.contains_key(&start) {
            continue;
        }
        let exception = match &change.exception {
            Exception::Cancelled => Exception::Cancelled,
            Exception::Changed(content) => {
                let span = moved(master, change.from, content, start).ok_or_else(refused)?;
                Exception::Changed(Box::new(Content { span, ..content.as_ref().clone() }))
            }
        };
        changed += 1;
        if changed > MOST {
            return Err(Unreadable(format!(
                "one of its changes is for an occurrence and all that follow, which are more than \
                {MOST}"
            )));
        }
        series.exceptions.insert(start, exception);
    }
    let draft = engine::event::Draft { content: master.clone(), series: Some(series.clone()) };
    if recurrence::any_in_range(&draft, end..Timestamp::MAX, floating).map_err(|_| refused())? {
        let last = until::before(end, &master.span);
        for rule in &mut series.rules {
            let kept = rule
                .split(';')
                .filter(|part| !part.starts_with("COUNT=") && !part.starts_with("UNTIL="));
            *rule = kept
                .map(str::to_owned)
                .chain([format!("UNTIL={last}")])
                .collect::<Vec<_>>()
                .join(";");
        }
    }
    Ok(())
}

/// Where an occurrence takes place that follows a changed one.
fn moved(
    master: &Content,
    from: OriginalStart,
    changed: &Content,
    start: OriginalStart,
) -> Option<Span> {
    match &changed.span {
        Span::AllDay { start: first, end } => {
            let (was, is) = (day(from, &master.span), day(start, &master.span));
            let begin = is.checked_add(first.since(was).ok()?).ok()?;
            Some(Span::AllDay {
                start: begin,
                end: begin.checked_add(end.since(*first).ok()?).ok()?,
            })
        }
        Span::Timed { start: first, end } => {
            let rules = engine::zone::rules(&first.zone, None);
            let local = |original: OriginalStart| match original {
                OriginalStart::At(instant) => rules.to_datetime(instant),
                OriginalStart::Floating(local) => local,
                OriginalStart::Day(day) => day.at(0, 0, 0, 0),
            };
            let begin = local(start).checked_add(first.local.duration_since(local(from))).ok()?;
            let begin = Moment { local: begin, zone: first.zone.clone() };
            if first.zone == Zone::Floating {
                let end = begin.local.checked_add(end.local.duration_since(first.local)).ok()?;
                return Some(Span::Timed {
                    start: begin,
                    end: Moment { local: end, zone: Zone::Floating },
                });
            }
            let length = engine::zone::length(&changed.span, None);
            let after = engine::zone::instant(&begin, None).checked_add(length).ok()?;
            let end = engine::zone::moment(after, end.zone.clone(), false);
            Some(Span::Timed { start: begin, end })
        }
    }
}

fn day(start: OriginalStart, master: &Span) -> Date {
    match (start, master) {
        (OriginalStart::Day(day), _) => day,
        (OriginalStart::Floating(local), _) => local.date(),
        (OriginalStart::At(instant), Span::Timed { start, .. }) => {
            engine::zone::rules(&start.zone, None).to_datetime(instant).date()
        }
        (OriginalStart::At(instant), Span::AllDay { .. }) => {
            TimeZone::UTC.to_datetime(instant).date()
        }
    }
}

fn begin(start: &OriginalStart, floating: Option<&str>) -> Timestamp {
    match start {
        OriginalStart::Day(day) => engine::zone::day_instant(*day),
        OriginalStart::At(instant) => *instant,
        OriginalStart::Floating(local) => {
            engine::zone::instant(&Moment { local: *local, zone: Zone::Floating }, floating)
        }
    }
}

/// The dates of a series whose wall clock follows rules of its own: what its rules give on that
/// clock, as instants. The first start is not among them.
///
/// # Errors
/// A rule cannot be followed, or gives too many dates.
pub(crate) fn on_own_clock(
    master: &Content,
    first: jiff::civil::DateTime,
    rules: &[String],
    clock: &Rules,
    range: Range<Timestamp>,
) -> Result<Vec<OriginalStart>, Unreadable> {
    let refused = || {
        Unreadable(
            "it repeats in a time zone of its own, and its dates cannot be worked out".into(),
        )
    };
    let moment = |local| Moment { local, zone: Zone::Floating };
    let span = Span::Timed { start: moment(first), end: moment(first) };
    let local_until = |rule: &String| {
        let parts = rule.split(';').map(|part| match part.strip_prefix("UNTIL=") {
            Some(value) => match until::on_clock(value, clock) {
                Some(local) => format!("UNTIL={local}"),
                None => part.to_owned(),
            },
            None => part.to_owned(),
        });
        parts.collect::<Vec<_>>().join(";")
    };
    let series = Series { rules: rules.iter().map(local_until).collect(), ..Series::default() };
    let content = Content { span, ..master.clone() };
    // The wall clock may be a day ahead or behind.
    let day = SignedDuration::from_hours(24);
    let wider = range.start.saturating_sub(day).unwrap_or(range.start)
        ..range.end.saturating_add(day).unwrap_or(range.end);
    let found = recurrence::dates(&content, &series, wider, None).map_err(|_| refused())?;
    let instants = found.into_iter().filter_map(|start| match start {
        OriginalStart::Floating(local) if local != first => clock.instant(local),
        _ => None,
    });
    Ok(instants.filter(|instant| range.contains(instant)).map(OriginalStart::At).collect())
}
