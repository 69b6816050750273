//! Series, and objects of several components.

use super::*;

fn changed(event: &Event, at: &str) -> (String, Span) {
    match &event.series.as_ref().unwrap().exceptions[&instant(at)] {
        Exception::Changed(content) => (content.title.clone(), content.span.clone()),
        Exception::Cancelled => panic!("cancelled"),
    }
}

#[test]
fn further_dates_may_have_their_own_length() {
    let object = object(&[
        "DTSTART;TZID=Europe/Berlin:20260303T100000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY\n\
         RDATE;VALUE=PERIOD:20260305T090000Z/PT3H,20260306T090000Z/20260306T093000Z\nRDATE;VALUE=PERIOD:20260307T090000Z/PT1H,20260308T090000Z/PT1S\n\
         RDATE;VALUE=PERIOD:20260309T090000Z/never\nEXDATE:20260308T090000Z",
    ]);
    let event = try_read(&object).unwrap();
    let berlin_time = |day, hour, minute| datetime(2026, 3, day, hour, minute, 0, 0);
    let span = |day, to_hour, minute| {
        timed(berlin_time(day, 10, 0), berlin(), berlin_time(day, to_hour, minute), berlin())
    };
    assert_eq!(changed(&event, "2026-03-05T09:00:00Z").1, span(5, 13, 0));
    assert_eq!(changed(&event, "2026-03-06T09:00:00Z").1, span(6, 10, 30));
    let series = event.series.unwrap();
    assert_eq!(series.extra.len(), 5);
    assert_eq!(
        series.exceptions.len(),
        3,
        "one of the usual length and one of no length that can be read are as the master has it"
    );
    assert_eq!(series.exceptions[&instant("2026-03-08T09:00:00Z")], Exception::Cancelled);
}

#[test]
fn of_two_the_newer_one_counts() {
    let master =
        |lines: &str| format!("DTSTART:20260303T100000Z\nRRULE:FREQ=DAILY;COUNT=3\n{lines}");
    let old = master("SEQUENCE:1\nDTSTAMP:20260105T000000Z\nSUMMARY:old");
    let new = master("SEQUENCE:2\nDTSTAMP:20260101T000000Z\nSUMMARY:new");
    let newer = master("SEQUENCE:2\nDTSTAMP:20260102T000000Z\nSUMMARY:newer");
    let change =
        |lines: &str| format!("RECURRENCE-ID:20260304T100000Z\nDTSTART:20260304T120000Z\n{lines}");
    for (events, expected) in [
        (vec![&old, &new], "new"),
        (vec![&new, &old], "new"),
        (vec![&newer, &new], "newer"),
        (vec![&new, &newer, &old], "newer"),
        (vec![&new, &new.replace("SUMMARY:new", "SUMMARY:same")], "new"),
    ] {
        let masters: Vec<&str> = events.iter().map(|event| event.as_str()).collect();
        assert_eq!(try_read(&object(&masters)).unwrap().content.title, expected);
        let changes: Vec<String> =
            events.iter().map(|event| change(event.split_once("COUNT=3\n").unwrap().1)).collect();
        let all: Vec<&str> =
            std::iter::once("DTSTART:20260303T100000Z\nRRULE:FREQ=DAILY;COUNT=3\nSUMMARY:master")
                .chain(changes.iter().map(String::as_str))
                .collect();
        assert_eq!(changed(&try_read(&object(&all)).unwrap(), "2026-03-04T10:00:00Z").0, expected);
    }
}

#[test]
fn excluded_and_changed_is_what_the_newer_part_says() {
    let stays = |master: &str, change: &str| {
        let master = format!(
            "DTSTART:20260303T100000Z\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20260304T100000Z\n{master}"
        );
        let change = format!("RECURRENCE-ID:20260304T100000Z\nDTSTART:20260304T120000Z\n{change}");
        let series = try_read(&object(&[&master, &change])).unwrap().series.unwrap();
        series.exceptions[&instant("2026-03-04T10:00:00Z")] != Exception::Cancelled
    };
    let modified = |day: u8| format!("LAST-MODIFIED:202601{day:02}T000000Z");
    assert!(stays("", ""));
    assert!(stays("SEQUENCE:1", "SEQUENCE:1"));
    assert!(stays("SEQUENCE:1", "SEQUENCE:2"));
    assert!(!stays("SEQUENCE:2", "SEQUENCE:1"));
    assert!(
        stays(&modified(1), &modified(1))
            && stays(&modified(1), &modified(2))
            && !stays(&modified(2), &modified(1))
    );
    assert!(stays(&modified(2), ""), "nothing says that the change is older");
    assert!(stays(
        &format!("SEQUENCE:1\n{}", modified(2)),
        &format!("SEQUENCE:2\n{}", modified(1))
    ));
}

