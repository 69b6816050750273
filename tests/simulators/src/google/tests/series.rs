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
    let (moved, cancelled) = (&changed.body["items"][0], changed.body["items"][1].as_object().unwrap());
    assert_eq!((moved["recurringEventId"].as_str(), moved["summary"].as_str()), (Some("standup"), Some("Elsewhere")));
    assert_eq!(moved["originalStartTime"]["dateTime"], "2026-03-17T10:00:00+02:00");
    let keys: Vec<&str> = cancelled.keys().map(String::as_str).collect();
    assert_eq!(keys, ["etag", "id", "kind", "originalStartTime", "recurringEventId", "status"]);
    assert_eq!(w.list("showDeleted=false").await.ids().len(), 3, "a full listing has the cancelled one as well");
    let single = w.list("singleEvents=true&timeMax=2027-01-01T00:00:00Z").await;
    assert_eq!(single.ids(), ["standup_20260310T080000Z", "standup_20260317T080000Z", "standup_20260331T070000Z"]);
    w.clean();
}
