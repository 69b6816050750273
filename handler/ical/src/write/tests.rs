use engine::event::Draft;
use jiff::civil::{date, datetime};

use super::*;

fn content(span: Span) -> Content {
    Content {
        span,
        title: "Q3 review, part 1".into(),
        description: String::new(),
        location: String::new(),
        attendees: vec!["guest@example.org".into()],
        visibility: Visibility::Private,
        busy: Busy::Busy,
    }
}

fn tallinn(hour: i8, day: i8) -> Moment {
    Moment {
        local: datetime(2026, 3, day, hour, 0, 0, 0),
        zone: Zone::Iana("Europe/Tallinn".into()),
    }
}

fn text(draft: &Draft, manners: ObjectStyle) -> String {
    let copy = NewCopy {
        uid: "calrelay-7f3k",
        marker: "h1.x",
        draft,
        now: "2026-03-10T07:00:00Z".parse().unwrap(),
    };
    String::from_utf8(write(&copy, 3, manners)).unwrap()
}

#[test]
fn a_series_as_it_is_stored() {
    let at = |text: &str| OriginalStart::At(text.parse().unwrap());
    let master = content(Span::Timed { start: tallinn(10, 10), end: tallinn(11, 10) });
    let changed = content(Span::Timed { start: tallinn(12, 24), end: tallinn(13, 24) });
    let series = Series {
        rules: vec!["FREQ=WEEKLY;BYDAY=TU".into()],
        extra: vec![at("2026-03-12T08:00:00Z")],
        exceptions: [
            (at("2026-03-17T08:00:00Z"), Exception::Cancelled),
            (at("2026-03-24T08:00:00Z"), Exception::Changed(Box::new(changed))),
        ]
        .into(),
    };
    let draft = Draft { content: master, series: Some(series) };
    let written = text(&draft, ObjectStyle::default());
    let (head, events) = written.split_at(written.find("BEGIN:VEVENT").unwrap());
    assert!(head.starts_with(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Calrelay//EN\r\nCALSCALE:GREGORIAN\r\nBEGIN:VTIMEZONE\r\nTZID:Europe/Tallinn\r\n"
    ));
    assert_eq!(head.matches("BEGIN:VTIMEZONE").count(), 1);
    let common = "SUMMARY:Q3 review\\, part 1\nCLASS:PRIVATE\nTRANSP:OPAQUE\nSTATUS:CONFIRMED\n";
    let stamps =
        "UID:calrelay-7f3k\nDTSTAMP:20260310T070000Z\nLAST-MODIFIED:20260310T070000Z\nSEQUENCE:3\n";
    assert_eq!(
        events.replace("\r\n", "\n"),
        format!(
            "BEGIN:VEVENT\n{stamps}DTSTART;TZID=Europe/Tallinn:20260310T100000\nDTEND;TZID=Europe/Tallinn:20260310T110000\n{common}\
             RRULE:FREQ=WEEKLY;BYDAY=TU\nRDATE;TZID=Europe/Tallinn:20260312T100000\nEXDATE;TZID=Europe/Tallinn:20260317T100000\nX-CALRELAY-ORIGIN:h1.x\nEND:VEVENT\n\
             BEGIN:VEVENT\n{stamps}RECURRENCE-ID;TZID=Europe/Tallinn:20260324T100000\nDTSTART;TZID=Europe/Tallinn:20260324T120000\n\
             DTEND;TZID=Europe/Tallinn:20260324T130000\n{common}X-CALRELAY-ORIGIN:h1.x\nEND:VEVENT\nEND:VCALENDAR\n"
        )
    );
}

#[test]
fn an_inert_alarm_where_the_server_would_add_one() {
    let draft = Draft {
        content: content(Span::AllDay { start: date(2026, 3, 10), end: date(2026, 3, 11) }),
        series: None,
    };
    assert!(!text(&draft, ObjectStyle::default()).contains("VALARM"));
    let silent = text(&draft, ObjectStyle { inert_alarm: true });
    assert!(
        silent.contains("DTSTART;VALUE=DATE:20260310\r\nDTEND;VALUE=DATE:20260311\r\n"),
        "{silent}"
    );
    assert!(silent.contains(
        "BEGIN:VALARM\r\nUID:calrelay-7f3k-alarm\r\nACTION:NONE\r\nTRIGGER;VALUE=DATE-TIME:19760401T005545Z\r\nX-APPLE-DEFAULT-ALARM:TRUE\r\nEND:VALARM\r\nEND:VEVENT"
    ));
}

#[test]
fn words_for_visibility_and_busy() {
    for (visibility, word) in [
        (Visibility::Default, "PUBLIC"),
        (Visibility::Public, "PUBLIC"),
        (Visibility::Private, "PRIVATE"),
        (Visibility::Confidential, "CONFIDENTIAL"),
    ] {
        assert_eq!(class(visibility), word);
    }
    for (busy, words) in [
        (Busy::Free, ("TRANSPARENT", "CONFIRMED")),
        (Busy::Tentative, ("OPAQUE", "TENTATIVE")),
        (Busy::Busy, ("OPAQUE", "CONFIRMED")),
        (Busy::Oof, ("OPAQUE", "CONFIRMED")),
        (Busy::WorkingElsewhere, ("TRANSPARENT", "CONFIRMED")),
    ] {
        assert_eq!(transparency(busy), words);
    }
}

#[test]
fn nothing_breaks_out_of_its_line() {
    let mut draft = Draft {
        content: content(Span::Timed { start: tallinn(10, 10), end: tallinn(11, 10) }),
        series: None,
    };
    draft.content.title = "a\r\nATTENDEE:mailto:x@example.org".into();
    draft.content.description = "b\rEND:VEVENT\u{2028}".into();
    draft.series = Some(Series {
        rules: vec!["FREQ=DAILY\r\nATTENDEE:mailto:x@example.org".into()],
        ..Series::default()
    });
    let written = text(&draft, ObjectStyle::default());
    assert!(
        !written.contains("\r\nATTENDEE") && written.matches("END:VEVENT\r\n").count() == 1,
        "{written}"
    );
}

#[test]
fn the_second_of_a_repeated_hour_is_said_in_utc() {
    let span = Span::Timed { start: tallinn(10, 10), end: tallinn(11, 10) };
    let line =
        |text: &str| original_start(OriginalStart::At(text.parse().unwrap()), &span).line("EXDATE");
    assert_eq!(line("2026-10-25T00:30:00Z"), "EXDATE;TZID=Europe/Tallinn:20261025T033000");
    assert_eq!(line("2026-10-25T01:30:00Z"), "EXDATE:20261025T013000Z");
}
