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
    assert!(made.body.get("transparency").is_none() && made.body.get("description").is_none(), "defaults are left out: {made:?}");
    assert_eq!(w.insert(event.clone()).await.refusal(), (409, "duplicate"));
    let id = made.text("id");
    let changed = w.patch(id, json!({"summary": null, "location": "Room 1"})).await;
    assert!(changed.body.get("summary").is_none() && changed.text("location") == "Room 1" && changed.text("etag") != made.text("etag"));
    assert_eq!(changed.body["start"], made.body["start"]);
    assert_eq!(w.delete(id).await.status, 204);
    assert_eq!(w.delete(id).await.refusal(), (410, "deleted"));
    assert_eq!(w.get(&format!("/{id}")).await.text("status"), "cancelled");
    assert_eq!(w.insert(event).await.refusal(), (409, "duplicate"), "the id stays taken");
    w.clean();
}
