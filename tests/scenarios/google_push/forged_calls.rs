//! Forged, malformed and repeated calls, at many instances at once. The responses reveal nothing,
//! nothing fails, and the calls cost little work.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use jobs::nudge::QUEUE;
use simulators::azurite::Azurite;
use simulators::client::Client;
use simulators::functions_host::{Host, StorageQueues};
use simulators::google::Push;
use simulators::traffic::Kind;

use super::program::{looks, on_azurite};
use crate::support::product;
use crate::support::push_cli_env::{PublicCliEnv, replay, with_header};
use crate::support::push_env::{PushEnv, event, webhook};

const TOKEN: &str = "x-goog-channel-token";

/// A genuine notification about Anna's calendar that was not delivered yet.
async fn genuine(env: &PushEnv, title: &str) -> anyhow::Result<Push> {
    env.people[0].primary().add(event(title));
    env.google.pushes().sent().pop().context("a call")
}

/// How many messages wait.
async fn waiting(env: &PushEnv) -> anyhow::Result<u64> {
    Ok(env.scope.queue.len(QUEUE).await?)
}

#[tokio::test]
async fn what_is_no_call_of_google_is_answered_like_one_and_does_nothing() -> anyhow::Result<()> {
    let (env, _) = PushEnv::paired().await?;
    let push = genuine(&env, "Lunch").await?;
    let token = push
        .headers
        .iter()
        .find(|(name, _)| *name == TOKEN)
        .map(|(_, token)| token.clone())
        .context("a token")?;
    let mut forged: Vec<Vec<(&str, String)>> = Vec::new();
    // The token, wrong by one byte anywhere, or by its length.
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        forged.push(with_header(&push, TOKEN, &String::from_utf8(bytes)?));
    }
    forged.extend(
        [&token[1..], &token[..token.len() - 1], "", "h1", "h1..", &format!("{token}A")]
            .map(|token| with_header(&push, TOKEN, token)),
    );
    // Without this header or that, and with headers of any length.
    for missing in ["x-goog-channel-id", TOKEN, "x-goog-resource-id"] {
        forged.push(push.headers.iter().filter(|(name, _)| *name != missing).cloned().collect());
    }
    for name in ["x-goog-channel-id", TOKEN, "x-goog-resource-id"] {
        forged.push(with_header(&push, name, &"x".repeat(60_000)));
        forged.push(with_header(&push, name, "\u{e4}"));
    }
    forged.push(Vec::new());
    for headers in forged {
        assert_eq!(webhook(&env.scope, &headers).await?, 200, "{headers:?}");
    }
    assert_eq!(waiting(&env).await?, 0);

    // Headers that only count or describe may be missing, and an unknown state counts as a change.
    let needless = [
        "x-goog-message-number",
        "x-goog-channel-expiration",
        "x-goog-resource-uri",
        "x-goog-resource-state",
        "user-agent",
    ];
    let bare: Vec<_> =
        push.headers.iter().filter(|(name, _)| !needless.contains(name)).cloned().collect();
    for headers in [
        bare,
        with_header(&push, "x-goog-resource-state", "not_exists"),
        with_header(&push, "x-goog-resource-state", "moon"),
        with_header(&push, "x-goog-message-number", "1"),
        with_header(&push, "x-goog-message-number", "18446744073709551616"),
    ] {
        let before = waiting(&env).await?;
        assert_eq!(
            (webhook(&env.scope, &headers).await?, waiting(&env).await?),
            (200, before + 1),
            "{headers:?}"
        );
        env.wait(60);
    }
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_kept_is_asked_for_again_and_then_done() -> anyhow::Result<()> {
    let (mut env, _) = PushEnv::paired().await?;
    let push = genuine(&env, "Lunch").await?;
    let unavailable = env.without_queue();
    for _ in 0..3 {
        assert_eq!(webhook(&unavailable, &push.headers).await?, 503, "Google comes again");
    }
    assert_eq!(
        webhook(&unavailable, &with_header(&push, TOKEN, "h1.bG9jYWw.AAAA")).await?,
        200,
        "and strangers learn nothing of it"
    );
    env.restart()?;
    assert_eq!(webhook(&env.scope, &push.headers).await?, 200);
    env.delivered = env.google.pushes().sent().len();
    env.wait(6);
    env.settle().await?;
    assert_eq!(env.count("Lunch"), 1);
    Ok(())
}

/// A call that lay somewhere for days, and comes when its channel was followed long ago and its
/// event is gone.
#[tokio::test]
async fn a_call_that_comes_days_late_does_no_harm() -> anyhow::Result<()> {
    let (mut env, _) = PushEnv::paired().await?;
    let late = genuine(&env, "Lunch").await?;
    env.settle().await?;
    let there = env.people[0].primary().find("Lunch").context("it is there")?;
    env.people[0].primary().remove(there["id"].as_str().context("an id")?);
    env.settle().await?;
    for _ in 0..6 * 24 {
        env.wait(3600);
        product::renew_watches(&env.scope, false).await?;
    }
    env.settle().await?;
    env.google.reset_counts();
    assert_eq!(webhook(&env.scope, &late.headers).await?, 200);
    assert_eq!((waiting(&env).await?, env.google.counts().total(), env.count("Lunch")), (0, 0, 0));
    env.assert_no_harm();
    Ok(())
}

