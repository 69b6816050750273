use jiff::SignedDuration;
use jiff::civil::datetime;

use super::*;
use crate::observance::Rules;

fn text(name: &str, first: DateTime, last: Option<DateTime>) -> String {
    let mut out = Vec::new();
    component(name, first, last, LineEnd::CrLf).unwrap().write(LineEnd::CrLf, &mut out);
    String::from_utf8(out).unwrap().replace("\r\n", "\n")
}

/// Holds a VTIMEZONE against jiff: an hour before and after every change of either, and every
/// fortnight.
fn assert_same(name: &str, first: DateTime, last: Option<DateTime>, last_year: i16) {
    let component = component(name, first, last, LineEnd::CrLf).unwrap();
    let zone = TimeZone::get(name).unwrap();
    let rules = Rules::parse(&component).unwrap_or_else(|| panic!("{name} cannot be evaluated"));
    let timeline = rules.timeline(first.year() - 1, last_year + 1);
    let (start, end) = (year_start(first.year()).unwrap(), year_start(last_year + 1).unwrap());
    let mut instants: Vec<Timestamp> =
        zone.following(start).map(|change| change.timestamp()).take_while(|at| *at < end).collect();
    let mut at = start;
    while at < end {
        instants.push(at);
        at += SignedDuration::from_hours(24 * 14);
    }
    for at in instants {
        for at in [at - SignedDuration::from_secs(1), at, at + SignedDuration::from_hours(1)] {
            if at >= start {
                assert_eq!(timeline.offset(at), zone.to_offset(at), "{name} from {first}, at {at}");
            }
        }
    }
}

#[test]
fn every_zone_says_what_the_database_says() {
    let mut count = 0;
    for name in jiff::tz::db().available() {
        let name = name.as_str();
        if TimeZone::get(name).is_ok_and(|zone| !zone.is_unknown()) {
            assert_same(name, datetime(2025, 6, 1, 9, 0, 0, 0), None, 2060);
            assert_same(
                name,
                datetime(2025, 6, 1, 9, 0, 0, 0),
                Some(datetime(2025, 6, 1, 10, 0, 0, 0)),
                2025,
            );
            count += 1;
        }
    }
    assert!(count > 400, "{count} zones");
}

#[test]
fn old_series_see_the_rules_of_their_time() {
    for name in [
        "Europe/Berlin",
        "America/New_York",
        "Europe/Moscow",
        "Africa/Cairo",
        "Asia/Tehran",
        "America/Sao_Paulo",
        "Europe/Dublin",
    ] {
        assert_same(name, datetime(1975, 6, 1, 9, 0, 0, 0), None, 2050);
        assert_same(name, datetime(2005, 6, 1, 9, 0, 0, 0), None, 2050);
    }
    assert_same("Europe/Berlin", datetime(1890, 1, 1, 0, 0, 0, 0), None, 2040);
    assert_same("Europe/Berlin", datetime(2600, 1, 1, 0, 0, 0, 0), None, 2640);
    assert!(
        component("Europe/Berlin", datetime(9999, 12, 31, 0, 0, 0, 0), None, LineEnd::CrLf)
            .is_some()
    );
    assert!(
        component("Europe/Berlin", datetime(0, 1, 1, 0, 0, 0, 0), None, LineEnd::CrLf).is_some()
    );
    assert!(
        component("Not/AZone", datetime(2026, 1, 1, 0, 0, 0, 0), None, LineEnd::CrLf).is_none()
    );
}

#[test]
fn rules_are_short() {
    assert_eq!(
        text("Europe/Tallinn", datetime(2026, 3, 10, 10, 0, 0, 0), None),
        "BEGIN:VTIMEZONE\nTZID:Europe/Tallinn\n\
         BEGIN:DAYLIGHT\nDTSTART:20250330T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0300\nTZNAME:EEST\nRRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU\nEND:DAYLIGHT\n\
         BEGIN:STANDARD\nDTSTART:20251026T040000\nTZOFFSETFROM:+0300\nTZOFFSETTO:+0200\nTZNAME:EET\nRRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\nEND:STANDARD\n\
         END:VTIMEZONE\n"
    );
    let york = text("America/New_York", datetime(2026, 3, 10, 10, 0, 0, 0), None);
    assert!(
        york.contains("BYMONTH=3;BYDAY=2SU") && york.contains("BYMONTH=11;BYDAY=1SU"),
        "{york}"
    );
    let kolkata = text("Asia/Kolkata", datetime(2026, 3, 10, 10, 0, 0, 0), None);
    assert_eq!(kolkata.matches("BEGIN:").count(), 2, "{kolkata}");
    let jerusalem = text("Asia/Jerusalem", datetime(2026, 3, 10, 10, 0, 0, 0), None);
    assert!(jerusalem.contains("BYMONTHDAY=23,24,25,26,27,28,29;BYDAY=FR"), "{jerusalem}");
}

#[test]
fn offsets_are_written_with_their_sign_and_seconds_where_there_are_any() {
    for (seconds, text) in
        [(0, "+0000"), (3_600, "+0100"), (-12_600, "-0330"), (-1, "-000001"), (5_415, "+013015")]
    {
        assert_eq!(offset(Offset::from_seconds(seconds).unwrap()), text);
    }
}
