//! Writes: ids, conditions, merging, series, guests.

use super::*;

#[tokio::test]
async fn an_event_is_made_changed_and_deleted() {
    let w = world().await;
    let mut event = at_ten(11, "Lunch");
    event["id"] = json!("calr0123456789abcdefghijklmnopqrstuv");
    event["transparency"] = json!("opaque");
    event["description"] = json!("");
    let made = w.insert(event.clone()).await;
    assert_eq!(made.status, 200, "{made:?}");
    assert!(
        made.body.get("transparency").is_none() && made.body.get("description").is_none(),
        "defaults are left out: {made:?}"
    );
    assert_eq!(w.insert(event.clone()).await.refusal(), (409, "duplicate"));
    let id = made.text("id");
    let changed = w.patch(id, json!({"summary": null, "location": "Room 1"})).await;
    assert!(
        changed.body.get("summary").is_none()
            && changed.text("location") == "Room 1"
            && changed.text("etag") != made.text("etag")
    );
    assert_eq!(changed.body["start"], made.body["start"]);
    assert_eq!(w.delete(id).await.status, 204);
    assert_eq!(w.delete(id).await.refusal(), (410, "deleted"));
    assert_eq!(w.get(&format!("/{id}")).await.text("status"), "cancelled");
    assert_eq!(w.insert(event).await.refusal(), (409, "duplicate"), "the id stays taken");
    w.clean();
}

#[tokio::test]
async fn ids_keep_to_their_alphabet() {
    let w = world().await;
    let long = "a".repeat(1025);
    for (n, id) in ["abcd", "ABCDEF", "abcdw", "abc-def", "abc_def", &long].into_iter().enumerate()
    {
        let mut event = at_ten(11, "Lunch");
        event["id"] = json!(id);
        assert_eq!(w.insert(event).await.refusal(), (400, "invalid"), "{id}");
        assert_eq!(w.server.violations().len(), n + 1);
    }
    let mut event = at_ten(11, "Lunch");
    (event["id"], event["iCalUID"]) = (json!("abcde"), json!("abcde@example.net"));
    assert_eq!(
        w.insert(event.clone()).await.refusal(),
        (400, "invalid"),
        "id and iCalUID together"
    );
    event.as_object_mut().unwrap().remove("iCalUID");
    let made = w.insert(event).await;
    assert_eq!(
        (made.status, made.text("iCalUID"), made.text("status")),
        (200, "abcde@google.com", "confirmed")
    );
    assert_eq!(made.body["organizer"]["self"], true);
}

#[tokio::test]
async fn conditions_hold() {
    let w = world().await;
    let old = w.work.put("lunch1", at_ten(11, "Lunch"));
    w.work.patch("lunch1", json!({"summary": "Dinner"}));
    let new = w.work.etag("lunch1").unwrap();
    let send = async |verb: &str, etag: &str, body: Option<Value>| {
        w.raw(verb, &w.events("/lunch1?sendUpdates=none"), &[("if-match", etag)], body).await.status
    };
    assert_eq!(send("PATCH", &old, Some(json!({"summary": "Tea"}))).await, 412);
    assert_eq!(send("PUT", &old, Some(at_ten(11, "Tea"))).await, 412);
    assert_eq!(send("DELETE", &old, None).await, 412);
    assert_eq!(
        send("PATCH", new.trim_matches('"'), Some(json!({}))).await,
        412,
        "the quotes belong to it"
    );
    assert_eq!(w.work.get("lunch1").unwrap()["summary"], "Dinner");
    assert_eq!(send("PATCH", &new, Some(json!({"summary": "Tea"}))).await, 200);
    assert_eq!(send("DELETE", &w.work.etag("lunch1").unwrap(), None).await, 204);
    w.clean();
}

