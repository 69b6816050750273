mod series;

use engine::event::OriginalStart::{At, Day, Floating};
use engine::event::{Busy, Exception, Moment, OriginalStart, Span, Visibility, Zone};
use jiff::Timestamp;
use jiff::civil::{DateTime, date, datetime};

use super::*;

const CONTEXT: ObjectContext<'static> = ObjectContext {
    is_me: &|address| matches!(address, "me@example.org" | "/1/principal/"),
    zone: Some("Asia/Tokyo"),
    now: None,
};

fn object(events: &[&str]) -> String {
    let events: String = events
        .iter()
        .map(|event| {
            format!("BEGIN:VEVENT\r\nUID:u1\r\n{}\r\nEND:VEVENT\r\n", event.replace('\n', "\r\n"))
        })
        .collect();
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{events}END:VCALENDAR\r\n")
}

fn try_read(object: &str) -> Result<Event, Unreadable> {
    read(EventId::new("e"), Some("\"1\"".into()), object.as_bytes(), CONTEXT)
}

fn event(lines: &str) -> Event {
    try_read(&object(&[lines])).unwrap()
}

fn timed(start: DateTime, start_zone: Zone, end: DateTime, end_zone: Zone) -> Span {
    Span::Timed {
        start: Moment { local: start, zone: start_zone },
        end: Moment { local: end, zone: end_zone },
    }
}

fn berlin() -> Zone {
    Zone::Iana("Europe/Berlin".into())
}

fn instant(text: &str) -> OriginalStart {
    At(text.parse::<Timestamp>().unwrap())
}

#[test]
fn spans() {
    let ten = datetime(2026, 3, 10, 10, 0, 0, 0);
    let eleven = datetime(2026, 3, 10, 11, 0, 0, 0);
    let all_day = |start, end| Span::AllDay { start, end };
    for (lines, expected) in [
        (
            "DTSTART:20260310T100000Z\nDTEND:20260310T110000Z",
            timed(ten, Zone::Utc, eleven, Zone::Utc),
        ),
        (
            "DTSTART:20260310T100000\nDURATION:PT1H",
            timed(ten, Zone::Floating, eleven, Zone::Floating),
        ),
        (
            "DTSTART;TZID=Europe/Berlin:20260310T100000\nDURATION:PT1H",
            timed(ten, berlin(), eleven, berlin()),
        ),
        ("DTSTART;TZID=Europe/Berlin:20260310T100000", timed(ten, berlin(), ten, berlin())),
        (
            "DTSTART;TZID=Europe/Berlin:20260310T100000\nDTEND;TZID=Europe/Berlin:20260310T090000",
            timed(ten, berlin(), ten, berlin()),
        ),
        (
            "DTSTART;TZID=Europe/Berlin:20260310T100000\nDTEND;TZID=Asia/Tokyo:20260310T110000",
            timed(ten, berlin(), ten, berlin()),
        ),
        (
            "DTSTART;TZID=Asia/Tokyo:20260310T110000\nDTEND;TZID=Europe/Berlin:20260310T100000",
            timed(eleven, Zone::Iana("Asia/Tokyo".into()), ten, berlin()),
        ),
        (
            "DTSTART;TZID=Europe/Berlin:20260310T100000\nDTEND:20260310T110000",
            timed(ten, berlin(), eleven, berlin()),
        ),
        (
            "DTSTART;TZID=Europe/Berlin:20260310T100000\nDURATION:-PT1H",
            timed(ten, berlin(), ten, berlin()),
        ),
        // The clocks go forward in this night: a nominal day, and 24 exact hours.
        (
            "DTSTART;TZID=Europe/Berlin:20260328T120000\nDURATION:P1D",
            timed(
                datetime(2026, 3, 28, 12, 0, 0, 0),
                berlin(),
                datetime(2026, 3, 29, 12, 0, 0, 0),
                berlin(),
            ),
        ),
        (
            "DTSTART;TZID=Europe/Berlin:20260328T120000\nDURATION:PT24H",
            timed(
                datetime(2026, 3, 28, 12, 0, 0, 0),
                berlin(),
                datetime(2026, 3, 29, 13, 0, 0, 0),
                berlin(),
            ),
        ),
        (
            "DTSTART;VALUE=DATE:20260310\nDTEND;VALUE=DATE:20260312",
            all_day(date(2026, 3, 10), date(2026, 3, 12)),
        ),
        ("DTSTART;VALUE=DATE:20260310", all_day(date(2026, 3, 10), date(2026, 3, 11))),
        (
            "DTSTART;VALUE=DATE:20260310\nDURATION:P2D",
            all_day(date(2026, 3, 10), date(2026, 3, 12)),
        ),
        (
            "DTSTART;VALUE=DATE:20260310\nDTEND;VALUE=DATE:20260310",
            all_day(date(2026, 3, 10), date(2026, 3, 11)),
        ),
        ("DTSTART:20260310\nDTEND:20260301", all_day(date(2026, 3, 10), date(2026, 3, 11))),
        (
            "DTSTART:20260310\nDTSTART:20260311\nDTEND:20260312T000000",
            all_day(date(2026, 3, 10), date(2026, 3, 12)),
        ),
    ] {
        assert_eq!(event(lines).content.span, expected, "{lines}");
    }
}

