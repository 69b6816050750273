//! Series: which occurrences a recurring event has, and the ids that lead to them.

use std::collections::BTreeSet;

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp};
use rrule::RRuleSet;
use serde_json::{Map, Value};

use super::reply::Refusal;
use super::times::{When, in_zone, stored, zone};

/// No series of a test has more occurrences in the time that tests look at.
const MOST: usize = 20_000;

/// The lines of `recurrence`; none where the event is no series.
pub(super) fn lines(event: &Map<String, Value>) -> impl Iterator<Item = &str> {
    event
        .get("recurrence")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

/// The lines that make occurrences, without those that take single ones away or add them.
pub(super) fn rules(event: &Map<String, Value>) -> BTreeSet<&str> {
    lines(event).filter(|line| line.starts_with("RRULE") || line.starts_with("EXRULE")).collect()
}

/// Whether the event is a series.
pub(super) fn is_series(event: &Map<String, Value>) -> bool {
    lines(event).next().is_some()
}

/// Checks the lines of `recurrence`.
pub(super) fn check(event: &Map<String, Value>) -> Result<(), Refusal> {
    let Some(start) = stored(event, "start") else {
        return Err(Refusal::required("Missing start time."));
    };
    let wrong = || Refusal::invalid("Invalid recurrence rule.");
    for line in lines(event) {
        let (name, values) = split(line).ok_or_else(wrong)?;
        match name {
            // It fails at these, instead of saying what is wrong with them.
            "RRULE"
                if ["HOURLY", "MINUTELY", "SECONDLY"]
                    .iter()
                    .any(|often| values.contains(&format!("FREQ={often}"))) =>
            {
                return Err(Refusal::new(500, "backendError", "Backend Error"));
            }
            // No rule of a calendar of Google has both COUNT and UNTIL (RFC 5545 section 3.3.10).
            "RRULE" if values.contains("COUNT=") && values.contains("UNTIL=") => {
                return Err(wrong());
            }
            "RRULE" | "EXRULE" => drop(rule_set(&start, "RRULE", values).ok_or_else(wrong)?),
            "RDATE" | "EXDATE" => drop(dates(line, &start).ok_or_else(wrong)?),
            _ => return Err(wrong()),
        }
    }
    if rules(event).is_empty() && !lines(event).any(|line| line.starts_with("RDATE")) {
        Err(wrong())
    } else {
        Ok(())
    }
}

/// The starts of the occurrences before `before`, in order, as the rule has them: exceptions are
/// not looked at.
pub(super) fn starts(event: &Map<String, Value>, before: Timestamp) -> Vec<When> {
    let Some(start) = stored(event, "start") else { return Vec::new() };
    let zone = match &start {
        When::Day(_) => "UTC".to_owned(),
        When::At { zone, .. } => zone.clone(),
    };
    let mut walls = BTreeSet::from([start.wall()]);
    let mut gone = BTreeSet::new();
    for line in lines(event) {
        let Some((name, values)) = split(line) else { continue };
        match name {
            "RRULE" | "EXRULE" => {
                let Some(set) = rule_set(&start, "RRULE", values) else { continue };
                let mut found = set.into_iter().map(|time| wall_of(time.timestamp())).peekable();
                // The first start is counted even where the rule does not give it (RFC 5545,
                // section 3.3.10).
                let outside = found.peek() != Some(&start.wall());
                let most =
                    count(values).map_or(MOST, |count| count.saturating_sub(usize::from(outside)));
                let found = found.take(most).take_while(|wall| in_zone(*wall, &zone) < before);
                if name == "RRULE" { walls.extend(found) } else { gone.extend(found) }
            }
            "RDATE" => walls.extend(dates(line, &start).unwrap_or_default()),
            "EXDATE" => gone.extend(dates(line, &start).unwrap_or_default()),
            _ => {}
        }
    }
    let left = walls.difference(&gone).filter(|wall| in_zone(**wall, &zone) < before);
    let mut starts: Vec<When> = left.map(|wall| start.at_wall(*wall)).collect();
    // Where the clocks skip a whole day, two walls are one instant.
    starts.dedup();
    starts
}

/// The start of the occurrence with this stamp, where there is one.
pub(super) fn occurrence(event: &Map<String, Value>, stamp: &str) -> Option<When> {
    let about = match stamp.parse::<Date>().ok().filter(|_| stamp.len() == 8) {
        Some(date) => in_zone(date.at(0, 0, 0, 0), "UTC"),
        None => stamp.parse().ok()?,
    };
    starts(event, about + SignedDuration::from_hours(48))
        .into_iter()
        .find(|start| start.stamp() == stamp)
}

/// The stamps of the occurrences that an RDATE or EXDATE line names; none where it is another line.
pub(super) fn stamps(event: &Map<String, Value>, line: &str) -> Vec<String> {
    let Some(start) =
        stored(event, "start").filter(|_| line.starts_with("RDATE") || line.starts_with("EXDATE"))
    else {
        return Vec::new();
    };
    dates(line, &start).into_iter().flatten().map(|wall| start.at_wall(wall).stamp()).collect()
}

/// The time that a stamp of this series means.
pub(super) fn at(event: &Map<String, Value>, stamp: &str) -> Option<When> {
    match stored(event, "start")? {
        When::Day(_) => stamp.parse().ok().map(When::Day),
        When::At { zone, .. } => stamp.parse().ok().map(|instant| When::At { instant, zone }),
    }
}

/// `<master>_<stamp>`, taken apart.
pub(super) fn of_instance(id: &str) -> Option<(&str, &str)> {
    id.rsplit_once('_')
}

fn split(line: &str) -> Option<(&str, &str)> {
    let (head, values) = line.split_once(':')?;
    Some((head.split(';').next()?, values))
}

fn count(rule: &str) -> Option<usize> {
    rule.split(';').find_map(|part| part.strip_prefix("COUNT="))?.parse().ok()
}

/// The rule on the wall clock, which is given to the crate as if it were UTC.
fn rule_set(start: &When, name: &str, rule: &str) -> Option<RRuleSet> {
    let parts: Option<Vec<String>> = rule
        .split(';')
        .map(|part| {
            let (key, value) = part.split_once('=')?;
            Some(if key == "UNTIL" {
                format!("UNTIL={}", until(start, value)?)
            } else {
                part.to_owned()
            })
        })
        .collect();
    let start = start.wall().strftime("%Y%m%dT%H%M%SZ");
    format!("DTSTART:{start}\n{name}:{}", parts?.join(";")).parse::<RRuleSet>().ok()
}

fn until(start: &When, value: &str) -> Option<String> {
    let wall = match (start, value.len()) {
        (When::Day(_), _) => value.get(..8)?.parse::<Date>().ok()?.at(0, 0, 0, 0),
        (When::At { .. }, 8) => value.parse::<Date>().ok()?.at(0, 0, 0, 0),
        (When::At { zone: name, .. }, _) if value.ends_with('Z') => {
            zone(name)?.to_datetime(value.parse().ok()?)
        }
        (When::At { .. }, _) => value.parse::<DateTime>().ok()?,
    };
    Some(wall.strftime("%Y%m%dT%H%M%SZ").to_string())
}

/// The wall clocks in an RDATE or EXDATE line, by the clock of the series.
fn dates(line: &str, start: &When) -> Option<Vec<DateTime>> {
    let (head, values) = line.split_once(':')?;
    let parameter =
        |name: &str| head.split(';').skip(1).find_map(|p| p.strip_prefix(name)?.strip_prefix('='));
    let named = parameter("TZID");
    if parameter("VALUE") == Some("PERIOD") {
        return None;
    }
    values
        .split(',')
        .map(|value| match start {
            When::Day(_) => Some(value.get(..8)?.parse::<Date>().ok()?.at(0, 0, 0, 0)),
            When::At { zone: own, .. } if value.ends_with('Z') => {
                Some(zone(own)?.to_datetime(value.parse().ok()?))
            }
            // A date means the occurrence of that day.
            When::At { .. } if value.len() == 8 => {
                Some(value.parse::<Date>().ok()?.to_datetime(start.wall().time()))
            }
            When::At { zone: own, .. } => {
                let wall = value.parse::<DateTime>().ok()?;
                let there = named.unwrap_or(own);
                zone(there)?;
                Some(zone(own)?.to_datetime(in_zone(wall, there)))
            }
        })
        .collect()
}

fn wall_of(second: i64) -> DateTime {
    Timestamp::from_second(second)
        .map(|t| jiff::tz::TimeZone::UTC.to_datetime(t))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests;
