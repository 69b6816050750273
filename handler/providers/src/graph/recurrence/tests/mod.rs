//! The table of rules and patterns, against the engine's own expansion.

mod any;
mod expander;
mod refused;
mod table;

use engine::event::{Busy, Content, Moment, OriginalStart, Series, Span, Visibility, Zone};
use engine::recurrence::occurrences;
use jiff::civil::{Date, DateTime, date};
use jiff::{SignedDuration, ToSpan};
use serde_json::json;

use super::*;

fn content(span: Span) -> Content {
    Content {
        span,
        title: "Review".into(),
        description: String::new(),
        location: String::new(),
        attendees: Vec::new(),
        visibility: Visibility::Default,
        busy: Busy::Busy,
    }
}

/// An hour in a zone.
fn hour(start: DateTime, zone: &str) -> Span {
    let zone = Zone::Iana(zone.into());
    let moment = |local| Moment { local, zone: zone.clone() };
    Span::Timed { start: moment(start), end: moment(start + SignedDuration::from_hours(1)) }
}

fn one_day(start: Date) -> Span {
    Span::AllDay { start, end: start.tomorrow().unwrap() }
}

fn series(rule: &str) -> Series {
    Series { rules: vec![rule.to_owned()], ..Series::default() }
}

fn written(rule: &str, span: &Span) -> Result<PatternedRecurrence, NotRepresentable> {
    pattern(&content(span.clone()), &series(rule))
}

/// The starts of a series on the wall clock, in the three years from its first one on.
fn expanded(rule: &str, span: &Span) -> Vec<DateTime> {
    let from = engine::zone::start(span, None);
    let to = from + SignedDuration::from_hours(24 * 366 * 3);
    occurrences(&content(span.clone()), &series(rule), from..to, None)
        .unwrap()
        .iter()
        .map(|one| match &one.span {
            Span::AllDay { start, .. } => start.at(0, 0, 0, 0),
            // The first start may lie where the clocks go forward.
            Span::Timed { start, .. } => engine::zone::rules(&start.zone, None)
                .to_datetime(engine::zone::instant(start, None)),
        })
        .collect()
}

/// The same starts by the pattern.
fn by_pattern(recurrence: &PatternedRecurrence, span: &Span) -> Vec<DateTime> {
    let from = engine::zone::start(span, None);
    let to = from + SignedDuration::from_hours(24 * 366 * 3);
    let last = jiff::tz::TimeZone::UTC.to_datetime(to).date() + 2.days();
    let days = expander::days(recurrence, last);
    days.into_iter()
        .map(|day| match span {
            Span::AllDay { .. } => (day.at(0, 0, 0, 0), engine::zone::day_instant(day)),
            Span::Timed { start, .. } => {
                let local = day.to_datetime(start.local.time());
                let moment = Moment { local, zone: start.zone.clone() };
                let instant = engine::zone::instant(&moment, None);
                (engine::zone::rules(&start.zone, None).to_datetime(instant), instant)
            }
        })
        .filter(|(_, instant)| *instant < to)
        .map(|(local, _)| local)
        .collect()
}

