mod any;
mod series;
mod times;

use std::collections::BTreeSet;

use engine::event::{
    Busy, Content, Draft, Event, EventId, Moment, Organizer, OriginalStart, Series, Span,
    Visibility, Zone,
};
use jiff::Timestamp;
use jiff::civil::{Date, date};
use serde_json::{Value, json};

use super::super::recurrence::NotRepresentable;
use super::super::wire::schema::violations;
use super::super::wire::{EVENT_MEMBERS, EventBody, MARKER, MASTER_MEMBERS, WireEvent};
use super::super::zones::ZoneNames;
use super::*;

fn item(value: Value) -> WireEvent {
    serde_json::from_value(value).unwrap()
}

fn with(mut value: Value, more: Value) -> Value {
    value.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    value
}

/// An hour in Tallinn as Graph answers it, with some more said about it.
fn hour(more: Value) -> WireEvent {
    let own = json!({
        "id": "AAMk", "@odata.etag": "W/\"1\"", "type": "singleInstance", "iCalUId": "0400",
        "start": { "dateTime": "2026-03-10T08:00:00.0000000", "timeZone": "UTC" },
        "end": { "dateTime": "2026-03-10T09:00:00.0000000", "timeZone": "UTC" },
        "originalStartTimeZone": "Europe/Tallinn", "originalEndTimeZone": "Europe/Tallinn",
        "isAllDay": false, "isOrganizer": true,
    });
    item(with(own, more))
}

