mod any;

use std::collections::BTreeMap;

use engine::event::{
    Busy, Content, Draft, Event, Exception, Field, Moment, Organizer, OriginalStart, Series, Span,
    Visibility, Zone,
};
use jiff::civil::{Date, date};
use serde_json::{Value, json};

use super::super::series::{self, SeriesItems};
use super::super::wire;
use super::*;

fn item(value: Value) -> wire::WireEvent {
    serde_json::from_value(value).unwrap()
}

/// An item of an hour in Tallinn, with some more said about it.
fn hour(more: Value) -> wire::WireEvent {
    let mut all = json!({
        "id": "e", "etag": "\"1\"", "status": "confirmed",
        "start": { "dateTime": "2026-03-10T10:00:00+02:00", "timeZone": "Europe/Tallinn" },
        "end": { "dateTime": "2026-03-10T11:00:00+02:00", "timeZone": "Europe/Tallinn" },
    });
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    item(all)
}

fn read(item: &wire::WireEvent) -> Event {
    event(item, EventContext::default()).unwrap()
}

fn in_zone(zone: &str, day: Date, hour: i8) -> Moment {
    Moment { local: day.at(hour, 0, 0, 0), zone: Zone::Iana(zone.into()) }
}

fn tallinn() -> Content {
    Content {
        span: Span::Timed {
            start: in_zone("Europe/Tallinn", date(2026, 3, 10), 10),
            end: in_zone("Europe/Tallinn", date(2026, 3, 10), 11),
        },
        title: "Team".into(),
        description: "Notes".into(),
        location: "Room 5".into(),
        attendees: Vec::new(),
        visibility: Visibility::Default,
        busy: Busy::Busy,
    }
}

/// What a written draft reads as.
fn there_and_back(draft: &Draft) -> Event {
    let mut body = copy(draft, "h1.x");
    body.insert("id".into(), "e".into());
    read(&item(body.into()))
}

#[test]
fn every_visibility_survives() {
    for (name, visibility) in [
        (Some("default"), Visibility::Default),
        (Some("public"), Visibility::Public),
        (Some("private"), Visibility::Private),
        (Some("confidential"), Visibility::Confidential),
    ] {
        assert_eq!(read(&hour(json!({ "visibility": name }))).content.visibility, visibility);
        let draft = Draft { content: Content { visibility, ..tallinn() }, series: None };
        assert_eq!(there_and_back(&draft).content.visibility, visibility);
    }
    assert_eq!(read(&hour(json!({}))).content.visibility, Visibility::Default);
    assert_eq!(read(&hour(json!({ "visibility": "new" }))).content.visibility, Visibility::Private);
}

#[test]
fn free_and_busy_are_read_from_transparency_status_and_kind() {
    for (more, busy) in [
        (json!({}), Busy::Busy),
        (json!({ "transparency": "opaque" }), Busy::Busy),
        (json!({ "transparency": "transparent" }), Busy::Free),
        (json!({ "status": "tentative" }), Busy::Tentative),
        (json!({ "status": "tentative", "transparency": "transparent" }), Busy::Free),
        (json!({ "eventType": "outOfOffice" }), Busy::Oof),
        (json!({ "eventType": "focusTime" }), Busy::Busy),
        (json!({ "eventType": "fromGmail" }), Busy::Busy),
    ] {
        assert_eq!(read(&hour(more.clone())).content.busy, busy, "{more}");
    }
}

#[test]
fn what_google_has_no_word_for_is_written_as_the_nearest_that_blocks_as_much() {
    for (busy, reads) in [
        (Busy::Free, Busy::Free),
        (Busy::WorkingElsewhere, Busy::Free),
        (Busy::Busy, Busy::Busy),
        (Busy::Tentative, Busy::Busy),
        (Busy::Oof, Busy::Busy),
    ] {
        let draft = Draft { content: Content { busy, ..tallinn() }, series: None };
        assert_eq!(there_and_back(&draft).content.busy, reads);
        assert_eq!(copy(&draft, "m")["status"], "confirmed", "the status is not ours to set");
    }
}

#[test]
fn places_of_work_and_birthdays_are_no_events() {
    for (kind, expected) in [
        ("workingLocation", false),
        ("birthday", false),
        ("default", true),
        ("outOfOffice", true),
        ("fromGmail", true),
    ] {
        assert_eq!(is_event(&hour(json!({ "eventType": kind }))), expected, "{kind}");
    }
}

