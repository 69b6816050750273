//! A VTIMEZONE for a zone of the IANA database (RFC 5545 section 3.6.5), made from jiff's rules.
//!
//! Changes that follow a yearly rule are written as one, from the year before the event on; changes
//! before that, and those of zones whose rule RRULE cannot say (Morocco, Egypt), are listed one by
//! one, as far as they are needed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::{Dst, Offset, TimeZone};

use crate::lines::{ContentLine, LineEnd};
use crate::tree::Component;
use crate::value::{basic, escape};

/// A yearly rule must hold over so many years to be believed: the calendar repeats its weekdays
/// after 28.
const CYCLE: i16 = 28;
/// The databases list changes one by one up to 2037 where no rule is in force yet.
const RULES_FROM: i16 = 2038;
/// How far changes are listed for a series without end.
const LISTED_YEARS: i16 = 40;

/// One change of the clock.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct ClockChange {
    /// What the clock shows when it is changed.
    local: DateTime,
    kind: ObservanceKind,
}

/// What is common to the changes of one observance.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct ObservanceKind {
    daylight: bool,
    from: Offset,
    to: Offset,
    name: String,
}

/// The VTIMEZONE of a zone, good from one local time to another, or for ever; `None` where the
/// database has no such zone.
pub(crate) fn component(
    name: &str,
    first: DateTime,
    last: Option<DateTime>,
    end: LineEnd,
) -> Option<Component> {
    let zone = TimeZone::get(name).ok()?;
    let mut component = Component::new("VTIMEZONE", end);
    component.add(ContentLine::new(format!("TZID:{name}"), end));
    // A day of slack: the zone of `first` may be any.
    let first_year = first.year().clamp(1, 9_800) - 1;
    let rules_year = RULES_FROM.max(first_year + 1);
    let changes = changes(&zone, first_year, rules_year + CYCLE);
    let (listed, yearly) = match yearly(&changes, first_year, rules_year) {
        Some((year, rules)) => {
            (changes.into_iter().filter(|change| change.local.year() < year).collect(), rules)
        }
        None => {
            let until = last
                .map_or(first_year.max(2020) + LISTED_YEARS, |last| last.year().saturating_add(1));
            (
                changes
                    .into_iter()
                    .filter(|change| change.local.year() <= until)
                    .collect::<Vec<_>>(),
                Vec::new(),
            )
        }
    };
    let mut observances: BTreeMap<ObservanceKind, Vec<DateTime>> = BTreeMap::new();
    let earliest = listed
        .iter()
        .chain(yearly.iter().map(|(change, _)| change))
        .map(|change| change.local.year())
        .min();
    if earliest.is_none_or(|year| year > first_year) {
        let (local, kind) = before(&zone, first_year);
        observances.entry(kind).or_default().push(local);
    }
    for change in listed {
        observances.entry(change.kind).or_default().push(change.local);
    }
    let mut parts: Vec<(DateTime, Component)> = observances
        .into_iter()
        .filter_map(|(kind, dates)| Some((*dates.first()?, kind, dates)))
        .map(|(start, kind, dates)| (start, observance(&kind, start, &dates[1..], None, end)))
        .chain(yearly.into_iter().map(|(change, rule)| {
            (change.local, observance(&change.kind, change.local, &[], Some(&rule), end))
        }))
        .collect();
    parts.sort_by_key(|(start, _)| *start);
    parts.into_iter().for_each(|(_, part)| component.add_component(part));
    Some(component)
}

fn observance(
    kind: &ObservanceKind,
    start: DateTime,
    dates: &[DateTime],
    rule: Option<&str>,
    end: LineEnd,
) -> Component {
    let mut part = Component::new(if kind.daylight { "DAYLIGHT" } else { "STANDARD" }, end);
    let mut add = |text: String| part.add(ContentLine::new(text, end));
    add(format!("DTSTART:{}", basic(start)));
    add(format!("TZOFFSETFROM:{}", offset(kind.from)));
    add(format!("TZOFFSETTO:{}", offset(kind.to)));
    add(format!("TZNAME:{}", escape(&kind.name)));
    if let Some(rule) = rule {
        add(format!("RRULE:{rule}"));
    }
    for date in dates {
        add(format!("RDATE:{}", basic(*date)));
    }
    part
}

/// The changes of these years.
fn changes(zone: &TimeZone, first_year: i16, last_year: i16) -> Vec<ClockChange> {
    let Some(start) = year_start(first_year) else { return Vec::new() };
    let mut offset = zone.to_offset(start);
    let mut changes = Vec::new();
    for transition in zone.following(start) {
        let local = offset.to_datetime(transition.timestamp());
        if local.year() > last_year {
            break;
        }
        if transition.offset() != offset {
            let kind = ObservanceKind {
                daylight: transition.dst() == Dst::Yes,
                from: offset,
                to: transition.offset(),
                name: transition.abbreviation().to_owned(),
            };
            changes.push(ClockChange { local, kind });
            offset = transition.offset();
        }
    }
    changes
}

