//! The occurrences that an object gives in a range of time, by the rules of RFC 5545 alone: what a
//! person sees of it.
//!
//! It shares nothing with the product's own expansion, so that the two cannot be wrong together.
//! What the RFC leaves open is not guessed: see [`expand`].

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rrule::RRuleSet;

use crate::ics::{self, Component, Property, When};

/// So many characters of a title are looked at: calendars show no more, and copies of longer ones
/// are cut.
const TITLE: usize = 1_000;

/// What an object shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expanded {
    /// Start, and title with its words one blank apart; sorted, each as often as it is shown.
    pub occurrences: Vec<(Timestamp, String)>,
    /// The times have no zone, and were taken as UTC.
    pub floats: bool,
}

/// No series of a test has more occurrences before the end of a range.
const MOST: usize = 20_000;

/// The occurrences of an object that start in a range.
///
/// `None` where it cannot be said what they are: no readable object, a zone that has no IANA name,
/// an EXRULE or RANGE, a period, several masters or none, two answers for one occurrence.
pub fn expand(text: &str, range: &Range<Timestamp>) -> Option<Expanded> {
    let calendar = ics::read(text).ok()?;
    let (changed, masters): (Vec<_>, Vec<_>) =
        calendar.inside("VEVENT").partition(|event| event.get("RECURRENCE-ID").is_some());
    let [master] = masters[..] else { return None };
    let first = master.get("DTSTART")?.when()?;
    let floats = matches!(first, When::Floating(_));
    let mut starts = starts(master, &first, range.end)?;
    let gaps = gaps(master, &first)?;
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for event in changed {
        let original = event.get("RECURRENCE-ID")?;
        if original.parameter("RANGE").is_some() || is_open(event) {
            return None;
        }
        let original = instant(&in_form(original.when()?, &first))?;
        if !seen.insert(original) || gaps.contains(&original) {
            return None;
        }
        starts.remove(&original);
        if event.value("STATUS") != Some("CANCELLED") {
            found.push((instant(&event.get("DTSTART")?.when()?)?, title(event)));
        }
    }
    found.extend(
        starts
            .into_keys()
            .filter(|start| !gaps.contains(start))
            .map(|start| (start, title(master))),
    );
    found.retain(|(start, _)| range.contains(start));
    found.sort();
    Some(Expanded { occurrences: found, floats })
}

/// Whether an attendee answers for this occurrence alone: then its reader decides whether it takes
/// place.
fn is_open(event: &Component) -> bool {
    event.get("ATTENDEE").is_some()
}

fn title(event: &Component) -> String {
    let title = event.get("SUMMARY").map(Property::text).unwrap_or_default();
    // What XML or iCalendar does not have, no copy has either.
    let title: String = title
        .chars()
        .filter(|c| c.is_whitespace() || !(c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}')))
        .collect();
    title.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(TITLE).collect()
}

/// The starts that rules and further dates give, exceptions or not.
fn starts(
    master: &Component,
    first: &When,
    end: Timestamp,
) -> Option<BTreeMap<Timestamp, DateTime>> {
    let mut walls = BTreeSet::from([first.civil()]);
    if master.get("EXRULE").is_some() {
        return None;
    }
    for rule in master.all("RRULE") {
        let mut left = MOST;
        let counted = part(&rule.value, "COUNT").map(|count| count.parse::<usize>().ok());
        let mut starts =
            rule_set(first, &rule.value)?.into_iter().map(|time| wall(time.timestamp())).peekable();
        if let Some(count) = counted {
            // The first start is counted even where the rule does not give it (section 3.3.10).
            left = count?.saturating_sub(usize::from(starts.peek() != Some(&first.civil())));
        }
        for wall in starts.take(left) {
            if instant(&at(first, wall))? >= end {
                break;
            }
            walls.insert(wall);
        }
    }
    for more in master.all("RDATE") {
        walls.extend(dates(more, first)?);
    }
    walls.into_iter().map(|wall| Some((instant(&at(first, wall))?, wall))).collect()
}

fn gaps(master: &Component, first: &When) -> Option<BTreeSet<Timestamp>> {
    let mut gaps = BTreeSet::new();
    for gap in master.all("EXDATE") {
        for wall in dates(gap, first)? {
            gaps.insert(instant(&at(first, wall))?);
        }
    }
    Some(gaps)
}

/// The times of an EXDATE or RDATE, on the clock of the series.
fn dates(property: &Property, first: &When) -> Option<Vec<DateTime>> {
    let one = |value: &str| {
        let when = Property { value: value.to_owned(), ..property.clone() }.when()?;
        Some(in_form(when, first).civil())
    };
    property.value.split(',').map(one).collect()
}

/// The time in the form of the series.
fn in_form(when: When, first: &When) -> When {
    let wall = match (&when, first) {
        (When::Day(day), When::Day(_)) => day.at(0, 0, 0, 0),
        (When::Day(day), _) => day.to_datetime(first.civil().time()),
        (When::Floating(wall), _) => *wall,
        (_, When::Zoned(_, zone)) => match (instant(&when), TimeZone::get(zone)) {
            (Some(instant), Ok(zone)) => zone.to_datetime(instant),
            _ => when.civil(),
        },
        (_, When::Day(_)) => when.civil().date().at(0, 0, 0, 0),
        (_, When::Utc(_) | When::Floating(_)) => {
            instant(&when).map_or(when.civil(), |instant| TimeZone::UTC.to_datetime(instant))
        }
    };
    at(first, wall)
}

fn at(first: &When, wall: DateTime) -> When {
    match first {
        When::Day(_) => When::Day(wall.date()),
        When::Utc(_) => When::Utc(wall),
        When::Zoned(_, zone) => When::Zoned(wall, zone.clone()),
        When::Floating(_) => When::Floating(wall),
    }
}

/// The instant that is meant; of a day, and of a time in no zone, by UTC.
fn instant(when: &When) -> Option<Timestamp> {
    let zone = match when {
        When::Zoned(_, zone) => TimeZone::get(zone).ok()?,
        When::Day(_) | When::Utc(_) | When::Floating(_) => TimeZone::UTC,
    };
    zone.to_ambiguous_timestamp(when.civil()).compatible().ok()
}

/// The rule on the wall clock, which is given to the crate as if it were UTC.
fn rule_set(first: &When, rule: &str) -> Option<RRuleSet> {
    let mut parts = Vec::new();
    for part in rule.split(';').filter(|part| !part.is_empty()) {
        let (key, value) = part.split_once('=')?;
        parts.push(if key.eq_ignore_ascii_case("UNTIL") {
            format!("UNTIL={}", until(first, value)?)
        } else {
            part.to_owned()
        });
    }
    let start = first.civil().strftime("%Y%m%dT%H%M%SZ");
    format!("DTSTART:{start}\nRRULE:{}", parts.join(";")).parse().ok()
}

fn until(first: &When, value: &str) -> Option<String> {
    let when = Property { name: "UNTIL".into(), parameters: Vec::new(), value: value.to_owned() }
        .when()?;
    let wall = match (&when, first) {
        // Of a day, its beginning; that of the last day counts where the series has days.
        (When::Day(day), _) => day.at(0, 0, 0, 0),
        (_, When::Day(_)) => when.civil().date().at(0, 0, 0, 0),
        _ => in_form(when, first).civil(),
    };
    Some(wall.strftime("%Y%m%dT%H%M%SZ").to_string())
}

fn part<'a>(rule: &'a str, name: &str) -> Option<&'a str> {
    rule.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
}

