//! The hosted environment: two CalDAV servers, and the real program under the stand-in for the
//! Functions host.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use simulators::caldav::Calendar;
use simulators::functions_host::{App, Environment, Host, Site, Source, Tally};
use tempfile::TempDir;

use super::cli::{TWO_WAY, program};
use super::cli_env::CliEnv;

pub const QUEUE: &str = "sync-calendar";
pub const POISON: &str = "sync-calendar-poison";

/// Longer than any step takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A pair both ways, and instances of the host that work for it.
pub struct HostedEnv<S> {
    pub env: CliEnv,
    pub queues: Arc<S>,
    pub site: Site,
    pub hosts: Vec<Host>,
    _package: TempDir,
}

impl<S> std::ops::Deref for HostedEnv<S> {
    type Target = CliEnv;

    fn deref(&self) -> &CliEnv {
        &self.env
    }
}

impl<S: Source> HostedEnv<S> {
    /// Pairs the calendars of an environment and starts one instance, with these settings.
    /// `visibility` is the delay between a failure of a message and the next attempt; `host.json`
    /// has half a minute, for which no test waits.
    pub async fn new(
        env: CliEnv,
        settings: &[(&str, &str)],
        queues: S,
        visibility: &str,
    ) -> anyhow::Result<Self> {
        env.pair(TWO_WAY).await?;
        let package = package(visibility)?;
        let mut environment = environment(settings);
        environment.push(("CALRELAY_DATA_DIR".into(), env.cli.data_dir().display().to_string()));
        let site = Site::new(App::read(package.path())?, environment)?;
        let queues = Arc::new(queues);
        let mut hosted = Self { env, queues, site, hosts: Vec::new(), _package: package };
        hosted.start_instance().await?;
        Ok(hosted)
    }

    /// Starts one more instance.
    pub async fn start_instance(&mut self) -> anyhow::Result<()> {
        self.hosts.push(self.site.start(self.queues.clone()).await?);
        Ok(())
    }

    /// The first instance.
    pub fn host(&self) -> &Host {
        &self.hosts[0]
    }

    /// The results of a function on all instances.
    pub fn tally(&self, function: &str) -> Tally {
        self.hosts.iter().map(|host| host.tally(function)).fold(Tally::default(), |all, one| {
            Tally {
                succeeded: all.succeeded + one.succeeded,
                failed: all.failed + one.failed,
                poisoned: all.poisoned + one.poisoned,
                past_due: all.past_due + one.past_due,
            }
        })
    }

    /// Waits until a condition holds.
    pub async fn until(&self, what: &str, holds: impl Fn() -> bool) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !holds() {
            self.check(what, begun)?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Waits until no message is visible and no function runs.
    pub async fn drain(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut quiet = 0;
        // A second look when all is quiet: a message may move from one queue to the other.
        while quiet < 2 {
            self.check("the queues are never empty", begun)?;
            let waiting = self.queues.waiting(QUEUE).await.unwrap_or(1)
                + self.queues.waiting(POISON).await.unwrap_or(1);
            let busy: usize = self.hosts.iter().map(Host::busy).sum();
            if waiting + busy == 0 {
                quiet += 1;
                continue;
            }
            quiet = 0;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    fn check(&self, what: &str, begun: Instant) -> anyhow::Result<()> {
        let ended = self.hosts.iter().find_map(Host::ended);
        ensure!(
            ended.is_none() && begun.elapsed() < PATIENCE,
            "{what}: {ended:?} {:?}\n{}",
            self.complaints(),
            self.site.log()
        );
        Ok(())
    }

    /// Moves the clock by a minute and drains the queues; returns the number of messages.
    pub async fn minute(&self) -> anyhow::Result<usize> {
        let (polls, messages) =
            (self.tally("poll_caldav").ended(), self.tally("sync_calendar").ended());
        self.site.clock().advance(Duration::from_secs(60));
        self.until("no poll", || self.tally("poll_caldav").ended() > polls).await?;
        self.drain().await?;
        Ok(self.tally("sync_calendar").ended() - messages)
    }

    /// Moves the clock until a minute brings no message.
    pub async fn settle(&self) -> anyhow::Result<()> {
        for _ in 0..10 {
            if self.minute().await? == 0 {
                return Ok(());
            }
        }
        anyhow::bail!("every minute brings messages: {}", self.site.log())
    }

    /// The message that a change in a calendar leads to.
    pub fn nudge(&self, side: usize, cause: &str) -> String {
        json!({"calendarId": self.calendars[side], "cause": cause}).to_string()
    }

    fn complaints(&self) -> Vec<String> {
        self.hosts.iter().flat_map(Host::complaints).collect()
    }

    /// Both calendars show equal events, every event once, and neither a server nor the host complains.
    #[track_caller]
    pub fn assert_equal_sides(&self, events: usize) {
        let [ours, theirs] = self.agendas();
        assert_eq!(ours, theirs, "{}", self.site.log());
        assert_eq!(
            self.people.each_ref().map(Calendar::len),
            [events, events],
            "nothing is lost, and nothing is doubled"
        );
        let mut distinct = ours.clone();
        distinct.dedup();
        assert_eq!(distinct, ours, "an event is listed twice");
        self.assert_no_harm();
        assert_eq!(self.complaints(), Vec::<String>::new());
    }
}

/// These settings, and those of every handler in the tests.
pub fn environment(settings: &[(&str, &str)]) -> Environment {
    let common = [("CALRELAY_ALLOW_PRIVATE_HOSTS", "true")];
    settings
        .iter()
        .chain(&common)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// The app as it is packaged: the program, `host.json`, and each function's `function.json`.
pub fn package(visibility: &str) -> anyhow::Result<TempDir> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the repository")?;
    let package = tempfile::tempdir()?;
    let (program, packaged) = (program()?, package.path().join("calrelay"));
    // A link where that is possible: the program is large.
    std::fs::hard_link(&program, &packaged)
        .or_else(|_| std::fs::copy(&program, &packaged).map(drop))?;
    let mut host: Value = serde_json::from_slice(&std::fs::read(repository.join("host.json"))?)?;
    host["extensions"]["queues"]["visibilityTimeout"] = visibility.into();
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