/// Zones with a change of clocks in the north, in the south, by half an hour, and none; and times
/// of day of which some are in gaps and folds.
const ZONES: [&str; 4] =
    ["Europe/Tallinn", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"];

fn spans(first: Date) -> Vec<Span> {
    let mut spans = vec![one_day(first)];
    for zone in ZONES {
        for (hour_of_day, minute) in [(2, 15), (3, 30), (22, 30)] {
            spans.push(hour(first.at(hour_of_day, minute, 0, 0), zone));
        }
    }
    spans
}

#[test]
fn every_row_becomes_its_pattern_and_the_same_occurrences_for_three_years() {
    for (rule, first, expected) in table::rows() {
        for end in ["", ";COUNT=7", ";UNTIL=20271130", ";UNTIL=20271130T230000Z"] {
            let rule = format!("{rule}{end}");
            for span in spans(first) {
                let found = written(&rule, &span).unwrap();
                assert_eq!(json!(found.pattern), expected, "{rule}");
                assert_eq!(found.range.start_date(), first, "{rule}");
                let days = expanded(&rule, &span);
                assert_eq!(by_pattern(&found, &span), days, "{rule} {span:?}");
                assert!(!end.is_empty() || days.len() >= 2, "{rule} {span:?}");
            }
        }
    }
}

#[test]
fn every_pattern_is_read_back_as_a_rule_with_the_same_occurrences() {
    for (rule, first, _) in table::rows() {
        for end in ["", ";COUNT=7", ";UNTIL=20271130T120000Z"] {
            let rule = format!("{rule}{end}");
            for span in spans(first) {
                let there = written(&rule, &span).unwrap();
                let back = super::rule(&there, &span).unwrap();
                assert_eq!(expanded(&back, &span), expanded(&rule, &span), "{rule} {back}");
                let again = written(&back, &span).unwrap();
                assert!(same(&again, &there), "{rule} {back}");
            }
        }
    }
}

#[test]
fn the_last_day_is_that_of_the_last_occurrence_where_the_series_is() {
    let tuesday = date(2026, 3, 10);
    let evening = |zone: &str| hour(tuesday.at(20, 0, 0, 0), zone);
    let berlin = evening("Europe/Berlin");
    for (rule, span, last) in [
        // A Tuesday on or before the end.
        ("FREQ=WEEKLY;UNTIL=20261231T230000Z", &berlin, date(2026, 12, 29)),
        ("FREQ=WEEKLY;UNTIL=20261229T190000Z", &berlin, date(2026, 12, 29)),
        ("FREQ=WEEKLY;UNTIL=20261229T185959Z", &berlin, date(2026, 12, 22)),
        ("FREQ=WEEKLY;UNTIL=20261229T200000", &berlin, date(2026, 12, 29)),
        // Midnight of that day, for a series with times.
        ("FREQ=WEEKLY;UNTIL=20261229", &berlin, date(2026, 12, 22)),
        ("FREQ=WEEKLY;UNTIL=20261229", &one_day(tuesday), date(2026, 12, 29)),
        // The evening of the day before, and the morning of the day after, in UTC.
        ("FREQ=WEEKLY;UNTIL=20261230T040000Z", &evening("America/Los_Angeles"), date(2026, 12, 29)),
        ("FREQ=WEEKLY;UNTIL=20261229T070000Z", &evening("Pacific/Auckland"), date(2026, 12, 29)),
        // Before the first start, which takes place all the same.
        ("FREQ=WEEKLY;UNTIL=20200101T000000Z", &berlin, tuesday),
        // Whichever end comes first.
        ("FREQ=WEEKLY;COUNT=3;UNTIL=20261231T230000Z", &berlin, date(2026, 3, 24)),
        ("FREQ=WEEKLY;COUNT=900;UNTIL=20261231T230000Z", &berlin, date(2026, 12, 29)),
        ("FREQ=YEARLY;INTERVAL=50;UNTIL=21260101T000000Z", &berlin, date(2076, 3, 10)),
    ] {
        let found = written(rule, span).unwrap().range;
        assert_eq!(found, Range::EndDate { start_date: tuesday, end_date: last }, "{rule}");
    }
    let endless = Range::NoEnd { start_date: tuesday };
    assert_eq!(written("FREQ=WEEKLY;UNTIL=49991231T235959Z", &berlin).unwrap().range, endless);
    assert_eq!(written("FREQ=WEEKLY;COUNT=-1", &berlin).unwrap().range, endless);
    let counted = Range::Numbered { start_date: tuesday, number_of_occurrences: 999 };
    assert_eq!(written("FREQ=WEEKLY;COUNT=999", &berlin).unwrap().range, counted);
}

#[test]
fn patterns_are_read_as_rules() {
    let span = hour(date(2026, 3, 10).at(10, 0, 0, 0), "Europe/Tallinn");
    let read = |pattern: serde_json::Value, range: serde_json::Value| {
        let whole = json!({ "pattern": pattern, "range": range });
        super::rule(&serde_json::from_value(whole).unwrap(), &span)
    };
    let endless = json!({ "type": "noEnd", "startDate": "2026-03-10" });
    for (pattern, rule) in [
        (json!({ "type": "daily", "interval": 3, "month": 0 }), "FREQ=DAILY;INTERVAL=3"),
        (
            json!({ "type": "weekly", "interval": 1, "daysOfWeek": ["sunday", "monday"] }),
            "FREQ=WEEKLY;BYDAY=MO,SU;WKST=SU",
        ),
        (json!({ "type": "absoluteMonthly", "dayOfMonth": 28 }), "FREQ=MONTHLY;BYMONTHDAY=28"),
        (
            json!({ "type": "relativeMonthly", "daysOfWeek": ["tuesday"], "index": "last" }),
            "FREQ=MONTHLY;BYDAY=-1TU",
        ),
        (
            json!({ "type": "relativeMonthly", "daysOfWeek": ["tuesday", "friday"] }),
            "FREQ=MONTHLY;BYDAY=TU,FR;BYSETPOS=1",
        ),
        (
            json!({ "type": "absoluteYearly", "dayOfMonth": 31, "month": 12, "interval": 4 }),
            "FREQ=YEARLY;INTERVAL=4;BYMONTH=12;BYMONTHDAY=31",
        ),
        (
            json!({
                "type": "relativeYearly", "daysOfWeek": ["monday"], "index": "third", "month": 1,
            }),
            "FREQ=YEARLY;BYMONTH=1;BYDAY=3MO",
        ),
    ] {
        assert_eq!(read(pattern, endless.clone()).unwrap(), rule);
    }
    let daily = json!({ "type": "daily", "interval": 1 });
    for (range, rule) in [
        (
            json!({ "type": "numbered", "startDate": "2026-03-10", "numberOfOccurrences": 9 }),
            "FREQ=DAILY;COUNT=9",
        ),
        // In summer ten o'clock in Tallinn is seven in UTC.
        (
            json!({ "type": "endDate", "startDate": "2026-03-10", "endDate": "2026-06-01" }),
            "FREQ=DAILY;UNTIL=20260601T070000Z",
        ),
    ] {
        assert_eq!(read(daily.clone(), range).unwrap(), rule);
    }
    for pattern in [
        json!({ "type": "absoluteMonthly", "dayOfMonth": 31 }),
        json!({ "type": "absoluteMonthly", "dayOfMonth": 0 }),
        json!({ "type": "absoluteYearly", "dayOfMonth": 29, "month": 2 }),
        json!({ "type": "absoluteYearly", "dayOfMonth": 1, "month": 13 }),
        json!({ "type": "weekly", "daysOfWeek": [] }),
        json!({ "type": "daily", "interval": 0 }),
    ] {
        assert!(read(pattern.clone(), endless.clone()).is_err(), "{pattern}");
    }
    let none = json!({ "type": "numbered", "startDate": "2026-03-10", "numberOfOccurrences": 0 });
    assert!(read(daily, none).is_err());
}

#[test]
fn patterns_are_compared_by_what_they_mean() {
    let weekly = |interval, days: [DayOfWeek; 2], first_day_of_week| PatternedRecurrence {
        pattern: Pattern::Weekly { interval, days_of_week: days.to_vec(), first_day_of_week },
        range: Range::NoEnd { start_date: date(2026, 3, 10) },
    };
    use DayOfWeek::{Monday, Sunday, Tuesday};
    let one = weekly(1, [Tuesday, Sunday], Monday);
    assert!(same(&one, &weekly(1, [Sunday, Tuesday], Monday)));
    assert!(same(&one, &weekly(1, [Tuesday, Sunday], Sunday)), "every week");
    assert!(!same(&one, &weekly(1, [Tuesday, Monday], Monday)));
    assert!(!same(&weekly(2, [Tuesday, Sunday], Monday), &weekly(2, [Tuesday, Sunday], Sunday)));
    let later = PatternedRecurrence {
        range: Range::NoEnd { start_date: date(2026, 3, 17) },
        ..one.clone()
    };
    assert!(!same(&one, &later));
    let until = |end_date| PatternedRecurrence {
        range: Range::EndDate { start_date: date(2026, 3, 10), end_date },
        ..one.clone()
    };
    // A Tuesday, the days up to the next Sunday, and that Sunday.
    let tuesday = until(date(2026, 12, 29));
    assert!(same(&tuesday, &tuesday) && !same(&tuesday, &one));
    assert!(same(&tuesday, &until(date(2027, 1, 2))) && same(&until(date(2027, 1, 2)), &tuesday));
    assert!(
        !same(&tuesday, &until(date(2027, 1, 3))) && !same(&tuesday, &until(date(2026, 12, 28)))
    );
    assert!(!same(&until(date(9999, 12, 31)), &tuesday));
}
