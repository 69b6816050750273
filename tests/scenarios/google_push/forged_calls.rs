//! Whoever else calls: forged, mangled, repeated, at many doors at once. Nobody learns anything,
//! nothing fails, and little is done for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use async_trait::async_trait;
use jobs::Services;
use jobs::nudge::QUEUE;
use simulators::azurite::Azurite;
use simulators::client::Client;
use simulators::functions_host::{Host, StorageQueues};
use simulators::google::Push;
use simulators::port::Port;
use simulators::traffic::Kind;
use store::{Message, Queue};
use url::Url;

use super::program::{Place, looks, on_azurite, replay, serve, with};
use crate::support::env::push_env::{World, event, webhook};

const TOKEN: &str = "x-goog-channel-token";

/// A genuine call about Anna's calendar that was heard by nobody yet.
async fn genuine(world: &World, title: &str) -> anyhow::Result<Push> {
    world.people[0].primary().add(event(title));
    world.google.pushes().sent().pop().context("a call")
}

/// How many messages wait.
async fn waiting(world: &World) -> anyhow::Result<u64> {
    Ok(world.services.queue.len(QUEUE).await?)
}

#[tokio::test]
async fn what_is_no_call_of_google_is_answered_like_one_and_does_nothing() -> anyhow::Result<()> {
    let (world, _) = World::paired().await?;
    let push = genuine(&world, "Lunch").await?;
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
        forged.push(with(&push, TOKEN, &String::from_utf8(bytes)?));
    }
    forged.extend(
        [&token[1..], &token[..token.len() - 1], "", "h1", "h1..", &format!("{token}A")]
            .map(|token| with(&push, TOKEN, token)),
    );
    // Without this header or that, and with headers of any length.
    for missing in ["x-goog-channel-id", TOKEN, "x-goog-resource-id"] {
        forged.push(push.headers.iter().filter(|(name, _)| *name != missing).cloned().collect());
    }
    for name in ["x-goog-channel-id", TOKEN, "x-goog-resource-id"] {
        forged.push(with(&push, name, &"x".repeat(60_000)));
        forged.push(with(&push, name, "\u{e4}"));
    }
    forged.push(Vec::new());
    for headers in forged {
        assert_eq!(webhook(&world.services, &headers).await?, 200, "{headers:?}");
    }
    assert_eq!(waiting(&world).await?, 0);

    // What only counts or describes may be missing, and states that nobody knows tell of a change
    // like any other.
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
        with(&push, "x-goog-resource-state", "not_exists"),
        with(&push, "x-goog-resource-state", "moon"),
        with(&push, "x-goog-message-number", "1"),
        with(&push, "x-goog-message-number", "18446744073709551616"),
    ] {
        let before = waiting(&world).await?;
        assert_eq!(
            (webhook(&world.services, &headers).await?, waiting(&world).await?),
            (200, before + 1),
            "{headers:?}"
        );
        world.wait(60);
    }
    Ok(())
}

/// A queue that cannot be reached.
pub(super) struct Away(pub(super) Arc<dyn Queue>);

#[async_trait]
impl Queue for Away {
    async fn put(&self, _: &str, _: &str, _: Duration) -> store::Result<()> {
        Err(store::Error::Unavailable("on purpose".into()))
    }
    async fn take(
        &self,
        queue: &str,
        max: usize,
        visibility: Duration,
    ) -> store::Result<Vec<Message>> {
        self.0.take(queue, max, visibility).await
    }
    async fn delete(&self, queue: &str, message: &Message) -> store::Result<()> {
        self.0.delete(queue, message).await
    }
    async fn extend(
        &self,
        queue: &str,
        message: &Message,
        visibility: Duration,
    ) -> store::Result<Message> {
        self.0.extend(queue, message, visibility).await
    }
    async fn poison(&self, queue: &str, message: &Message) -> store::Result<()> {
        self.0.poison(queue, message).await
    }
    async fn len(&self, queue: &str) -> store::Result<u64> {
        self.0.len(queue).await
    }
}

#[tokio::test]
async fn what_cannot_be_kept_is_asked_for_again_and_then_done() -> anyhow::Result<()> {
    let (mut world, _) = World::paired().await?;
    let push = genuine(&world, "Lunch").await?;
    let away =
        Services { queue: Arc::new(Away(world.services.queue.clone())), ..world.services.clone() };
    for _ in 0..3 {
        assert_eq!(webhook(&away, &push.headers).await?, 503, "Google comes again");
    }
    assert_eq!(
        webhook(&away, &with(&push, TOKEN, "h1.bG9jYWw.AAAA")).await?,
        200,
        "and strangers learn nothing of it"
    );
    world.dies()?;
    assert_eq!(webhook(&world.services, &push.headers).await?, 200);
    world.heard = world.google.pushes().sent().len();
    world.wait(6);
    world.rest().await?;
    assert_eq!(world.seen("Lunch"), 1);
    Ok(())
}

/// A call that lay somewhere for days, and comes when its channel was followed long ago and its
/// event is gone.
#[tokio::test]
async fn a_call_that_comes_days_late_does_no_harm() -> anyhow::Result<()> {
    let (mut world, _) = World::paired().await?;
    let late = genuine(&world, "Lunch").await?;
    world.rest().await?;
    let there = world.people[0].primary().find("Lunch").context("it is there")?;
    world.people[0].primary().remove(there["id"].as_str().context("an id")?);
    world.rest().await?;
    for _ in 0..6 * 24 {
        world.wait(3600);
        jobs::channels::renew(&world.services, false).await?;
    }
    world.rest().await?;
    world.google.reset_counts();
    assert_eq!(webhook(&world.services, &late.headers).await?, 200);
    assert_eq!(
        (waiting(&world).await?, world.google.counts().total(), world.seen("Lunch")),
        (0, 0, 0)
    );
    world.assert_proper();
    Ok(())
}

