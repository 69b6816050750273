//! The contract of messages.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::names::random_name;
use crate::{Error, MAX_BODY, MAX_DELAY, Message, Queue};

/// Longer than the test runs.
const LONG: Duration = Duration::from_secs(300);

/// A short time, also on a real service.
const SHORT: Duration = Duration::from_secs(2);

/// After this time a message that was hidden for [`SHORT`] is visible.
const LATER: Duration = Duration::from_secs(3);

const NOW: Duration = Duration::ZERO;

pub(super) async fn all(make: &impl AsyncFn() -> Arc<dyn Queue>, pass: &impl AsyncFn(Duration)) {
    taken_and_deleted(&*make().await, &*make().await).await;
    at_most_32(&*make().await).await;
    delayed(&*make().await, pass).await;
    comes_again(&*make().await, pass).await;
    extended(&*make().await, pass).await;
    poisoned(&*make().await).await;
    bodies(&*make().await).await;
    two_consumers(make).await;
}

async fn put(queue: &dyn Queue, name: &str, body: &str) {
    queue.put(name, body, NOW).await.expect("a message can be put");
}

async fn take(queue: &dyn Queue, name: &str, max: usize, visibility: Duration) -> Vec<Message> {
    queue.take(name, max, visibility).await.expect("messages can be taken")
}

async fn one(queue: &dyn Queue, name: &str, visibility: Duration) -> Message {
    let mut messages = take(queue, name, 1, visibility).await;
    assert_eq!(messages.len(), 1, "a visible message can be taken");
    messages.remove(0)
}

async fn none(queue: &dyn Queue, name: &str, why: &str) {
    assert_eq!(take(queue, name, 32, LONG).await.len(), 0, "no message is visible: {why}");
}

async fn len(queue: &dyn Queue, name: &str) -> u64 {
    queue.len(name).await.expect("messages can be counted")
}

/// An invalid receipt has no effect.
async fn deletes(queue: &dyn Queue, name: &str, message: &Message, why: &str) {
    let delete = queue.delete(name, message).await;
    assert!(matches!(delete, Err(Error::Conflict(_))), "a delete conflicts {why}: {delete:?}");
    let extend = queue.extend(name, message, LONG).await;
    assert!(matches!(extend, Err(Error::Conflict(_))), "an extension conflicts {why}: {extend:?}");
    let poison = queue.poison(name, message).await;
    assert!(matches!(poison, Err(Error::Conflict(_))), "poisoning conflicts {why}: {poison:?}");
}

async fn taken_and_deleted(queue: &dyn Queue, other: &dyn Queue) {
    let (name, apart) = (&random_name("q"), &random_name("q"));
    none(queue, name, "nothing was ever put").await;
    assert_eq!(len(queue, name).await, 0, "an unknown queue is empty");
    put(queue, name, "hello").await;
    assert_eq!(len(other, name).await, 1, "another handle sees it");
    none(queue, apart, "it is in another queue").await;
    let message = one(other, name, LONG).await;
    assert_eq!(
        (message.body.as_str(), message.dequeue_count),
        ("hello", 1),
        "it says what was put, and is taken once"
    );
    none(queue, name, "it is hidden").await;
    assert_eq!(len(queue, name).await, 1, "a hidden message counts");
    deletes(queue, apart, &message, "in another queue").await;
    for (id, receipt) in [
        (&message.id, "x"),
        (&message.id, "0"),
        (&message.id, ""),
        (&"x".to_string(), message.receipt.as_str()),
    ] {
        let forged = Message { id: id.clone(), receipt: receipt.into(), ..message.clone() };
        deletes(queue, name, &forged, "with a receipt that was never issued").await;
    }
    queue.delete(name, &message).await.expect("the receipt is good in every handle");
    assert_eq!(len(queue, name).await, 0, "what was deleted is gone");
    deletes(queue, name, &message, "once it was deleted").await;
}

async fn at_most_32(queue: &dyn Queue) {
    let name = &random_name("q");
    for n in 0..40 {
        put(queue, name, &n.to_string()).await;
    }
    assert_eq!(len(queue, name).await, 40);
    assert_eq!(take(queue, name, 0, LONG).await.len(), 0, "none are taken where none are wanted");
    let mut seen = BTreeSet::new();
    for most in [1, 5, 32, 1000] {
        let messages = take(queue, name, most, LONG).await;
        assert!(messages.len() <= most.min(32), "no more than wanted, and than 32");
        seen.extend(messages.into_iter().map(|m| (m.body, m.dequeue_count)));
    }
    assert_eq!(seen, (0..40).map(|n| (n.to_string(), 1)).collect(), "each is taken once");
}

async fn delayed(queue: &dyn Queue, pass: &impl AsyncFn(Duration)) {
    let name = &random_name("q");
    queue.put(name, "later", SHORT).await.expect("a message can be put with a delay");
    put(queue, name, "now").await;
    assert_eq!(one(queue, name, LONG).await.body, "now", "a delayed message lets others pass");
    none(queue, name, "it is delayed").await;
    assert_eq!(len(queue, name).await, 2, "a delayed message counts");
    pass(LATER).await;
    let message = one(queue, name, LONG).await;
    assert_eq!(
        (message.body.as_str(), message.dequeue_count),
        ("later", 1),
        "after the delay it can be taken"
    );
    let outcome = queue.put(name, "never", MAX_DELAY + Duration::from_secs(1)).await;
    assert!(
        matches!(outcome, Err(Error::TooLarge(_))),
        "a delay above the limit is refused, not {outcome:?}"
    );
    queue.put(name, "next week", MAX_DELAY).await.expect("the longest delay is accepted");
}

