//! Listings: pages, sync tokens, tombstones, series.

use super::*;

#[tokio::test]
async fn the_first_listing_and_what_changed_since() {
    let w = world().await;
    w.work.put("lunch1", at_ten(11, "Lunch"));
    w.work.put("gone11", at_ten(12, "Gone"));
    w.work.remove("gone11");
    let first = w.list("singleEvents=false&maxResults=2500").await;
    assert_eq!((first.status, first.ids()), (200, vec!["lunch1".to_owned()]));
    let token = encode(first.text("nextSyncToken"));
    let since = format!("singleEvents=false&maxResults=2500&syncToken={token}");
    assert_eq!(w.list(&since).await.ids(), Vec::<String>::new());
    w.work.put("dinner", at_ten(13, "Dinner"));
    w.work.patch("lunch1", json!({"summary": "Long lunch"}));
    w.work.remove("dinner");
    w.work.remove("lunch1");
    w.work.put("supper", at_ten(14, "Supper"));
    let changed = w.list(&since).await;
    assert_eq!(changed.ids(), ["-dinner", "-lunch1", "supper"], "each once, as it is now");
    let bare = changed.body["items"][0].as_object().unwrap();
    assert_eq!(
        bare.keys().map(String::as_str).collect::<Vec<_>>(),
        ["etag", "id", "kind", "status"],
        "a tombstone says no more"
    );
    w.clean();
}

#[tokio::test]
async fn a_lost_token_is_gone_for_good() {
    let w = world().await;
    w.work.put("lunch1", at_ten(11, "Lunch"));
    let token = encode(w.list("").await.text("nextSyncToken"));
    w.work.forget_tokens();
    assert_eq!(w.list(&format!("syncToken={token}")).await.refusal(), (410, "fullSyncRequired"));
    w.server.manners(|m| m.bare_gone = true);
    assert_eq!(w.list(&format!("syncToken={token}")).await.refusal(), (410, ""));
    assert_eq!(w.list("syncToken=made-up").await.status, 410);
}

#[tokio::test]
async fn a_token_may_be_lost_in_the_middle_of_pages() {
    let w = world().await;
    let token = encode(w.list("").await.text("nextSyncToken"));
    for n in 0..5 {
        w.work.put(&format!("event{n}"), at_ten(11, "Lunch"));
    }
    w.server.manners(|m| m.page_size = 2);
    let first = w.list(&format!("syncToken={token}")).await;
    assert_eq!((first.ids().len(), first.text("nextSyncToken")), (2, ""));
    w.work.forget_tokens();
    let next = format!("syncToken={token}&pageToken={}", encode(first.text("nextPageToken")));
    assert_eq!(w.list(&next).await.refusal(), (410, "fullSyncRequired"));
    w.clean();
}

#[tokio::test]
async fn pages_of_any_size_give_everything_once_and_the_token_last() {
    let w = world().await;
    for n in 0..7 {
        w.work.put(&format!("event{n}"), at_ten(11, "Lunch"));
    }
    for (size, empty, repeats) in [
        (1, false, false),
        (3, true, false),
        (3, false, true),
        (7, true, true),
        (100, false, false),
    ] {
        w.server
            .manners(|m| (m.page_size, m.empty_pages, m.repeats_items) = (size, empty, repeats));
        let (mut ids, mut page, mut empties) = (Vec::new(), String::new(), 0);
        loop {
            let said = w.list(&format!("maxResults=100{page}")).await;
            assert_eq!(said.status, 200);
            empties += u32::from(said.ids().is_empty());
            ids.extend(said.ids());
            match said.text("nextPageToken") {
                "" => break assert!(!said.text("nextSyncToken").is_empty()),
                token => page = format!("&pageToken={}", encode(token)),
            }
        }
        assert_eq!(empties > 0, empty && size < 7, "{size}");
        assert_eq!(ids.len() > 7, repeats && size < 7, "{size}");
        ids.dedup();
        assert_eq!(ids.len(), 7, "{size}");
    }
    w.server.manners(|m| (m.page_size, m.reversed) = (2, true));
    let first = w.list("").await;
    assert_eq!(first.ids()[0], "event6");
    let other = format!("singleEvents=true&pageToken={}", encode(first.text("nextPageToken")));
    w.clean();
    assert_eq!(w.list(&other).await.refusal(), (400, "invalid"), "a page of another listing");
    assert_eq!(w.server.violations().len(), 1);
}

