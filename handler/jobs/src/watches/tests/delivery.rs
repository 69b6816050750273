//! Calls that hold notifications of many watches.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::instances::Counting;
use super::mailbox::{MICROSOFT, deliver, try_to_deliver};
use super::world::World;
use super::*;

async fn opened(pairs: &[(&str, &str, &str)]) -> World {
    let world = World::of(pairs).await;
    world.renew().await;
    world.nudges().await;
    world
}

/// A watch of account `a` beside the one that is open.
async fn beside(world: &World, resource: Option<&str>) -> (WatchRecord, Value) {
    let row = WatchRecord {
        calendar: None,
        account: AccountId::new("a"),
        ..row(WatchStatus::Open, resource, 86_400)
    };
    let (secret, key) = secret::sign(&world.scope, MICROSOFT, &row.id).await.unwrap();
    let row = WatchRecord { key: Some(key), ..row };
    world.scope.directory().insert_watch(&row).await.unwrap();
    let secret = secret.expose_secret();
    (row, json!({ "clientState": secret, "subscriptionId": "s9", "changeType": "created" }))
}

#[tokio::test]
async fn a_thousand_notifications_of_an_account_are_one_nudge_for_each_calendar() {
    let world = opened(&[("p1", "a1", "z1"), ("p2", "z2", "a2"), ("p3", "a1", "a2")]).await;
    let store = Arc::new(Counting { inner: world.scope.store.clone(), asked: AtomicUsize::new(0) });
    let process = Services { store: store.clone(), ..world.scope.services.clone() };
    let items = vec![world.mailbox.change("s1"); 1000];
    assert_eq!(deliver(&process, &items).await, Received { nudged: 1, ..Received::default() });
    assert_eq!(store.asked.swap(0, Ordering::Relaxed), 3, "the watch, its claim, the directory");
    assert_eq!(world.nudges().await, ["a1 webhook", "a2 webhook"]);
    assert_eq!(deliver(&process, &items).await.nudged, 1, "at the end of the pause");
    assert_eq!(world.scope.queue.len(nudge::QUEUE).await.unwrap(), 2);
    store.asked.store(0, Ordering::Relaxed);
    assert_eq!(deliver(&process, &items).await.covered, 1);
    assert_eq!(store.asked.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_call_of_many_accounts_reads_the_directory_of_their_owner_once() {
    let names: Vec<String> =
        ('a'..='y').flat_map(|letter| [format!("{letter}1"), format!("{letter}2")]).collect();
    let pairs: Vec<(&str, &str, &str)> =
        names.chunks(2).map(|two| (&*two[0], &*two[0], &*two[1])).collect();
    let world = opened(&pairs).await;
    let store = Arc::new(Counting { inner: world.scope.store.clone(), asked: AtomicUsize::new(0) });
    let process = Services { store: store.clone(), ..world.scope.services.clone() };
    let ids: Vec<String> = world.mailbox.watches.lock().unwrap().keys().cloned().collect();
    assert_eq!(ids.len(), 25);
    let items: Vec<Value> = (0..1000).map(|n| world.mailbox.change(&ids[n % 25])).collect();
    assert_eq!(deliver(&process, &items).await.nudged, 25);
    assert_eq!(store.asked.load(Ordering::Relaxed), 25 * 2 + 1);
    let nudges = world.nudges().await;
    assert_eq!(nudges.len(), 50, "{nudges:?}");
}

#[tokio::test]
async fn each_notification_is_checked_by_itself() {
    let world = opened(&[("p1", "a1", "z1"), ("p2", "b1", "z2")]).await;
    let (of_a, of_b) = (world.mailbox.change("s1"), world.mailbox.change("s2"));
    let mut forged = of_a.clone();
    let secret = of_a["clientState"].as_str().unwrap();
    let last = if secret.ends_with('A') { "B" } else { "A" };
    forged["clientState"] = json!(format!("{}{last}", &secret[..secret.len() - 1]));
    let mut moved = of_a.clone();
    moved["subscriptionId"] = json!("s7");
    let unknown = new_id().unwrap();
    let (unknown, _) = secret::sign(&world.scope, MICROSOFT, &unknown).await.unwrap();
    let unknown = json!({
        "clientState": unknown.expose_secret(), "subscriptionId": "s8", "changeType": "updated"
    });
    let google = new_id().unwrap();
    let (google, _) = secret::sign(&world.scope, GOOGLE, &google).await.unwrap();
    let google = json!({ "clientState": google.expose_secret(), "subscriptionId": "s1" });
    let earlier = secret::sign_unnamed(&world.scope, MICROSOFT, "").await.unwrap();
    let earlier = json!({ "clientState": earlier.expose_secret(), "subscriptionId": "s1" });
    let bad = [forged, unknown, google, earlier, moved.clone(), json!(null), json!({})];
    assert_eq!(deliver(&world.scope, &bad).await.nudged, 0);
    assert!(world.nudges().await.is_empty());
    let mut items = bad.to_vec();
    items.extend([of_b, moved, of_a]);
    let received = deliver(&world.scope, &items).await;
    assert_eq!((received.nudged, received.failed), (2, 0));
    assert_eq!(world.nudges().await, ["a1 webhook", "b1 webhook"]);
}

#[tokio::test]
async fn forged_notifications_and_handshakes_cause_no_request_of_storage() {
    let world = opened(&[("p1", "a1", "z1")]).await;
    let genuine = world.mailbox.change("s1")["clientState"].as_str().unwrap().to_owned();
    let locked = Services {
        store: Arc::new(Locked),
        in_process: Arc::default(),
        ..world.scope.services.clone()
    };
    let key = genuine.split('.').nth(1).unwrap();
    let items: Vec<Value> = (0..1000)
        .map(|n| {
            let secret = match n % 4 {
                0 => genuine.replacen(key, &format!("{n:04}"), 1),
                1 => genuine.replace(".local.", &format!(".owner{n}.")),
                2 => format!("h1.bG9jYWw.{n}"),
                _ => "x".repeat(n),
            };
            json!({ "clientState": secret, "subscriptionId": "s1", "changeType": "updated" })
        })
        .collect();
    let received = deliver(&locked, &items).await;
    assert_eq!((received.nudged, received.covered, received.failed), (0, 0, 0));
    let token = "validationToken=Validation%3a+a%2bb";
    let answer = receive_delivery(&locked, "microsoft", token, b"").await.unwrap();
    assert_eq!(answer, DeliveryOutcome::Echo("Validation: a+b".into()));
    let long = format!("validationToken={}", "x".repeat(4097));
    let answer = receive_delivery(&locked, "microsoft", &long, b"").await.unwrap();
    assert_eq!(answer, DeliveryOutcome::NoEcho);
    let answer = receive_delivery(&locked, "microsoft", "", b"{").await.unwrap();
    assert_eq!(answer, DeliveryOutcome::Unreadable);
    for kind in ["google", "caldav", "moon"] {
        let body = json!({ "value": items }).to_string();
        let answer = receive_delivery(&locked, kind, token, body.as_bytes()).await.unwrap();
        assert_eq!(answer, DeliveryOutcome::Received(Received::default()), "{kind}");
    }
}

#[tokio::test]
async fn a_call_fails_only_where_nothing_of_it_was_stored() {
    let world = opened(&[("p1", "a1", "z1"), ("p2", "b1", "z2")]).await;
    let both = [world.mailbox.change("s1"), world.mailbox.change("s2")];
    world.queue.refuse("", usize::MAX);
    assert!(try_to_deliver(&world.scope, &both).await.is_err());
    // One is stored, and the other one only at the second try.
    world.mailbox.wait(SignedDuration::from_mins(1));
    world.queue.refuse("\"b1\"", 1);
    let received = deliver(&world.scope, &both).await;
    assert_eq!((received.nudged, received.failed), (2, 0));
    world.mailbox.wait(SignedDuration::from_mins(1));
    assert_eq!(world.nudges().await, ["a1 webhook", "b1 webhook"]);
    world.queue.refuse("\"b1\"", usize::MAX);
    let received = deliver(&world.scope, &both).await;
    assert_eq!((received.nudged, received.failed), (1, 1));
    // Forged ones beside it do not count as stored.
    let forged = json!({ "clientState": "x", "subscriptionId": "s1" });
    let watches = world.scope.directory().watches().await.unwrap();
    let of_b = watches.iter().find(|row| row.account == AccountId::new("b")).unwrap();
    let refused = world.mailbox.change(of_b.resource.as_deref().unwrap());
    assert!(try_to_deliver(&world.scope, &[forged, refused]).await.is_err());
}

#[tokio::test]
async fn two_watches_of_an_account_nudge_its_calendars_once() {
    let world = opened(&[("p1", "a1", "z1"), ("p2", "z2", "a2")]).await;
    let (_, other) = beside(&world, Some("s9")).await;
    let received = deliver(&world.scope, &[world.mailbox.change("s1"), other.clone()]).await;
    assert_eq!(received.nudged, 2);
    assert_eq!(world.nudges().await, ["a1 webhook", "a2 webhook"]);
    // A nudge at the end of a pause is sent for each: other processes rely on it.
    let received = deliver(&world.scope, &[world.mailbox.change("s1"), other]).await;
    assert_eq!(received.nudged, 2);
    assert_eq!(world.scope.queue.len(nudge::QUEUE).await.unwrap(), 4);
}

#[tokio::test]
async fn the_provider_id_is_learnt_once_and_compared_from_then_on() {
    let world = opened(&[("p1", "a1", "z1")]).await;
    let (row, item) = beside(&world, None).await;
    assert_eq!(deliver(&world.scope, std::slice::from_ref(&item)).await.nudged, 1);
    let stored = world.scope.directory().watch(&row.id).await.unwrap().unwrap().0;
    assert_eq!(stored.resource.as_deref(), Some("s9"));
    let mut other = item.clone();
    other["subscriptionId"] = json!("S9");
    assert_eq!(deliver(&another(&world), &[other]).await.dropped, 1);
    assert_eq!(deliver(&another(&world), &[item]).await.dropped, 0);
}

fn another(world: &World) -> Services {
    Services { in_process: Arc::default(), ..world.scope.services.clone() }
}

/// An ended watch, and the longest owner that a secret has room for.
#[tokio::test]
async fn a_late_notification_is_dropped_and_a_long_owner_is_found() {
    let world = opened(&[("p1", "a1", "z1")]).await;
    let change = [world.mailbox.change("s1")];
    world.mailbox.wait(SignedDuration::from_hours(49));
    assert_eq!(deliver(&another(&world), &change).await.dropped, 1);
    let owner = "o".repeat(secret::MAX_OWNER);
    let scope = world.scope.services.scope(&owner);
    let row = WatchRecord {
        expires: world.mailbox.now() + SignedDuration::from_hours(1),
        ..row(WatchStatus::Open, Some("s5"), 0)
    };
    let (secret, _) = secret::sign(&scope, MICROSOFT, &row.id).await.unwrap();
    assert_eq!(secret.expose_secret().len(), 128);
    scope.directory().insert_watch(&row).await.unwrap();
    let item = json!({
        "clientState": secret.expose_secret(), "subscriptionId": "s5", "changeType": "deleted"
    });
    assert_eq!(deliver(&world.scope, &[item]).await.nudged, 1);
}
