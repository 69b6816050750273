//! Series: exceptions as items of their own, cancelled occurrences, what a change of the rule does.

use super::*;

#[tokio::test]
async fn exceptions_are_items_of_their_own() {
    let w = world().await;
    w.work.put("standup", weekly(10, "Stand-up", ";COUNT=4"));
    let first = w.list("").await;
    assert_eq!(first.ids(), ["standup"]);
    let since = format!("syncToken={}", encode(first.text("nextSyncToken")));
    assert!(w.work.patch("standup_20260317T080000Z", json!({"summary": "Elsewhere"})));
    assert!(w.work.remove("standup_20260324T080000Z"));
    assert!(!w.work.remove("standup_20260324T090000Z"), "no occurrence of the rule");
    let changed = w.list(&since).await;
    assert_eq!(changed.ids(), ["standup_20260317T080000Z", "-standup_20260324T080000Z"]);
    let (moved, cancelled) =
        (&changed.body["items"][0], changed.body["items"][1].as_object().unwrap());
    assert_eq!(
        (moved["recurringEventId"].as_str(), moved["summary"].as_str()),
        (Some("standup"), Some("Elsewhere"))
    );
    assert_eq!(moved["originalStartTime"]["dateTime"], "2026-03-17T10:00:00+02:00");
    let keys: Vec<&str> = cancelled.keys().map(String::as_str).collect();
    assert_eq!(keys, ["etag", "id", "kind", "originalStartTime", "recurringEventId", "status"]);
    assert_eq!(
        w.list("showDeleted=false").await.ids().len(),
        3,
        "a full listing has the cancelled one as well"
    );
    let single = w.list("singleEvents=true&timeMax=2027-01-01T00:00:00Z").await;
    assert_eq!(
        single.ids(),
        ["standup_20260310T080000Z", "standup_20260317T080000Z", "standup_20260331T070000Z"]
    );
    w.clean();
}

#[tokio::test]
async fn an_occurrence_is_found_and_changed_by_its_id() {
    let w = world().await;
    w.work.put("standup", weekly(10, "Stand-up", ""));
    let all =
        w.get("/standup/instances?timeMin=2026-03-10T00:00:00Z&timeMax=2026-04-01T00:00:00Z").await;
    assert_eq!(
        all.ids(),
        [
            "standup_20260310T080000Z",
            "standup_20260317T080000Z",
            "standup_20260324T080000Z",
            "standup_20260331T070000Z"
        ]
    );
    let one = w.get("/standup/instances?originalStart=2026-03-31T10:00:00%2B03:00").await;
    assert_eq!(one.ids(), ["standup_20260331T070000Z"]);
    let id = "standup_20260331T070000Z";
    let untouched = w.get(&format!("/{id}")).await;
    assert_eq!(
        (untouched.status, untouched.text("etag")),
        (200, w.work.etag("standup").unwrap().as_str())
    );
    assert!(untouched.body.get("recurrence").is_none());
    assert_eq!(
        w.get("/standup_20260331T080000Z").await.refusal(),
        (404, "notFound"),
        "nothing starts then"
    );
    let etag = untouched.text("etag");
    let path = w.events(&format!("/{id}?sendUpdates=none"));
    assert_eq!(
        w.raw("PATCH", &path, &[("if-match", "\"old\"")], Some(json!({"summary": "Moved"})))
            .await
            .status,
        412
    );
    assert_eq!(
        w.raw("PATCH", &path, &[("if-match", etag)], Some(json!({"summary": "Moved"})))
            .await
            .status,
        200
    );
    assert_eq!(w.work.etag("standup").unwrap(), etag, "the series itself is as it was");
    assert_eq!(
        w.patch(id, json!({"recurrence": ["RRULE:FREQ=DAILY"]})).await.refusal(),
        (400, "invalid")
    );
    assert_eq!(w.delete(id).await.status, 204);
    assert_eq!(w.delete(id).await.refusal(), (410, "deleted"));
    let left =
        w.get("/standup/instances?timeMin=2026-03-30T00:00:00Z&timeMax=2026-04-01T00:00:00Z").await;
    assert_eq!(left.ids(), Vec::<String>::new());
    let with = w.get("/standup/instances?showDeleted=true&timeMin=2026-03-30T00:00:00Z&timeMax=2026-04-01T00:00:00Z").await;
    assert_eq!(with.ids(), ["-standup_20260331T070000Z"]);
    assert_eq!(w.patch(id, json!({"status": "confirmed"})).await.status, 200, "and back again");
    w.clean();
}

