//! Keys of channels that follow one another: which calls are believed, and that no change is
//! missed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use async_trait::async_trait;
use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;
use jobs::nudge::QUEUE;
use jobs::{Scope, Services};
use simulators::google::Push;
use store::{Op, Row, Store, Table};

use crate::support::product::{self, NotificationOutcome};
use crate::support::push_cli_env::{PublicCliEnv, replay, with_header};
use crate::support::push_env::{PushEnv, event, receive, webhook};

const TOKEN: &str = "x-goog-channel-token";

fn token(push: &Push) -> &str {
    push.headers.iter().find(|(name, _)| *name == TOKEN).map_or("", |(_, token)| token)
}

/// The key that has signed a call.
fn key(push: &Push) -> &str {
    token(push).split('.').nth(1).unwrap_or_default()
}

/// An event of Anna that was not reported yet, and its notification.
fn call(env: &mut PushEnv, title: &str) -> anyhow::Result<Push> {
    env.people[0].primary().add(event(title));
    let sent = env.google.pushes().sent();
    env.delivered = sent.len();
    sent.into_iter().next_back().context("a call")
}

#[tokio::test]
async fn a_channel_is_believed_until_its_key_was_followed_twice_and_then_made_anew()
-> anyhow::Result<()> {
    let (mut env, _) = PushEnv::paired().await?;
    let first = call(&mut env, "One")?;
    assert!(token(&first).starts_with("h2.") && token(&first).len() <= 128, "{}", token(&first));
    assert_eq!(receive(&env.scope, &first).await?, NotificationOutcome::Nudged);
    env.wait(60);
    let rotated = jobs::rotate_keys(&env.scope, false).await?;
    assert_eq!(rotated.ended_watches, 0);
    assert_eq!(receive(&env.scope, &first).await?, NotificationOutcome::Nudged, "the key before");
    env.settle().await?;
    assert_eq!((env.count("One"), env.open_watches()), (1, [1, 1]));

    let open = env.google.channels();
    assert_eq!(jobs::rotate_keys(&env.scope, false).await?.ended_watches, 2);
    env.wait(60);
    let late = call(&mut env, "Two")?;
    assert_eq!(
        (key(&late), receive(&env.scope, &late).await?),
        (key(&first), NotificationOutcome::Dropped),
        "the one before that"
    );
    env.settle().await?;
    assert_eq!(
        (env.count("Two"), env.open_watches()),
        (1, [1, 1]),
        "the sync that goes with the new channels has found it"
    );
    assert!(
        env.google.channels().iter().all(|channel| !open.contains(channel)),
        "the old ones were stopped"
    );
    let new = call(&mut env, "Three")?;
    assert_ne!((key(&new), key(&new)), (key(&first), rotated.webhook_key.as_str()));
    assert_eq!(receive(&env.scope, &new).await?, NotificationOutcome::Nudged);
    env.settle().await?;
    assert_eq!(env.count("Three"), 1);
    env.assert_no_harm();
    Ok(())
}

/// A slow rotation: every watch is replaced when its time comes, and notifications are accepted at
/// every moment.
#[tokio::test]
async fn channels_take_the_new_key_as_they_are_renewed() -> anyhow::Result<()> {
    let (mut env, _) = PushEnv::paired().await?;
    let done = jobs::rotate_keys(&env.scope, false).await?;
    for hour in 0..6 * 24 {
        env.wait(3600);
        product::renew_watches(&env.scope, false).await?;
        assert_eq!(env.open_watches(), [1, 1], "hour {hour}");
        if hour % 12 == 0 {
            env.people[0].primary().add(event(&format!("At {hour}")));
            let received = env.deliver().await?;
            assert!(received.contains(&NotificationOutcome::Nudged), "hour {hour}: {received:?}");
            env.settle().await?;
            assert_eq!(env.count(&format!("At {hour}")), 1);
        }
    }
    let last = call(&mut env, "Last")?;
    assert_eq!(key(&last), done.webhook_key);
    env.assert_no_harm();
    Ok(())
}

#[tokio::test]
async fn in_an_emergency_no_call_of_before_is_believed_and_no_change_is_missed()
-> anyhow::Result<()> {
    let (mut env, _) = PushEnv::paired().await?;
    let open = env.google.channels();
    let done = jobs::rotate_keys(&env.scope, true).await?;
    assert_eq!(done.ended_watches, 2);
    let leaked = call(&mut env, "Lunch")?;
    assert_eq!(receive(&env.scope, &leaked).await?, NotificationOutcome::Dropped);
    env.settle().await?;
    assert_eq!((env.count("Lunch"), env.open_watches()), (1, [1, 1]));
    assert!(env.google.channels().iter().all(|channel| !open.contains(channel)));
    assert_eq!(receive(&env.scope, &leaked).await?, NotificationOutcome::Dropped);
    let new = call(&mut env, "Tea")?;
    assert_eq!(
        (key(&new), receive(&env.scope, &new).await?),
        (done.webhook_key.as_str(), NotificationOutcome::Nudged)
    );
    env.assert_no_harm();
    Ok(())
}

/// Then without a consumer of the messages, and with rows that the rotation did not reach: the
/// hourly run sees by the keys what is left to do.
#[tokio::test]
async fn the_hourly_run_makes_anew_what_a_broken_rotation_has_left() -> anyhow::Result<()> {
    let (env, _) = PushEnv::paired().await?;
    let open = env.google.channels();
    let row =
        env.scope.store.get(Table::Directory, "vault", "webhooks").await?.context("the keys")?;
    let value = r#"{"v":1,"current":"qqqq","since":"2026-03-10T12:00:00Z"}"#.into();
    env.scope
        .store
        .commit(Table::Directory, "vault", &[Op::Replace { key: row.key, etag: row.etag, value }])
        .await?;
    let outcome = product::renew_watches(&env.scope, false).await?;
    assert_eq!((outcome.created, outcome.stopped, env.open_watches()), (2, 2, [1, 1]));
    assert!(env.google.channels().iter().all(|channel| !open.contains(channel)));
    assert_eq!(product::renew_watches(&env.scope, false).await?.created, 0, "once");
    Ok(())
}