fn wall(second: i64) -> DateTime {
    Timestamp::from_second(second).map_or(DateTime::ZERO, |at| TimeZone::UTC.to_datetime(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(events: &str) -> Option<Vec<String>> {
        let text = format!("BEGIN:VCALENDAR\n{events}END:VCALENDAR\n");
        let range =
            "2026-03-01T00:00:00Z".parse().unwrap().."2026-04-10T00:00:00Z".parse().unwrap();
        Some(
            expand(&text, &range)?
                .occurrences
                .iter()
                .map(|(start, title)| format!("{} {title}", start.strftime("%m-%d %H:%M")))
                .collect(),
        )
    }

    #[test]
    fn a_series_in_a_zone_with_gaps_and_changes() {
        let master = "BEGIN:VEVENT\nDTSTART;TZID=Europe/Berlin:20260312T100000\nRRULE:FREQ=WEEKLY;COUNT=5\nEXDATE;TZID=Europe/Berlin:20260326T100000\nSUMMARY:A  b\nEND:VEVENT\n";
        let changed = "BEGIN:VEVENT\nRECURRENCE-ID:20260319T090000Z\nDTSTART;TZID=Europe/Berlin:20260320T120000\nSUMMARY:Moved\nEND:VEVENT\n";
        let all = ["03-12 09:00 A b", "03-20 11:00 Moved", "04-02 08:00 A b", "04-09 08:00 A b"];
        assert_eq!(shown(&format!("{master}{changed}")).unwrap(), all);
        // An exception for an instant that the rule does not give is shown beside it.
        let stray = changed.replace("20260319T090000Z", "20260319T100000Z");
        assert_eq!(shown(&format!("{master}{stray}")).unwrap().len(), 5);
        assert_eq!(
            shown(&format!("{master}{changed}{changed}")),
            None,
            "which of the two counts is not said"
        );
        assert_eq!(shown(&master.replace("Europe/Berlin", "Somewhere")), None);
    }

    #[test]
    fn days_and_ends() {
        let days = "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20260312\nRRULE:FREQ=DAILY;UNTIL=20260314\nEXDATE;VALUE=DATE:20260313\nSUMMARY:D\nEND:VEVENT\n";
        assert_eq!(shown(days).unwrap(), ["03-12 00:00 D", "03-14 00:00 D"]);
        let until = "BEGIN:VEVENT\nDTSTART;TZID=Europe/Berlin:20260326T100000\nRRULE:FREQ=WEEKLY;UNTIL=20260402T080000Z\nSUMMARY:U\nEND:VEVENT\n";
        assert_eq!(shown(until).unwrap(), ["03-26 09:00 U", "04-02 08:00 U"]);
    }
}
