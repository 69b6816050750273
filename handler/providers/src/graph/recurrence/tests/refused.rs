//! What no pattern says.

use super::*;

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
