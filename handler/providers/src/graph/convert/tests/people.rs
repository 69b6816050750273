//! Guests, organizers, and what others may not see.

use super::*;

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
    assert!(!mine.declined, "the organizer declines no event of their own");
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