fn read(item: &WireEvent) -> Event {
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

fn single(content: &Content) -> Draft {
    Draft { content: content.clone(), series: None }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn window() -> std::ops::Range<Timestamp> {
    at("2026-01-01T00:00:00Z")..at("2027-04-01T00:00:00Z")
}

/// What is written for an account that refuses these names of zones.
fn body_where(draft: &Draft, refused: &[&str]) -> Result<EventBody, NotRepresentable> {
    let refused: BTreeSet<String> = refused.iter().map(|name| (*name).to_owned()).collect();
    let zones = ZoneNames { refused: &refused };
    create(draft, "h1.mark", "t1", &WriteContext { zones, window: window() })
}

fn body(draft: &Draft) -> Value {
    let body = json!(body_where(draft, &[]).unwrap());
    assert_eq!(violations("event", &body), [""; 0]);
    body
}

fn patched(draft: &Draft, which: &[Field]) -> Value {
    let refused = BTreeSet::new();
    let zones = ZoneNames { refused: &refused };
    let context = WriteContext { zones, window: window() };
    let which = which.iter().copied().collect();
    json!(patch(draft, &which, &context).unwrap())
}

/// What Graph answers to a body: the same times in UTC, and the zones as they were written.
fn answer(body: &Value) -> WireEvent {
    let mut shown = body.clone();
    for (bound, hint) in [("start", "originalStartTimeZone"), ("end", "originalEndTimeZone")] {
        let zone = body[bound]["timeZone"].as_str().unwrap();
        shown[hint] = json!(zone);
        let local = body[bound]["dateTime"].as_str().unwrap().parse().unwrap();
        let zone = engine::zone::resolve(zone).unwrap();
        let instant = engine::zone::instant(&Moment { local, zone }, None);
        let utc = instant.strftime("%Y-%m-%dT%H:%M:%S.0000000").to_string();
        shown[bound] = json!({ "dateTime": utc, "timeZone": "UTC" });
    }
    shown["id"] = json!("AAMk");
    shown["isOrganizer"] = json!(true);
    shown["type"] =
        json!(if body["recurrence"].is_null() { "singleInstance" } else { "seriesMaster" });
    item(shown)
}

fn there_and_back(draft: &Draft) -> Event {
    read(&answer(&body(draft)))
}

#[test]
fn a_single_event_has_the_id_version_and_uid_of_its_item() {
    let found = read(&hour(json!({
        "createdDateTime": "2026-03-01T08:00:00Z",
        "lastModifiedDateTime": "2026-03-02T09:30:15.1234567+00:00",
        "singleValueExtendedProperties": [{ "id": MARKER, "value": " h1.x " }],
    })));
    assert_eq!((found.id.as_str(), found.uid.as_str()), ("AAMk", "0400"));
    assert_eq!(found.etag.as_deref(), Some("W/\"1\""));
    assert_eq!(found.marker.as_deref(), Some("h1.x"));
    assert_eq!(found.stamps.created, Some(at("2026-03-01T08:00:00Z")));
    assert_eq!(found.stamps.modified, Some(at("2026-03-02T09:30:15.1234567Z")));
    assert!(found.series.is_none() && !found.zone_guessed && found.sequence == 0);
    let never = read(&hour(json!({
        "createdDateTime": "0001-01-01T00:00:00Z", "lastModifiedDateTime": "soon",
    })));
    assert_eq!((never.stamps.created, never.stamps.modified), (None, None));
    assert_eq!(never.marker, None);
}

#[test]
fn every_sensitivity_is_read_and_the_strictest_is_kept() {
    for (name, visibility) in [
        (json!("normal"), Visibility::Default),
        (json!(null), Visibility::Default),
        (json!("personal"), Visibility::Private),
        (json!("private"), Visibility::Private),
        (json!("confidential"), Visibility::Confidential),
        (json!("unknownFutureValue"), Visibility::Private),
    ] {
        assert_eq!(read(&hour(json!({ "sensitivity": name }))).content.visibility, visibility);
    }
    for (visibility, written, reads) in [
        (Visibility::Default, "normal", Visibility::Default),
        (Visibility::Public, "normal", Visibility::Default),
        (Visibility::Private, "private", Visibility::Private),
        (Visibility::Confidential, "confidential", Visibility::Confidential),
    ] {
        let draft = single(&Content { visibility, ..tallinn() });
        assert_eq!(body(&draft)["sensitivity"], written);
        assert_eq!(there_and_back(&draft).content.visibility, reads);
    }
}

#[test]
fn all_five_values_of_free_and_busy_survive_and_unknown_is_busy() {
    for (name, busy) in [
        ("free", Busy::Free),
        ("tentative", Busy::Tentative),
        ("busy", Busy::Busy),
        ("oof", Busy::Oof),
        ("workingElsewhere", Busy::WorkingElsewhere),
    ] {
        assert_eq!(read(&hour(json!({ "showAs": name }))).content.busy, busy);
        let draft = single(&Content { busy, ..tallinn() });
        assert_eq!(body(&draft)["showAs"], name);
        assert_eq!(there_and_back(&draft).content.busy, busy);
    }
    for name in [json!("unknown"), json!("unknownFutureValue"), json!(null)] {
        assert_eq!(read(&hour(json!({ "showAs": name }))).content.busy, Busy::Busy);
    }
}

#[test]
fn an_unknown_value_is_not_put_right() {
    let found = read(&hour(json!({
        "showAs": "unknown", "sensitivity": "personal", "subject": "Team", "location": null,
    })));
    let wanted = Content {
        title: "Team".into(),
        description: String::new(),
        location: String::new(),
        visibility: Visibility::Private,
        ..tallinn()
    };
    assert_eq!(differences(&found.content, &wanted), [].into());
}

#[test]
fn texts_survive_with_line_ends_of_one_kind() {
    let content = Content {
        title: "A <b> & \"c\"".into(),
        description: "one\n<br> & &amp;\n<x@example.org>".into(),
        location: "Tallinn, 5 & 6".into(),
        ..tallinn()
    };
    let found = there_and_back(&single(&content)).content;
    assert_eq!(
        (found.title, found.description, found.location),
        (content.title, content.description, content.location)
    );
    let read = read(&hour(json!({
        "subject": "a &amp; b", "location": { "displayName": "x\r\ny", "uniqueId": "z" },
        "body": { "contentType": "text", "content": "one <b>\r\ntwo\rthree" },
    })));
    assert_eq!(read.content.title, "a &amp; b");
    assert_eq!(read.content.location, "x\ny");
    assert_eq!(read.content.description, "one <b>\ntwo\nthree");
}

#[test]
fn a_page_becomes_the_text_that_a_person_sees() {
    for (page, text) in [
        ("<html><head>\r\n<meta a=\"b\">\r\n<style>p { }</style></head><body>a</body></html>", "a"),
        (
            "<html>\r\n<body>\r\n<div>one\r\ntwo</div>\r\n<div><br></div>\r\n<p> three </p>\r\n",
            "one two\nthree",
        ),
        ("<p class=\"MsoNormal\">a<o:p></o:p></p><!-- <p>no</p> --><p>b&nbsp;c</p>", "a\nb c"),
        ("<![if !supportLists]>&#183; x<![endif]><ul><li>y</li></ul>", "\u{b7} x\ny"),
        (
            "<a href=\"https://example.org/\">here</a> 1 &lt; 2 <3",
            "here <https://example.org/> 1 < 2 <3",
        ),
        ("<b>a</b>\r\n<i>b</i>\r\n<br>\r\n c\r\nd", "a b\nc d"),
        ("a <!-- never ended", "a <!-- never ended"),
        ("a < b", "a < b"),
        ("", ""),
    ] {
        let found = read(&hour(json!({ "body": { "contentType": "html", "content": page } })));
        assert_eq!(found.content.description, text, "{page}");
    }
    for hostile in ["<".repeat(200_000), "<!--".repeat(100_000), "<a ".repeat(100_000)] {
        let hostile = json!({ "body": { "contentType": "html", "content": hostile } });
        read(&hour(hostile));
    }
}

#[test]
fn a_title_is_one_line_and_cut_at_255() {
    let title = |title: &str| {
        let draft = single(&Content { title: title.to_owned(), ..tallinn() });
        body(&draft)["subject"].as_str().unwrap().to_owned()
    };
    assert_eq!(title(&"a".repeat(255)), "a".repeat(255));
    assert_eq!(title(&"ä".repeat(300)), "ä".repeat(255));
    assert_eq!(title(&"😀".repeat(300)), "😀".repeat(127), "no half of a character");
    assert_eq!(title("one\r\ntwo\tthree\u{0}"), "one two three");
    let long = |length| Content { title: "b".repeat(length), ..tallinn() };
    assert!(differences(&long(255), &long(300)).is_empty(), "what is cut is no difference");
    assert_eq!(differences(&long(254), &long(300)), [Field::Title].into());
}

#[test]
fn guests_are_read_without_ourselves_and_rooms_and_never_written() {
    let person = |kind: &str, address: Value| json!({ "type": kind, "status": {}, "emailAddress": { "name": "x", "address": address } });
    let attendees = json!([
        person("required", json!("Zoe@Example.org")),
        person("optional", json!("adam@example.org ")),
        person("required", json!("adam@example.org")),
        person("required", json!("Me@example.org")),
        person("required", json!("alias@example.org")),
        person("resource", json!("room@example.org")),
    ]);
    let organizer = json!({ "emailAddress": { "address": "Me@Example.org" } });
    let mine = hour(json!({ "attendees": attendees, "organizer": organizer }));
    let context = EventContext { me: Some("Alias@example.org"), ..EventContext::default() };
    let found = event(&mine, context).unwrap();
    assert_eq!(found.content.attendees, ["adam@example.org", "zoe@example.org"]);
    assert_eq!(found.organizer, Some(Organizer { email: "me@example.org".into(), is_me: true }));
    assert!(found.others && found.has_guests(), "a room");
    let body = body(&Draft::from(&found)).to_string();
    assert!(
        !body.contains("ttendee") && !body.contains("rganizer") && !body.contains('@'),
        "{body}"
    );
    assert!(!body.contains("example.org"));
}

#[test]
fn whoever_else_takes_part_is_seen() {
    let other = json!({ "emailAddress": { "address": "boss@example.org" } });
    let me = json!({ "emailAddress": { "address": "me@example.org" } });
    let guest = json!([{ "type": "required", "emailAddress": { "name": "Someone" } }]);
    for (more, guests) in [
        (json!({}), false),
        (json!({ "isOrganizer": true, "organizer": me }), false),
        (json!({ "isOrganizer": true, "responseStatus": { "response": "none" } }), false),
        (json!({ "isOrganizer": null }), false),
        (json!({ "isOrganizer": false, "organizer": other }), true),
        (json!({ "isOrganizer": null, "organizer": other }), true),
        (json!({ "isOrganizer": false }), true),
        (json!({ "isOrganizer": false, "hideAttendees": true }), true),
        (json!({ "attendees": guest }), true),
        (json!({ "attendees": [{ "emailAddress": { "address": "a@example.org" } }] }), true),
        (json!({ "attendees": [{ "type": "resource" }] }), true),
        (json!({ "attendees": [{ "emailAddress": { "address": "me@example.org" } }] }), false),
    ] {
        let context = EventContext { me: Some("me@example.org"), ..EventContext::default() };
        let found = event(&hour(more.clone()), context).unwrap();
        assert_eq!(found.has_guests(), guests, "{more}");
    }
}

#[test]
fn a_cancelled_and_a_declined_meeting_count_as_deleted() {
    let invited = |more: Value| {
        let organizer = json!({ "emailAddress": { "address": "boss@example.org" } });
        let own = json!({ "isOrganizer": false, "organizer": organizer });
        let found = read(&hour(with(own, more)));
        (found.cancelled, found.declined)
    };
    assert_eq!(invited(json!({ "isCancelled": true })), (true, false));
    assert_eq!(invited(json!({ "responseStatus": { "response": "declined" } })), (false, true));
    for answer in ["none", "organizer", "tentativelyAccepted", "accepted", "notResponded"] {
        assert_eq!(invited(json!({ "responseStatus": { "response": answer } })), (false, false));
    }
    let mine = read(&hour(json!({ "responseStatus": { "response": "declined" } })));
    assert!(!mine.declined, "nobody declines their own event");
}

#[test]
fn details_that_we_may_not_see_are_said_to_be_busy() {
    let private = json!({
        "subject": "Private Appointment", "sensitivity": "private", "showAs": "oof",
        "location": { "displayName": "x" }, "body": { "contentType": "text", "content": "x" },
        "attendees": [{ "emailAddress": { "address": "a@example.org" } }],
    });
    let outsider = EventContext { outsider: true, ..EventContext::default() };
    let found = event(&hour(private.clone()), outsider).unwrap();
    let content = &found.content;
    assert_eq!((content.title.as_str(), content.visibility), ("Busy", Visibility::Private));
    assert_eq!((content.description.as_str(), content.location.as_str()), ("", ""));
    assert_eq!((content.attendees.len(), content.busy), (0, Busy::Oof));
    assert!(found.has_guests());
    let open = json!({ "subject": "Open day", "sensitivity": "normal" });
    assert_eq!(event(&hour(open), outsider).unwrap().content.title, "Open day");
    assert_eq!(read(&hour(private)).content.title, "Private Appointment", "our own words");
}

#[test]
fn a_copy_is_marked_silent_and_asks_for_no_answer() {
    let body = body(&single(&tallinn()));
    assert_eq!(
        body,
        json!({
            "subject": "Team", "body": { "contentType": "text", "content": "Notes" },
            "start": { "dateTime": "2026-03-10T10:00:00", "timeZone": "FLE Standard Time" },
            "end": { "dateTime": "2026-03-10T11:00:00", "timeZone": "FLE Standard Time" },
            "isAllDay": false, "location": { "displayName": "Room 5" }, "showAs": "busy",
            "sensitivity": "normal", "isReminderOn": false, "responseRequested": false,
            "transactionId": "t1",
            "singleValueExtendedProperties": [{ "id": MARKER, "value": "h1.mark" }],
        })
    );
    assert_eq!(there_and_back(&single(&tallinn())).marker.as_deref(), Some("h1.mark"));
    let alone = EventBody {
        single_value_extended_properties: Some(marker("h2.mark")),
        ..EventBody::default()
    };
    assert_eq!(
        json!(alone),
        json!({ "singleValueExtendedProperties": [{ "id": MARKER, "value": "h2.mark" }] })
    );
}

#[test]
fn a_patch_names_only_what_changed() {
    let draft = single(&tallinn());
    for (field, names) in [
        (Field::Time, &["end", "isAllDay", "start"][..]),
        (Field::Title, &["subject"]),
        (Field::Description, &["body"]),
        (Field::Location, &["location"]),
        (Field::Attendees, &[]),
        (Field::Visibility, &["sensitivity"]),
        (Field::Busy, &["showAs"]),
    ] {
        let body = patched(&draft, &[field]);
        let found: BTreeSet<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(found, names.iter().copied().collect(), "{field:?}");
    }
    assert_eq!(patched(&draft, &[]), json!({}));
}

#[test]
fn every_field_that_differs_is_named_and_no_other() {
    let from = tallinn();
    let later = Span::Timed {
        start: in_zone("Europe/Tallinn", date(2026, 3, 10), 9),
        end: in_zone("Europe/Tallinn", date(2026, 3, 10), 11),
    };
    for (to, fields) in [
        (from.clone(), vec![]),
        (Content { span: later, ..from.clone() }, vec![Field::Time]),
        (Content { title: "x".into(), ..from.clone() }, vec![Field::Title]),
        (Content { description: "x".into(), ..from.clone() }, vec![Field::Description]),
        (Content { location: "x".into(), ..from.clone() }, vec![Field::Location]),
        (Content { visibility: Visibility::Private, ..from.clone() }, vec![Field::Visibility]),
        (Content { visibility: Visibility::Public, ..from.clone() }, vec![]),
        (Content { busy: Busy::Tentative, ..from.clone() }, vec![Field::Busy]),
        (Content { attendees: vec!["a@example.org".into()], ..from.clone() }, vec![]),
        (
            Content { title: " Team \n".into(), description: "Notes \r\n".into(), ..from.clone() },
            vec![],
        ),
    ] {
        assert_eq!(differences(&from, &to), fields.into_iter().collect());
    }
}

/// What is asked for of an event is what is read of it: an item that has these members and no
/// others reads as the whole one.
#[test]
fn the_members_that_are_asked_for_are_enough() {
    let whole = json!({
        "id": "AAMk", "@odata.etag": "W/\"1\"", "changeKey": "x", "iCalUId": "0400",
        "transactionId": "t", "type": "occurrence", "seriesMasterId": "m", "webLink": "x",
        "createdDateTime": "2026-03-01T08:00:00Z", "lastModifiedDateTime": "2026-03-02T08:00:00Z",
        "subject": "a", "body": { "contentType": "text", "content": "b" }, "bodyPreview": "b",
        "start": { "dateTime": "2026-03-10T08:00:00.0000000", "timeZone": "UTC" },
        "end": { "dateTime": "2026-03-10T09:00:00.0000000", "timeZone": "UTC" },
        "isAllDay": false, "originalStart": "2026-03-10T08:00:00Z",
        "originalStartTimeZone": "Europe/Berlin", "originalEndTimeZone": "Asia/Tokyo",
        "location": { "displayName": "c" }, "showAs": "oof", "sensitivity": "private",
        "isCancelled": true, "isOrganizer": false, "hideAttendees": true,
        "organizer": { "emailAddress": { "address": "o@example.org" } },
        "attendees": [{ "type": "required", "emailAddress": { "address": "a@example.org" } }],
        "responseStatus": { "response": "declined" },
        "singleValueExtendedProperties": [{ "id": MARKER, "value": "h1" }],
    });
    let mut asked = whole.clone();
    asked.as_object_mut().unwrap().retain(|name, _| {
        EVENT_MEMBERS.iter().chain(&MASTER_MEMBERS).any(|asked| asked == name)
            || name.starts_with("@odata")
    });
    assert!(asked.as_object().unwrap().len() < whole.as_object().unwrap().len());
    let (whole, asked) = (read(&item(whole)), read(&item(asked)));
    assert!(whole == asked);
    assert!(whole.cancelled && whole.declined && whole.others && whole.marker.is_some());
}