#[tokio::test]
async fn another_start_or_rule_discards_the_exceptions_and_another_title_does_not() {
    let exdate = |day: &str| json!({"recurrence": ["RRULE:FREQ=WEEKLY", format!("EXDATE;TZID=Europe/Tallinn:{day}T100000")]});
    // Whether they are kept by the one manner, and by the other.
    for (change, kept) in [
        (json!({"summary": "Other"}), [true, true]),
        (json!({"location": "There"}), [true, true]),
        (json!({"recurrence": ["RRULE:FREQ=WEEKLY"]}), [true, true]),
        (json!({"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=9"]}), [false, false]),
        (
            json!({"start": {"dateTime": "2026-03-10T11:00:00+02:00"}, "end": {"dateTime": "2026-03-10T12:00:00+02:00"}}),
            [false, false],
        ),
        (exdate("20260331"), [true, false]),
        (exdate("20260317"), [false, false]),
    ] {
        for (discards, kept) in [(false, kept[0]), (true, kept[1])] {
            let w = world().await;
            w.server.manners(|manners| manners.discards_exceptions = discards);
            w.work.put("standup", weekly(10, "Stand-up", ""));
            w.work.patch("standup_20260317T080000Z", json!({"summary": "Elsewhere"}));
            let token = encode(w.list("").await.text("nextSyncToken"));
            assert_eq!(w.patch("standup", change.clone()).await.status, 200, "{change}");
            assert_eq!(
                w.list(&format!("syncToken={token}")).await.ids(),
                ["standup"],
                "no notification for what is discarded"
            );
            assert_eq!(
                w.list("").await.ids().len(),
                if kept { 2 } else { 1 },
                "{change}, {discards}"
            );
        }
    }
}

#[tokio::test]
async fn a_series_needs_a_zone_and_its_deletion_takes_all() {
    let w = world().await;
    let mut event = weekly(10, "Stand-up", "");
    event["start"].as_object_mut().unwrap().remove("timeZone");
    assert_eq!(w.insert(event.clone()).await.refusal(), (400, "required"));
    let day = json!({"start": {"date": "2026-03-10"}, "end": {"date": "2026-03-11"}, "recurrence": ["RRULE:FREQ=DAILY;COUNT=3"]});
    let made = w.insert(day).await;
    assert_eq!(made.status, 200, "days need none");
    let id = made.text("id");
    assert_eq!(w.delete(&format!("{id}_20260311")).await.status, 204);
    for buried in [false, true] {
        w.server.manners(|m| m.buries_exceptions = buried);
        w.work.put("standup", weekly(10, "Stand-up", ""));
        w.work.patch("standup_20260317T080000Z", json!({"summary": "Elsewhere"}));
        let token = encode(w.list("").await.text("nextSyncToken"));
        assert_eq!(w.delete("standup").await.status, 204);
        let listed = w.list(&format!("syncToken={token}")).await.ids();
        assert_eq!(listed.len(), if buried { 2 } else { 1 });
        assert!(listed.contains(&"-standup".to_owned()));
        assert_eq!(w.get("/standup_20260324T080000Z").await.refusal(), (404, "notFound"));
        assert_eq!(w.get("/standup/instances").await.refusal(), (404, "notFound"));
    }
    w.clean();
}

#[tokio::test]
async fn a_person_cuts_a_series_in_two() {
    let w = world().await;
    w.work.put("standup", weekly(10, "Stand-up", ""));
    w.work.patch("standup_20260317T080000Z", json!({"summary": "Elsewhere"}));
    let new = w.work.split("standup", "standup_20260324T080000Z", json!({"summary": "Later"}));
    let (from, to) =
        ("2026-03-01T00:00:00Z".parse().unwrap(), "2026-04-08T00:00:00Z".parse().unwrap());
    assert_eq!(
        w.work.agenda(from, to),
        [
            "2026-03-10T08:00:00Z - 2026-03-10T09:00:00Z  Stand-up",
            "2026-03-17T08:00:00Z - 2026-03-17T09:00:00Z  Elsewhere",
            "2026-03-24T08:00:00Z - 2026-03-24T09:00:00Z  Later",
            "2026-03-31T07:00:00Z - 2026-03-31T08:00:00Z  Later",
            "2026-04-07T07:00:00Z - 2026-04-07T08:00:00Z  Later",
        ]
    );
    assert_eq!(new, "standup_R20260324T080000Z");
    assert_eq!(
        w.list("").await.ids(),
        ["standup", "standup_20260317T080000Z", "standup_R20260324T080000Z"]
    );
    w.clean();
}