/// What held before the first change: from the last change before it, or from always.
fn before(zone: &TimeZone, first_year: i16) -> (DateTime, ObservanceKind) {
    let start = year_start(first_year).unwrap_or(Timestamp::UNIX_EPOCH);
    let info = zone.to_offset_info(start);
    let kind = ObservanceKind {
        daylight: info.dst() == Dst::Yes,
        from: info.offset(),
        to: info.offset(),
        name: info.abbreviation().to_owned(),
    };
    let year = first_year.min(1970);
    (Date::new(year, 1, 1).unwrap_or(Date::ZERO).at(0, 0, 0, 0), kind)
}

/// The yearly rules, each with the first change that follows it, and the year from which on they
/// alone are in force.
fn yearly(
    changes: &[ClockChange],
    first_year: i16,
    rules_year: i16,
) -> Option<(i16, Vec<(ClockChange, String)>)> {
    let settled: Vec<&ClockChange> =
        changes.iter().filter(|change| change.local.year() >= rules_year).collect();
    let mut kinds: Vec<&ObservanceKind> = settled.iter().map(|change| &change.kind).collect();
    kinds.sort();
    kinds.dedup();
    let rules = kinds
        .into_iter()
        .map(|kind| {
            Some((
                kind.clone(),
                WeekdayRule::of(
                    settled.iter().filter(|change| change.kind == *kind).map(|change| change.local),
                )?,
            ))
        })
        .collect::<Option<Vec<_>>>()?;
    let follows = |year: i16| {
        let of_year: Vec<&ClockChange> =
            changes.iter().filter(|change| change.local.year() == year).collect();
        of_year.len() == rules.len()
            && of_year.iter().all(|change| {
                rules.iter().any(|(kind, rule)| *kind == change.kind && rule.admits(change.local))
            })
    };
    let year = (first_year..rules_year)
        .rev()
        .find(|&year| !follows(year))
        .map_or(first_year, |irregular| irregular + 1);
    let with_first = rules.into_iter().map(|(kind, rule)| {
        let first =
            changes.iter().find(|change| change.local.year() >= year && change.kind == kind)?;
        Some((first.clone(), rule.text()))
    });
    Some((year, with_first.collect::<Option<Vec<_>>>()?))
}

/// A weekday in a range of days of a month, at a time of day.
struct WeekdayRule {
    month: i8,
    first_day: i8,
    last_day: i8,
    example: DateTime,
}

impl WeekdayRule {
    /// The rule that a whole cycle of changes follows, if there is one.
    fn of(changes: impl Iterator<Item = DateTime>) -> Option<Self> {
        let mut changes = changes.peekable();
        let example = *changes.peek()?;
        let mut rule = Self {
            month: example.month(),
            first_day: example.day(),
            last_day: example.day(),
            example,
        };
        let mut years = 0;
        for change in changes {
            let same = change.month() == rule.month
                && change.weekday() == example.weekday()
                && change.time() == example.time();
            if !same {
                return None;
            }
            rule.first_day = rule.first_day.min(change.day());
            rule.last_day = rule.last_day.max(change.day());
            years += 1;
        }
        (years > CYCLE && rule.last_day - rule.first_day == 6).then_some(rule)
    }

    fn admits(&self, change: DateTime) -> bool {
        let example = self.example;
        change.month() == self.month
            && change.weekday() == example.weekday()
            && change.time() == example.time()
            && (self.first_day..=self.last_day).contains(&change.day())
    }

    fn text(&self) -> String {
        let weekday = match self.example.weekday().to_monday_zero_offset() {
            0 => "MO",
            1 => "TU",
            2 => "WE",
            3 => "TH",
            4 => "FR",
            5 => "SA",
            _ => "SU",
        };
        let month = self.month;
        if self.month != 2 && self.last_day == self.example.date().days_in_month() {
            format!("FREQ=YEARLY;BYMONTH={month};BYDAY=-1{weekday}")
        } else if self.first_day % 7 == 1 {
            format!("FREQ=YEARLY;BYMONTH={month};BYDAY={}{weekday}", self.first_day / 7 + 1)
        } else {
            let days: Vec<String> =
                (self.first_day..=self.last_day).map(|day| day.to_string()).collect();
            format!("FREQ=YEARLY;BYMONTH={month};BYMONTHDAY={};BYDAY={weekday}", days.join(","))
        }
    }
}

fn year_start(year: i16) -> Option<Timestamp> {
    Some(engine::zone::day_instant(Date::new(year, 1, 1).ok()?))
}

fn offset(offset: Offset) -> String {
    let seconds = offset.seconds();
    let (sign, seconds) = (if seconds < 0 { '-' } else { '+' }, seconds.abs());
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if seconds == 0 {
        format!("{sign}{hours:02}{minutes:02}")
    } else {
        format!("{sign}{hours:02}{minutes:02}{seconds:02}")
    }
}

#[cfg(test)]
mod tests;
