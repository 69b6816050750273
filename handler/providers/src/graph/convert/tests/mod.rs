mod any;
mod people;
mod series;
mod texts;
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
