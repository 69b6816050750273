//! Two calendars side by side, as a person would see them: every occurrence in its place.

use anyhow::Context as _;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use simulators::agenda::Entry;
use simulators::ics::When;

/// The content of one calendar.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Line {
    start: DateTime,
    end: DateTime,
    day: bool,
    title: String,
}

/// The occurrences between two days, as the clock on the wall of `zone` shows them.
pub fn lines(
    entries: &[Entry],
    zone: &TimeZone,
    from: Date,
    to: Date,
) -> anyhow::Result<Vec<Line>> {
    let mut lines = Vec::new();
    for entry in entries {
        let (start, day) = wall(&when(entry, "DTSTART")?, zone)?;
        let (end, _) = wall(&when(entry, "DTEND")?, zone)?;
        let copy =
            entry.event.properties.iter().any(|property| property.name == "X-CALRELAY-ORIGIN");
        let title = format!("{}{}", entry.summary(), if copy { " (copy)" } else { "" });
        let elsewhere =
            if entry.original().is_some() { Vec::new() } else { exceptions(entries, entry, zone)? };
        for weeks in 0..weeks(entry)? {
            let shift = i64::from(weeks).weeks();
            let line = Line {
                start: start.checked_add(shift)?,
                end: end.checked_add(shift)?,
                day,
                title: title.clone(),
            };
            if !elsewhere.contains(&line.start) && (from..to).contains(&line.start.date()) {
                lines.push(line);
            }
        }
    }
    lines.sort();
    Ok(lines)
}

/// How many weeks it repeats; 1 for an event that does not. The demonstration has weekly series
/// with an end only.
fn weeks(entry: &Entry) -> anyhow::Result<u32> {
    let rule = entry.value("RRULE");
    let part =
        |name: &str| rule.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
    Ok(match (rule, part("COUNT")) {
        ("", _) => 1,
        (_, Some(count)) => count.parse().context("a COUNT that is no number")?,
        _ => anyhow::bail!("a series that the demo did not make"),
    })
}

/// The original starts of cancelled and moved occurrences.
fn exceptions(entries: &[Entry], series: &Entry, zone: &TimeZone) -> anyhow::Result<Vec<DateTime>> {
    let moved = entries
        .iter()
        .filter(|entry| entry.name == series.name)
        .filter_map(|entry| entry.event.get("RECURRENCE-ID")?.when());
    let cancelled = series.event.all("EXDATE").filter_map(|property| property.when());
    moved.chain(cancelled).map(|when| Ok(wall(&when, zone)?.0)).collect()
}

fn when(entry: &Entry, property: &str) -> anyhow::Result<When> {
    entry
        .event
        .get(property)
        .and_then(|property| property.when())
        .with_context(|| format!("{} without {property}", entry.name))
}

fn wall(when: &When, zone: &TimeZone) -> anyhow::Result<(DateTime, bool)> {
    if when.is_day() {
        return Ok((when.civil(), true));
    }
    Ok((Timestamp::from_second(when.bounds().0)?.to_zoned(zone.clone()).datetime(), false))
}

/// Whether every place that is taken in one calendar is taken in the other.
pub fn in_step(left: &[Line], right: &[Line]) -> bool {
    let places = |lines: &[Line]| {
        lines.iter().map(|line| (line.start, line.end, line.day)).collect::<Vec<_>>()
    };
    places(left) == places(right)
}

/// The two, with what they have in common on one line.
pub fn side_by_side(heads: [&str; 2], left: &[Line], right: &[Line]) -> String {
    const WHEN: usize = 27;
    const TITLE: usize = 27;
    let mut text = format!("  {:WHEN$}{:TITLE$}{}\n", "", heads[0], heads[1]);
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    loop {
        let place = |line: &&Line| (line.start, line.end, line.day);
        let Some(next) = [left.peek(), right.peek()].into_iter().flatten().map(place).min() else {
            break;
        };
        let on_left = left.next_if(|line| place(line) == next);
        let on_right = right.next_if(|line| place(line) == next);
        let title = |line: Option<&Line>| line.map(|line| line.title.clone()).unwrap_or_default();
        let (start, end, day) = next;
        let time = if day {
            "all day".to_owned()
        } else {
            format!("{} - {}", start.strftime("%H:%M"), end.strftime("%H:%M"))
        };
        let when = format!("{}  {time}", start.strftime("%a %e %b"));
        text += format!("  {when:WHEN$}{:TITLE$}{}", title(on_left), title(on_right)).trim_end();
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use simulators::agenda::entries;

    use super::*;

    fn seen(events: &str) -> Vec<Line> {
        let text = format!("BEGIN:VCALENDAR\n{events}END:VCALENDAR\n");
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        lines(&entries([("a.ics".to_owned(), text)]), &zone, date(2026, 11, 30), date(2026, 12, 31))
            .unwrap()
    }

    #[test]
    fn a_series_stands_in_all_its_places() {
        let lines = seen(
            "BEGIN:VEVENT\nDTSTART;TZID=Europe/Berlin:20261130T093000\nDTEND;TZID=Europe/Berlin:20261130T100000\nSUMMARY:Tea\n\
             RRULE:FREQ=WEEKLY;COUNT=4\nEXDATE;TZID=Europe/Berlin:20261214T093000\nEND:VEVENT\n\
             BEGIN:VEVENT\nRECURRENCE-ID;TZID=Europe/Berlin:20261207T093000\nDTSTART:20261208T100000Z\nDTEND:20261208T103000Z\nSUMMARY:Late tea\nEND:VEVENT\n",
        );
        let text = side_by_side(["a", "b"], &lines, &lines[..1]);
        let rows: Vec<&str> = text.lines().skip(1).map(str::trim).collect();
        assert_eq!(
            rows,
            [
                "Mon 30 Nov  09:30 - 10:00  Tea                        Tea",
                "Tue  8 Dec  11:00 - 11:30  Late tea",
                "Mon 21 Dec  09:30 - 10:00  Tea",
            ]
        );
    }
}