#[test]
fn texts_people_and_marks() {
    let event = event(
        "SEQUENCE: 7\nDTSTART:20260310T100000Z\nSUMMARY;LANGUAGE=en:Q3\\, part \
        1\nSUMMARY:second\nDESCRIPTION:a\\nb\\\\c\n LOC\nLOCATION:here\\; there\n\
         ORGANIZER;CN=\"A: \
         B\":MAILTO:Boss@Example.org\nATTENDEE;CUTYPE=ROOM:mailto:room@example.org\nATTENDEE;CUTYPE=resource:mailto:tv@example.org\n\
         ATTENDEE;PARTSTAT=ACCEPTED:mailto:ME@example.org\nATTENDEE:mailto:zoe@example.org\nATTENDEE:MAILTO:Amy@example.org\nATTENDEE:mailto:zoe@example.org\n\
         ATTENDEE;EMAIL=kim@example.org:/9/principal/\nATTENDEE;PARTSTAT=DECLINED:/9/principal/\nX-CALRELAY-ORIGIN:h1.x",
    );
    assert_eq!(event.content.title, "Q3, part 1");
    assert_eq!(event.content.description, "a\nb\\cLOC");
    assert_eq!(event.content.location, "here; there");
    assert_eq!(event.content.attendees, ["amy@example.org", "kim@example.org", "zoe@example.org"]);
    assert_eq!(
        event.organizer,
        Some(engine::event::Organizer { email: "boss@example.org".into(), is_me: false })
    );
    assert_eq!(
        (event.sequence, event.uid.as_str(), event.marker.as_deref()),
        (7, "u1", Some("h1.x"))
    );
    assert!(!event.declined && !event.cancelled);
}

#[test]
fn declined_and_cancelled() {
    let declined =
        |attendee: &str| event(&format!("DTSTART:20260310T100000Z\n{attendee}")).declined;
    assert!(declined("ATTENDEE;PARTSTAT=DECLINED:mailto:me@example.org"));
    assert!(declined("ATTENDEE;EMAIL=\"me@example.org\";PARTSTAT=declined:urn:uuid:1"));
    assert!(declined("ATTENDEE;PARTSTAT=DECLINED:/1/principal/"));
    assert!(!declined("ATTENDEE;PARTSTAT=DECLINED:mailto:you@example.org"));
    assert!(!declined("ATTENDEE;PARTSTAT=TENTATIVE:mailto:me@example.org"));
    assert!(event("DTSTART:20260310T100000Z\nSTATUS:cancelled").cancelled);
}