#[test]
fn midnight_to_midnight_is_all_day_where_microsoft_says_so() {
    let says = "X-MICROSOFT-CDO-ALLDAYEVENT:TRUE";
    let all_day = Span::AllDay { start: date(2026, 3, 10), end: date(2026, 3, 12) };
    for form in ["", ";TZID=Europe/Berlin", ";VALUE=DATE-TIME"] {
        let times = format!("DTSTART{form}:20260310T000000\nDTEND{form}:20260312T000000");
        assert_eq!(event(&format!("{times}\n{says}")).content.span, all_day, "{form}");
        assert!(matches!(event(&times).content.span, Span::Timed { .. }));
        assert!(matches!(
            event(&format!("{times}\n{}", says.replace("TRUE", "FALSE"))).content.span,
            Span::Timed { .. }
        ));
    }
    let an_hour_late = event(&format!("DTSTART:20260310T010000\nDTEND:20260311T010000\n{says}"));
    assert!(matches!(an_hour_late.content.span, Span::Timed { .. }));
    assert!(matches!(
        event(&format!("DTSTART:20260310T000000\n{says}")).content.span,
        Span::Timed { .. }
    ));
    let series = event(&format!(
        "DTSTART;TZID=Europe/Berlin:20260310T000000\nDTEND;TZID=Europe/Berlin:20260311T000000\nRRULE:FREQ=DAILY;UNTIL=20260319T230000Z\n\
         EXDATE;TZID=Europe/Berlin:20260312T000000\nEXDATE:20260312T230000Z\n{says}"
    ));
    let series = series.series.unwrap();
    assert_eq!(series.rules, ["FREQ=DAILY;UNTIL=20260320"]);
    assert_eq!(
        series.exceptions.into_keys().collect::<Vec<_>>(),
        [Day(date(2026, 3, 12)), Day(date(2026, 3, 13))]
    );
}

#[test]
fn an_event_needs_no_uid() {
    let bare = object(&[
        "DTSTART:20260310T100000Z\nSUMMARY:bare",
        "DTSTART:20260311T100000Z\nRECURRENCE-ID:20260311T100000Z",
    ]);
    let event = try_read(&bare.replace("UID:u1\r\n", "")).unwrap();
    assert_eq!((event.uid.as_str(), event.content.title.as_str()), ("", "bare"));
    assert_eq!(try_read(&bare.replacen("UID:u1\r\n", "", 1)).unwrap().uid, "u1");
}

#[test]
fn a_change_of_all_that_follow_reaches_them() {
    let day = |day| datetime(2026, 3, day, 0, 0, 0, 0).date();
    let master = "DTSTART;TZID=Europe/Berlin:20260325T100000\nDURATION:PT1H\nRRULE:FREQ=DAILY;COUNT=8\nEXDATE;TZID=Europe/Berlin:20260328T100000\nSUMMARY:first";
    let later = "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260327T100000\nDTSTART;TZID=Europe/Berlin:20260328T150000\nDURATION:PT2H\nSUMMARY:later";
    let one = "RECURRENCE-ID;TZID=Europe/Berlin:20260330T100000\nDTSTART;TZID=Europe/Berlin:20260330T110000\nSUMMARY:one";
    let end = "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260401T100000\nDTSTART;TZID=Europe/Berlin:20260401T100000\nSTATUS:CANCELLED";
    let event = try_read(&object(&[master, end, one, later])).unwrap();
    let span = |at| timed(day(at).at(15, 0, 0, 0), berlin(), day(at).at(17, 0, 0, 0), berlin());
    assert_eq!(changed(&event, "2026-03-27T09:00:00Z"), ("later".into(), span(28)));
    // Over the night in which the clocks go forward the wall clock counts.
    assert_eq!(changed(&event, "2026-03-29T08:00:00Z"), ("later".into(), span(30)));
    assert_eq!(changed(&event, "2026-03-30T08:00:00Z").0, "one");
    assert_eq!(changed(&event, "2026-03-31T08:00:00Z").0, "later");
    let series = event.series.unwrap();
    assert_eq!(series.exceptions[&instant("2026-03-28T09:00:00Z")], Exception::Cancelled);
    assert_eq!(series.exceptions[&instant("2026-04-01T08:00:00Z")], Exception::Cancelled);
    assert_eq!((series.rules, series.exceptions.len()), (vec!["FREQ=DAILY;COUNT=8".into()], 6));
}

#[test]
fn a_change_of_all_that_follow_without_end_ends_with_what_is_looked_at() {
    let master = "DTSTART;VALUE=DATE:20260302\nRRULE:FREQ=WEEKLY\nDTSTAMP:20260101T000000Z";
    let later = "RECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20260309\nDTSTART;VALUE=DATE:20260310\nSUMMARY:later";
    let series = try_read(&object(&[master, later])).unwrap().series.unwrap();
    assert_eq!(series.rules, ["FREQ=WEEKLY;UNTIL=20281231"]);
    let days: Vec<_> =
        series.exceptions.iter().map(|(start, exception)| (*start, exception.clone())).collect();
    let (Some((Day(last), Exception::Changed(content))), 147) = (days.last(), days.len()) else {
        panic!("{}", days.len())
    };
    assert_eq!(
        (*last, &content.span),
        (date(2028, 12, 25), &Span::AllDay { start: date(2028, 12, 26), end: date(2028, 12, 27) })
    );
}