#[test]
fn texts_survive_and_html_becomes_text() {
    let content = Content {
        title: "A <b> & \"c\"".into(),
        description: "one\n<br> & &amp;\n<x@example.org>".into(),
        location: "Tallinn, 5 & 6".into(),
        ..tallinn()
    };
    let draft = Draft { content: content.clone(), series: None };
    assert_eq!(there_and_back(&draft).content, content);
    let read = read(&hour(json!({ "summary": "a &amp; b", "description": "<p>one</p>two &amp; \
        three\r\nfour", "location": "x\r\ny" })));
    assert_eq!(read.content.title, "a &amp; b", "titles are no HTML");
    assert_eq!(read.content.description, "one\ntwo & three\nfour");
    assert_eq!(read.content.location, "x\ny");
}

#[test]
fn guests_are_read_without_ourselves_and_rooms_and_never_written() {
    let attendees = json!([
        { "email": "Zoe@Example.org", "responseStatus": "accepted" },
        { "email": "me@example.org", "self": true, "responseStatus": "declined" },
        { "email": "adam@example.org", "organizer": true },
        { "email": "adam@example.org" },
        { "email": "room@example.org", "resource": true },
        { "email": "c_1@resource.calendar.google.com" },
        { "displayName": "nobody" },
        { "email": "no address" },
        { "email": "nowhere" },
        { "email": "two words@example.org" },
    ]);
    let found = read(&hour(
        json!({ "attendees": attendees, "organizer": { "email": "Adam@example.org" } }),
    ));
    assert_eq!(found.content.attendees, ["adam@example.org", "zoe@example.org"]);
    assert_eq!(found.organizer, Some(Organizer { email: "adam@example.org".into(), is_me: false }));
    assert!(found.declined && found.has_guests());
    let body = Value::from(copy(&Draft::from(&found), "m")).to_string();
    assert!(
        !body.contains("attendees") && !body.contains("organizer") && !body.contains("adam@"),
        "{body}"
    );
    let mine = read(&hour(json!({ "organizer": { "email": "me@example.org", "self": true } })));
    assert!(!mine.has_guests() && !mine.declined);
}

#[test]
fn days_and_times_survive_in_every_zone() {
    let spans = [
        Span::AllDay { start: date(2026, 2, 28), end: date(2026, 3, 1) },
        tallinn().span,
        Span::Timed {
            start: in_zone("Europe/Tallinn", date(2026, 3, 10), 9),
            end: in_zone("America/New_York", date(2026, 3, 10), 12),
        },
        Span::Timed {
            start: Moment { local: date(2026, 7, 1).at(23, 30, 0, 0), zone: Zone::Utc },
            end: Moment { local: date(2026, 7, 2).at(0, 0, 0, 0), zone: Zone::Utc },
        },
    ];
    for span in spans {
        let draft = Draft { content: Content { span: span.clone(), ..tallinn() }, series: None };
        assert_eq!(there_and_back(&draft).content.span, span);
    }
}

#[test]
fn times_are_read_however_they_are_written() {
    let utc = |text: &str| Moment { local: text.parse().unwrap(), zone: Zone::Utc };
    let tallinn = in_zone("Europe/Tallinn", date(2026, 3, 10), 10);
    for (start, moment) in [
        (
            json!({ "dateTime": "2026-03-10T08:00:00Z", "timeZone": "Europe/Tallinn" }),
            tallinn.clone(),
        ),
        (
            json!({ "dateTime": "2026-03-10T10:00:00", "timeZone": "Europe/Tallinn" }),
            tallinn.clone(),
        ),
        (json!({ "dateTime": "2026-03-10T10:00:00.000+02:00" }), utc("2026-03-10T08:00:00")),
        (
            json!({ "dateTime": "2026-03-10T10:00:00+02:00", "timeZone": "Nowhere/Land" }),
            utc("2026-03-10T08:00:00"),
        ),
        // The second half past three of that night.
        (
            json!({ "dateTime": "2026-10-25T03:30:00+02:00", "timeZone": "Europe/Tallinn" }),
            utc("2026-10-25T01:30:00"),
        ),
    ] {
        let found = read(&item(json!({ "id": "e", "start": start })));
        assert_eq!(
            found.content.span,
            Span::Timed { start: moment.clone(), end: moment },
            "{start}"
        );
    }
    let calendar = EventContext { zone: Some("Europe/Tallinn"), outsider: false };
    let found = event(
        &item(json!({ "id": "e", "start": { "dateTime": "2026-03-10T08:00:00Z" } })),
        calendar,
    )
    .unwrap();
    assert_eq!(found.content.span, Span::Timed { start: tallinn.clone(), end: tallinn });
}

#[test]
fn ends_that_make_no_sense_are_put_right() {
    let day = |more: Value| {
        let mut all = json!({ "id": "e", "start": { "date": "2026-03-10" } });
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        read(&item(all)).content.span
    };
    let one_day = Span::AllDay { start: date(2026, 3, 10), end: date(2026, 3, 11) };
    for end in [
        json!({}),
        json!({ "end": { "date": "2026-03-10" } }),
        json!({ "end": { "date": "2025-01-01" } }),
    ] {
        assert_eq!(day(end), one_day);
    }
    let backwards =
        read(&hour(json!({ "end": { "dateTime": "2026-03-10T09:00:00+02:00" } }))).content.span;
    assert!(matches!(backwards, Span::Timed { start, end } if start == end));
}

