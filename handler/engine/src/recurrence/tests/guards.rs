//! What hostile and broken rules cost, and what is said about them.

use std::time::{Duration, Instant};

use super::*;

fn list(numbers: impl Iterator<Item = i32>) -> String {
    numbers.map(|n| n.to_string()).collect::<Vec<_>>().join(",")
}

fn expand(
    first: &str,
    rules: &[&str],
    range: Range<Timestamp>,
) -> Result<Vec<Occurrence>, Unsupported> {
    occurrences(&content(timed(local(first), 30, &berlin())), &series(rules), range, None)
}

fn this_year() -> Range<Timestamp> {
    at("2026-01-01T00:00:00Z")..at("2027-01-01T00:00:00Z")
}

#[test]
fn refused_with_a_reason() {
    let every_second = format!(
        "FREQ=YEARLY;BYYEARDAY={};BYHOUR={};BYMINUTE={};BYSECOND={}",
        list(1..=366),
        list(0..=23),
        list(0..=59),
        list(0..=59)
    );
    let cases = [
        (every_second.as_str(), Unsupported::TooLong),
        ("FREQ=SECONDLY", Unsupported::TooFrequent),
        ("FREQ=MINUTELY;INTERVAL=7;BYHOUR=9", Unsupported::TooFrequent),
        ("FREQ=DAILY;BYHOUR=0,1,2,3,4;BYMINUTE=0,10,20,30,40", Unsupported::TooManyTimes),
        ("FREQ=HOURLY;BYMINUTE=0,10,20,30,40;BYSECOND=0,10,20,30,40", Unsupported::TooManyTimes),
        ("", Unsupported::Malformed("FREQ")),
        ("COUNT=3", Unsupported::Malformed("FREQ")),
        ("FREQ=SOMETIMES", Unsupported::Malformed("FREQ")),
        ("FREQ", Unsupported::Malformed("a part")),
        ("FREQ=DAILY;FREQ=DAILY", Unsupported::Malformed("a part that is there twice")),
        ("FREQ=DAILY;INTERVAL=0", Unsupported::Malformed("INTERVAL")),
        ("FREQ=DAILY;INTERVAL=-1", Unsupported::Malformed("INTERVAL")),
        ("FREQ=DAILY;INTERVAL=65536", Unsupported::Malformed("INTERVAL")),
        ("FREQ=DAILY;INTERVAL=99999999999999999999", Unsupported::Malformed("INTERVAL")),
        ("FREQ=DAILY;COUNT=0", Unsupported::Malformed("COUNT")),
        ("FREQ=DAILY;COUNT=", Unsupported::Malformed("COUNT")),
        ("FREQ=DAILY;UNTIL=tomorrow", Unsupported::Malformed("UNTIL")),
        ("FREQ=DAILY;UNTIL=20260230", Unsupported::Malformed("UNTIL")),
        ("FREQ=DAILY;UNTIL=20260301T2500Z", Unsupported::Malformed("UNTIL")),
        ("FREQ=DAILY;UNTIL=20260301Z", Unsupported::Malformed("UNTIL")),
        ("FREQ=DAILY;UNTIL=20260301T09", Unsupported::Malformed("UNTIL")),
        ("FREQ=DAILY;UNTIL=202603010", Unsupported::Malformed("UNTIL")),
        ("FREQ=DAILY;UNTIL=ää260301", Unsupported::Malformed("UNTIL")),
        ("FREQ=DAILY;BYHOUR=24", Unsupported::Malformed("BYHOUR")),
        ("FREQ=DAILY;BYMONTH=13", Unsupported::Malformed("BYMONTH")),
        ("FREQ=MONTHLY;BYMONTHDAY=0", Unsupported::Malformed("BYMONTHDAY")),
        ("FREQ=MONTHLY;BYMONTHDAY=32", Unsupported::Malformed("BYMONTHDAY")),
        ("FREQ=WEEKLY;BYMONTHDAY=3", Unsupported::Malformed("BYMONTHDAY")),
        ("FREQ=DAILY;BYYEARDAY=3", Unsupported::Malformed("BYYEARDAY")),
        ("FREQ=MONTHLY;BYWEEKNO=3", Unsupported::Malformed("BYWEEKNO")),
        ("FREQ=WEEKLY;BYDAY=ä", Unsupported::Malformed("BYDAY")),
        ("FREQ=WEEKLY;BYDAY=XX", Unsupported::Malformed("BYDAY")),
        ("FREQ=MONTHLY;BYDAY=0MO", Unsupported::Malformed("BYDAY")),
        ("FREQ=MONTHLY;BYDAY=MO,2TU", Unsupported::Malformed("BYDAY")),
        ("FREQ=YEARLY;BYWEEKNO=3;BYDAY=1MO", Unsupported::Malformed("BYDAY")),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=367", Unsupported::Malformed("BYSETPOS")),
        ("FREQ=MONTHLY;BYDAY=MO;BYSETPOS=40", Unsupported::Malformed("a number")),
        ("FREQ=YEARLY;BYEASTER=1", Unsupported::UnknownPart),
        ("RSCALE=CHINESE;FREQ=YEARLY", Unsupported::OtherCalendar),
        ("RSCALE=GREGORIAN;FREQ=MONTHLY;SKIP=FORWARD", Unsupported::OtherCalendar),
    ];
    for (rule, reason) in cases {
        assert_eq!(validate(rule), Err(reason), "{rule}");
        assert_eq!(expand("2026-01-05T09:00", &[rule], this_year()), Err(reason), "{rule}");
    }
    assert_eq!(
        expand("2026-01-05T09:00", &["FREQ=DAILY"; 4], this_year()),
        Err(Unsupported::TooManyRules)
    );
}