/// At the real program: another method, a body that is not read, headers without end. The next
/// genuine notification is still accepted.
#[tokio::test]
async fn rude_requests_are_turned_away_and_the_door_stays_open() -> anyhow::Result<()> {
    let env = PublicCliEnv::new().await?;
    let _running = env.start().await?;
    env.wait_for_quiet().await?;
    env.google.pushes().way(|way| way.hold = true);
    env.people[0].primary().add(env.event("Lunch"));
    let push = env.google.pushes().sent().pop().context("a call")?;
    let headers: Vec<(&str, &str)> =
        push.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    env.google.reset_counts();
    for method in ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"] {
        assert_eq!(
            Client::new(&env.url).send(method, "/webhooks/google", &headers, "").await?.status,
            405,
            "{method}"
        );
    }
    let endless = "x".repeat(2 << 20);
    let turned_away =
        Client::new(&env.url).send("POST", "/webhooks/google", &headers, endless.clone()).await;
    assert!(turned_away.as_ref().map_or(true, |answer| answer.status == 413), "{turned_away:?}");
    let long = [("x-goog-channel-token", &*endless)];
    let turned_away = Client::new(&env.url).send("POST", "/webhooks/google", &long, "").await;
    assert!(
        turned_away.as_ref().map_or(true, |answer| (400..500).contains(&answer.status)),
        "{turned_away:?}"
    );
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(
        (env.google.counts().total(), env.count("Lunch")),
        (0, 0),
        "nothing was done for any of them"
    );
    // A body is no reason to mistrust a call.
    assert_eq!(
        Client::new(&env.url)
            .send("POST", "/webhooks/google", &headers, "{\"hello\":")
            .await?
            .status,
        200
    );
    env.until("the copy", || env.count("Lunch") == 1).await?;
    env.assert_no_harm();
    Ok(())
}

/// Two instances under the Functions host receive the same notification repeatedly: passes are
/// still a pause apart, and real changes in between arrive. Consent that is withdrawn and given
/// again ends the repetitions.
#[tokio::test]
async fn two_instances_together_look_once_in_a_pause() -> anyhow::Result<()> {
    let azurite = Azurite::start().await?;
    let connection = azurite.connection_string();
    let (env, site, _package) = on_azurite(&connection).await?;
    let queues = Arc::new(StorageQueues::new(&connection)?);
    let hosts = [site.start(queues.clone()).await?, site.start(queues).await?];
    env.until("no channels", || env.google.channels().len() == 2).await?;
    env.wait_for_quiet().await?;
    env.people[0].primary().add(env.event("Lunch"));
    let push = env
        .google
        .pushes()
        .sent()
        .into_iter()
        .rfind(|push| push.state == "exists")
        .context("a call")?;

    env.google.reset_counts();
    let begun = Instant::now();
    let (mut late, mut answered) = (false, 0);
    while begun.elapsed() < Duration::from_secs(8) {
        let both = hosts.each_ref().map(|host| replay(host.url(), &push.headers, 64));
        for answers in futures::future::try_join_all(both).await? {
            assert!(answers.iter().all(|status| *status == 200), "{answers:?}");
            answered += answers.len();
        }
        if !late && begun.elapsed() > Duration::from_secs(2) {
            late = true;
            env.people[0].primary().add(env.event("Tea"));
        }
    }
    let most = looks(begun.elapsed());
    env.until("what happened meanwhile", || env.count("Tea") == 1 && env.count("Lunch") == 1)
        .await?;
    tokio::time::sleep(Duration::from_secs(7)).await;
    let lists = env.google.counts().of(Kind::List);
    assert!(
        (2..=most).contains(&lists),
        "one list for each look: {lists}, where {most} are allowed"
    );
    println!("{lists} looks in {:?}, for {answered} calls at two doors", begun.elapsed());
    assert!(answered >= 1000, "that was no burst: {answered}");

    // The owner of the calendar takes consent back: the next call finds out, and the ones after it
    // ask nothing.
    env.people[0].withdraws_consent();
    let state = async || anyhow::Ok(env.cli.json(&["account", "list"]).await?["accounts"].clone());
    let of = |accounts: &serde_json::Value| {
        accounts
            .as_array()
            .into_iter()
            .flatten()
            .find(|account| account["id"] == *env.accounts[0])
            .map(|account| account["state"].clone())
    };
    env.people[0].primary().add(env.event("Cake"));
    let begun = Instant::now();
    while of(&state().await?) != Some("needs_reconnect".into()) {
        ensure!(begun.elapsed() < Duration::from_secs(40), "no failure is counted");
        call(&hosts[0], &push).await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let token = format!("{}\n", env.people[0].refresh_token());
    env.cli
        .run_with(&["account", "add", "google", "--refresh-token-stdin", "--json"], &token)
        .await?
        .done()?;
    env.until("what happened before the way back", || env.count("Cake") == 1).await?;
    assert_eq!((env.count("Lunch"), env.count("Tea"), env.google.channels().len()), (1, 1, 2));
    assert!(
        hosts
            .iter()
            .all(|host| host.complaints().is_empty() && host.tally("google_webhook").failed == 0)
    );
    env.assert_no_harm();
    Ok(())
}

async fn call(host: &Host, push: &Push) -> anyhow::Result<()> {
    assert_eq!(replay(host.url(), &push.headers, 1).await?, [200]);
    Ok(())
}
