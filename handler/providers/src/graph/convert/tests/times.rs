//! Days, times and zones.

use super::*;

fn bounds(draft: &Draft, refused: &[&str]) -> [String; 2] {
    let body = body_where(draft, refused).unwrap();
    [body.start.unwrap(), body.end.unwrap()]
        .map(|bound| format!("{} {}", bound.date_time, bound.time_zone.unwrap()))
}

fn timed(start: Moment, end: Moment) -> Draft {
    single(&Content { span: Span::Timed { start, end }, ..tallinn() })
}

#[test]
fn days_are_read_by_their_date_and_written_in_utc() {
    let span = Span::AllDay { start: date(2026, 2, 28), end: date(2026, 3, 2) };
    let draft = single(&Content { span: span.clone(), ..tallinn() });
    let written = body(&draft);
    assert_eq!(written["isAllDay"], true);
    assert_eq!(written["start"], json!({ "dateTime": "2026-02-28T00:00:00", "timeZone": "UTC" }));
    assert_eq!(written["end"], json!({ "dateTime": "2026-03-02T00:00:00", "timeZone": "UTC" }));
    assert_eq!(there_and_back(&draft).content.span, span);
    // Midnight of the date in whichever zone was asked for.
    for zone in ["UTC", "Asia/Tokyo", "Pacific Standard Time", "tzone://Microsoft/Custom"] {
        let found = read(&hour(json!({
            "isAllDay": true, "originalStartTimeZone": zone,
            "start": { "dateTime": "2026-02-28T00:00:00.0000000", "timeZone": zone },
            "end": { "dateTime": "2026-03-02T00:00:00.0000000", "timeZone": zone },
        })));
        assert_eq!(found.content.span, span, "{zone}");
    }
}

#[test]
fn times_are_read_in_the_zone_that_they_were_written_in() {
    let utc = |hour| Moment { local: date(2026, 3, 10).at(hour, 0, 0, 0), zone: Zone::Utc };
    for (hint, start) in [
        (json!("Europe/Tallinn"), in_zone("Europe/Tallinn", date(2026, 3, 10), 10)),
        (json!("W. Europe Standard Time"), in_zone("Europe/Berlin", date(2026, 3, 10), 9)),
        (
            json!("British Columbia Standard Time"),
            in_zone("America/Vancouver", date(2026, 3, 10), 1),
        ),
        (json!("tzone://Microsoft/Utc"), utc(8)),
        (json!("tzone://Microsoft/Custom"), utc(8)),
        (json!("No/Where"), utc(8)),
        (json!("UTC"), utc(8)),
        (json!(""), utc(8)),
        (json!(null), utc(8)),
    ] {
        let more = json!({ "originalStartTimeZone": hint, "originalEndTimeZone": hint });
        let Span::Timed { start: found, .. } = read(&hour(more)).content.span else { panic!() };
        assert_eq!(found, start, "{hint}");
    }
    let flight = read(&hour(json!({ "originalEndTimeZone": "America/New_York" })));
    let end = in_zone("America/New_York", date(2026, 3, 10), 5);
    assert!(matches!(flight.content.span, Span::Timed { end: found, .. } if found == end));
}

#[test]
fn times_are_read_however_they_are_written() {
    let start = Moment { local: date(2026, 3, 10).at(8, 0, 0, 0), zone: Zone::Utc };
    for bound in [
        json!({ "dateTime": "2026-03-10T08:00:00.0000000", "timeZone": "UTC" }),
        json!({ "dateTime": "2026-03-10T08:00:00.1234567", "timeZone": "UTC" }),
        json!({ "dateTime": "2026-03-10T08:00:00", "timeZone": null }),
        json!({ "dateTime": "2026-03-10T08:00" }),
        json!({ "dateTime": "2026-03-10T08:00:00Z", "timeZone": "UTC" }),
        json!({ "dateTime": "2026-03-10T10:00:00+02:00", "timeZone": "UTC" }),
        json!({ "dateTime": "2026-03-10T10:00:00", "timeZone": "FLE Standard Time" }),
    ] {
        let more = json!({ "originalStartTimeZone": "UTC", "start": bound, "end": bound });
        let found = read(&hour(with(more, json!({ "originalEndTimeZone": "UTC" }))));
        let expected = Span::Timed { start: start.clone(), end: start.clone() };
        assert_eq!(found.content.span, expected, "{bound}");
    }
    // Without a hint, in the zone of the answer.
    let found = read(&hour(json!({
        "originalStartTimeZone": null,
        "start": { "dateTime": "2026-03-10T10:00:00", "timeZone": "Europe/Tallinn" },
    })));
    let expected = in_zone("Europe/Tallinn", date(2026, 3, 10), 10);
    assert!(matches!(found.content.span, Span::Timed { start, .. } if start == expected));
}

