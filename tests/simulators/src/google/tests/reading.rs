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
    assert_eq!(bare.keys().map(String::as_str).collect::<Vec<_>>(), ["etag", "id", "kind", "status"], "a tombstone says no more");
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