/// At the door of the real program: another method, a body that nobody wants, headers without end.
/// The next genuine call is heard all the same.
#[tokio::test]
async fn rude_requests_are_turned_away_and_the_door_stays_open() -> anyhow::Result<()> {
    let held = Port::take()?;
    let port = held.number();
    let url = Url::parse(&format!("http://127.0.0.1:{port}"))?;
    let place =
        Place::new(&[("CALRELAY_PUBLIC_URL", url.as_str()), ("CALRELAY_POLL_SECONDS", "86400")])
            .await?;
    let _running = serve(&place.cli, port).await?;
    place.until("no channels", || place.google.channels().len() == 2).await?;
    place.quiet().await?;
    place.google.pushes().way(|way| way.hold = true);
    place.people[0].primary().add(place.event("Lunch"));
    let push = place.google.pushes().sent().pop().context("a call")?;
    let headers: Vec<(&str, &str)> =
        push.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    place.google.reset_counts();
    for method in ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"] {
        assert_eq!(
            Client::new(&url).send(method, "/webhooks/google", &headers, "").await?.status,
            405,
            "{method}"
        );
    }
    let endless = "x".repeat(2 << 20);
    let turned_away =
        Client::new(&url).send("POST", "/webhooks/google", &headers, endless.clone()).await;
    assert!(turned_away.as_ref().map_or(true, |answer| answer.status == 413), "{turned_away:?}");
    let long = [("x-goog-channel-token", &*endless)];
    let turned_away = Client::new(&url).send("POST", "/webhooks/google", &long, "").await;
    assert!(
        turned_away.as_ref().map_or(true, |answer| (400..500).contains(&answer.status)),
        "{turned_away:?}"
    );
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(
        (place.google.counts().total(), place.seen("Lunch")),
        (0, 0),
        "nothing was done for any of them"
    );
    // A body is no reason to mistrust a call.
    assert_eq!(
        Client::new(&url).send("POST", "/webhooks/google", &headers, "{\"hello\":").await?.status,
        200
    );
    place.until("the copy", || place.seen("Lunch") == 1).await?;
    place.assert_proper();
    Ok(())
}

/// Two instances under the Functions host, the same call repeated at both of them: looks are a
/// pause apart all the same, and what really happens meanwhile arrives. Consent that is taken back
/// and given anew ends it.
#[tokio::test]
async fn two_instances_together_look_once_in_a_pause() -> anyhow::Result<()> {
    let azurite = Azurite::start().await?;
    let connection = azurite.connection_string();
    let (place, site, _package) = on_azurite(&connection).await?;
    let queues = Arc::new(StorageQueues::new(&connection)?);
    let hosts = [site.start(queues.clone()).await?, site.start(queues).await?];
    place.until("no channels", || place.google.channels().len() == 2).await?;
    place.quiet().await?;
    place.people[0].primary().add(place.event("Lunch"));
    let push = place
        .google
        .pushes()
        .sent()
        .into_iter()
        .rfind(|push| push.state == "exists")
        .context("a call")?;

    place.google.reset_counts();
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
            place.people[0].primary().add(place.event("Tea"));
        }
    }
    let most = looks(begun.elapsed());
    place
        .until("what happened meanwhile", || place.seen("Tea") == 1 && place.seen("Lunch") == 1)
        .await?;
    tokio::time::sleep(Duration::from_secs(7)).await;
    let lists = place.google.counts().of(Kind::List);
    assert!(
        (2..=most).contains(&lists),
        "one list for each look: {lists}, where {most} are allowed"
    );
    println!("{lists} looks in {:?}, for {answered} calls at two doors", begun.elapsed());
    assert!(answered >= 1000, "that was no burst: {answered}");

    // The owner of the calendar takes consent back: the next call finds out, and the ones after it
    // ask nothing.
    place.people[0].withdraws_consent();
    let state =
        async || anyhow::Ok(place.cli.json(&["account", "list"]).await?["accounts"].clone());
    let of = |accounts: &serde_json::Value| {
        accounts
            .as_array()
            .into_iter()
            .flatten()
            .find(|account| account["id"] == *place.accounts[0])
            .map(|account| account["state"].clone())
    };
    place.people[0].primary().add(place.event("Cake"));
    let begun = Instant::now();
    while of(&state().await?) != Some("needs_reconnect".into()) {
        ensure!(begun.elapsed() < Duration::from_secs(40), "nobody notices");
        call(&hosts[0], &push).await?;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let token = format!("{}\n", place.people[0].refresh_token());
    place
        .cli
        .run_with(&["account", "add", "google", "--refresh-token-stdin", "--json"], &token)
        .await?
        .done()?;
    place.until("what happened before the way back", || place.seen("Cake") == 1).await?;
    assert_eq!((place.seen("Lunch"), place.seen("Tea"), place.google.channels().len()), (1, 1, 2));
    assert!(
        hosts
            .iter()
            .all(|host| host.complaints().is_empty() && host.tally("google_webhook").failed == 0)
    );
    place.assert_proper();
    Ok(())
}

async fn call(host: &Host, push: &Push) -> anyhow::Result<()> {
    assert_eq!(replay(host.url(), &push.headers, 1).await?, [200]);
    Ok(())
}
