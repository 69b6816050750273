//! Whether an object has to do with a span of time (RFC 4791, section 9.9).
//!
//! A sound approximation: every event that might be in the span is included. Floating times and
//! days have the width of all zones of the world; a series is included unless it begins after the
//! span, or its UNTIL, its additional dates and all its exceptions end before it. A client must
//! accept both.

use crate::ics::{Component, Property, When};

const DAY: i64 = 24 * 3600;

/// Seconds of Unix time; the end is outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub start: i64,
    pub end: i64,
}

impl Span {
    /// From the attributes of a time-range, both UTC; an absent one is open.
    pub fn read(start: Option<&str>, end: Option<&str>) -> Option<Self> {
        let instant = |text: Option<&str>, open: i64| match text {
            None => Some(open),
            Some(text) => match (Property {
                name: String::new(),
                parameters: Vec::new(),
                value: text.to_owned(),
            })
            .when()?
            {
                utc @ When::Utc(_) => Some(utc.bounds().0),
                _ => None,
            },
        };
        let span = Self { start: instant(start, i64::MIN / 2)?, end: instant(end, i64::MAX / 2)? };
        (span.start < span.end).then_some(span)
    }

    fn meets(self, earliest: i64, latest: i64) -> bool {
        earliest < self.end && (latest > self.start || earliest >= self.start)
    }
}

/// Whether any event of the object might have to do with the span.
pub(super) fn matches(calendar: &Component, span: Span) -> bool {
    calendar.inside("VEVENT").any(|event| event_matches(event, span))
}

fn event_matches(event: &Component, span: Span) -> bool {
    let Some(start) = event.get("DTSTART").and_then(Property::when) else { return true };
    let (earliest, latest) = start.bounds();
    let length = length(event, &start);
    let recurs = event.get("RRULE").is_some() || event.get("RDATE").is_some();
    if !recurs {
        return span.meets(earliest, latest + length);
    }
    if earliest >= span.end && event.get("RDATE").is_none() {
        return false;
    }
    // RDATE may lie anywhere: in.
    let last =
        if event.get("RDATE").is_some() { None } else { event.value("RRULE").and_then(until) };
    last.is_none_or(|last| last + length + DAY > span.start)
}

fn length(event: &Component, start: &When) -> i64 {
    if let Some(end) = event.get("DTEND").and_then(Property::when) {
        return (end.bounds().1 - start.bounds().1).max(0);
    }
    match event.value("DURATION") {
        // One that cannot be read is long: in doubt, in.
        Some(duration) => seconds(duration).unwrap_or(366 * DAY),
        None => i64::from(start.is_day()) * DAY,
    }
}

fn until(rule: &str) -> Option<i64> {
    let value = rule.split(';').find_map(|part| part.strip_prefix("UNTIL="))?;
    let when =
        Property { name: String::new(), parameters: Vec::new(), value: value.to_owned() }.when()?;
    Some(when.bounds().1)
}

/// Seconds of an ISO duration whose days have 24 hours.
fn seconds(duration: &str) -> Option<i64> {
    let span: jiff::Span = duration.parse().ok()?;
    span.total(jiff::SpanTotal::from(jiff::Unit::Second).days_are_24_hours())
        .ok()
        .map(|seconds| seconds as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ics::read;

    fn inside(event: &str) -> bool {
        let calendar =
            read(&format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{event}\nEND:VEVENT\nEND:VCALENDAR"))
                .unwrap();
        matches(&calendar, Span::read(Some("20260401T000000Z"), Some("20260501T000000Z")).unwrap())
    }

    #[test]
    fn single_events() {
        assert!(inside("DTSTART:20260410T100000Z\nDTEND:20260410T110000Z"));
        assert!(inside("DTSTART:20260331T230000Z\nDTEND:20260401T010000Z"), "reaches in");
        assert!(inside("DTSTART:20260320T100000Z\nDURATION:P20D"));
        assert!(inside("DTSTART;VALUE=DATE:20260430"));
        assert!(inside("DTSTART;TZID=Somewhere:20260331T200000"), "in doubt, in");
        assert!(!inside("DTSTART:20260310T100000Z\nDTEND:20260310T110000Z"));
        assert!(!inside("DTSTART:20260331T230000Z\nDTEND:20260401T000000Z"), "the end is outside");
        assert!(!inside("DTSTART:20260501T000000Z\nDTEND:20260501T010000Z"));
    }

    #[test]
    fn series() {
        assert!(inside("DTSTART:20200310T100000Z\nRRULE:FREQ=WEEKLY"));
        assert!(!inside("DTSTART:20200310T100000Z\nRRULE:FREQ=WEEKLY;UNTIL=20210101T000000Z"));
        assert!(!inside("DTSTART:20260601T100000Z\nRRULE:FREQ=WEEKLY"));
        assert!(inside("DTSTART:20260601T100000Z\nRDATE:20260410T100000Z"));
    }

    #[test]
    fn spans_are_utc_and_forward() {
        assert_eq!(Span::read(Some("20260401T000000"), None), None);
        assert_eq!(Span::read(Some("20260401T000000Z"), Some("20260301T000000Z")), None);
        assert!(Span::read(None, Some("20260301T000000Z")).is_some());
    }
}
