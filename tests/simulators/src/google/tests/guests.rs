//! What writes do to guests.

use super::*;

fn meeting(title: &str) -> Value {
    let mut event = at_ten(11, title);
    event["attendees"] = json!([{"email": "ben@example.org"}, {"email": "carl@elsewhere.example"}]);
    event
}

#[tokio::test]
async fn an_insert_with_attendees_lands_on_their_calendars() {
    let w = world().await;
    let ben = w.server.account("ben@example.org");
    let made = w.insert(meeting("Planning")).await;
    assert_eq!((w.server.propagated(), w.server.mails()), (2, 0), "without a mail, and yet");
    let copy = ben.primary().find("Planning").unwrap();
    assert_eq!(
        (copy["iCalUID"].as_str(), &copy["attendees"][0]["self"]),
        (Some(made.text("iCalUID")), &json!(true))
    );
    assert!(copy["organizer"].get("self").is_none());
    w.patch(
        made.text("id"),
        json!({"summary": "Planning 2", "attendees": [{"email": "carl@elsewhere.example"}]}),
    )
    .await;
    assert_eq!((w.server.propagated(), ben.primary().len()), (4, 0), "no longer invited");
    w.delete(made.text("id")).await;
    assert_eq!(
        (w.server.propagated(), w.server.mails()),
        (5, 1),
        "a deletion reaches people by mail even with `sendUpdates=none`"
    );
    w.clean();
}

#[tokio::test]
async fn mails_go_out_unless_they_are_declined() {
    let w = world().await;
    for (n, query) in [
        "",
        "?sendUpdates=all",
        "?sendUpdates=externalOnly",
        "?sendUpdates=none&sendNotifications=true",
    ]
    .iter()
    .enumerate()
    {
        assert_eq!(w.ask("POST", &w.events(query), Some(meeting("Planning"))).await.status, 200);
        assert_eq!(w.server.mails(), 2 * (n as u64 + 1), "{query}");
    }
    w.ask("POST", &w.events("?sendUpdates=all"), Some(at_ten(11, "Alone"))).await;
    assert_eq!(w.server.mails(), 8, "no attendee to notify");
}

#[tokio::test]
async fn private_copies_reach_nobody() {
    let w = world().await;
    let mut event = meeting("Planning");
    event["privateCopy"] = json!(true);
    let made = w.insert(event.clone()).await;
    assert_eq!(made.body["privateCopy"], true);
    event["iCalUID"] = json!("abc@elsewhere.example");
    event["organizer"] = json!({"email": "carl@elsewhere.example"});
    event.as_object_mut().unwrap().remove("privateCopy");
    let imported = w.ask("POST", &w.events("/import"), Some(event.clone())).await;
    assert_eq!((imported.status, imported.text("iCalUID")), (200, "abc@elsewhere.example"));
    assert_eq!(imported.body["organizer"]["email"], "carl@elsewhere.example");
    event["summary"] = json!("Planning 2");
    let again = w.ask("POST", &w.events("/import"), Some(event.clone())).await;
    assert_eq!(
        (again.text("id"), again.text("summary")),
        (imported.text("id"), "Planning 2"),
        "by its iCalUID"
    );
    w.server.manners(|m| m.import_replaces = false);
    assert_eq!(
        w.ask("POST", &w.events("/import"), Some(event.clone())).await.refusal(),
        (409, "duplicate")
    );
    event.as_object_mut().unwrap().remove("iCalUID");
    assert_eq!(w.ask("POST", &w.events("/import"), Some(event)).await.refusal(), (400, "required"));
    w.patch(imported.text("id"), json!({"summary": "Mine"})).await;
    w.delete(imported.text("id")).await;
    w.delete(made.text("id")).await;
    assert_eq!((w.server.propagated(), w.server.mails()), (0, 0));
    w.clean();
}

#[tokio::test]
async fn a_guest_changes_only_what_is_the_guests_own() {
    let w = world().await;
    let ben = w.server.account("ben@example.org");
    let made = w.insert(meeting("Planning")).await;
    let w = World { work: ben.primary(), token: ben.access_token(), ..w };
    let id = made.text("id");
    assert_eq!(
        w.patch(id, json!({"summary": "Mine"})).await.refusal(),
        (403, "forbiddenForNonOrganizer")
    );
    let answer = json!([{"email": "ben@example.org", "responseStatus": "declined"}, {"email": "carl@elsewhere.example"}]);
    let declined = w
        .patch(id, json!({"attendees": answer, "extendedProperties": {"private": {"a": "b"}}}))
        .await;
    assert_eq!(
        (&declined.body["attendees"][0]["responseStatus"], &declined.body["attendees"][0]["self"]),
        (&json!("declined"), &json!(true))
    );
    let few = w.get(&format!("/{id}?maxAttendees=1")).await;
    assert_eq!(
        (few.body["attendees"].as_array().unwrap().len(), &few.body["attendeesOmitted"]),
        (1, &json!(true))
    );
    w.clean();
}

#[tokio::test]
async fn what_a_person_does_by_hand_is_not_counted() {
    let w = world().await;
    w.work.put("planning", meeting("Planning"));
    w.work.remove("planning");
    assert_eq!((w.server.propagated(), w.server.mails(), w.server.counts().total()), (0, 0, 0));
}