#[tokio::test]
async fn what_does_not_go_with_a_sync_token_is_refused_and_noted() {
    let w = world().await;
    let token = encode(w.list("singleEvents=false").await.text("nextSyncToken"));
    let refused = [
        "timeMin=2026-01-01T00:00:00Z",
        "timeMax=2026-01-01T00:00:00Z",
        "updatedMin=2026-01-01T00:00:00Z",
        "q=lunch",
        "iCalUID=a",
        "privateExtendedProperty=a%3Db",
        "sharedExtendedProperty=a%3Db",
        "showDeleted=false",
    ];
    for (n, parameter) in refused.iter().enumerate() {
        let said = w.list(&format!("syncToken={token}&{parameter}")).await;
        assert_eq!(said.refusal(), (400, "syncTokenWithRequestRestrictions"), "{parameter}");
        assert_eq!(w.server.violations().len(), n + 1);
    }
    let said = w.list(&format!("syncToken={token}&orderBy=updated")).await;
    assert_eq!(said.refusal(), (400, "syncTokenWithNonDefaultOrdering"));
    assert_eq!(
        w.list(&format!("syncToken={token}&singleEvents=true")).await.refusal(),
        (400, "invalid"),
        "not as in the first listing"
    );
    assert_eq!(w.list(&format!("syncToken={token}&showDeleted=true")).await.status, 200);
    assert_eq!(
        w.list(&format!("syncToken={token}")).await.status,
        200,
        "to say the default is to say nothing"
    );
    assert_eq!(
        w.list("orderBy=updated").await.text("nextSyncToken"),
        "",
        "an order suppresses the token"
    );
}

#[tokio::test]
async fn a_range_has_what_touches_it() {
    let w = world().await;
    w.work.put("before", at_ten(10, "Before"));
    w.work.put("inside", at_ten(11, "Inside"));
    w.work.put("after1", at_ten(12, "After"));
    w.work.put("weekly", weekly(3, "Weekly", ""));
    w.work.put("ended1", weekly(1, "Ended", ";COUNT=1"));
    w.work.put("allday", json!({"start": {"date": "2026-03-11"}, "end": {"date": "2026-03-12"}}));
    let range =
        async |from: &str, to: &str| w.list(&format!("timeMin={from}&timeMax={to}")).await.ids();
    // Bounds are exclusive: what ends at the first or starts at the last is not in it.
    assert_eq!(range("2026-03-10T09:00:00Z", "2026-03-12T08:00:00Z").await, ["allday", "inside"]);
    assert_eq!(
        range("2026-03-10T08:59:59Z", "2026-03-12T08:00:01Z").await,
        ["after1", "allday", "before", "inside", "weekly"]
    );
    assert_eq!(
        range("2026-03-10T22:00:00%2B02:00", "2026-03-11T08:00:00Z").await,
        ["allday"],
        "a day begins at midnight of the calendar"
    );
    assert!(w.work.patch(
        "weekly_20260317T080000Z",
        json!({"start": {"dateTime": "2026-06-01T10:00:00+03:00"}, "end": {"dateTime": "2026-06-01T11:00:00+03:00"}})
    ));
    assert!(w.work.remove("weekly_20260324T080000Z"));
    let out = range("2026-03-16T00:00:00Z", "2026-03-18T00:00:00Z").await;
    assert_eq!(out, ["weekly", "weekly_20260317T080000Z"], "moved away, and reported where it was");
    let gone = range("2026-03-23T00:00:00Z", "2026-03-25T00:00:00Z").await;
    assert_eq!(gone, ["weekly", "-weekly_20260324T080000Z"]);
    assert_eq!(
        w.list("timeMin=2026-03-18T00:00:00Z&timeMax=2026-03-17T00:00:00Z").await.refusal(),
        (400, "timeRangeEmpty")
    );
    assert!(
        !w.list("timeMin=2026-03-01T00:00:00Z").await.text("nextSyncToken").is_empty(),
        "a range does not cost the token"
    );
}

#[tokio::test]
async fn what_lies_outside_of_the_first_range_is_told_by_the_token() {
    let w = world().await;
    let token = encode(
        w.list("timeMin=2026-03-01T00:00:00Z&timeMax=2026-04-01T00:00:00Z")
            .await
            .text("nextSyncToken"),
    );
    let mut event = at_ten(11, "Far");
    event["start"]["dateTime"] = json!("2031-01-01T10:00:00Z");
    event["end"]["dateTime"] = json!("2031-01-01T11:00:00Z");
    w.work.put("faraway", event);
    assert_eq!(w.list(&format!("syncToken={token}")).await.ids(), ["faraway"]);
    w.clean();
}