/// The rules of New York until 2006, in an event of today.
#[test]
fn a_series_on_a_clock_of_its_own_keeps_its_wall_time() {
    let part = |kind: &str, from: &str, to: &str, rule: &str| {
        format!(
            "BEGIN:{kind}\r\nDTSTART:16010101T020000\r\nTZOFFSETFROM:{from}\r\nTZOFFSETTO:{to}\r\nRRULE:FREQ=YEARLY;{rule}\r\nEND:{kind}\r\n"
        )
    };
    let zone = part("STANDARD", "-0400", "-0500", "BYDAY=-1SU;BYMONTH=10")
        + &part("DAYLIGHT", "-0500", "-0400", "BYDAY=1SU;BYMONTH=4");
    let series = "DTSTART;TZID=Eastern:20260315T220000\nDURATION:PT1H\nRRULE:FREQ=MONTHLY;UNTIL=20261216T023000Z\nEXDATE;TZID=Eastern:20260715T220000\n\
                  RDATE;TZID=Eastern:20260320T220000\nDTSTAMP:20260101T000000Z";
    let whole = object(&[series]).replace(
        "BEGIN:VEVENT",
        &format!("BEGIN:VTIMEZONE\r\nTZID:Eastern\r\n{zone}END:VTIMEZONE\r\nBEGIN:VEVENT"),
    );
    let event = try_read(&whole).unwrap();
    assert!(!event.zone_guessed);
    let utc = |month, day, hour| datetime(2026, month, day, hour, 0, 0, 0);
    assert_eq!(
        event.content.span,
        timed(utc(3, 16, 3), Zone::Utc, utc(3, 16, 4), Zone::Utc),
        "not yet in summer by these rules"
    );
    let series = event.series.unwrap();
    let dates = [
        "03-21T03", "04-16T02", "05-16T02", "06-16T02", "07-16T02", "08-16T02", "09-16T02",
        "10-16T02", "11-16T03",
    ];
    assert_eq!(series.extra, dates.map(|date| instant(&format!("2026-{date}:00:00Z"))));
    assert_eq!(
        series.exceptions.into_keys().collect::<Vec<_>>(),
        [instant("2026-07-16T02:00:00Z")]
    );
    // The same without its zone: reported, and in the zone of the calendar.
    let bare = try_read(&object(&[series_of_nowhere()])).unwrap();
    assert!(bare.zone_guessed);
    assert!(
        matches!(bare.content.span, Span::Timed { start: Moment { zone: Zone::Iana(ref zone), .. }, .. } if zone == "Asia/Tokyo")
    );
}

fn series_of_nowhere() -> &'static str {
    "DTSTART;TZID=Eastern:20260315T220000\nDURATION:PT1H\nRRULE:FREQ=MONTHLY"
}

#[test]
fn rules_are_read_in_the_form_in_which_they_are_written() {
    let rules = |rule: &str| {
        event(&format!("DTSTART;TZID=Europe/Berlin:20260303T100000\nDURATION:PT1H\nRRULE:{rule}"))
            .series
            .unwrap()
            .rules
    };
    for (rule, expected) in [
        (
            "FREQ=DAILY;UNTIL=20260306T100000;COUNT=-1;INTERVAL=1",
            "FREQ=DAILY;UNTIL=20260306T090000Z;INTERVAL=1",
        ),
        ("freq=daily; count=4 ;X-MAKER=1;", "FREQ=DAILY;COUNT=4"),
        ("FREQ=DAILY;COUNT=4;UNTIL=20260304", "FREQ=DAILY;UNTIL=20260304T225959Z"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20260310", "FREQ=DAILY;COUNT=2"),
    ] {
        assert_eq!(rules(rule), [expected], "{rule}");
    }
}

#[test]
fn a_day_by_microsofts_property_begins_and_ends_at_midnight() {
    let span = |from: &str, to: &str| {
        event(&format!("DTSTART:{from}\nDTEND:{to}\nX-MICROSOFT-CDO-ALLDAYEVENT:TRUE")).content.span
    };
    let days = |span: Span| matches!(span, Span::AllDay { .. });
    assert!(days(span("20260303T000000", "20260304T000000")));
    for (from, to) in [
        ("20260303T000000", "20260303T100000"),
        ("20260303T100000", "20260304T000000"),
        ("20260303T000000", "20260303T000000"),
    ] {
        assert!(!days(span(from, to)), "{from} to {to}");
    }
}

#[test]
fn an_end_in_the_second_pass_of_a_repeated_hour() {
    let start = "DTSTART;TZID=Europe/Berlin:20261025T";
    for (lines, minutes) in [
        ("023000\nDURATION:PT30M", 30),
        ("023000\nDURATION:PT1H", 60),
        ("023000\nDTEND;TZID=Europe/Berlin:20261025T020000", 30),
        ("023000\nDTEND;TZID=Europe/Berlin:20261025T024500", 15),
        ("010000\nDTEND;TZID=Europe/Berlin:20261025T023000", 90),
        ("043000\nDTEND;TZID=Europe/Berlin:20261025T040000", 0),
    ] {
        let span = event(&format!("{start}{lines}")).content.span;
        assert_eq!(engine::zone::length(&span, None).as_mins(), minutes, "{lines}");
    }
}