#[test]
fn what_has_no_time_is_unreadable_and_says_so_without_quoting_it() {
    for start in [
        json!(null),
        json!({}),
        json!({ "date": "secret" }),
        json!({ "dateTime": "secret" }),
        json!({ "dateTime": "" }),
    ] {
        let why = event(
            &item(json!({ "id": "e", "summary": "secret", "start": start })),
            EventContext::default(),
        )
        .unwrap_err();
        assert!(!why.0.contains("secret"));
    }
    let drifting = hour(
        json!({ "recurrence": ["RRULE:FREQ=DAILY"], "start": { "dateTime": "2026-03-10T10:00:00+02:00", "timeZone": "No/Where" } }),
    );
    assert!(
        event(&drifting, EventContext::default()).is_err(),
        "a series in an unknown zone would drift"
    );
    assert!(
        event(&hour(json!({ "recurrence": ["EXRULE:FREQ=DAILY"] })), EventContext::default())
            .is_err()
    );
}

#[test]
fn details_that_we_may_not_see_are_said_to_be_busy() {
    let outsider = EventContext { outsider: true, ..EventContext::default() };
    assert_eq!(
        event(&hour(json!({ "visibility": "private" })), outsider).unwrap().content.title,
        "Busy"
    );
    assert_eq!(
        event(&hour(json!({ "summary": "Open day" })), outsider).unwrap().content.title,
        "Open day"
    );
    assert_eq!(read(&hour(json!({}))).content.title, "", "our own event without a title");
}

#[test]
fn a_copy_is_marked_silent_and_rings_no_bell() {
    let body = Value::from(copy(&Draft { content: tallinn(), series: None }, "h1.mark"));
    assert_eq!(body["extendedProperties"], json!({ "private": { "calrelayOrigin": "h1.mark" } }));
    assert_eq!(body["reminders"], json!({ "useDefault": false, "overrides": [] }));
    assert_eq!(
        there_and_back(&Draft { content: tallinn(), series: None }).marker.as_deref(),
        Some("h1.x")
    );
}

#[test]
fn what_google_cannot_tell_apart_is_no_difference() {
    let with = |busy| Content { busy, ..tallinn() };
    for alike in
        [[Busy::Busy, Busy::Tentative, Busy::Oof].as_slice(), &[Busy::Free, Busy::WorkingElsewhere]]
    {
        for (found, wanted) in
            alike.iter().flat_map(|found| alike.iter().map(move |wanted| (*found, *wanted)))
        {
            assert!(differences(&with(found), &with(wanted)).is_empty(), "{found:?} {wanted:?}");
        }
    }
    assert_eq!(differences(&with(Busy::Free), &with(Busy::Oof)), [Field::Busy].into());
    let trimmed = Content { description: "One \r\ntwo\n".into(), ..tallinn() };
    assert!(
        differences(&Content { description: "One\ntwo".into(), ..tallinn() }, &trimmed).is_empty(),
        "invisible white space"
    );
}

#[test]
fn a_patch_takes_the_other_kind_of_time_away() {
    let days = Content {
        span: Span::AllDay { start: date(2026, 3, 10), end: date(2026, 3, 11) },
        ..tallinn()
    };
    let body = Value::from(fields(&days, &[Field::Time].into(), Purpose::Patch));
    assert_eq!(body["start"], json!({ "date": "2026-03-10", "dateTime": null, "timeZone": null }));
    let body = Value::from(fields(&tallinn(), &[Field::Time].into(), Purpose::Patch));
    assert_eq!(
        body["end"],
        json!({ "date": null, "dateTime": "2026-03-10T11:00:00+02:00", "timeZone": "Europe/Tallinn" })
    );
}

fn at(text: &str) -> OriginalStart {
    OriginalStart::At(text.parse().unwrap())
}

#[test]
fn a_series_survives_with_its_cancelled_occurrences() {
    let series = Series {
        rules: vec!["FREQ=WEEKLY;BYDAY=TU;UNTIL=20261231T080000Z".into()],
        extra: vec![at("2026-03-12T08:00:00Z")],
        exceptions: [(at("2026-03-31T07:00:00Z"), Exception::Cancelled)].into(),
    };
    let draft = Draft { content: tallinn(), series: Some(series) };
    assert_eq!(Draft::from(&there_and_back(&draft)), draft);
    let lines = &copy(&draft, "m")["recurrence"];
    assert_eq!(
        lines[2], "EXDATE;TZID=Europe/Tallinn:20260331T100000",
        "the hour on the wall, on either side of a change of clocks"
    );
}