#[test]
fn the_second_of_two_hours_of_one_name_is_said_in_utc() {
    // The clocks of Tallinn go back at one o'clock UTC.
    let utc = Moment { local: date(2026, 10, 25).at(1, 30, 0, 0), zone: Zone::Utc };
    let bound = json!({ "dateTime": "2026-10-25T01:30:00", "timeZone": "UTC" });
    let found = read(&hour(json!({ "start": bound, "end": bound })));
    assert_eq!(found.content.span, Span::Timed { start: utc.clone(), end: utc.clone() });
    // The first of them reads as it is, and is written in UTC, because the service may take either.
    let local = Moment {
        local: date(2026, 10, 25).at(3, 30, 0, 0),
        zone: Zone::Iana("Europe/Tallinn".into()),
    };
    let draft = timed(local.clone(), utc);
    assert_eq!(bounds(&draft, &[]), ["2026-10-25T00:30:00 UTC", "2026-10-25T01:30:00 UTC"]);
    // So is a time that the clocks leave out.
    let left_out = Moment { local: date(2026, 3, 29).at(3, 30, 0, 0), ..local };
    let draft = timed(left_out.clone(), left_out);
    assert_eq!(bounds(&draft, &[])[0], "2026-03-29T01:30:00 UTC");
}

#[test]
fn a_zone_is_written_by_the_best_name_that_is_not_refused() {
    let berlin = in_zone("Europe/Berlin", date(2026, 7, 1), 10);
    let draft = timed(berlin.clone(), berlin);
    assert_eq!(bounds(&draft, &[])[0], "2026-07-01T10:00:00 Europe/Berlin");
    assert_eq!(
        bounds(&draft, &["Europe/Berlin"])[0],
        "2026-07-01T10:00:00 W. Europe Standard Time"
    );
    let both = ["Europe/Berlin", "W. Europe Standard Time"];
    assert_eq!(bounds(&draft, &both)[0], "2026-07-01T08:00:00 UTC");
    let flight = timed(
        in_zone("Europe/Tallinn", date(2026, 7, 1), 10),
        in_zone("Asia/Tokyo", date(2026, 7, 1), 20),
    );
    assert_eq!(
        bounds(&flight, &[]),
        ["2026-07-01T10:00:00 FLE Standard Time", "2026-07-01T20:00:00 Asia/Tokyo"]
    );
    // No Windows name at all.
    let troll = in_zone("Antarctica/Troll", date(2026, 7, 1), 10);
    assert_eq!(bounds(&timed(troll.clone(), troll), &[])[0], "2026-07-01T08:00:00 UTC");
    let nowhere = Moment { local: date(2026, 7, 1).at(10, 0, 0, 0), zone: Zone::Floating };
    assert_eq!(bounds(&timed(nowhere.clone(), nowhere), &[])[0], "2026-07-01T10:00:00 UTC");
}

#[test]
fn zones_are_compared_by_the_instants_they_give() {
    let span = |zone: &str, hour| Span::Timed {
        start: in_zone(zone, date(2026, 3, 10), hour),
        end: in_zone(zone, date(2026, 3, 10), hour + 1),
    };
    assert!(same_span(&span("Europe/Tallinn", 10), &span("Europe/Kiev", 10)));
    assert!(same_span(&span("Europe/Tallinn", 10), &span("Europe/Berlin", 9)));
    assert!(!same_span(&span("Europe/Tallinn", 10), &span("Europe/Berlin", 10)));
    let day = Span::AllDay { start: date(2026, 3, 10), end: date(2026, 3, 11) };
    assert!(same_span(&day, &day) && !same_span(&day, &span("Europe/Tallinn", 0)));
    let found = there_and_back(&single(&tallinn()));
    assert!(differences(&found.content, &tallinn()).is_empty(), "Kyiv for Tallinn");
}

#[test]
fn ends_that_make_no_sense_are_put_right() {
    let one_day = Span::AllDay { start: date(2026, 3, 10), end: date(2026, 3, 11) };
    let midnight = |day: &str| json!({ "dateTime": format!("{day}T00:00:00"), "timeZone": "UTC" });
    for end in [json!(null), midnight("2026-03-10"), midnight("2025-01-01")] {
        let more = json!({ "isAllDay": true, "start": midnight("2026-03-10"), "end": end });
        assert_eq!(read(&hour(more)).content.span, one_day);
    }
    let early = json!({ "dateTime": "2026-03-10T07:00:00", "timeZone": "UTC" });
    for end in [json!(null), early] {
        let backwards = read(&hour(json!({ "end": end }))).content.span;
        assert!(matches!(backwards, Span::Timed { start, end } if start == end));
    }
}

#[test]
fn what_has_no_time_is_unreadable_and_says_so_without_quoting_it() {
    for start in [
        json!(null),
        json!({}),
        json!({ "dateTime": "secret", "timeZone": "UTC" }),
        json!({ "dateTime": "", "timeZone": "UTC" }),
        json!({ "dateTime": "2026-03-10T08:00:00", "timeZone": "secret" }),
    ] {
        for all_day in [false, true] {
            let more = json!({ "subject": "secret", "isAllDay": all_day, "start": start });
            match event(&hour(more), EventContext::default()) {
                Err(why) => assert!(!why.0.contains("secret")),
                // A day is read in any zone.
                Ok(_) => assert!(all_day && start["dateTime"] == "2026-03-10T08:00:00"),
            }
        }
    }
}
