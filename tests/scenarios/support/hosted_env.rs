//! A village whose program runs under the stand-in for the Functions host.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use simulators::azurite::Azurite;
use simulators::caldav::{Calendar, Manners};
use simulators::functions_host::{App, Environment, Host, Site, Source, StorageQueues, Tally};
use tempfile::TempDir;

use crate::support::cli::{Cli, TWO_WAY, program};
use crate::support::cli_env::Village;

pub const QUEUE: &str = "sync-calendar";
pub const POISON: &str = "sync-calendar-poison";

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// A village with a pair both ways, and instances of the host that work for it.
pub struct Town<S> {
    pub village: Village,
    pub queues: Arc<S>,
    pub site: Site,
    pub hosts: Vec<Host>,
    _package: TempDir,
}

impl Town<StorageQueues> {
    /// On Azurite, with one instance. `visibility` is what stands between a failure of a message
    /// and the next attempt: half a minute in our `host.json`, for which no test waits.
    pub async fn on(azurite: &Azurite, visibility: &str) -> anyhow::Result<Self> {
        let connection = azurite.connection_string();
        let settings = [("CALRELAY_STORE", "azure"), ("AzureWebJobsStorage", &connection)];
        let queues = StorageQueues::new(&connection)?;
        Self::new(&settings, |_| Ok(queues), visibility).await
    }
}

impl<S: Source> Town<S> {
    /// With these settings, and queues that the host finds in this way.
    pub async fn new(
        settings: &[(&str, &str)],
        queues: impl FnOnce(&Village) -> anyhow::Result<S>,
        visibility: &str,
    ) -> anyhow::Result<Self> {
        let cli = settings
            .iter()
            .try_fold(Cli::new()?, |cli, (name, value)| anyhow::Ok(cli.with(name, value)))?;
        let village = Village::of(cli, Manners::generic()).await?;
        village.pair(TWO_WAY).await?;
        let queues = Arc::new(queues(&village)?);
        let package = package(visibility)?;
        let mut environment = environment(settings);
        environment
            .push(("CALRELAY_DATA_DIR".into(), village.cli.data_dir().display().to_string()));
        let site = Site::new(App::read(package.path())?, environment)?;
        let mut town = Self { village, queues, site, hosts: Vec::new(), _package: package };
        town.grow().await?;
        Ok(town)
    }

    /// One more instance.
    pub async fn grow(&mut self) -> anyhow::Result<()> {
        self.hosts.push(self.site.start(self.queues.clone()).await?);
        Ok(())
    }

    /// The first instance.
    pub fn host(&self) -> &Host {
        &self.hosts[0]
    }

    /// What came of a function on all instances.
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

    /// Waits until something holds.
    pub async fn until(&self, what: &str, holds: impl Fn() -> bool) -> anyhow::Result<()> {
        let begun = Instant::now();
        while !holds() {
            self.check(what, begun)?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Waits until all messages that can be taken are dealt with.
    pub async fn rest(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut quiet = 0;
        // Once more when all is quiet: a message may have been on its way from one queue to the
        // other.
        while quiet < 2 {
            self.check("the queues do not come to rest", begun)?;
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

    /// The clock moves on by a minute, and everything that this brings is dealt with; how many
    /// messages that was.
    pub async fn minute(&self) -> anyhow::Result<usize> {
        let (polls, messages) =
            (self.tally("poll_caldav").ended(), self.tally("sync_calendar").ended());
        self.site.clock().advance(Duration::from_secs(60));
        self.until("no poll", || self.tally("poll_caldav").ended() > polls).await?;
        self.rest().await?;
        Ok(self.tally("sync_calendar").ended() - messages)
    }

    /// Minutes until one brings nothing.
    pub async fn settle(&self) -> anyhow::Result<()> {
        for _ in 0..10 {
            if self.minute().await? == 0 {
                return Ok(());
            }
        }
        anyhow::bail!("it never comes to rest: {}", self.site.log())
    }

    /// What is sent when something happens in a calendar.
    pub fn nudge(&self, side: usize, cause: &str) -> String {
        json!({"calendarId": self.village.calendars[side], "cause": cause}).to_string()
    }

    fn complaints(&self) -> Vec<String> {
        self.hosts.iter().flat_map(Host::complaints).collect()
    }

    /// Both calendars show the same, every event once; nobody has a complaint, the host least of
    /// all.
    #[track_caller]
    pub fn assert_in_step(&self, events: usize) {
        let [ours, theirs] = self.village.agendas();
        assert_eq!(ours, theirs, "{}", self.site.log());
        assert_eq!(
            self.village.people.each_ref().map(Calendar::len),
            [events, events],
            "nothing is lost, and nothing is doubled"
        );
        let mut distinct = ours.clone();
        distinct.dedup();
        assert_eq!(distinct, ours, "an event stands there twice");
        self.village.assert_nobody_was_harmed();
        assert_eq!(self.complaints(), Vec::<String>::new());
    }
}

/// These settings, and those that every handler has here.
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
    // A link where that is possible: it is large.
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