#[test]
fn hourly_is_nothing_for_all_day_events() {
    let days = content(Span::AllDay { start: day("2026-01-05"), end: day("2026-01-06") });
    assert_eq!(
        occurrences(&days, &series(&["FREQ=HOURLY"]), this_year(), None),
        Err(Unsupported::TooFrequent)
    );
    // Times of day are ignored there.
    let rule = "FREQ=DAILY;COUNT=3;BYHOUR=9,12";
    assert_eq!(
        occurrences(&days, &series(&[rule]), this_year(), None).map(|found| found.len()),
        Ok(3)
    );
}

/// Rules that nothing fulfils, or almost nothing: only the first start is left.
#[test]
fn rules_that_nothing_fulfils_end() {
    let begun = Instant::now();
    for rule in [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;COUNT=3",
        "FREQ=WEEKLY;BYMONTH=1;BYDAY=MO;BYSETPOS=7;INTERVAL=52",
        "FREQ=YEARLY;BYWEEKNO=20;BYMONTH=1",
        "FREQ=YEARLY;BYYEARDAY=366;INTERVAL=4",
        "FREQ=YEARLY;BYYEARDAY=366;BYMONTH=1",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
        "FREQ=DAILY;BYDAY=MO;BYSETPOS=366",
        "FREQ=HOURLY;BYMINUTE=0;BYSETPOS=24",
        "FREQ=HOURLY;INTERVAL=24;BYHOUR=3",
        "FREQ=YEARLY;INTERVAL=65535",
        "FREQ=MONTHLY;INTERVAL=65535",
        "FREQ=WEEKLY;INTERVAL=65535",
        "FREQ=DAILY;INTERVAL=65535",
    ] {
        let found = expand("2026-01-05T09:00", &[rule], this_year()).map(|found| starts(&found));
        assert_eq!(found, Ok(vec!["2026-01-05T08:00:00Z".to_owned()]), "{rule}");
    }
    // Unoptimised and on a busy machine; a release build takes a few milliseconds each.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn dense_rules_are_cut_off() {
    let begun = Instant::now();
    let hours = list(0..=23);
    let days = list(1..=100);
    for rule in [
        format!("FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR={hours}"),
        format!("FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR={hours};BYSETPOS={}", list(1..=90)),
        format!("FREQ=YEARLY;BYYEARDAY={days};BYHOUR=0,1,2,3,4,5,6,7;COUNT=1000000000"),
        "FREQ=HOURLY".to_owned(),
        "FREQ=HOURLY;COUNT=2147483647".to_owned(),
        "FREQ=HOURLY;BYMINUTE=0,5,10,15,20,25,30,35,40,45,50,55".to_owned(),
    ] {
        let decade = at("2026-01-01T00:00:00Z")..at("2126-01-01T00:00:00Z");
        assert_eq!(
            expand("2026-01-05T09:00", &[&rule], decade.clone()),
            Err(Unsupported::TooMany),
            "{rule}"
        );
        // The question of every listing is answered all the same.
        let draft = Draft {
            content: content(timed(local("2026-01-05T09:00"), 30, &berlin())),
            series: Some(series(&[&rule])),
        };
        assert_eq!(any_in_range(&draft, decade, None), Ok(true), "{rule}");
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[test]
fn what_has_to_be_counted_from_long_ago_is_bounded() {
    assert_eq!(
        expand("0001-01-01T09:00", &["FREQ=DAILY;COUNT=2000000000"], this_year()),
        Err(Unsupported::TooMany)
    );
    assert_eq!(
        expand("1900-01-01T09:00", &["FREQ=DAILY;COUNT=2000000000"], this_year()),
        Err(Unsupported::TooMany)
    );
    assert_eq!(
        expand("1990-01-01T09:00", &["FREQ=DAILY;COUNT=2000000000"], this_year())
            .map(|found| found.len()),
        Ok(365)
    );
    assert_eq!(
        expand("0001-01-01T09:00", &["FREQ=DAILY"], this_year()).map(|found| found.len()),
        Ok(365)
    );
    assert_eq!(
        expand(
            "1604-02-29T09:00",
            &["FREQ=YEARLY"],
            at("2024-01-01T00:00:00Z")..at("2029-01-01T00:00:00Z")
        )
        .map(|f| f.len()),
        Ok(2)
    );
}

#[test]
fn the_ends_of_time_do_not_panic() {
    let forever = Timestamp::MIN..Timestamp::MAX;
    for first in [DateTime::MIN, DateTime::MAX, local("9999-12-31T23:59")] {
        for zone in [Zone::Utc, Zone::Floating, Zone::Iana("Pacific/Kiritimati".into())] {
            for rule in [
                "FREQ=YEARLY",
                "FREQ=DAILY;COUNT=9",
                "FREQ=HOURLY",
                "FREQ=WEEKLY;UNTIL=99991231",
                "FREQ=MONTHLY",
                "FREQ=MONTHLY;INTERVAL=65535",
            ] {
                let moment = Moment { local: first, zone: zone.clone() };
                let content = content(Span::Timed { start: moment.clone(), end: moment });
                let around = |range: &Range<Timestamp>| {
                    occurrences(&content, &series(&[rule]), range.clone(), None).is_ok()
                };
                around(&forever);
                around(&(Timestamp::MIN..Timestamp::MIN));
                around(&(Timestamp::MAX..Timestamp::MAX));
                around(&(at("9990-01-01T00:00:00Z")..Timestamp::MAX));
            }
        }
    }
    let whole = content(Span::AllDay { start: Date::MIN, end: Date::MAX });
    for rule in ["FREQ=DAILY", "FREQ=DAILY;COUNT=3"] {
        assert_eq!(
            occurrences(&whole, &series(&[rule]), this_year(), None),
            Err(Unsupported::TooMany)
        );
        let draft = Draft { content: whole.clone(), series: Some(series(&[rule])) };
        assert_eq!(any_in_range(&draft, this_year(), None), Ok(true));
    }
}

/// A daily series from 1970 costs no more than one from last week.
#[test]
fn old_series_are_reached_cheaply() {
    let begun = Instant::now();
    for _ in 0..200 {
        let draft = Draft {
            content: content(timed(local("1970-01-01T09:00"), 30, &berlin())),
            series: Some(series(&["FREQ=DAILY"])),
        };
        let window = Window { start: day("2026-01-01"), end: day("2027-01-01") };
        assert_eq!(any_in_window(&draft, window, None), Ok(true));
    }
    // 200 times 20,000 starts would take minutes here.
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}