async fn comes_again(queue: &dyn Queue, pass: &impl AsyncFn(Duration)) {
    let name = &random_name("q");
    put(queue, name, "again").await;
    let first = one(queue, name, SHORT).await;
    pass(LATER).await;
    let second = one(queue, name, LONG).await;
    assert_eq!(
        (&second.id, &second.body, second.dequeue_count),
        (&first.id, &first.body, 2),
        "what was not deleted comes again"
    );
    deletes(queue, name, &first, "once another reader has taken it").await;
    none(queue, name, "the old receipt did not show it").await;
    queue.delete(name, &second).await.expect("the new receipt is good");
}

async fn extended(queue: &dyn Queue, pass: &impl AsyncFn(Duration)) {
    let name = &random_name("q");
    put(queue, name, "long work").await;
    let first = one(queue, name, SHORT).await;
    let second =
        queue.extend(name, &first, LONG).await.expect("a taken message can be hidden for longer");
    assert_eq!(
        (&second.id, &second.body, second.dequeue_count),
        (&first.id, &first.body, 1),
        "it stays the same message"
    );
    deletes(queue, name, &first, "once it was extended").await;
    pass(LATER).await;
    none(queue, name, "it was extended").await;
    let shown = queue.extend(name, &second, NOW).await.expect("it can be shown at once");
    let third = one(queue, name, LONG).await;
    assert_eq!((&third.id, third.dequeue_count), (&first.id, 2), "and taken at once");
    deletes(queue, name, &shown, "once it was taken again").await;
    let outcome = queue.extend(name, &third, MAX_DELAY + Duration::from_secs(1)).await;
    assert!(
        matches!(outcome, Err(Error::TooLarge(_))),
        "an extension above the limit is refused, not {outcome:?}"
    );
    queue.delete(name, &third).await.expect("a refused extension leaves the receipt good");
}

async fn poisoned(queue: &dyn Queue) {
    let name = &random_name("q");
    let poison = &format!("{name}-poison");
    put(queue, name, "bad").await;
    put(queue, name, "good").await;
    let mut messages = take(queue, name, 32, LONG).await;
    messages.sort_by(|a, b| a.body.cmp(&b.body));
    queue
        .poison(name, &messages[0])
        .await
        .expect("a taken message can be moved to the poison queue");
    assert_eq!(
        (len(queue, name).await, len(queue, poison).await),
        (1, 1),
        "it is in the other queue, and only there"
    );
    deletes(queue, name, &messages[0], "once it was moved").await;
    let moved = one(queue, poison, LONG).await;
    assert_eq!((moved.body.as_str(), moved.dequeue_count), ("bad", 1), "it begins anew there");
    deletes(queue, name, &moved, "in the queue it came from").await;
    queue.delete(poison, &moved).await.expect("it can be removed there");
    queue.delete(name, &messages[1]).await.expect("the others are not touched");
}

async fn bodies(queue: &dyn Queue) {
    let name = &random_name("q");
    let longest = "x".repeat(MAX_BODY);
    let texts = [
        "{\"calendar\":\"c1\",\"cause\":\"poll\"}",
        "<&>'\"]]>",
        " spaces ",
        "line\nline",
        "📅 é",
        "a%20b",
        "aGVsbG8=",
        &longest,
    ];
    for text in texts {
        put(queue, name, text).await;
        let message = one(queue, name, LONG).await;
        assert!(message.body == text, "a body of {} bytes comes back as it was put", text.len());
        queue.delete(name, &message).await.expect("is deleted");
    }
    let outcome = queue.put(name, &format!("{longest}x"), NOW).await;
    assert!(
        matches!(outcome, Err(Error::TooLarge(_))),
        "a body above the limit is refused, not {outcome:?}"
    );
    assert_eq!(len(queue, name).await, 0, "and not put");
}

/// While a message is hidden, only one consumer gets it.
async fn two_consumers(make: &impl AsyncFn() -> Arc<dyn Queue>) {
    let (name, handles) = (random_name("q"), [make().await, make().await]);
    let mut tasks = JoinSet::new();
    for n in 0..60 {
        let (queue, name) = (handles[n % 2].clone(), name.clone());
        tasks.spawn(async move { put(&*queue, &name, &n.to_string()).await });
    }
    tasks.join_all().await;
    let mut tasks = JoinSet::new();
    for n in 0..4 {
        let (queue, name) = (handles[n % 2].clone(), name.clone());
        tasks.spawn(async move {
            let mut done = Vec::new();
            loop {
                let messages = take(&*queue, &name, 3, LONG).await;
                if messages.is_empty() {
                    return done;
                }
                for message in messages {
                    queue.delete(&name, &message).await.expect("no other reader has it");
                    done.push(message.body);
                }
            }
        });
    }
    let done: Vec<String> = tasks.join_all().await.concat();
    assert_eq!(done.len(), 60, "each message is in one pair of hands");
    assert_eq!(done.into_iter().collect::<BTreeSet<_>>().len(), 60, "and none is missed");
    assert_eq!(len(&*handles[0], &name).await, 0, "all are gone");
}
