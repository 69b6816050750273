use jiff::civil::{date, datetime};

use super::*;
use crate::tree::Object;

const WINTER: &str = "DTSTART:20001029T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n";
const SUMMER: &str = "DTSTART:20000326T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\n";

fn parse(winter: &str, summer: &str) -> Option<Rules> {
    let zone = format!(
        "BEGIN:VTIMEZONE\nTZID:x\nBEGIN:STANDARD\n{winter}END:STANDARD\nBEGIN:DAYLIGHT\n{summer}END:DAYLIGHT\nEND:VTIMEZONE\n"
    );
    let object = format!("BEGIN:VCALENDAR\n{zone}END:VCALENDAR\n");
    let object = Object::parse(object.as_bytes()).unwrap();
    let calendar = object.components().next().unwrap();
    Rules::parse(calendar.components().next().unwrap())
}

/// The days of some years on which winter begins by this rule.
fn winters(rule: &str, years: std::ops::RangeInclusive<i16>) -> Option<Vec<String>> {
    let rules = parse(&format!("{WINTER}RRULE:{rule}\n"), SUMMER)?;
    let onsets = rules.onsets(*years.start(), *years.end());
    let local = onsets
        .iter()
        .filter(|onset| onset.to == jiff::tz::offset(1))
        .map(|onset| onset.from.to_datetime(onset.at));
    let mut local: Vec<String> = local
        .filter(|local| years.contains(&local.year()))
        .map(|local| local.strftime("%Y-%m-%d %H:%M:%S").to_string())
        .collect();
    local.dedup();
    Some(local)
}

#[test]
fn rules_of_a_year_give_their_days() {
    for (rule, days) in [
        ("FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU", vec!["2026-10-25 03:00:00"]),
        ("FREQ=YEARLY;BYMONTH=10;BYDAY=1SU", vec!["2026-10-04 03:00:00"]),
        ("FREQ=YEARLY;BYMONTH=10;BYDAY=2TH", vec!["2026-10-08 03:00:00"]),
        ("FREQ=YEARLY;BYMONTH=10;BYDAY=5TH", vec!["2026-10-29 03:00:00"]),
        ("FREQ=YEARLY;BYMONTH=10;BYDAY=-4SA", vec!["2026-10-10 03:00:00"]),
        (
            "FREQ=YEARLY;BYMONTH=10;BYDAY=-1MO,1TU",
            vec!["2026-10-06 03:00:00", "2026-10-26 03:00:00"],
        ),
        ("FREQ=YEARLY;BYMONTH=10;BYMONTHDAY=-1", vec!["2026-10-31 03:00:00"]),
        ("FREQ=YEARLY;BYMONTH=10;BYMONTHDAY=-31", vec!["2026-10-01 03:00:00"]),
        ("FREQ=YEARLY;BYMONTH=9,10;BYMONTHDAY=31", vec!["2026-10-31 03:00:00"]),
        ("FREQ=YEARLY;BYMONTH=10", vec!["2026-10-29 03:00:00"]),
        ("FREQ=YEARLY", vec!["2026-10-29 03:00:00"]),
        (
            "FREQ=YEARLY;BYMONTH=10;BYMONTHDAY=8,9,10,11,12,13,14;BYDAY=FR",
            vec!["2026-10-09 03:00:00"],
        ),
        ("FREQ=YEARLY;BYMONTH=10;BYDAY=SU;BYSETPOS=2", vec!["2026-10-11 03:00:00"]),
        ("FREQ=YEARLY;BYMONTH=10;BYDAY=SU;BYSETPOS=-1", vec!["2026-10-25 03:00:00"]),
        (
            "FREQ=YEARLY;BYMONTH=10;BYDAY=WE;BYSETPOS=1,-2",
            vec!["2026-10-07 03:00:00", "2026-10-21 03:00:00"],
        ),
        (
            "FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;BYHOUR=4;BYMINUTE=5;BYSECOND=6",
            vec!["2026-10-25 04:05:06"],
        ),
        (" freq=yearly;;bymonth=10;byday=-1su;wkst=MO;", vec!["2026-10-25 03:00:00"]),
    ] {
        assert_eq!(winters(rule, 2026..=2026).unwrap(), days, "{rule}");
    }
}

