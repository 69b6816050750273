//! Bare recurrence lines (RRULE, RDATE, EXDATE), for providers whose events are no iCalendar
//! objects but repeat by its rules.

use engine::event::{Event, EventId, Exception, Moment, Series, Span, Zone};

use crate::context::ObjectContext;
use crate::error::Unreadable;
use crate::read::read;
use crate::write;

/// The lines that are understood; EXRULE so that it is refused, not overlooked.
const NAMES: [&str; 4] = ["RRULE", "RDATE", "EXDATE", "EXRULE"];

/// The series that the lines make of an event at `span`; cancelled occurrences are its only
/// exceptions.
///
/// # Errors
/// See [`crate::read()`].
pub fn series(lines: &[String], span: &Span) -> Result<Option<Series>, Unreadable> {
    let mut object = String::from("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:series\r\n");
    let (start, end) = write::bounds(span);
    for line in [start.line("DTSTART"), end.line("DTEND")]
        .iter()
        .chain(lines.iter().filter(|line| is_known(line)))
    {
        object.push_str(line);
        object.push_str("\r\n");
    }
    object.push_str("END:VEVENT\r\nEND:VCALENDAR\r\n");
    let floating = match span {
        Span::Timed { start: Moment { zone: Zone::Iana(name), .. }, .. } => Some(name.as_str()),
        _ => None,
    };
    let context = ObjectContext { is_me: &|_| false, zone: floating, now: None };
    read(EventId::new("series"), None, object.as_bytes(), context)
        .map(|Event { series, .. }| series)
}

/// The lines of a series at `span`: its rules, further dates and cancelled occurrences.
pub fn lines(series: &Series, span: &Span) -> Vec<String> {
    let rules = series.rules.iter().map(|rule| format!("RRULE:{}", write::rule_at(rule, span)));
    let extra = series.extra.iter().map(|start| write::original_start(*start, span).line("RDATE"));
    let cancelled =
        series.exceptions.iter().filter(|(_, exception)| **exception == Exception::Cancelled);
    let excluded = cancelled.map(|(start, _)| write::original_start(*start, span).line("EXDATE"));
    rules
        .chain(extra)
        .chain(excluded)
        .map(|line| line.chars().filter(|c| !c.is_control()).collect())
        .collect()
}

/// Whether a line is one of recurrence, and one line.
fn is_known(line: &str) -> bool {
    let end = line.find([':', ';']).unwrap_or(0);
    !line.contains(char::is_control)
        && NAMES.iter().any(|name| line[..end].eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use engine::event::OriginalStart;
    use jiff::civil::date;

    use super::*;

    fn tallinn() -> Span {
        let moment = |hour| Moment {
            local: date(2026, 3, 10).at(hour, 0, 0, 0),
            zone: Zone::Iana("Europe/Tallinn".into()),
        };
        Span::Timed { start: moment(10), end: moment(11) }
    }

    fn read(lines: &[&str], span: &Span) -> Result<Option<Series>, Unreadable> {
        series(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>(), span)
    }

    #[test]
    fn lines_become_a_series_and_the_same_lines_again() {
        let written = [
            "RRULE:FREQ=WEEKLY;BYDAY=TU",
            "RDATE;TZID=Europe/Tallinn:20260312T100000",
            "EXDATE;TZID=Europe/Tallinn:20260331T100000",
        ];
        let found = read(&written, &tallinn()).unwrap().unwrap();
        assert_eq!(found.rules, ["FREQ=WEEKLY;BYDAY=TU"]);
        let excluded = OriginalStart::At("2026-03-31T07:00:00Z".parse().unwrap());
        assert_eq!(
            found.exceptions.into_iter().collect::<Vec<_>>(),
            [(excluded, Exception::Cancelled)]
        );
        assert_eq!(lines(&read(&written, &tallinn()).unwrap().unwrap(), &tallinn()), written);
        let days = Span::AllDay { start: date(2026, 3, 10), end: date(2026, 3, 11) };
        let written = ["RRULE:FREQ=DAILY;COUNT=5", "EXDATE;VALUE=DATE:20260312"];
        assert_eq!(lines(&read(&written, &days).unwrap().unwrap(), &days), written);
    }

    #[test]
    fn what_is_no_line_of_recurrence_is_not_taken_for_one() {
        let hostile = [
            "SUMMARY:x",
            "RRULE:FREQ=DAILY\r\nATTENDEE:mailto:x@example.org",
            "END:VEVENT",
            "",
            "é",
            "RRULE",
        ];
        assert_eq!(read(&hostile, &tallinn()), Ok(None));
        assert!(read(&["EXRULE:FREQ=DAILY"], &tallinn()).is_err());
        assert!(read(&["EXDATE:never"], &tallinn()).is_err());
    }
}
