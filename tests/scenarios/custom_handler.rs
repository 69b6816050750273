//! Under the Functions host: the main job through its stand-in, on embedded storage (O1).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use simulators::caldav::Manners;
use simulators::client::Client;
use simulators::faults::{Fault, On};
use simulators::functions_host::{App, Drained, Front, Handler, Outcome, Received, Source};
use simulators::rng::Rng;
use store::{Embedded, Message, Queue};
use tempfile::TempDir;

use crate::cli::{Cli, TWO_WAY, program};
use crate::events::{hour, many};
use crate::village::Village;

const QUEUE: &str = "sync-calendar";
const POISON: &str = "sync-calendar-poison";

/// The queue of the program's data directory, opened beside it as another process.
struct Storage(Embedded);

impl Storage {
    fn of(village: &Village) -> anyhow::Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "a process of its own has the system's clock")]
        let clock = jiff::Timestamp::now;
        Ok(Self(Embedded::open(&village.cli.data_dir(), clock)?))
    }
}

fn message(received: &Received) -> Message {
    let count = u32::try_from(received.dequeue_count).unwrap_or(u32::MAX);
    Message { id: received.id.clone(), receipt: received.receipt.clone(), body: received.text.clone(), dequeue_count: count }
}

impl Source for Storage {
    async fn receive(&self, queue: &str, most: usize, hide: Duration) -> anyhow::Result<Vec<Received>> {
        let taken = self.0.take(queue, most, hide).await?;
        let received = |m: Message| Received { id: m.id, receipt: m.receipt, text: m.body, dequeue_count: m.dequeue_count.into() };
        Ok(taken.into_iter().map(received).collect())
    }
    async fn delete(&self, queue: &str, received: &Received) -> anyhow::Result<()> {
        Ok(self.0.delete(queue, &message(received)).await?)
    }
    async fn release(&self, queue: &str, received: &Received, after: Duration) -> anyhow::Result<()> {
        self.0.extend(queue, &message(received), after).await?;
        Ok(())
    }
    async fn send(&self, queue: &str, text: &str) -> anyhow::Result<()> {
        Ok(self.0.put(queue, text, Duration::ZERO).await?)
    }
}

/// A village whose program runs under the host.
struct Town {
    village: Village,
    storage: Storage,
    handler: Handler,
    _package: TempDir,
}

impl Town {
    async fn new() -> anyhow::Result<Self> {
        // Its queue is looked into from here, which is a file of embedded storage.
        let village = Village::of(Cli::new()?.with("CALRELAY_STORE", "embedded"), Manners::generic()).await?;
        village.pair(TWO_WAY).await?;
        let package = package()?;
        let settings = [("CALRELAY_STORE", "embedded"), ("CALRELAY_ALLOW_PRIVATE_HOSTS", "true")];
        let mut environment: Vec<(String, String)> = settings.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        environment.push(("CALRELAY_DATA_DIR".into(), village.cli.data_dir().display().to_string()));
        let handler = Handler::start(App::read(package.path())?, environment).await?;
        let storage = Storage::of(&village)?;
        Ok(Self { village, storage, handler, _package: package })
    }

    /// What a minute brings: a tick, and everything that it sent is dealt with.
    async fn minute(&self) -> anyhow::Result<Drained> {
        ensure!(self.handler.fire("poll_caldav", false).await? == Outcome::Succeeded, "{}", self.handler.log());
        self.handler.drain_all(&self.storage, QUEUE).await
    }

    /// Minutes until one brings nothing.
    async fn settle(&self) -> anyhow::Result<()> {
        for _ in 0..10 {
            if self.minute().await?.total() == 0 {
                return Ok(());
            }
        }
        anyhow::bail!("it never comes to rest: {}", self.handler.log())
    }

    fn nudge(&self, side: usize, cause: &str) -> String {
        serde_json::json!({"calendarId": self.village.calendars[side], "cause": cause}).to_string()
    }
}

/// The app as it is packaged: the program, `host.json`, and each function's `function.json`. A message that failed comes back at once.
fn package() -> anyhow::Result<TempDir> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the repository")?;
    let package = tempfile::tempdir()?;
    std::fs::copy(program()?, package.path().join("calrelay"))?;
    let mut host: Value = serde_json::from_slice(&std::fs::read(repository.join("host.json"))?)?;
    host["extensions"]["queues"]["visibilityTimeout"] = "00:00:00".into();
    std::fs::write(package.path().join("host.json"), host.to_string())?;
    for entry in std::fs::read_dir(repository.join("functions"))? {
        let file = entry?.path().join("function.json");
        if let Some(folder) = file.parent().and_then(Path::file_name).filter(|_| file.is_file()) {
            std::fs::create_dir(package.path().join(folder))?;
            std::fs::copy(&file, package.path().join(folder).join("function.json"))?;
        }
    }
    Ok(package)
}