/// A channel that an earlier version has opened, with the token that it gave.
#[tokio::test]
async fn a_token_of_the_form_before_is_accepted_until_its_channel_ends() -> anyhow::Result<()> {
    let (mut env, _) = PushEnv::paired().await?;
    let push = call(&mut env, "Lunch")?;
    let secret = env.scope.vault.hash_key("webhooks").await?;
    let text = ["calrelay/webhook/v1", "google", "local", &push.channel].join("\0");
    let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret[..]), text.as_bytes());
    let old =
        format!("h1.{}.{}", BASE64URL_NOPAD.encode(b"local"), BASE64URL_NOPAD.encode(mac.as_ref()));
    let headers = with_header(&push, TOKEN, &old);
    let waiting = async |scope: &Scope| anyhow::Ok(scope.queue.len(QUEUE).await?);
    jobs::rotate_keys(&env.scope, false).await?;
    assert_eq!((webhook(&env.scope, &headers).await?, waiting(&env.scope).await?), (200, 1));
    env.settle().await?;
    assert_eq!(env.count("Lunch"), 1);
    env.wait(60);
    jobs::rotate_keys(&env.scope, true).await?;
    env.settle().await?;
    assert_eq!(
        (webhook(&env.scope, &headers).await?, waiting(&env.scope).await?),
        (200, 0),
        "not after an emergency"
    );
    Ok(())
}

/// Storage that counts what it is asked.
struct CountingStore(Arc<dyn Store>, AtomicUsize);

#[async_trait]
impl Store for CountingStore {
    async fn get(&self, table: Table, partition: &str, key: &str) -> store::Result<Option<Row>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.get(table, partition, key).await
    }
    async fn get_many(
        &self,
        table: Table,
        partition: &str,
        keys: &[String],
    ) -> store::Result<Vec<Row>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.get_many(table, partition, keys).await
    }
    async fn scan(
        &self,
        table: Table,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> store::Result<Vec<Row>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.scan(table, partition, prefix, after, limit).await
    }
    async fn commit(
        &self,
        table: Table,
        partition: &str,
        ops: &[Op],
    ) -> store::Result<Vec<String>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.commit(table, partition, ops).await
    }
}

#[tokio::test]
async fn a_forged_key_asks_nothing_of_storage() -> anyhow::Result<()> {
    let (mut env, _) = PushEnv::paired().await?;
    let push = call(&mut env, "Lunch")?;
    let (own, genuine) = (key(&push), token(&push));
    jobs::rotate_keys(&env.scope, false).await?;
    let store = Arc::new(CountingStore(env.scope.store.clone(), AtomicUsize::new(0)));
    // A process that has read nothing yet.
    let scope =
        Services { store: store.clone(), ..env.process()?.services }.scope(&env.process()?.owner);
    for n in 0..2000 {
        let forged = genuine.replacen(own, &format!("{n:04}"), 1);
        assert_eq!(webhook(&scope, &with_header(&push, TOKEN, &forged)).await?, 200);
    }
    for forged in [
        "h2",
        "h2....",
        "h2.zzzzz.a.b.c",
        "h1.bG9jYWw.AAAA",
        &genuine.replacen("h2", "h3", 1),
        &genuine.replace(own, ""),
    ] {
        assert_eq!(webhook(&scope, &with_header(&push, TOKEN, forged)).await?, 200, "{forged}");
    }
    assert_eq!(store.1.load(Ordering::Relaxed), 0);
    assert_eq!(webhook(&scope, &push.headers).await?, 200);
    assert!((1..=4).contains(&store.1.load(Ordering::Relaxed)), "and the genuine one little");
    Ok(())
}

/// The real program, and its command beside it.
#[tokio::test]
async fn a_running_service_opens_its_channels_anew_at_once() -> anyhow::Result<()> {
    let env = PublicCliEnv::new().await?;
    let _running = env.start().await?;
    env.wait_for_quiet().await?;
    let open = env.google.channels();
    let old = env.google.pushes().sent().into_iter().next_back().context("a call")?;
    let done = env.cli.json(&["vault", "rotate", "--webhooks-now"]).await?;
    assert_eq!(
        (done["rewrapped"].as_u64(), done["channels"].as_u64()),
        (Some(2), Some(2)),
        "{done}"
    );
    let replaced = || {
        let now = env.google.channels();
        now.len() == 2 && now.iter().all(|channel| !open.contains(channel))
    };
    env.until("no other channels", replaced).await?;
    env.wait_for_quiet().await?;
    env.google.reset_counts();
    assert_eq!(replay(&env.url, &old.headers, 20).await?, [200; 20]);
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    assert_eq!(env.google.counts().total(), 0, "nothing is done for a call of before");
    env.people[0].primary().add(env.event("Lunch"));
    env.until("the copy", || env.count("Lunch") == 1).await?;
    // Without a hurry nothing is asked of Google at all.
    env.wait_for_quiet().await?;
    env.google.reset_counts();
    assert_eq!(env.cli.json(&["vault", "rotate"]).await?["channels"], 0);
    assert_eq!(env.google.counts().total(), 0);
    env.people[0].primary().add(env.event("Tea"));
    env.until("the copy", || env.count("Tea") == 1).await?;
    env.assert_no_harm();
    Ok(())
}
