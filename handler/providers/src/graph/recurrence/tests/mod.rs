//! The table of rules and patterns, against the engine's own expansion.

mod any;
mod expander;

use engine::event::{Busy, Content, Moment, OriginalStart, Series, Span, Visibility, Zone};
use engine::recurrence::occurrences;
use jiff::civil::{Date, DateTime, date};
use jiff::{SignedDuration, ToSpan};
use serde_json::json;

use super::super::wire::Range;
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

/// Each row of the table: a rule, the day of its first start, and its pattern.
fn rows() -> Vec<(&'static str, Date, serde_json::Value)> {
    let all = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let workdays = &all[..5];
    let tuesday = date(2026, 3, 10);
    vec![
        ("FREQ=DAILY", tuesday, json!({ "type": "daily", "interval": 1 })),
        ("FREQ=DAILY;INTERVAL=99", tuesday, json!({ "type": "daily", "interval": 99 })),
        (
            "FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR",
            tuesday,
            json!({
                "type": "weekly", "interval": 1, "daysOfWeek": workdays,
                "firstDayOfWeek": "monday",
            }),
        ),
        (
            "FREQ=WEEKLY",
            tuesday,
            json!({
                "type": "weekly", "interval": 1, "daysOfWeek": ["tuesday"],
                "firstDayOfWeek": "monday",
            }),
        ),
        // Where the week begins decides which weeks are left out.
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=MO",
            tuesday,
            json!({
                "type": "weekly", "interval": 2, "daysOfWeek": ["tuesday", "sunday"],
                "firstDayOfWeek": "monday",
            }),
        ),
        (
            "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU",
            tuesday,
            json!({
                "type": "weekly", "interval": 2, "daysOfWeek": ["tuesday", "sunday"],
                "firstDayOfWeek": "sunday",
            }),
        ),
        (
            "FREQ=WEEKLY;INTERVAL=3;BYDAY=SA,MO;WKST=WE",
            date(2026, 3, 14),
            json!({
                "type": "weekly", "interval": 3, "daysOfWeek": ["monday", "saturday"],
                "firstDayOfWeek": "wednesday",
            }),
        ),
        (
            "FREQ=MONTHLY",
            date(2026, 1, 28),
            json!({ "type": "absoluteMonthly", "interval": 1, "dayOfMonth": 28 }),
        ),
        (
            "FREQ=MONTHLY;INTERVAL=5;BYMONTHDAY=1",
            date(2026, 2, 1),
            json!({ "type": "absoluteMonthly", "interval": 5, "dayOfMonth": 1 }),
        ),
        (
            "FREQ=MONTHLY;BYMONTHDAY=-1",
            date(2026, 1, 31),
            json!({
                "type": "relativeMonthly", "interval": 1, "daysOfWeek": all, "index": "last",
            }),
        ),
        (
            "FREQ=MONTHLY;BYDAY=2TU",
            tuesday,
            json!({
                "type": "relativeMonthly", "interval": 1, "daysOfWeek": ["tuesday"],
                "index": "second",
            }),
        ),
        (
            "FREQ=MONTHLY;INTERVAL=2;BYDAY=-1SU",
            date(2026, 3, 29),
            json!({
                "type": "relativeMonthly", "interval": 2, "daysOfWeek": ["sunday"],
                "index": "last",
            }),
        ),
        (
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            date(2026, 2, 27),
            json!({
                "type": "relativeMonthly", "interval": 1, "daysOfWeek": workdays,
                "index": "last",
            }),
        ),
        (
            "FREQ=MONTHLY;BYDAY=SA,SU;BYSETPOS=4",
            date(2026, 3, 14),
            json!({
                "type": "relativeMonthly", "interval": 1, "daysOfWeek": ["saturday", "sunday"],
                "index": "fourth",
            }),
        ),
        (
            "FREQ=YEARLY",
            tuesday,
            json!({ "type": "absoluteYearly", "interval": 1, "dayOfMonth": 10, "month": 3 }),
        ),
        (
            "FREQ=YEARLY;BYMONTH=3",
            tuesday,
            json!({ "type": "absoluteYearly", "interval": 1, "dayOfMonth": 10, "month": 3 }),
        ),
        (
            "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=31",
            date(2026, 12, 31),
            json!({ "type": "absoluteYearly", "interval": 1, "dayOfMonth": 31, "month": 12 }),
        ),
        (
            "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28",
            date(2026, 2, 28),
            json!({ "type": "absoluteYearly", "interval": 1, "dayOfMonth": 28, "month": 2 }),
        ),
        (
            "FREQ=YEARLY;INTERVAL=2;BYMONTH=10;BYDAY=-1SU",
            date(2026, 10, 25),
            json!({
                "type": "relativeYearly", "interval": 2, "daysOfWeek": ["sunday"],
                "index": "last", "month": 10,
            }),
        ),
        (
            "FREQ=YEARLY;BYMONTH=11;BYDAY=4TH",
            date(2026, 11, 26),
            json!({
                "type": "relativeYearly", "interval": 1, "daysOfWeek": ["thursday"],
                "index": "fourth", "month": 11,
            }),
        ),
        (
            "FREQ=YEARLY;BYMONTH=2;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            date(2026, 2, 27),
            json!({
                "type": "relativeYearly", "interval": 1, "daysOfWeek": workdays,
                "index": "last", "month": 2,
            }),
        ),
        // Spelt in other ways.
        (
            "freq=monthly; byday=+2tu ;X-PART=1",
            tuesday,
            json!({
                "type": "relativeMonthly", "interval": 1, "daysOfWeek": ["tuesday"],
                "index": "second",
            }),
        ),
        (
            "FREQ=WEEKLY;BYDAY=2TU,TU,MO",
            tuesday,
            json!({
                "type": "weekly", "interval": 1, "daysOfWeek": ["monday", "tuesday"],
                "firstDayOfWeek": "monday",
            }),
        ),
    ]
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
    for (rule, first, expected) in rows() {
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
    for (rule, first, _) in rows() {
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
fn what_has_no_pattern_is_refused_with_its_reason() {
    use NotRepresentable::{
        DayThatIsMissingSometimes, FirstStart, Part, Refused, TimesOfDay, TooFrequent,
    };
    let tuesday = date(2026, 3, 10);
    for (rule, first, why) in [
        ("FREQ=HOURLY", tuesday, TooFrequent),
        ("FREQ=MINUTELY", tuesday, Refused(Unsupported::TooFrequent)),
        ("FREQ=SECONDLY", tuesday, Refused(Unsupported::TooFrequent)),
        ("", tuesday, Refused(Unsupported::Malformed("FREQ"))),
        ("FREQ=MONTHLY;BYMONTHDAY=29", date(2026, 3, 29), DayThatIsMissingSometimes),
        ("FREQ=MONTHLY;BYMONTHDAY=30", date(2026, 3, 30), DayThatIsMissingSometimes),
        ("FREQ=MONTHLY;BYMONTHDAY=31", date(2026, 3, 31), DayThatIsMissingSometimes),
        ("FREQ=MONTHLY", date(2026, 3, 31), DayThatIsMissingSometimes),
        ("FREQ=MONTHLY;BYMONTHDAY=10,20", tuesday, Part("BYMONTHDAY")),
        ("FREQ=MONTHLY;BYMONTHDAY=-2", date(2026, 3, 30), Part("BYMONTHDAY")),
        ("FREQ=MONTHLY;BYMONTHDAY=10;BYDAY=TU", tuesday, Part("BYMONTHDAY")),
        ("FREQ=MONTHLY;BYMONTHDAY=10;BYSETPOS=1", tuesday, Part("BYSETPOS")),
        ("FREQ=MONTHLY;BYMONTH=3", tuesday, Part("BYMONTH")),
        ("FREQ=MONTHLY;BYDAY=TU", tuesday, Part("BYDAY")),
        ("FREQ=MONTHLY;BYDAY=2TU,4TU", tuesday, Part("BYDAY")),
        ("FREQ=MONTHLY;BYDAY=2TU,3WE;BYSETPOS=1", tuesday, Part("BYDAY")),
        ("FREQ=MONTHLY;BYDAY=5TU", date(2026, 3, 31), Part("BYDAY")),
        ("FREQ=MONTHLY;BYDAY=-2TU", date(2026, 3, 24), Part("BYDAY")),
        ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=5", date(2026, 3, 16), Part("BYSETPOS")),
        ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=-2", date(2026, 3, 30), Part("BYSETPOS")),
        ("FREQ=MONTHLY;BYDAY=MO,TU;BYSETPOS=1,2", date(2026, 3, 2), Part("BYSETPOS")),
        ("FREQ=YEARLY", date(2028, 2, 29), DayThatIsMissingSometimes),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", date(2028, 2, 29), DayThatIsMissingSometimes),
        ("FREQ=YEARLY;BYMONTH=4;BYMONTHDAY=31", tuesday, DayThatIsMissingSometimes),
        ("FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=-1", date(2026, 3, 31), Part("BYMONTHDAY")),
        ("FREQ=YEARLY;BYMONTH=3,6", tuesday, Part("BYMONTH")),
        ("FREQ=YEARLY;BYMONTHDAY=10", tuesday, Part("BYMONTH")),
        ("FREQ=YEARLY;BYDAY=2TU", date(2026, 1, 13), Part("BYMONTH")),
        ("FREQ=YEARLY;BYDAY=TU", tuesday, Part("BYMONTH")),
        ("FREQ=YEARLY;BYMONTH=3;BYDAY=TU", tuesday, Part("BYDAY")),
        ("FREQ=YEARLY;BYYEARDAY=69", tuesday, Part("BYYEARDAY")),
        ("FREQ=YEARLY;BYWEEKNO=11;BYDAY=TU", tuesday, Part("BYWEEKNO")),
        ("FREQ=DAILY;BYHOUR=9,17", tuesday, TimesOfDay),
        ("FREQ=WEEKLY;BYMINUTE=0,30", tuesday, TimesOfDay),
        ("FREQ=WEEKLY;BYSECOND=0", tuesday, TimesOfDay),
        ("FREQ=DAILY;INTERVAL=2;BYDAY=TU", tuesday, Part("BYDAY")),
        ("FREQ=DAILY;BYMONTH=3", tuesday, Part("BYMONTH")),
        ("FREQ=DAILY;BYMONTHDAY=10", tuesday, Part("BYMONTHDAY")),
        ("FREQ=WEEKLY;BYDAY=TU,WE;BYSETPOS=1", tuesday, Part("BYSETPOS")),
        ("FREQ=WEEKLY;BYMONTH=3", tuesday, Part("BYMONTH")),
        ("FREQ=WEEKLY;INTERVAL=100", tuesday, Part("INTERVAL")),
        ("FREQ=DAILY;COUNT=1000", tuesday, Part("COUNT")),
        ("FREQ=DAILY;RSCALE=GREGORIAN;SKIP=OMIT", tuesday, Part("RSCALE")),
        ("FREQ=DAILY;RSCALE=HEBREW", tuesday, Refused(Unsupported::OtherCalendar)),
        ("FREQ=WEEKLY;BYDAY=WE", tuesday, FirstStart),
        ("FREQ=DAILY;BYDAY=SA,SU", tuesday, FirstStart),
        ("FREQ=MONTHLY;BYMONTHDAY=11", tuesday, FirstStart),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", date(2026, 3, 30), FirstStart),
        ("FREQ=MONTHLY;BYDAY=1TU", tuesday, FirstStart),
        ("FREQ=MONTHLY;BYDAY=-1TU", date(2026, 3, 24), FirstStart),
        ("FREQ=YEARLY;BYMONTH=4", tuesday, FirstStart),
        ("FREQ=YEARLY;BYMONTH=4;BYDAY=2TU", tuesday, FirstStart),
    ] {
        for span in [one_day(first), hour(first.at(9, 0, 0, 0), "Europe/Tallinn")] {
            assert_eq!(written(rule, &span), Err(why), "{rule}");
        }
    }
}

#[test]
fn more_than_one_rule_and_dates_of_their_own_are_refused() {
    let span = one_day(date(2026, 3, 10));
    let none = Series::default();
    let two = Series { rules: vec!["FREQ=DAILY".into(), "FREQ=YEARLY".into()], ..none.clone() };
    let extra = OriginalStart::Day(date(2026, 3, 12));
    let dates = Series { extra: vec![extra], ..series("FREQ=DAILY") };
    for series in [none, two, dates] {
        let found = pattern(&content(span.clone()), &series);
        assert_eq!(found, Err(NotRepresentable::OtherThanOneRule));
    }
}

#[test]
fn occurrences_that_overlap_are_refused() {
    let lasting = |days: i64| {
        let start = date(2026, 3, 10);
        Span::AllDay { start, end: start + days.days() }
    };
    for (rule, longest) in [
        ("FREQ=DAILY", 1),
        ("FREQ=DAILY;INTERVAL=4", 4),
        ("FREQ=WEEKLY", 7),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,TH", 2),
        ("FREQ=WEEKLY;BYDAY=TU,SU", 2),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TU;WKST=TU", 6),
        ("FREQ=MONTHLY", 28),
        ("FREQ=YEARLY", 350),
    ] {
        assert!(written(rule, &lasting(longest)).is_ok(), "{rule}");
        let why = written(rule, &lasting(longest + 1));
        assert_eq!(why, Err(NotRepresentable::Overlapping), "{rule}");
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
}

/// A hostile rule costs no more than the engine allows.
#[test]
fn a_long_or_rare_rule_is_refused_or_ends() {
    let span = hour(date(1990, 1, 1).at(9, 0, 0, 0), "Europe/Tallinn");
    for rule in [
        "FREQ=DAILY;UNTIL=44990101T000000Z",
        "FREQ=DAILY;COUNT=2000000000;UNTIL=44990101T000000Z",
        "FREQ=YEARLY;INTERVAL=99;UNTIL=44990101T000000Z",
        &format!("FREQ=DAILY;BYDAY={}", vec!["MO"; 400].join(",")),
    ] {
        let _ = written(rule, &span);
    }
}