#[tokio::test]
async fn the_main_job_is_done_under_the_host() -> anyhow::Result<()> {
    let town = Town::new().await?;
    let [anna, ben] = &town.village.people;
    for (name, object) in many(12) {
        anna.put(&name, &object);
    }
    town.settle().await?;
    assert_eq!((ben.len(), town.village.agendas()[0].len()), (12, 12));
    assert_eq!(town.village.agendas()[0], town.village.agendas()[1]);
    town.village.reset_counts();
    assert_eq!(town.minute().await?, Drained::default(), "nothing has happened, and nothing is sent");
    assert_eq!(town.village.servers.each_ref().map(|server| server.counts().total()), [1, 1], "one glance a server");
    let copy = ben.names()[0].clone();
    ben.edit(&copy, |ics| ics.replace("SUMMARY:", "SUMMARY:Moved "));
    town.settle().await?;
    assert!(town.village.agendas()[0].iter().any(|line| line.contains("Moved")));
    town.village.assert_nobody_was_harmed();
    assert_ne!(town.handler.terminate().await?, 0);
    Ok(())
}

#[tokio::test]
async fn nobody_outside_invokes_a_function() -> anyhow::Result<()> {
    let town = Town::new().await?;
    let front = Front::start(town.handler.app(), town.handler.url()).await?;
    let outside = Client::new(front.url());
    let health = outside.send("GET", "/health", &[], "").await?;
    assert_eq!(health.status, 200, "{}", health.text());
    assert_eq!(serde_json::from_slice::<Value>(&health.body)?, serde_json::json!({"ok": true, "storage": true, "vault": true}));
    assert_eq!(outside.send("GET", "/health?detail", &[], "").await?.status, 403, "everybody comes through the front");
    assert_eq!(outside.send("GET", "/", &[], "").await?.status, 200);
    for name in town.handler.app().functions.keys().filter(|name| *name != "health") {
        for path in [
            format!("/{name}"),
            format!("/{name}/"),
            format!("//{name}"),
            format!("/./{name}"),
            format!("/health/../{name}"),
            format!("/%2e/{name}"),
        ] {
            for method in ["POST", "GET", "PUT"] {
                assert_eq!(outside.send_exactly(method, &path, &[], r#"{"Data":{"nudge":"x"}}"#).await?.status, 404, "{method} {path}");
            }
        }
    }
    assert_eq!(outside.send("POST", "/health", &[], "").await?.status, 404);
    Ok(())
}

/// What the host lets pass has shown the key of `diagnose`; the port itself is on the loopback.
#[tokio::test]
async fn the_operator_is_told_more_by_a_function_with_a_key() -> anyhow::Result<()> {
    let town = Town::new().await?;
    let answer = Client::new(town.handler.url()).send("GET", "/health/detail", &[("x-functions-key", "known to the host")], "").await?;
    let document: Value = serde_json::from_slice(&answer.body)?;
    assert_eq!((answer.status, &document["detail"]["pairs"]["ok"]), (200, &Value::from(1)), "{document}");
    let checks: Vec<&str> = document["findings"].as_array().context("findings")?.iter().filter_map(|one| one["check"].as_str()).collect();
    for check in ["settings", "storage:rows", "storage:queue", "storage:leases", "vault", "accounts", "work", "clock"] {
        assert!(checks.contains(&check), "{check}: {document}");
    }
    assert!(!document.to_string().contains("anna"), "it names nobody: {document}");
    Ok(())
}

#[tokio::test]
async fn a_message_that_fails_for_good_marks_its_pair() -> anyhow::Result<()> {
    let town = Town::new().await?;
    town.village.people[0].put("one.ics", &hour("one", 3, 9, "One"));
    town.settle().await?;
    town.village.servers[1].faults().always(On::any(), Fault::Status(503));
    town.storage.send(QUEUE, &town.nudge(0, "reconcile")).await?;
    let drained = town.handler.drain_all(&town.storage, QUEUE).await?;
    assert_eq!((drained.failed, drained.poisoned), (4, 1), "{}", town.handler.log());
    assert_eq!(town.handler.drain_all(&town.storage, POISON).await?.succeeded, 1);
    let status = town.village.cli.status().await?;
    assert_eq!(status["pairs"][0]["state"], "error", "{status}");
    assert!(status["pairs"][0]["error"]["message"].as_str().is_some_and(|words| words.contains("Nothing was lost")), "{status}");
    town.village.servers[1].faults().clear();
    town.settle().await?;
    assert_eq!(town.village.cli.status().await?["pairs"][0]["state"], "ok");
    Ok(())
}

#[tokio::test]
async fn what_is_no_nudge_is_dropped_and_a_late_one_does_no_harm() -> anyhow::Result<()> {
    let town = Town::new().await?;
    for text in
        ["", "x", "123", "{}", "[]", "\"quoted\"", r#"{"calendarId":"nowhere","cause":"poll"}"#, r#"{"dequeueCount":9,"calendarId":"c"}"#]
    {
        if !text.is_empty() {
            town.storage.send(QUEUE, text).await?;
        }
    }
    assert_eq!(town.handler.drain_all(&town.storage, QUEUE).await?, Drained { succeeded: 7, failed: 0, poisoned: 0 });
    town.village.people[0].put("one.ics", &hour("one", 3, 9, "One"));
    town.settle().await?;
    town.storage.send(QUEUE, &town.nudge(1, "webhook")).await?;
    assert_eq!(town.handler.drain_all(&town.storage, QUEUE).await?.succeeded, 1);
    assert_eq!(town.village.people[1].len(), 1);
    assert_eq!(town.handler.fire("reconcile", true).await?, Outcome::Succeeded);
    assert_eq!(town.handler.drain_all(&town.storage, QUEUE).await?.succeeded, 1);
    Ok(())
}

#[tokio::test]
async fn the_same_message_twice_at_once_makes_each_copy_once() -> anyhow::Result<()> {
    let town = Town::new().await?;
    for (name, object) in many(30) {
        town.village.people[0].put(&name, &object);
    }
    town.village.servers[1].faults().always(On::any(), Fault::Delay(Duration::from_millis(5)));
    for _ in 0..4 {
        town.storage.send(QUEUE, &town.nudge(0, "webhook")).await?;
        town.storage.send(QUEUE, &town.nudge(1, "poll")).await?;
    }
    town.handler.drain(&town.storage, QUEUE).await?;
    town.village.servers[1].faults().clear();
    town.settle().await?;
    assert_eq!(town.village.people.each_ref().map(simulators::caldav::Calendar::len), [30, 30]);
    assert_eq!(town.village.agendas()[0], town.village.agendas()[1]);
    Ok(())
}

#[tokio::test]
async fn a_handler_that_is_killed_in_the_middle_loses_and_doubles_nothing() -> anyhow::Result<()> {
    let mut town = Town::new().await?;
    for (name, object) in many(60) {
        town.village.people[0].put(&name, &object);
    }
    town.village.servers.iter().for_each(|server| server.faults().always(On::any(), Fault::Delay(Duration::from_millis(3))));
    let mut rng = Rng::of(4_711, &["handler"]);
    for round in 0..10_i64 {
        town.village.people[0].put(&format!("new-{round}.ics"), &hour(&format!("new-{round}"), 210 + round, 9, &format!("New {round}")));
        let moment = Duration::from_millis(20 + rng.below(300) as u64);
        // Whatever the host was waiting for is cut off.
        let _ = tokio::time::timeout(moment, town.minute()).await;
        town.handler = town.handler.restart().await?;
    }
    town.village.servers.iter().for_each(|server| server.faults().clear());
    town.settle().await?;
    assert_eq!(town.village.people.each_ref().map(simulators::caldav::Calendar::len), [70, 70]);
    assert_eq!(town.village.agendas()[0], town.village.agendas()[1]);
    town.village.assert_nobody_was_harmed();
    Ok(())
}

/// What the host does with a handler that it cannot start.
#[tokio::test]
async fn settings_that_cannot_be_used_end_the_handler_with_an_error() -> anyhow::Result<()> {
    let package = package()?;
    let app = Arc::new(App::read(package.path())?);
    for settings in [vec![("CALRELAY_STORE", "sqlite")], vec![("CALRELAY_STORE", "embedded"), ("CALRELAY_POLL_SECONDS", "never")]] {
        let environment = settings.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let error = Handler::start((*app).clone(), environment).await.err().context("it must not start")?.to_string();
        assert!(error.contains("ended at its start (exit status: 1)"), "{error}");
    }
    Ok(())
}