#[tokio::test]
async fn a_patch_merges_and_an_update_replaces() {
    let w = world().await;
    let mut event = at_ten(11, "Lunch");
    event["description"] = json!("<b>soup</b>");
    event["location"] = json!("Here");
    event["transparency"] = json!("transparent");
    event["extendedProperties"] = json!({"private": {"a": "1", "b": "2"}, "shared": {"c": "3"}});
    event["reminders"] = json!({"useDefault": false, "overrides": [{"method": "popup", "minutes": 5}, {"method": "email", "minutes": 9}]});
    let made = w.insert(event).await;
    let id = made.text("id");
    let patched = w
        .patch(
            id,
            json!({
                "location": null,
                "extendedProperties": {"private": {"a": null, "d": "4"}},
                "reminders": {"overrides": [{"method": "popup", "minutes": 1}]},
                "transparency": "opaque",
            }),
        )
        .await;
    assert_eq!(patched.text("description"), "<b>soup</b>", "HTML is kept");
    assert!(patched.body.get("location").is_none() && patched.body.get("transparency").is_none());
    assert_eq!(
        patched.body["extendedProperties"],
        json!({"private": {"b": "2", "d": "4"}, "shared": {"c": "3"}})
    );
    assert_eq!(
        patched.body["reminders"],
        json!({"useDefault": false, "overrides": [{"method": "popup", "minutes": 1}]})
    );
    assert_eq!(
        (patched.body["sequence"].as_i64(), patched.text("created")),
        (Some(0), made.text("created"))
    );
    let moved = w.patch(id, json!({"start": {"dateTime": "2026-03-11T09:30:00+02:00"}})).await;
    assert_eq!(
        (moved.body["sequence"].as_i64(), &moved.body["start"]["timeZone"]),
        (Some(1), &json!("Europe/Tallinn"))
    );
    let put = w
        .ask("PUT", &w.events(&format!("/{id}?sendUpdates=none")), Some(at_ten(12, "Dinner")))
        .await;
    assert_eq!(
        (put.text("summary"), put.text("iCalUID"), put.text("created")),
        ("Dinner", made.text("iCalUID"), made.text("created"))
    );
    assert!(
        put.body.get("description").is_none() && put.body.get("extendedProperties").is_none(),
        "what is missing is cleared"
    );
    assert_eq!(put.body["reminders"], json!({"useDefault": true}));
    w.clean();
}

#[tokio::test]
async fn times_must_make_sense() {
    let w = world().await;
    let made = w.insert(at_ten(11, "Lunch")).await;
    let id = made.text("id");
    let day = json!({"start": {"date": "2026-03-11"}, "end": {"date": "2026-03-12"}});
    assert_eq!(w.patch(id, day).await.refusal(), (400, "invalid"), "date beside dateTime");
    let day = json!({"start": {"date": "2026-03-11", "dateTime": null, "timeZone": null}, "end": {"date": "2026-03-12", "dateTime": null, "timeZone": null}});
    let said = w.patch(id, day).await;
    assert_eq!(
        (&said.body["start"], &said.body["end"]),
        (&json!({"date": "2026-03-11"}), &json!({"date": "2026-03-12"}))
    );
    let refused = async |start: Value, end: Value| {
        w.insert(json!({"start": start, "end": end})).await.refusal().1.to_owned()
    };
    let (eight, nine) =
        (json!({"dateTime": "2026-03-11T08:00:00Z"}), json!({"dateTime": "2026-03-11T09:00:00Z"}));
    assert_eq!(refused(nine.clone(), eight.clone()).await, "timeRangeEmpty");
    assert_eq!(
        refused(json!({"date": "2026-03-11"}), json!({"date": "2026-03-11"})).await,
        "timeRangeEmpty"
    );
    assert_eq!(refused(eight.clone(), json!({"date": "2026-03-12"})).await, "invalid");
    assert_eq!(refused(eight.clone(), json!({})).await, "required");
    assert_eq!(
        refused(json!({"dateTime": "2026-03-11T08:00:00"}), nine.clone()).await,
        "required",
        "neither offset nor zone"
    );
    assert_eq!(
        refused(json!({"dateTime": "2026-03-11T08:00:00Z", "timeZone": "Nowhere/City"}), nine)
            .await,
        "invalid"
    );
    assert_eq!(w.insert(json!({"start": eight})).await.refusal(), (400, "required"));
    w.clean();
}