#[test]
fn who_may_see_it_and_what_it_blocks() {
    let content = |lines: &str| event(&format!("DTSTART:20260310T100000Z\n{lines}")).content;
    for (lines, expected) in [
        ("", Visibility::Public),
        ("CLASS:PUBLIC", Visibility::Public),
        ("CLASS: private ", Visibility::Private),
        ("CLASS:CONFIDENTIAL", Visibility::Confidential),
        ("CLASS:X-SECRET", Visibility::Private),
    ] {
        assert_eq!(content(lines).visibility, expected, "{lines}");
    }
    for (lines, expected) in [
        ("", Busy::Busy),
        ("TRANSP:OPAQUE", Busy::Busy),
        ("TRANSP:TRANSPARENT", Busy::Free),
        ("STATUS:TENTATIVE", Busy::Tentative),
        ("STATUS:TENTATIVE\nTRANSP:TRANSPARENT", Busy::Free),
        ("X-MICROSOFT-CDO-BUSYSTATUS:OOF", Busy::Oof),
        ("X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE\nTRANSP:OPAQUE\nSTATUS:CONFIRMED", Busy::Tentative),
        ("X-MICROSOFT-CDO-BUSYSTATUS:FREE", Busy::Free),
        ("X-MICROSOFT-CDO-BUSYSTATUS:FREE\nTRANSP:OPAQUE", Busy::Busy),
        ("X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE\nTRANSP:TRANSPARENT", Busy::WorkingElsewhere),
        ("X-MICROSOFT-CDO-BUSYSTATUS:BUSY\nTRANSP:TRANSPARENT", Busy::Free),
    ] {
        assert_eq!(content(lines).busy, expected, "{lines}");
    }
}

#[test]
fn a_series_in_a_zone() {
    let object = object(&[
        "DTSTART;TZID=Europe/Berlin:20260303T100000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY;UNTIL=20260601\nCLASS:PRIVATE\n\
         EXDATE;TZID=Europe/Berlin:20260310T100000,20260317T100000\nEXDATE:20260324T090000Z\nEXDATE;TZID=Asia/Tokyo:20260331T170000\nEXDATE;VALUE=DATE:20260407\nEXDATE:\n\
         RDATE;VALUE=PERIOD:20260305T090000Z/PT2H,20260304T090000Z/20260304T100000Z",
        "RECURRENCE-ID:20260414T080000Z\nDTSTART;TZID=Europe/Berlin:20260414T120000\nSUMMARY:moved",
        "RECURRENCE-ID;TZID=Europe/Berlin:20260421T100000\nDTSTART;TZID=Europe/Berlin:20260421T100000\nSTATUS:CANCELLED",
        "RECURRENCE-ID;TZID=Europe/Berlin:20260310T100000\nDTSTART;TZID=Europe/Berlin:20260310T110000\nSUMMARY:both\nCLASS:PUBLIC",
        "RECURRENCE-ID;TZID=Europe/Berlin:20260428T100000\nDTSTART;TZID=Europe/Berlin:20260428T100000\nATTENDEE;PARTSTAT=DECLINED:mailto:me@example.org",
    ]);
    let series = try_read(&object).unwrap().series.unwrap();
    assert_eq!(series.rules, ["FREQ=WEEKLY;UNTIL=20260601T215959Z"]);
    assert_eq!(series.extra, [instant("2026-03-04T09:00:00Z"), instant("2026-03-05T09:00:00Z")]);
    let cancelled: Vec<_> = series
        .exceptions
        .iter()
        .filter(|(_, e)| **e == Exception::Cancelled)
        .map(|(key, _)| *key)
        .collect();
    let days = [
        "2026-03-17T09:00:00Z",
        "2026-03-24T09:00:00Z",
        "2026-03-31T08:00:00Z",
        "2026-04-07T08:00:00Z",
        "2026-04-21T08:00:00Z",
        "2026-04-28T08:00:00Z",
    ];
    assert_eq!(cancelled, days.map(instant));
    let changed = |at: &str| match &series.exceptions[&instant(at)] {
        Exception::Changed(content) => (content.title.clone(), content.visibility),
        Exception::Cancelled => panic!("cancelled"),
    };
    assert_eq!(changed("2026-04-14T08:00:00Z"), ("moved".into(), Visibility::Private));
    assert_eq!(changed("2026-03-10T09:00:00Z"), ("both".into(), Visibility::Public));
}