#[test]
fn rules_that_skip_years_and_end() {
    let last = |rule: &str, year| {
        winters(rule, 1990..=year).unwrap().last().map(|day| day[..10].to_owned()).unwrap()
    };
    let count = |rule: &str| winters(rule, 1990..=2040).unwrap().len();
    let every = "FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU";
    assert_eq!((last(every, 2040).as_str(), count(every)), ("2040-10-28", 41));
    let third = format!("{every};INTERVAL=3");
    assert_eq!(
        (last(&third, 2026).as_str(), last(&third, 2027).as_str(), count(&third)),
        ("2024-10-27", "2027-10-31", 14)
    );
    let counted = format!("{every};COUNT=5");
    assert_eq!(
        (last(&counted, 2040).as_str(), count(&counted)),
        ("2004-10-31", 5),
        "the first onset counts"
    );
    let both = format!("{every};COUNT=3;INTERVAL=2");
    assert_eq!((last(&both, 2040).as_str(), count(&both)), ("2004-10-31", 3));
    // The end is written in UTC, on the clock before the change, or by its day.
    for (until, day) in [
        ("20051030T010000Z", "2005-10-30"),
        ("20051030T005959Z", "2004-10-31"),
        ("20051030T030000", "2005-10-30"),
        ("20051030T025959", "2004-10-31"),
        ("20051030", "2005-10-30"),
        ("20051029", "2004-10-31"),
    ] {
        assert_eq!(last(&format!("{every};UNTIL={until}"), 2040), day, "{until}");
    }
}

#[test]
fn what_a_rule_may_not_say_is_no_zone() {
    for rule in [
        "FREQ=MONTHLY",
        "BYMONTH=10",
        "FREQ=YEARLY;BYMONTH=0",
        "FREQ=YEARLY;BYMONTH=13",
        "FREQ=YEARLY;BYMONTHDAY=0",
        "FREQ=YEARLY;BYMONTHDAY=32",
        "FREQ=YEARLY;BYMONTHDAY=-32",
        "FREQ=YEARLY;BYDAY=SU;BYSETPOS=0",
        "FREQ=YEARLY;BYDAY=SU;BYSETPOS=367",
        "FREQ=YEARLY;INTERVAL=0",
        "FREQ=YEARLY;INTERVAL=101",
        "FREQ=YEARLY;COUNT=0",
        "FREQ=YEARLY;UNTIL=never",
        "FREQ=YEARLY;BYHOUR=24",
        "FREQ=YEARLY;BYHOUR=1,2",
        "FREQ=YEARLY;BYDAY=0SU",
        "FREQ=YEARLY;BYDAY=6SU",
        "FREQ=YEARLY;BYDAY=XX",
        "FREQ=YEARLY;BYDAY=U",
        "FREQ=YEARLY;BYDAY",
        "FREQ=YEARLY;BYEASTER=1",
        // Thirteen changes a year are no zone's.
        "FREQ=YEARLY;BYMONTH=10,11,12;BYDAY=SU",
    ] {
        assert!(winters(rule, 2026..=2026).is_none(), "{rule}");
    }
    assert!(winters("FREQ=YEARLY;INTERVAL=100;COUNT=1", 2026..=2026).is_some());
    assert!(
        winters("FREQ=YEARLY;BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12;BYMONTHDAY=1", 2026..=2026)
            .is_some(),
        "twelve"
    );
    let days = vec!["1SU"; 50].join(",");
    assert!(winters(&format!("FREQ=YEARLY;BYMONTH=10;BYDAY={days}"), 2026..=2026).is_some());
    assert!(
        winters(&format!("FREQ=YEARLY;BYMONTH=10;BYDAY=+{days}"), 2026..=2026).is_none(),
        "a list without end"
    );
}

#[test]
fn a_part_has_one_rule_and_both_offsets() {
    assert!(parse(WINTER, SUMMER).is_some());
    for broken in [
        WINTER.replace("DTSTART:20001029T030000\n", ""),
        WINTER.replace("TZOFFSETFROM:+0200\n", ""),
        WINTER.replace("TZOFFSETTO:+0100\n", ""),
        format!("{WINTER}RRULE:FREQ=YEARLY\nRRULE:FREQ=YEARLY\n"),
        format!("{WINTER}RDATE;VALUE=DATE:20011028\n"),
        format!("{WINTER}RDATE:never\n"),
    ] {
        assert!(parse(&broken, SUMMER).is_none(), "{broken}");
    }
}

