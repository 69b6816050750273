use super::super::tree::Object;
use super::*;

const OUTLOOK: &str = "BEGIN:VTIMEZONE\nTZID:Customized Time Zone\nBEGIN:STANDARD\nDTSTART:16010101T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n\
    RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:16010101T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n\
    RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\nEND:DAYLIGHT\nEND:VTIMEZONE\n";

fn moment(zone: &str, tzid: &str, repeats: bool) -> Moment {
    let object = format!("BEGIN:VCALENDAR\n{zone}END:VCALENDAR\n");
    let object = Object::parse(object.as_bytes()).unwrap();
    let calendar = object.components().next().unwrap();
    let local = jiff::civil::datetime(2026, 7, 10, 10, 0, 0, 0);
    Zones::new(calendar, None).moment(local, &Form::Zone(tzid.into()), repeats)
}

fn zone(zone: &str, tzid: &str) -> Zone {
    let found = moment(zone, tzid, true);
    assert_eq!(found.local.hour(), 10);
    found.zone
}

#[test]
fn a_name_a_location_or_rules() {
    let berlin = || Zone::Iana("Europe/Berlin".into());
    assert_eq!(zone("", "Europe/Berlin"), berlin());
    assert_eq!(zone("", "W. Europe Standard Time"), berlin());
    assert_eq!(zone("", "UTC"), Zone::Utc);
    assert_eq!(zone(OUTLOOK, "Customized Time Zone"), berlin());
    let located = OUTLOOK.replace("TZID:Customized Time Zone", "TZID:1\nX-LIC-LOCATION:Asia/Tokyo");
    assert_eq!(zone(&located, "1"), Zone::Iana("Asia/Tokyo".into()));
    assert_eq!(zone(OUTLOOK, "Another"), Zone::Floating);
    assert_eq!(zone("", "Nowhere"), Zone::Floating);
}

#[test]
fn rules_that_are_nobodys_make_an_instant_or_a_floating_series() {
    let odd = OUTLOOK.replace("+0200", "+0217").replace("+0100", "+0117");
    assert_eq!(zone(&odd, "Customized Time Zone"), Zone::Floating);
    let single = moment(&odd, "Customized Time Zone", false);
    assert_eq!(single, Moment { local: jiff::civil::datetime(2026, 7, 10, 7, 43, 0, 0), zone: Zone::Utc });
}

#[test]
fn a_broken_description_is_no_zone() {
    for (from, to) in [
        ("RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", "RRULE:FREQ=MONTHLY"),
        ("RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", "RRULE:FREQ=YEARLY;BYEASTER=1"),
        ("TZOFFSETTO:+0100", "TZOFFSETTO:one"),
        ("TZOFFSETTO:+0100\n", ""),
        ("DTSTART:16010101T030000", "DTSTART:never"),
        ("TZOFFSETTO:+0100", "TZOFFSETTO:+9999"),
    ] {
        assert_eq!(zone(&OUTLOOK.replace(from, to), "Customized Time Zone"), Zone::Floating, "{to}");
    }
}

#[test]
fn gaps_and_folds_mean_the_time_before() {
    let odd = OUTLOOK.replace("+0200", "+0217").replace("+0100", "+0117");
    let object = format!("BEGIN:VCALENDAR\n{odd}END:VCALENDAR\n");
    let object = Object::parse(object.as_bytes()).unwrap();
    let zones = Zones::new(object.components().next().unwrap(), None);
    let form = Form::Zone("Customized Time Zone".into());
    let at = |day: i8, month, hour, minute| {
        zones.instant(jiff::civil::date(2026, month, day).at(hour, minute, 0, 0), &form).unwrap().to_string()
    };
    assert_eq!(at(29, 3, 1, 59), "2026-03-29T00:42:00Z");
    assert_eq!(at(29, 3, 2, 30), "2026-03-29T01:13:00Z");
    assert_eq!(at(29, 3, 3, 0), "2026-03-29T00:43:00Z");
    assert_eq!(at(25, 10, 2, 30), "2026-10-25T00:13:00Z");
    assert_eq!(at(25, 10, 3, 0), "2026-10-25T01:43:00Z");
}
