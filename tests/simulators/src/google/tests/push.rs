//! Channels and notifications.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use axum::http::Response;

use super::*;
use crate::wire::{Listener, Outcome};

/// A webhook: what came there, and what it answers next.
struct Hook {
    listener: Listener,
    came: Arc<Mutex<Vec<(String, String)>>>,
    answers: Arc<Mutex<Vec<u16>>>,
}

impl Hook {
    async fn new() -> Self {
        let came: Arc<Mutex<Vec<(String, String)>>> = Arc::default();
        let answers: Arc<Mutex<Vec<u16>>> = Arc::default();
        let (seen, next) = (Arc::clone(&came), Arc::clone(&answers));
        let listener = Listener::start(move |request| {
            let head = |name: &str| {
                request
                    .headers()
                    .get(name)
                    .map(|v| v.to_str().unwrap().to_owned())
                    .unwrap_or_default()
            };
            seen.lock()
                .unwrap()
                .push((head("x-goog-resource-state"), head("x-goog-message-number")));
            assert_eq!(
                (
                    request.method().as_str(),
                    head("content-length").as_str(),
                    head("x-goog-channel-token").as_str()
                ),
                ("POST", "0", "secret")
            );
            let status = next.lock().unwrap().pop().unwrap_or(200);
            async move {
                Response::builder()
                    .status(status)
                    .body(Body::empty())
                    .map_or(Outcome::Cut, Outcome::Answer)
            }
        })
        .await
        .unwrap();
        Self { listener, came, answers }
    }

    fn came(&self) -> Vec<(String, String)> {
        std::mem::take(&mut self.came.lock().unwrap())
    }

    fn channel(&self, id: &str) -> Value {
        json!({"id": id, "type": "web_hook", "address": self.listener.url().as_str(), "token": "secret", "params": {"ttl": "518400"}})
    }
}

impl World {
    async fn watch(&self, channel: Value) -> Said {
        self.ask("POST", &self.events("/watch"), Some(channel)).await
    }
}

#[tokio::test]
async fn a_channel_tells_of_every_change_until_it_is_stopped() {
    let (w, hook) = (world().await, Hook::new().await);
    let channel = w.watch(hook.channel("one")).await;
    assert_eq!(
        (channel.status, channel.text("kind"), channel.text("token")),
        (200, "api#channel", "secret")
    );
    let expires = "2026-03-16T12:00:00Z".parse::<jiff::Timestamp>().unwrap();
    assert_eq!(channel.text("expiration"), expires.as_millisecond().to_string());
    w.server.pushes().settle().await;
    assert_eq!(hook.came(), [("sync".to_owned(), "1".to_owned())]);
    w.work.put("lunch1", at_ten(11, "Lunch"));
    w.insert(at_ten(12, "Ours")).await;
    w.list("").await;
    w.server.pushes().settle().await;
    let mut numbers: Vec<u64> = hook
        .came()
        .iter()
        .map(|(state, number)| (state == "exists").then(|| number.parse().unwrap()).unwrap())
        .collect();
    numbers.sort_unstable();
    assert!(matches!(numbers[..], [a, b] if 1 < a && a < b), "our own writes too: {numbers:?}");
    w.anna.primary().put("lunch1", at_ten(11, "Lunch"));
    assert_eq!(w.server.channels(), [("one".to_owned(), w.work.id().to_owned())]);
    let stop = json!({"id": "one", "resourceId": channel.text("resourceId")});
    assert_eq!(
        w.ask("POST", "channels/stop", Some(json!({"id": "one", "resourceId": "other"})))
            .await
            .status,
        404
    );
    assert_eq!(w.ask("POST", "channels/stop", Some(stop.clone())).await.status, 204);
    assert_eq!(w.ask("POST", "channels/stop", Some(stop)).await.refusal(), (404, "notFound"));
    w.work.remove("lunch1");
    w.server.pushes().settle().await;
    assert_eq!((hook.came(), w.server.channels()), (vec![], vec![]));
    w.clean();
}

#[tokio::test]
async fn a_notification_says_which_channel_and_never_what() {
    let (w, hook) = (world().await, Hook::new().await);
    let channel = w.watch(hook.channel("one")).await;
    let push = w.server.pushes().sent().remove(0);
    let names: Vec<&str> = push.headers.iter().map(|(name, _)| *name).collect();
    let expected = [
        "id",
        "expiration",
        "resource-id",
        "resource-uri",
        "resource-state",
        "message-number",
        "token",
    ];
    for name in expected {
        assert!(names.iter().any(|n| n.ends_with(name)), "{name}");
    }
    assert!(
        push.headers
            .contains(&("x-goog-channel-expiration", "Mon, 16 Mar 2026 12:00:00 GMT".to_owned()))
    );
    assert!(push.headers.contains(&("x-goog-resource-id", channel.text("resourceId").to_owned())));
}