#[test]
fn series_of_days_and_floating_series() {
    let days = event(
        "DTSTART;VALUE=DATE:20260303\nRRULE:FREQ=WEEKLY;UNTIL=20260601T000000Z\nEXDATE;VALUE=DATE:20260310\nEXDATE:20260317T000000\nRDATE;VALUE=DATE:20260305",
    );
    let series = days.series.unwrap();
    assert_eq!(series.rules, ["FREQ=WEEKLY;UNTIL=20260601"]);
    assert_eq!(series.extra, [Day(date(2026, 3, 5))]);
    assert_eq!(
        series.exceptions.into_keys().collect::<Vec<_>>(),
        [Day(date(2026, 3, 10)), Day(date(2026, 3, 17))]
    );
    let floating = event("DTSTART:20260303T100000\nRRULE:FREQ=WEEKLY\nEXDATE:20260310T100000\nEXDATE:20260317T010000Z").series.unwrap();
    let at = |day| Floating(datetime(2026, 3, day, 10, 0, 0, 0));
    assert_eq!(floating.exceptions.into_keys().collect::<Vec<_>>(), [at(10), at(17)]);
    assert_eq!(event("DTSTART:20260303T100000").series, None);
}

#[test]
fn changed_occurrences_without_a_master() {
    let late = "RECURRENCE-ID:20260317T100000Z\nDTSTART:20260317T120000Z\nSUMMARY:late";
    let early =
        "RECURRENCE-ID:20260310T100000Z\nDTSTART:20260310T120000Z\nSUMMARY:early\nRRULE:FREQ=DAILY";
    let none = "RECURRENCE-ID:20260303T100000Z\nDTSTART:20260303T120000Z\nSTATUS:CANCELLED";
    let one = try_read(&object(&[late])).unwrap();
    assert_eq!((one.content.title.as_str(), one.series), ("late", None));
    let two = try_read(&object(&[late, none, early])).unwrap();
    assert_eq!((two.content.title.as_str(), two.cancelled), ("early", false));
    let series = two.series.unwrap();
    assert_eq!(
        (series.rules.len(), series.extra.as_slice()),
        (0, &[instant("2026-03-17T10:00:00Z")][..])
    );
    assert!(
        matches!(&series.exceptions[&instant("2026-03-17T10:00:00Z")], Exception::Changed(content) if content.title == "late")
    );
    assert!(try_read(&object(&[none])).unwrap().cancelled);
}

#[test]
fn leniency() {
    let plain = object(&["DTSTART:20260310T100000Z\nSUMMARY:café"]);
    let folded = plain.as_bytes().windows(2).position(|pair| pair == "é".as_bytes()).unwrap() + 1;
    let mut split = plain.clone().into_bytes();
    split.splice(folded..folded, *b"\r\n ");
    for (what, object) in [
        ("plain", plain.clone().into_bytes()),
        ("LF", plain.replace("\r\n", "\n").into_bytes()),
        ("BOM", format!("\u{feff}{plain}").into_bytes()),
        (
            "lower case",
            plain
                .replace("BEGIN", "begin")
                .replace("VEVENT", "vevent")
                .replace("DTSTART", "dtstart")
                .into_bytes(),
        ),
        ("a fold in a code point", split),
        (
            "doubles",
            plain.replace("UID:u1", "UID:u1\r\nDTSTAMP:1\r\nDTSTAMP:2\r\nUID:u2").into_bytes(),
        ),
        (
            "trailing blanks",
            plain.replace("UID:u1", "UID:u1 \r\nX-APPLE-CREATOR-IDENTITY:x  ").into_bytes(),
        ),
        (
            "lines that are none",
            plain.replace("UID:u1", "UID:u1\r\n\r\nrubbish\r\n;:\r\n\u{0}").into_bytes(),
        ),
        ("a property after the end", format!("{plain}X-LATE:1\r\n").into_bytes()),
        (
            "an end too many",
            plain.replace("BEGIN:VEVENT", "END:VALARM\r\nBEGIN:VEVENT").into_bytes(),
        ),
        (
            "other components",
            plain.replace("BEGIN:VEVENT", "BEGIN:X-OWN\r\nEND:X-OWN\r\nBEGIN:VEVENT").into_bytes(),
        ),
        ("no line end at the end", plain.trim_end().as_bytes().to_vec()),
    ] {
        let event = read(EventId::new("e"), None, &object, CONTEXT);
        assert_eq!(
            event.map(|event| (event.uid, event.content.title)),
            Ok(("u1".into(), "café".into())),
            "{what}"
        );
    }
}

