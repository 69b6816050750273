use super::*;
use crate::tree::Object;

const OUTLOOK: &str = "BEGIN:VTIMEZONE\nTZID:Customized Time \
Zone\nBEGIN:STANDARD\nDTSTART:16010101T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n\
    RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:16010101T020000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\n\
    RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\nEND:DAYLIGHT\nEND:VTIMEZONE\n";

fn moment(zone: &str, tzid: &str) -> Moment {
    let object = format!("BEGIN:VCALENDAR\n{zone}END:VCALENDAR\n");
    let object = Object::parse(object.as_bytes()).unwrap();
    let calendar = object.components().next().unwrap();
    let local = jiff::civil::datetime(2026, 7, 10, 10, 0, 0, 0);
    Zones::new(calendar, Some("Asia/Tokyo")).moment(local, &TimeForm::Zone(tzid.into()))
}

fn zone(zone: &str, tzid: &str) -> Zone {
    let found = moment(zone, tzid);
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
    assert_eq!(
        zone(&OUTLOOK.replace(":Customized Time Zone", ":Mine\\, and yours"), "Mine, and yours"),
        berlin()
    );
}

#[test]
fn an_object_s_own_rules_decide_against_a_convention() {
    let called = |name: &str| OUTLOOK.replace(":Customized Time Zone", &format!(":{name}"));
    let american = |name: &str| {
        called(name)
            .replace("+0200", "-0600")
            .replace("+0100", "-0700")
            .replace("-1SU;BYMONTH=10", "1SU;BYMONTH=11")
    };
    let american = |name: &str| {
        american(name).replace("-1SU;BYMONTH=3", "2SU;BYMONTH=3").replace("T030000", "T020000")
    };
    let iana = |name: &str| Zone::Iana(name.into());
    for name in [
        "EST",
        "MST",
        "GMT",
        "UTC",
        "Pacific Standard Time",
        "+05:00",
        "(UTC-05:00) Eastern Time (US & Canada)",
        "Asia/Tokyo 1",
    ] {
        assert_eq!(zone(&called(name), name), iana("Europe/Berlin"), "{name}");
        assert_eq!(zone(&american(name), name), iana("America/Denver"), "{name}");
    }
    // A name that agrees with the rules keeps its meaning, and a place always does.
    assert_eq!(
        zone(&called("Romance Standard Time"), "Romance Standard Time"),
        iana("Europe/Paris")
    );
    assert_eq!(zone(&called("CET"), "CET"), iana("CET"));
    assert_eq!(zone(&american("Asia/Tokyo"), "Asia/Tokyo"), iana("Asia/Tokyo"));
    assert_eq!(
        zone(&american("/example.org/1/Asia/Tokyo"), "/example.org/1/Asia/Tokyo"),
        iana("Asia/Tokyo")
    );
}

#[test]
fn rules_with_times_and_positions() {
    let named = |rule: &str| OUTLOOK.replace("FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10", rule);
    for rule in [
        "FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10;BYHOUR=3;BYMINUTE=0",
        "FREQ=YEARLY;BYDAY=SU;BYMONTH=10;BYSETPOS=-1;BYHOUR=3;BYMINUTE=0;BYSECOND=0",
        "FREQ=YEARLY;BYDAY=SU;BYMONTH=10;BYMONTHDAY=-1,-2,-3,-4,-5,-6,-7",
    ] {
        assert_eq!(
            zone(&named(rule), "Customized Time Zone"),
            Zone::Iana("Europe/Berlin".into()),
            "{rule}"
        );
    }
    let at_another_hour = named("FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10;BYHOUR=4");
    assert_eq!(
        moment(&at_another_hour, "Customized Time Zone").zone,
        Zone::Utc,
        "no zone changes then"
    );
}

#[test]
fn a_zone_that_nothing_explains_is_that_of_the_calendar_and_says_so() {
    for (described, tzid) in [(OUTLOOK, "Another"), ("", "Nowhere"), (OUTLOOK, "")] {
        let object = format!("BEGIN:VCALENDAR\n{described}END:VCALENDAR\n");
        let object = Object::parse(object.as_bytes()).unwrap();
        let local = jiff::civil::datetime(2026, 7, 10, 10, 0, 0, 0);
        let form = TimeForm::Zone(tzid.into());
        let zones = Zones::new(object.components().next().unwrap(), Some("Asia/Tokyo"));
        assert_eq!(zones.moment(local, &form).zone, Zone::Iana("Asia/Tokyo".into()), "{tzid}");
        assert!(zones.guessed());
        let zones = Zones::new(object.components().next().unwrap(), None);
        assert_eq!(
            (zones.moment(local, &form).zone, zones.instant(local, &form)),
            (Zone::Floating, None),
            "{tzid}"
        );
        assert!(zones.guessed());
    }
}

#[test]
fn rules_that_are_nobodys_make_an_instant() {
    let odd = OUTLOOK.replace("+0200", "+0217").replace("+0100", "+0117");
    let single = moment(&odd, "Customized Time Zone");
    assert_eq!(
        single,
        Moment { local: jiff::civil::datetime(2026, 7, 10, 7, 43, 0, 0), zone: Zone::Utc }
    );
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
        assert_eq!(
            zone(&OUTLOOK.replace(from, to), "Customized Time Zone"),
            Zone::Iana("Asia/Tokyo".into()),
            "{to}"
        );
    }
}

#[test]
fn gaps_and_folds_mean_the_time_before() {
    let odd = OUTLOOK.replace("+0200", "+0217").replace("+0100", "+0117");
    let object = format!("BEGIN:VCALENDAR\n{odd}END:VCALENDAR\n");
    let object = Object::parse(object.as_bytes()).unwrap();
    let zones = Zones::new(object.components().next().unwrap(), None);
    let form = TimeForm::Zone("Customized Time Zone".into());
    let at = |day: i8, month, hour, minute| {
        zones
            .instant(jiff::civil::date(2026, month, day).at(hour, minute, 0, 0), &form)
            .unwrap()
            .to_string()
    };
    assert_eq!(at(29, 3, 1, 59), "2026-03-29T00:42:00Z");
    assert_eq!(at(29, 3, 2, 30), "2026-03-29T01:13:00Z");
    assert_eq!(at(29, 3, 3, 0), "2026-03-29T00:43:00Z");
    assert_eq!(at(25, 10, 2, 30), "2026-10-25T00:13:00Z");
    assert_eq!(at(25, 10, 3, 0), "2026-10-25T01:43:00Z");
}