#[tokio::test]
async fn events_are_found_by_what_they_carry() {
    let w = world().await;
    let mut marked = at_ten(11, "Copy");
    marked["extendedProperties"] = json!({"private": {"calrelayOrigin": "h1.x"}});
    marked["iCalUID"] = json!("abc@example.net");
    w.work.put("marked", marked);
    w.work.put("plain1", at_ten(12, "Plain"));
    assert_eq!(w.list("privateExtendedProperty=calrelayOrigin%3Dh1.x").await.ids(), ["marked"]);
    assert_eq!(
        w.list("privateExtendedProperty=calrelayOrigin%3Dh1").await.ids(),
        Vec::<String>::new()
    );
    assert_eq!(w.list("iCalUID=abc%40example.net").await.ids(), ["marked"]);
    assert_eq!(w.list("q=plain").await.ids(), ["plain1"]);
    w.work.put("office", {
        let mut event = at_ten(13, "Office");
        event["eventType"] = json!("workingLocation");
        event
    });
    assert_eq!(w.list("eventTypes=default&eventTypes=fromGmail").await.ids(), ["marked", "plain1"]);
    assert_eq!(w.list("eventTypes=workingLocation").await.ids(), ["office"]);
    w.work.remove("plain1");
    assert_eq!(w.list("showDeleted=true&q=plain").await.ids(), ["-plain1"]);
    let partial =
        w.list("fields=items(id,start/dateTime),nextSyncToken&eventTypes=workingLocation").await;
    assert_eq!(
        partial.body["items"],
        json!([{"id": "office", "start": {"dateTime": "2026-03-13T10:00:00+02:00"}}])
    );
    w.clean();
}

#[tokio::test]
async fn times_are_told_in_the_zone_of_the_calendar_or_the_one_asked_for() {
    let w = world().await;
    let mut event = at_ten(11, "Call");
    event["start"] = json!({"dateTime": "2026-03-11T10:00:00", "timeZone": "America/New_York"});
    event["end"] = json!({"dateTime": "2026-03-11T15:00:00Z", "timeZone": "America/New_York"});
    let made = w.insert(event).await;
    assert_eq!(
        made.body["start"],
        json!({"dateTime": "2026-03-11T16:00:00+02:00", "timeZone": "America/New_York"})
    );
    assert_eq!(made.body["end"]["dateTime"], "2026-03-11T17:00:00+02:00");
    let id = made.text("id");
    assert_eq!(
        w.get(&format!("/{id}?timeZone=UTC")).await.body["start"]["dateTime"],
        "2026-03-11T14:00:00Z"
    );
    assert_eq!(
        w.list("timeZone=Asia/Tokyo").await.body["items"][0]["start"]["dateTime"],
        "2026-03-11T23:00:00+09:00"
    );
    assert_eq!(w.list("timeZone=Mars/Olympus").await.refusal(), (400, "invalid"));
}

#[tokio::test]
async fn what_is_known_already_is_not_told_again() {
    let w = world().await;
    let etag = w.work.put("lunch1", at_ten(11, "Lunch"));
    assert!(etag.starts_with('"') && etag.ends_with('"'));
    let answer = w.raw("GET", &w.events("/lunch1"), &[("if-none-match", &etag)], None).await;
    assert_eq!((answer.status, answer.body.len()), (304, 0));
    let answer = w.raw("GET", &w.events("/lunch1"), &[("if-none-match", "\"other\"")], None).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn of_what_is_cancelled_little_is_promised() {
    let w = world().await;
    w.work.put("lunch1", at_ten(11, "Lunch"));
    w.work.put("weekly1", weekly(11, "Team", ""));
    let token = encode(w.list("").await.text("nextSyncToken"));
    w.work.remove("lunch1");
    w.work.remove("weekly1_20260318T080000Z");
    w.server.manners(|manners| manners.bare_tombstones = true);
    let said = w.list(&format!("syncToken={token}")).await;
    let names =
        |item: &Value| item.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    let items: Vec<String> = said.body["items"].as_array().unwrap().iter().map(names).collect();
    assert_eq!(items, ["id status", "id originalStartTime recurringEventId status"]);
    assert_eq!(names(&w.get("/lunch1").await.body), "id status");
    w.clean();
}