#[tokio::test]
async fn values_must_be_of_their_kind() {
    let w = world().await;
    for (name, value) in [
        ("status", json!("maybe")),
        ("visibility", json!("secret")),
        ("transparency", json!("half")),
        ("source", json!({"title": "t", "url": "ftp://x"})),
        ("recurrence", json!(["DTSTART:20260311T080000Z"])),
        ("recurrence", json!(["RRULE:FREQ=NEVER"])),
    ] {
        let mut event = at_ten(11, "Lunch");
        event[name] = value;
        assert_eq!(w.insert(event).await.refusal(), (400, "invalid"), "{name}");
    }
    for kind in ["outOfOffice", "fromGmail", "birthday"] {
        let mut event = at_ten(11, "Away");
        event["eventType"] = json!(kind);
        assert_eq!(w.insert(event).await.refusal(), (400, "eventTypeRestriction"), "{kind}");
    }
    assert_eq!(w.server.violations().len(), 3);
    w.work.put("away01", {
        let mut event = at_ten(11, "Away");
        event["eventType"] = json!("outOfOffice");
        event
    });
    assert_eq!(
        w.patch("away01", json!({"eventType": "default"})).await.refusal(),
        (400, "invalid"),
        "a type stays"
    );
    assert_eq!(w.get("/away01").await.text("eventType"), "outOfOffice");
}

#[tokio::test]
async fn properties_are_cut_and_dropped_without_a_word() {
    let w = world().await;
    let mut event = at_ten(11, "Lunch");
    let (key44, key45) = ("k".repeat(44), "k".repeat(45));
    event["extendedProperties"] = json!({"private": {&key44: "v".repeat(1025), &key45: "gone"}});
    let made = w.insert(event.clone()).await;
    let kept = made.body["extendedProperties"]["private"].as_object().unwrap();
    assert_eq!(
        kept.iter().map(|(k, v)| (k.len(), v.as_str().unwrap().len())).collect::<Vec<_>>(),
        [(44, 1024)]
    );
    let many: serde_json::Map<_, _> = (0..301).map(|n| (n.to_string(), json!("v"))).collect();
    event["extendedProperties"] = json!({"private": many});
    assert_eq!(w.insert(event.clone()).await.refusal(), (400, "invalid"));
    let large: serde_json::Map<_, _> =
        (0..40).map(|n| (n.to_string(), json!("v".repeat(1000)))).collect();
    event["extendedProperties"] = json!({"private": large});
    assert_eq!(w.insert(event).await.refusal(), (400, "invalid"));
}

#[tokio::test]
async fn a_deleted_event_lives_again_when_it_is_confirmed() {
    let w = world().await;
    w.work.put("lunch1", at_ten(11, "Lunch"));
    w.work.remove("lunch1");
    assert_eq!(w.patch("lunch1", json!({"summary": "Dinner"})).await.refusal(), (404, "notFound"));
    let mut event = at_ten(12, "Dinner");
    event["status"] = json!("confirmed");
    let said = w.ask("PUT", &w.events("/lunch1?sendUpdates=none"), Some(event)).await;
    assert_eq!((said.status, said.text("summary")), (200, "Dinner"));
    assert_eq!(w.list("").await.ids(), ["lunch1"]);
    assert_eq!(
        w.patch("lunch1", json!({"status": "cancelled"})).await.text("status"),
        "cancelled",
        "another way to delete"
    );
    assert_eq!(w.list("").await.ids(), Vec::<String>::new());
    assert_eq!(w.patch("never1", json!({})).await.refusal(), (404, "notFound"));
    assert_eq!(w.delete("never1").await.refusal(), (404, "notFound"));
    w.clean();
}