#[tokio::test]
async fn a_channel_ends_by_itself() {
    let (w, hook) = (world().await, Hook::new().await);
    let longest = w.watch({
        let mut channel = hook.channel("long");
        channel["params"]["ttl"] = json!("9999999");
        channel
    });
    let week = "2026-03-17T12:00:00Z".parse::<jiff::Timestamp>().unwrap();
    assert_eq!(
        longest.await.text("expiration"),
        week.as_millisecond().to_string(),
        "a week is the most"
    );
    w.watch(hook.channel("six")).await;
    w.server.pushes().settle().await;
    hook.came();
    w.server.clock().advance(jiff::SignedDuration::from_hours(6 * 24));
    w.work.put("lunch1", at_ten(11, "Lunch"));
    w.server.pushes().settle().await;
    assert_eq!((hook.came().len(), w.server.channels().len()), (1, 1));
    let w = World { token: w.anna.access_token(), ..w };
    assert_eq!(w.watch(hook.channel("long")).await.refusal(), (400, "channelIdNotUnique"));
    assert_eq!(
        w.watch(hook.channel("six")).await.status,
        200,
        "an id may come back when its channel has ended"
    );
    w.clean();
}

#[tokio::test]
async fn some_channels_cannot_be_made() {
    let (w, hook) = (world().await, Hook::new().await);
    for sort in [Sort::Holidays, Sort::Import] {
        let calendar = w.anna.calendar_of("Far", sort, Role::Reader);
        let id: String = url::form_urlencoded::byte_serialize(calendar.id().as_bytes()).collect();
        let said =
            w.ask("POST", &format!("calendars/{id}/events/watch"), Some(hook.channel("one"))).await;
        assert_eq!(said.refusal(), (400, "pushNotSupportedForRequestedResource"));
    }
    let changed = |name: &str, value: Value| {
        let mut channel = hook.channel("one");
        channel[name] = value;
        channel
    };
    for (name, value, reason) in [
        ("id", json!("x".repeat(65)), "invalid"),
        ("id", json!("ä"), "invalid"),
        ("token", json!("x".repeat(257)), "invalid"),
        ("type", json!("mail"), "channelUnknown"),
        ("address", json!("http://example.org/"), "push.webhookUrlNotHttps"),
        ("params", json!({"ttl": "soon"}), "invalid"),
    ] {
        assert_eq!(w.watch(changed(name, value)).await.refusal(), (400, reason), "{name}");
    }
    assert_eq!(
        w.watch(changed("address", json!("https://calrelay.example/webhooks/google"))).await.status,
        200
    );
    assert_eq!(
        w.server.pushes().sent()[0].answers,
        Vec::<u16>::new(),
        "written down, and sent nowhere"
    );
    w.clean();
}

#[tokio::test]
async fn the_greeting_may_come_before_the_answer() {
    let (w, hook) = (world().await, Hook::new().await);
    w.server.pushes().way(|way| way.greets_first = true);
    w.watch(hook.channel("one")).await;
    assert_eq!(hook.came().len(), 1);
}

#[tokio::test]
async fn notifications_are_lost_doubled_held_back_and_turned_round() {
    let (w, hook) = (world().await, Hook::new().await);
    w.watch(hook.channel("one")).await;
    let pushes = w.server.pushes();
    pushes.settle().await;
    hook.came();
    let change = async |id: &str| {
        w.work.put(id, at_ten(11, "Lunch"));
        pushes.settle().await;
        hook.came().len()
    };
    pushes.way(|way| way.lose = 1);
    assert_eq!((change("event1").await, change("event2").await), (0, 1));
    assert!(pushes.sent()[1].lost && !pushes.sent()[2].lost);
    pushes.way(|way| way.double = true);
    assert_eq!(change("event3").await, 2);
    pushes.way(|way| (way.double, way.hold) = (false, true));
    pushes.clear();
    assert_eq!((change("event4").await, change("event5").await), (0, 0));
    pushes.release_reversed().await;
    let numbers: Vec<u64> = hook.came().iter().map(|(_, number)| number.parse().unwrap()).collect();
    assert!(numbers.len() == 2 && numbers[0] > numbers[1], "{numbers:?}");
    assert_eq!(pushes.sent().len(), 2);
    change("event6").await;
    pushes.release().await;
    assert_eq!(hook.came().len(), 1);
    pushes.way(|way| (way.hold, way.delay) = (false, Duration::from_millis(30)));
    w.work.put("event7", at_ten(11, "Lunch"));
    assert_eq!(hook.came().len(), 0);
    pushes.settle().await;
    assert_eq!(hook.came().len(), 1);
}

#[tokio::test]
async fn only_a_server_in_trouble_is_tried_again() {
    let (w, hook) = (world().await, Hook::new().await);
    let pushes = w.server.pushes();
    pushes.way(|way| way.retry = Duration::from_millis(1));
    w.watch(hook.channel("one")).await;
    pushes.settle().await;
    for (answers, tried) in [
        (vec![503, 500, 502, 504, 200], 5),
        (vec![404], 1),
        (vec![429], 1),
        (vec![202], 1),
        (vec![503; 20], 8),
    ] {
        pushes.clear();
        *hook.answers.lock().unwrap() = answers.iter().rev().copied().collect();
        w.work.put("lunch1", at_ten(11, "Lunch"));
        pushes.settle().await;
        assert_eq!(pushes.sent()[0].answers, answers[..tried]);
    }
}