fn weekly() -> wire::WireEvent {
    hour(
        json!({ "recurrence": ["RRULE:FREQ=WEEKLY", "EXDATE;TZID=Europe/Tallinn:20260317T100000"] }),
    )
}

/// The exception of the week that begins there, moved by some hours.
fn exception(id: &str, day: &str, more: Value) -> (String, wire::WireEvent) {
    let mut all = json!({
        "id": id, "etag": format!("\"{id}\""), "recurringEventId": "e",
        "originalStartTime": { "dateTime": format!("{day}T08:00:00Z"), "timeZone": "Europe/Tallinn" },
        "start": { "dateTime": format!("{day}T10:00:00+02:00"), "timeZone": "Europe/Tallinn" },
        "end": { "dateTime": format!("{day}T11:00:00+02:00"), "timeZone": "Europe/Tallinn" },
    });
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    (id.to_owned(), item(all))
}

#[test]
fn exceptions_become_part_of_their_series() {
    let whole = SeriesItems {
        master: weekly(),
        exceptions: BTreeMap::from([
            exception("e_1", "2026-03-24", json!({ "summary": "Moved" })),
            exception("e_2", "2026-02-24", json!({})),
            exception(
                "e_3",
                "2026-03-03",
                json!({ "status": "cancelled", "start": null, "end": null }),
            ),
            exception(
                "e_4",
                "2026-01-06",
                json!({ "attendees": [{ "email": "me@example.org", "self": true, "responseStatus": "declined" }] }),
            ),
        ]),
    };
    let found = whole.event(EventContext::default()).unwrap().series.unwrap().exceptions;
    assert_eq!(found[&at("2026-03-17T08:00:00Z")], Exception::Cancelled, "by EXDATE");
    assert_eq!(found[&at("2026-03-03T08:00:00Z")], Exception::Cancelled, "by an item");
    assert_eq!(found[&at("2026-01-06T08:00:00Z")], Exception::Cancelled, "declined by its owner");
    assert!(
        matches!(&found[&at("2026-03-24T08:00:00Z")], Exception::Changed(content) if content.title == "Moved")
    );
    assert_eq!(found.len(), 4, "an exception that is as its series would have it is none");
}

#[test]
fn the_version_of_a_series_changes_with_each_of_its_parts() {
    let with = |exceptions: Vec<(String, wire::WireEvent)>| SeriesItems {
        master: weekly(),
        exceptions: exceptions.into_iter().collect(),
    };
    let versions = [
        with(vec![]),
        with(vec![exception("e_1", "2026-03-24", json!({}))]),
        with(vec![exception("e_1", "2026-03-24", json!({ "etag": "\"other\"" }))]),
        with(vec![exception("e_1", "2026-03-24", json!({ "status": "cancelled" }))]),
        with(vec![
            exception("e_1", "2026-03-24", json!({})),
            exception("e_2", "2026-03-31", json!({})),
        ]),
    ]
    .map(|whole| whole.version().unwrap());
    for (i, version) in versions.iter().enumerate() {
        assert!(!versions[..i].contains(version));
        assert_eq!(series::master_version(version), "\"1\"");
        assert_eq!((series::is_series(version), series::has_exceptions(version)), (true, i > 0));
    }
    let one = SeriesItems {
        master: wire::WireEvent { recurrence: Vec::new(), ..weekly() },
        exceptions: Default::default(),
    };
    assert!(
        !series::is_series(&one.version().unwrap()),
        "of an event by itself the version is Google's"
    );
}

#[test]
fn an_exception_without_an_occurrence_spoils_only_its_series() {
    let (id, mut lost) = exception("e_1", "2026-03-24", json!({}));
    lost.original_start_time = None;
    assert!(
        SeriesItems { master: weekly(), exceptions: [(id, lost)].into() }
            .event(EventContext::default())
            .is_err()
    );
}

#[test]
fn starts_are_told_from_others_by_the_rule() {
    let event = SeriesItems::alone(weekly()).event(EventContext::default()).unwrap();
    let series = event.series.as_ref().unwrap();
    assert_eq!(is_occurrence(&event.content, series, at("2026-04-07T07:00:00Z")), Some(true));
    assert_eq!(is_occurrence(&event.content, series, at("2026-04-07T08:00:00Z")), Some(false));
}

#[test]
fn the_time_of_the_last_change_is_read_and_is_no_stamp_of_the_event() {
    let read = |updated: &str| read(&hour(json!({ "updated": updated })));
    let event = read("2026-03-10T08:00:00.250Z");
    assert_eq!(event.changed_at(), Some("2026-03-10T08:00:00.250Z".parse().unwrap()));
    assert_eq!(event.stamps, engine::event::Stamps::default());
    assert_eq!(read("yesterday").changed_at(), None);
}
