//! `calrelay` without a command: one process that serves, polls and syncs until it is stopped (O4).

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use simulators::azurite::Account;
use simulators::caldav::{Calendar, Manners};
use simulators::client::Client;
use simulators::faults::{Fault, On};
use simulators::rng::Rng;
use store::{Embedded, Queue as _};

use crate::support::builder::Builder;
use crate::support::cli::{Cli, TWO_WAY};
use crate::support::cli_env::CliEnv;
use crate::support::events::{hour, many};
use crate::support::running::{Running, until};

/// Paired both ways, with a poll every second.
async fn paired(settings: &[(&str, &str)]) -> anyhow::Result<CliEnv> {
    let cli = Cli::new()?.with("CALRELAY_POLL_SECONDS", "1");
    let cli = settings.iter().fold(cli, |cli, (name, value)| cli.with(name, value));
    let env = Builder::caldav(Manners::generic()).build_cli_with(cli).await?;
    env.pair(TWO_WAY).await?;
    Ok(env)
}

/// As [`paired`], always with storage in Azure.
async fn paired_in_azure() -> anyhow::Result<CliEnv> {
    let connection = Account::take().await?.connection_string();
    paired(&[("CALRELAY_STORE", "azure"), ("AzureWebJobsStorage", &connection)]).await
}

#[tokio::test]
async fn an_edit_arrives_within_the_cadence() -> anyhow::Result<()> {
    edits_arrive_within_the_cadence(paired(&[]).await?).await
}

#[tokio::test]
async fn an_edit_arrives_within_the_cadence_with_storage_in_azure() -> anyhow::Result<()> {
    edits_arrive_within_the_cadence(paired_in_azure().await?).await
}

async fn edits_arrive_within_the_cadence(env: CliEnv) -> anyhow::Result<()> {
    let [anna, ben] = &env.people;
    anna.put("one.ics", &hour("one", 3, 9, "One"));
    let running = Running::start(&env.cli).await?;
    until("the first copy", || ben.len() == 1).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    anna.put("two.ics", &hour("two", 4, 9, "Two"));
    let took = until("the second copy", || ben.len() == 2).await?;
    assert!(
        took < Duration::from_secs(5),
        "a second's cadence, and some for a busy machine: {took:?}"
    );
    let copy = ben.find("Two").context("the copy of Two")?;
    ben.edit(&copy, |ics| ics.replace("SUMMARY:Two", "SUMMARY:Twice"));
    until("the edit flows back", || anna.find("Twice").is_some()).await?;
    // At rest: one collection-state request per server and a poll, no more.
    tokio::time::sleep(Duration::from_secs(3)).await;
    env.reset_counts();
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(env.writes(), [0, 0]);
    for server in &env.servers {
        assert!(
            server.counts().total() <= 5,
            "three polls, three requests for states: {}",
            server.counts().total()
        );
    }
    assert_eq!(running.terminate().await?, 0);
    env.check_at_rest().await?;
    Ok(())
}

/// A poll that finds something sends a message to its own process. A look into the queue every
/// second would be late by half of one on average.
#[tokio::test]
async fn what_a_poll_finds_is_worked_on_at_once_with_storage_in_azure() -> anyhow::Result<()> {
    let env = paired_in_azure().await?;
    let [anna, ben] = &env.people;
    let running = Running::start(&env.cli).await?;
    anna.put("first.ics", &hour("first", 2, 9, "First"));
    until("the first copy", || ben.len() == 1).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut waits = Vec::new();
    for n in 0..7 {
        let asked = || env.servers[0].counts().total();
        let before = asked();
        until("no poll", || asked() > before).await?;
        // An edit right after a poll: the next poll finds it.
        anna.put(&format!("{n}.ics"), &hour(&format!("{n}"), 3 + n, 9, "One"));
        let before = asked();
        until("no poll", || asked() > before).await?;
        let before = asked();
        waits.push(until("no pass", || asked() > before).await?);
        until("the copy", || ben.len() == 2 + n as usize).await?;
        tokio::time::sleep(Duration::from_millis(1500)).await;
    }
    waits.sort_unstable();
    println!("from the poll to the pass: {waits:?}");
    assert!(waits[3] < Duration::from_millis(600), "it waits for the queue's next look: {waits:?}");
    assert_eq!(running.terminate().await?, 0);
    env.check_at_rest().await?;
    Ok(())
}