#[tokio::test]
async fn conference_data_and_attachments_are_for_those_who_know_them() {
    let w = world().await;
    let mut event = at_ten(11, "Call");
    event["conferenceData"] = json!({"conferenceId": "abc"});
    event["attachments"] = json!([{"fileUrl": "https://drive.google.com/x"}]);
    let border = format!("-::~:~::{}~:~::-", "~:".repeat(30));
    event["description"] = json!(format!("Before\n{border}\nJoin here\n{border}\nAfter"));
    let made = w.insert(event).await;
    assert!(made.body.get("conferenceData").is_none() && made.body.get("attachments").is_none());
    assert_eq!(made.text("description"), "Before\nAfter", "Google's own block is Google's");
    w.work.patch(made.text("id"), json!({"conferenceData": {"conferenceId": "abc"}}));
    let put = w
        .ask(
            "PUT",
            &w.events(&format!("/{}?sendUpdates=none", made.text("id"))),
            Some(at_ten(11, "Call")),
        )
        .await;
    assert_eq!(
        put.body["conferenceData"]["conferenceId"], "abc",
        "an update that does not know it does not take it away"
    );
    w.clean();
}

#[tokio::test]
async fn confidential_may_come_back_as_private() {
    let w = world().await;
    let mut event = at_ten(11, "Lunch");
    event["visibility"] = json!("confidential");
    let made = w.insert(event).await;
    assert_eq!(made.text("visibility"), "confidential");
    w.server.manners(|m| m.confidential_is_private = true);
    assert_eq!(w.get(&format!("/{}", made.text("id"))).await.text("visibility"), "private");
}

#[tokio::test]
async fn updated_and_etag_follow_what_changed() {
    let w = world().await;
    let made = w.insert(at_ten(11, "Lunch")).await;
    assert_eq!(
        (made.text("updated"), made.text("created")),
        ("2026-03-10T12:00:00.000Z", "2026-03-10T12:00:00.000Z")
    );
    w.server.clock().advance(jiff::SignedDuration::from_mins(5));
    let reminded = w.patch(made.text("id"), json!({"reminders": {"useDefault": false}})).await;
    assert_eq!(
        reminded.text("updated"),
        made.text("updated"),
        "reminders are not the event's main data"
    );
    assert_ne!(reminded.text("etag"), made.text("etag"));
    let renamed = w.patch(made.text("id"), json!({"summary": "Dinner"})).await;
    assert_eq!(renamed.text("updated"), "2026-03-10T12:05:00.000Z");
    assert_eq!(
        w.patch(made.text("id"), json!({"sequence": -1})).await.refusal(),
        (400, "invalid"),
        "a sequence does not fall"
    );
}

#[tokio::test]
async fn a_locked_event_keeps_its_main_fields() {
    let w = world().await;
    let mut event = at_ten(11, "Locked");
    event["locked"] = json!(true);
    w.work.put("locked", event);
    assert_eq!(w.patch("locked", json!({"summary": "Open"})).await.refusal(), (403, "forbidden"));
    assert_eq!(
        w.patch("locked", json!({"extendedProperties": {"private": {"a": "b"}}})).await.status,
        200
    );
}

#[tokio::test]
async fn an_event_that_is_moved_leaves_a_tombstone() {
    let w = world().await;
    w.work.put("lunch1", at_ten(11, "Lunch"));
    let token = encode(w.list("").await.text("nextSyncToken"));
    assert!(w.work.move_to(&w.anna.primary(), "lunch1"));
    assert_eq!(w.list(&format!("syncToken={token}")).await.ids(), ["-lunch1"]);
    assert_eq!(w.anna.primary().find("Lunch").unwrap()["organizer"]["email"], "anna@example.org");
}

#[tokio::test]
async fn texts_may_come_back_trimmed() {
    let w = world().await;
    let mut event = at_ten(11, " Lunch ");
    event["description"] = json!("One\r\nTwo\r\n");
    assert_eq!(
        w.insert(event.clone()).await.text("description"),
        "One\r\nTwo\r\n",
        "as it was sent"
    );
    w.server.manners(|m| m.trims_texts = true);
    let made = w.insert(event).await;
    assert_eq!((made.text("summary"), made.text("description")), ("Lunch", "One\nTwo"));
}