#[test]
fn dates_count_in_any_form() {
    let rules = parse(
        &format!("{WINTER}RDATE:20261025T030000,20271031T010000Z\nRDATE:20281029T030000\n"),
        SUMMER,
    )
    .unwrap();
    let onsets = rules.onsets(2026, 2028);
    let winters: Vec<String> = onsets
        .iter()
        .filter(|onset| onset.to == jiff::tz::offset(1))
        .map(|onset| onset.at.to_string())
        .collect();
    assert_eq!(
        winters,
        [
            "2000-10-29T01:00:00Z",
            "2026-10-25T01:00:00Z",
            "2027-10-31T01:00:00Z",
            "2028-10-29T01:00:00Z"
        ]
    );
}

#[test]
fn so_many_parts_and_dates_are_read() {
    let dates =
        |count: usize| format!("{WINTER}RDATE:{}\n", vec!["20261025T030000"; count].join(","));
    assert!(parse(&dates(1_000), SUMMER).is_some() && parse(&dates(1_001), SUMMER).is_none());
    assert!(
        parse(&dates(600), &format!("{SUMMER}RDATE:{}\n", vec!["20260329T020000"; 401].join(",")))
            .is_none(),
        "together"
    );
    let parts = |count: usize| {
        let part = format!("END:DAYLIGHT\nBEGIN:DAYLIGHT\n{SUMMER}");
        parse(WINTER, &format!("{SUMMER}{}", part.repeat(count - 2)))
    };
    assert!(parts(100).is_some() && parts(101).is_none());
}

#[test]
fn offsets_are_hours_minutes_and_seconds() {
    for (text, seconds) in [
        ("+0130", Some(5_400)),
        ("-0130", Some(-5_400)),
        ("0200", Some(7_200)),
        (" +0000 ", Some(0)),
        ("-000115", Some(-75)),
        ("+012345", Some(5_025)),
        ("+01", None),
        ("+01304", None),
        ("+01:30", None),
        ("+9999", None),
        ("", None),
        ("é130", None),
    ] {
        assert_eq!(offset(text).map(|offset| offset.seconds()), seconds, "{text}");
    }
}

#[test]
fn the_clock_shows_what_its_rules_say() {
    let rules =
        parse(&format!("{WINTER}RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\n"), SUMMER).unwrap();
    for (instant, local) in [
        ("2026-03-29T00:59:59Z", datetime(2026, 3, 29, 1, 59, 59, 0)),
        ("2026-03-29T01:00:00Z", datetime(2026, 3, 29, 3, 0, 0, 0)),
        ("2026-10-25T00:59:59Z", datetime(2026, 10, 25, 2, 59, 59, 0)),
        ("2026-10-25T01:00:00Z", datetime(2026, 10, 25, 2, 0, 0, 0)),
        ("2026-01-01T00:00:00Z", datetime(2026, 1, 1, 1, 0, 0, 0)),
        // Before all rules: the offset from which the first of them led away.
        ("1999-07-01T00:00:00Z", datetime(1999, 7, 1, 1, 0, 0, 0)),
    ] {
        assert_eq!(rules.local(instant.parse().unwrap()), local, "{instant}");
    }
    let instant = |local| rules.instant(local).unwrap().to_string();
    assert_eq!(instant(date(2026, 7, 1).at(12, 0, 0, 0)), "2026-07-01T10:00:00Z");
    assert_eq!(instant(date(2026, 1, 1).at(12, 0, 0, 0)), "2026-01-01T11:00:00Z");
    assert_eq!(instant(date(1999, 7, 1).at(12, 0, 0, 0)), "1999-07-01T11:00:00Z");
    // Many years are asked for one after the other.
    for year in 2001..2200 {
        assert_eq!(instant(date(year, 7, 1).at(12, 0, 0, 0)), format!("{year}-07-01T10:00:00Z"));
    }
}

#[test]
fn what_ended_long_ago_still_holds() {
    let ended = |end: &str| {
        parse(
            &format!("{WINTER}RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU;{end}\n"),
            &format!("{}\n", SUMMER.trim_end().replace("-1SU", &format!("-1SU;{end}"))),
        )
        .unwrap()
    };
    for end in [
        "UNTIL=20051231T000000Z",
        "COUNT=6",
        "INTERVAL=5;UNTIL=20080101T000000Z",
        "INTERVAL=5;COUNT=2",
    ] {
        let rules = ended(end);
        assert_eq!(
            rules.local("2026-07-01T00:00:00Z".parse().unwrap()),
            datetime(2026, 7, 1, 1, 0, 0, 0),
            "{end}: winter for ever"
        );
        let last = rules.onsets(2026, 2026).last().unwrap().at.to_string();
        assert_eq!(&last[..10], "2005-10-30", "{end}");
    }
}