/// The work takes longer than a stop waits for it, so it is cut off. Its lease would be in the way
/// of the next process for half a minute.
#[tokio::test]
async fn a_stop_in_the_middle_of_work_gives_its_lease_back() -> anyhow::Result<()> {
    let env = paired_in_azure().await?;
    let [anna, ben] = &env.people;
    let running = Running::start(&env.cli).await?;
    anna.put("one.ics", &hour("one", 3, 9, "One"));
    until("the first copy", || ben.len() == 1).await?;
    env.servers[1].faults().next(On::writes(), Fault::Delay(Duration::from_secs(600)));
    anna.put("two.ics", &hour("two", 4, 9, "Two"));
    until("no write", || !env.servers[1].faults().waiting()).await?;
    assert_eq!(running.terminate().await?, 0);
    let running = Running::start(&env.cli).await?;
    let took = until("the second copy", || ben.len() == 2).await?;
    assert!(took < Duration::from_secs(10), "the lease's term is half a minute: {took:?}");
    assert_eq!(running.terminate().await?, 0);
    assert_eq!(env.people.each_ref().map(Calendar::len), [2, 2]);
    env.check_at_rest().await?;
    Ok(())
}

#[tokio::test]
async fn it_says_whether_it_is_well_and_more_to_its_own_user() -> anyhow::Result<()> {
    let env = paired(&[]).await?;
    let running = Running::start(&env.cli).await?;
    assert_eq!(
        running.get("/health", &[]).await?,
        (200, serde_json::json!({"ok": true, "storage": true, "vault": true, "work": true}))
    );
    let (status, health) = running.get("/health?detail", &[]).await?;
    assert_eq!((status, &health["detail"]["accounts"]["ok"]), (200, &Value::from(2)), "{health}");
    assert!(
        health["findings"]
            .as_array()
            .is_some_and(|found| found.iter().all(|finding| finding["ok"] == true)),
        "{health}"
    );
    let (status, diagnosis) = running.get("/health/detail", &[]).await?;
    let keys =
        |document: &Value| document.as_object().map(|map| map.keys().cloned().collect::<Vec<_>>());
    assert_eq!(
        (status, keys(&diagnosis)),
        (200, keys(&health)),
        "the same document, moments later"
    );
    for path in ["/health?detail", "/health/detail"] {
        assert_eq!(
            running.get(path, &[("x-forwarded-for", "192.0.2.7")]).await?.0,
            403,
            "{path}: only from the machine itself"
        );
        assert_eq!(
            running.get(path, &[("x-functions-key", "any")]).await?.0,
            200,
            "here a key says nothing, for or against"
        );
        assert_eq!(
            running.get(path, &[("via", "1.1 proxy"), ("x-functions-key", "any")]).await?.0,
            403,
            "{path}"
        );
    }
    assert_eq!(running.get("/", &[]).await?.0, 200);
    assert_eq!(running.get("/sync_calendar", &[]).await?.0, 404);
    let invoked =
        Client::new(&running.url).send("POST", "/sync_calendar", &[], r#"{"Data":{}}"#).await?;
    assert_eq!(invoked.status, 404, "no caller from outside invokes a function");
    let refused = Client::new(&running.url).send("POST", "/health", &[], "").await?;
    assert_eq!((refused.status, refused.header("allow")), (405, "GET, HEAD"));
    assert_eq!(running.terminate().await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_port_that_is_taken_is_said() -> anyhow::Result<()> {
    let env = paired(&[]).await?;
    let running = Running::start(&env.cli).await?;
    let address = format!("127.0.0.1:{}", running.url.port().context("a port")?);
    let answer = env.cli.run(&["--listen", &address]).await?;
    ensure!(answer.status == 1 && answer.stderr.contains("running already"), "{answer:?}");
    Ok(())
}

#[tokio::test]
async fn killed_ten_times_in_the_middle_nothing_is_lost_or_doubled() -> anyhow::Result<()> {
    let env = paired(&[]).await?;
    let [anna, ben] = &env.people;
    for (name, object) in many(60) {
        anna.put(&name, &object);
    }
    env.servers.iter().for_each(|server| {
        server.faults().always(On::any(), Fault::Delay(Duration::from_millis(3)))
    });
    let mut rng = Rng::of(815, &["standalone"]);
    for round in 0..10_i64 {
        let mut running = Running::start(&env.cli).await?;
        anna.put(
            &format!("new-{round}.ics"),
            &hour(&format!("new-{round}"), 210 + round, 9, &format!("New {round}")),
        );
        tokio::time::sleep(Duration::from_millis(20 + rng.below(300) as u64)).await;
        running.child.kill().await?;
    }
    env.servers.iter().for_each(|server| server.faults().clear());
    let running = Running::start(&env.cli).await?;
    until("everything arrives", || ben.len() == 70).await?;
    assert_eq!(running.terminate().await?, 0);
    assert_eq!(env.people.each_ref().map(Calendar::len), [70, 70]);
    assert_eq!(env.agendas()[0], env.agendas()[1]);
    env.check_at_rest().await?;
    Ok(())
}

#[tokio::test]
async fn a_server_that_goes_away_is_found_again() -> anyhow::Result<()> {
    let env = paired(&[]).await?;
    let [anna, ben] = &env.people;
    let running = Running::start(&env.cli).await?;
    anna.put("one.ics", &hour("one", 3, 9, "One"));
    until("the first copy", || ben.len() == 1).await?;
    env.servers[1].faults().always(On::any(), Fault::Status(503));
    anna.put("two.ics", &hour("two", 4, 9, "Two"));
    tokio::time::sleep(Duration::from_secs(4)).await;
    let status = env.cli.status().await?;
    assert_eq!(status["pairs"][0]["state"], "error", "{status}");
    env.servers[1].faults().clear();
    until("the second copy", || ben.len() == 2).await?;
    assert_eq!(running.terminate().await?, 0);
    Ok(())
}

/// One message fails for the first time, and another for the fifth.
#[tokio::test]
async fn a_message_that_fails_is_kept_until_it_has_failed_too_often() -> anyhow::Result<()> {
    const QUEUE: &str = "sync-calendar";
    let cli = Cli::new()?.with("CALRELAY_POLL_SECONDS", "3600").with("CALRELAY_STORE", "embedded");
    let env = Builder::caldav(Manners::generic()).build_cli_with(cli).await?;
    env.pair(TWO_WAY).await?;
    env.cli.sync().await?;
    #[expect(clippy::disallowed_methods, reason = "a process of its own has the system's clock")]
    let queues = Embedded::open(&env.cli.data_dir(), jiff::Timestamp::now)?;
    let nudge =
        serde_json::json!({"calendarId": env.calendars[0], "cause": "reconcile"}).to_string();
    queues.put(QUEUE, &nudge, Duration::ZERO).await?;
    for _ in 0..4 {
        let taken = queues.take(QUEUE, 1, Duration::from_secs(60)).await?;
        queues.extend(QUEUE, taken.first().context("the message")?, Duration::ZERO).await?;
    }
    queues.put(QUEUE, &nudge, Duration::ZERO).await?;
    env.servers[1].faults().always(On::any(), Fault::Status(503));
    let running = Running::start(&env.cli).await?;
    let begun = Instant::now();
    while queues.len(QUEUE).await? == 2 {
        ensure!(begun.elapsed() < Duration::from_secs(20), "nothing is given up");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(
        queues.len(QUEUE).await?,
        1,
        "the one that has failed once comes again in half a minute"
    );
    assert_eq!(queues.len("sync-calendar-poison").await?, 0, "the other one was reported");
    assert_eq!(env.cli.status().await?["pairs"][0]["state"], "error");
    assert_eq!(running.terminate().await?, 0);
    Ok(())
}
