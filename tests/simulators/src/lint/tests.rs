//! Cases of [`super::check`].

use super::check;

fn object(lines: &str) -> String {
    format!("BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//T//EN\n{lines}\nEND:VCALENDAR\n")
        .replace('\n', "\r\n")
}

fn event(lines: &str) -> String {
    object(&format!("BEGIN:VEVENT\nUID:u\nDTSTAMP:20260101T000000Z\n{lines}\nEND:VEVENT"))
}

#[test]
fn sound_objects_pass() {
    for lines in [
        "DTSTART:20260310T100000Z\nDTEND:20260310T110000Z\nSUMMARY:a\\, b\\nc",
        "DTSTART;VALUE=DATE:20260310\nDTEND;VALUE=DATE:20260311",
        "DTSTART:20260310T100000Z\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;UNTIL=20261231T000000Z",
        "DTSTART:20260310T100000\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20260311T100000,20260312T100000",
    ] {
        assert!(check(&event(lines)).is_ok(), "{lines}: {:?}", check(&event(lines)));
    }
}

#[test]
fn data_that_breaks_the_rules_is_refused() {
    for (lines, why) in [
        ("SUMMARY:no start", "DTSTART is missing"),
        ("DTSTART:20260310T100000Z\nDTSTART:20260310T100000Z", "DTSTART is there twice"),
        ("DTSTART:20260310T100000Z\nDTEND:20260310T090000Z", "it ends before it starts"),
        ("DTSTART;VALUE=DATE:20260310\nDTEND;VALUE=DATE:20260310", "it ends before it starts"),
        ("DTSTART:20260310", "DTSTART is of another kind than its VALUE says"),
        ("DTSTART;TZID=Europe/Tallinn:20260310T100000", "DTSTART names a zone without a VTIMEZONE"),
        (
            "DTSTART:20260310T100000Z\nRRULE:FREQ=DAILY;UNTIL=20260311;COUNT=2",
            "a part of RRULE is not as RFC 5545 has it",
        ),
        (
            "DTSTART:20260310T100000Z\nRRULE:FREQ=DAILY;UNTIL=20260311T000000Z;COUNT=2",
            "RRULE lacks FREQ, or has both UNTIL and COUNT",
        ),
        (
            "DTSTART:20260310T100000Z\nEXDATE;VALUE=DATE:20260311",
            "EXDATE is not of the kind of DTSTART",
        ),
        ("DTSTART:20260310T100000Z\nSTATUS:MAYBE", "STATUS has an unknown value"),
        ("DTSTART:20260310T100000Z\nSUMMARY:a\\b", "SUMMARY has an unknown escape"),
        ("DTSTART:20260310T100000Z\nLAST-MODIFIED:20260310T100000", "LAST-MODIFIED is not in UTC"),
    ] {
        let flaw = check(&event(lines)).expect_err(lines);
        assert_eq!((flaw.precondition, flaw.why.as_str()), ("valid-calendar-data", why));
    }
    let long = event(&format!("DTSTART:20260310T100000Z\nSUMMARY:{}", "x".repeat(80)));
    assert_eq!(check(&long).expect_err("long").why, "a line is longer than 75 octets");
    assert!(check(&event("DTSTART:20260310T100000Z").replace("\r\n", "\n")).is_err());
}

#[test]
fn a_resource_is_one_series() {
    let vevent = |uid: &str, extra: &str| {
        format!(
            "BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260101T000000Z\nDTSTART:20260310T100000Z{extra}\nEND:VEVENT"
        )
    };
    let master = vevent("a", "\nRRULE:FREQ=DAILY");
    let exception = vevent("a", "\nRECURRENCE-ID:20260311T100000Z");
    assert!(check(&object(&format!("{master}\n{exception}"))).is_ok());
    for two in [
        format!("{master}\n{master}"),
        format!("{exception}\n{exception}"),
        format!("{master}\n{}", vevent("b", "")),
    ] {
        assert_eq!(
            check(&object(&two)).expect_err("two").precondition,
            "valid-calendar-object-resource"
        );
    }
    assert_eq!(
        check(&object("BEGIN:VTIMEZONE\nTZID:X\nEND:VTIMEZONE")).expect_err("none").precondition,
        "supported-calendar-component"
    );
}
