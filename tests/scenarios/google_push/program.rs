//! Notifications at the real program: standalone, and under the stand-in for the Functions host.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::Value;
use simulators::azurite::Azurite;
use simulators::functions_host::{App, Site, StorageQueues};
use simulators::google::Push;
use simulators::traffic::Kind;
use tempfile::TempDir;

use crate::support::hosted_env::{environment, package};
use crate::support::push_cli_env::{PublicCliEnv, PushCliEnv, replay, with_header};

/// How many looks calls for so long may lead to: eight that are closer together, and then one every
/// five seconds. The last one may be six seconds later than its call.
pub fn looks(calls: Duration) -> u64 {
    8 + (calls.as_secs() + 6) / 5
}

#[tokio::test]
async fn an_edit_arrives_by_a_call_and_strangers_cause_next_to_nothing() -> anyhow::Result<()> {
    let env = PublicCliEnv::new().await?;
    // As hard as it gets: greetings before answers, and everything twice.
    env.google.pushes().way(|way| (way.greets_first, way.double) = (true, true));
    let running = env.start().await?;
    env.wait_for_quiet().await?;
    let begun = Instant::now();
    env.people[0].primary().add(env.event("Lunch"));
    env.until("the copy", || env.count("Lunch") == 1).await?;
    assert!(begun.elapsed() < Duration::from_secs(20), "the next poll is a day away");
    env.wait_for_quiet().await?;
    let pushes = env.google.pushes();
    pushes.settle().await;
    assert!(
        pushes.sent().iter().all(|push| push.answers.iter().all(|answer| *answer == 200)),
        "{:?}",
        pushes.sent()
    );

    // Forged: a wrong token, the token of another watch, an unknown watch.
    let sent = pushes.sent();
    let genuine = sent.iter().rfind(|push| push.state == "exists").context("a call")?;
    let other =
        sent.iter().find(|push| push.channel != genuine.channel).context("the other channel")?;
    let token = |push: &Push| {
        push.headers
            .iter()
            .find(|(name, _)| *name == "x-goog-channel-token")
            .map(|(_, token)| token.clone())
    };
    env.google.reset_counts();
    for forged in [
        with_header(genuine, "x-goog-channel-token", "h1.bG9jYWw.AAAA"),
        with_header(genuine, "x-goog-channel-token", &token(other).context("a token")?),
        with_header(genuine, "x-goog-channel-id", "00000000-0000-4000-8000-000000000000"),
        with_header(genuine, "x-goog-resource-id", "res-of-another"),
        Vec::new(),
    ] {
        assert!(
            replay(&env.url, &forged, 200).await?.iter().all(|status| *status == 200),
            "the response reveals nothing"
        );
    }
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(env.google.counts().total(), 0, "{:?}", env.google.counts());

    // Replayed, ten thousand times.
    let begun = Instant::now();
    assert!(replay(&env.url, &genuine.headers, 10_000).await?.iter().all(|status| *status == 200));
    let most = looks(begun.elapsed());
    tokio::time::sleep(Duration::from_secs(7)).await;
    let lists = env.google.counts().of(Kind::List);
    assert!(
        (1..=most).contains(&lists),
        "one list for each look: {lists}, where {most} are allowed"
    );

    // Disconnected: first the channels end, then the consent.
    let (before, tokens) = (env.google.channels().len(), env.people[0].living_refresh_tokens());
    env.cli.json(&["account", "remove", &env.accounts[0]]).await?;
    assert_eq!((before, tokens, env.people[0].living_refresh_tokens()), (2, 1, 0));
    assert_eq!((env.google.channels(), env.google.counts().of(Kind::Stop)), (Vec::new(), 2));
    env.assert_no_harm();
    drop(running);
    Ok(())
}

/// What happened while it was not there is found at its start, without waiting for anything.
#[tokio::test]
async fn what_was_missed_is_found_at_the_start() -> anyhow::Result<()> {
    let env = PublicCliEnv::new().await?;
    let mut running = env.start().await?;
    env.wait_for_quiet().await?;
    running.child.kill().await?;
    env.google.pushes().way(|way| way.lose = usize::MAX);
    env.people[0].primary().add(env.event("Lunch"));
    let _running = env.start().await?;
    env.until("the copy", || env.count("Lunch") == 1).await?;
    assert_eq!(env.google.channels().len(), 2, "the channels have lived on");
    env.assert_no_harm();
    Ok(())
}

#[tokio::test]
async fn status_and_doctor_say_whether_google_calls() -> anyhow::Result<()> {
    let env = PushCliEnv::new(&[]).await?;
    let status = env.cli.status().await?;
    let watches = status["watches"].as_array().context("watches")?;
    assert!(watches.len() == 2 && watches.iter().all(|watch| watch["open"] == false), "{status}");
    let words = env.cli.run(&["status"]).await?.stdout;
    assert!(words.contains("CALRELAY_PUBLIC_URL"), "{words}");
    let answer = env.cli.run(&["doctor", "--json"]).await?;
    let found: Value = answer.document()?;
    let push: Vec<_> = found["findings"]
        .as_array()
        .context("findings")?
        .iter()
        .filter(|one| one["check"] == "push")
        .collect();
    assert!(
        push.len() == 1
            && push[0]["ok"] == true
            && push[0]["message"].as_str().is_some_and(|w| w.contains("nightly")),
        "{found}"
    );
    Ok(())
}

/// An environment with storage on Azurite as an app of the Functions host, and the package that the
/// app runs from. The scenario sends the notifications, because the host's port is not known before
/// the app runs.
pub async fn on_azurite(connection: &str) -> anyhow::Result<(PushCliEnv, Site, TempDir)> {
    let settings = [
        ("CALRELAY_STORE", "azure"),
        ("AzureWebJobsStorage", connection),
        ("CALRELAY_PUBLIC_URL", "https://calendars.example.org"),
    ];
    let env = PushCliEnv::new(&settings).await?;
    let package = package("00:00:00")?;
    let mut environment = environment(&settings);
    environment.push(("CALRELAY_DATA_DIR".into(), env.cli.data_dir().display().to_string()));
    environment
        .extend(env.google.settings().into_iter().map(|(name, value)| (name.to_owned(), value)));
    let site = Site::new(App::read(package.path())?, environment)?;
    Ok((env, site, package))
}

/// Under the Functions host, storage on Azurite: a call, a message, a copy; and the hour that
/// renews.
#[tokio::test]
async fn an_edit_arrives_under_the_functions_host() -> anyhow::Result<()> {
    let azurite = Azurite::start().await?;
    let connection = azurite.connection_string();
    let (env, site, _package) = on_azurite(&connection).await?;
    let host = site.start(Arc::new(StorageQueues::new(&connection)?)).await?;
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
    assert_eq!(replay(host.url(), &push.headers, 1).await?, [200]);
    env.until("the copy", || env.count("Lunch") == 1).await?;
    let forged = with_header(&push, "x-goog-channel-token", "h1.bG9jYWw.AAAA");
    assert_eq!(replay(host.url(), &forged, 3).await?, [200; 3]);
    let renewals = host.tally("renew_google_channels").succeeded;
    site.advance_to("renew_google_channels")?;
    env.until("no renewal", || host.tally("renew_google_channels").succeeded > renewals).await?;
    assert_eq!(env.google.channels().len(), 2);
    assert_eq!((host.complaints(), host.tally("google_webhook").failed), (Vec::new(), 0));
    env.assert_no_harm();
    Ok(())
}