#[test]
fn what_cannot_be_read_says_why() {
    let start = "DTSTART:20260310T100000Z";
    let plain = object(&[start]);
    for (object, why) in [
        (String::new(), "no iCalendar object"),
        ("<html>".into(), "no iCalendar object"),
        ("BEGIN:VCALENDAR\nEND:VCALENDAR".into(), "no event"),
        ("BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:1\nEND:VTODO\nEND:VCALENDAR".into(), "a task"),
        (format!("{plain}{plain}"), "more than one calendar"),
        (plain.replace("END:VCALENDAR\r\n", ""), "cut off"),
        (plain.replace("END:VEVENT", "END:VEVNT"), "cut off"),
        (
            plain.replace("END:VCALENDAR", "BEGIN:VEVENT\r\nUID:u2\r\nEND:VEVENT\r\nEND:VCALENDAR"),
            "different UIDs",
        ),
        (plain.replace("DTSTART:20260310T100000Z\r\n", ""), "no start"),
        (plain.replace("20260310T100000Z", "tomorrow"), "DTSTART"),
        (self::object(&[&format!("{start}\nDTEND:later")]), "DTEND"),
        (self::object(&[&format!("{start}\nDURATION:long")]), "DURATION"),
        (self::object(&["DTSTART:99991231T100000Z\nDURATION:P1W"]), "beyond"),
        (self::object(&["DTSTART;VALUE=DATE:99991231"]), "beyond"),
        (self::object(&[&format!("{start}\nEXRULE:FREQ=DAILY")]), "EXRULE"),
        (self::object(&[&format!("{start}\nRRULE:FREQ=DAILY\nEXDATE:soon")]), "EXDATE"),
        (
            self::object(&[
                &format!("{start}\nRRULE:FREQ=DAILY"),
                &format!("{start}\nRECURRENCE-ID;RANGE=THISANDFUTURE:20260312T100000Z"),
            ]),
            "all that follow",
        ),
        (self::object(&[start, &format!("{start}\nRECURRENCE-ID:never")]), "RECURRENCE-ID"),
    ] {
        let found = try_read(&object).map(|_| ()).unwrap_err().0;
        assert!(found.contains(why), "{found:?} for {why}");
    }
}

/// Zones without names, and thousands of times in them, within the largest object that is read.
#[test]
fn hostile_zones_end_soon() {
    let days = "BYMONTHDAY=1,2,3,4,5,6,7,8,9,10,11,12;BYMONTH=1";
    let part = format!(
        "BEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:+0017\nTZOFFSETTO:+0018\nRRULE:FREQ=YEARLY;{days}\nEND:STANDARD\n"
    );
    let zone = |name: usize, parts: usize| {
        format!("BEGIN:VTIMEZONE\nTZID:zone {name}\n{}END:VTIMEZONE\n", part.repeat(parts))
    };
    let with = |zones: String, dates: String| {
        let object = format!(
            "BEGIN:VCALENDAR\n{zones}BEGIN:VEVENT\nUID:1\nDTSTART:20260310T100000Z\n{dates}END:VEVENT\nEND:VCALENDAR\n"
        );
        assert!(object.len() < 1 << 20, "{}", object.len());
        try_read(&object).unwrap().series.unwrap().exceptions.len()
    };
    let many_zones: String = (0..3_000).map(|n| zone(n, 1)).collect();
    let in_each: String = (0..3_000)
        .map(|n| format!("EXDATE;TZID=zone {n}:2026{:02}{:02}T100000\n", n % 12 + 1, n % 28 + 1))
        .collect();
    assert!(with(many_zones, in_each) > 80);
    let dates: Vec<String> =
        (0..40_000).map(|n| format!("{:04}0105T{:02}0000", n / 24 + 1000, n % 24)).collect();
    assert_eq!(
        with(zone(1, 100), format!("EXDATE;TZID=zone 1:{}\n", dates[..15_000].join(","))),
        15_000
    );
}
