//! Google and a CalDAV server, people with calendars there, and processes of ours, all in the time
//! of one runtime whose clock is paused: it jumps to the next timer whenever nobody has anything to
//! do. So the product keeps its pace in earnest, with its own constants, and the simulator counts
//! by the same clock; only that nobody has to wait.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use engine::pair::Pair;
use engine::provider::ProviderKind;
use jiff::{SignedDuration, Timestamp};
use jobs::directory::{self, NewPair};
use jobs::doctor::Setup;
use jobs::report::Silent;
use jobs::{Services, SyncOptions};
use providers::http::{AddressPolicy, Http};
use serde_json::{Value, json};
use simulators::caldav::{self, CalDav, Manners};
use simulators::google::{self, Server};
use store::Embedded;
use tempfile::TempDir;

use crate::support::env::push_env::Watch;
use crate::support::env::{BEGINNING, Connector};
use crate::support::google::{Google, Settings};

/// Every answer of Google takes this long.
pub const LATENCY: Duration = Duration::from_millis(80);

/// The servers, and what one installation keeps.
pub struct House {
    pub google: Server,
    pub caldav: CalDav,
    settings: Settings,
    dir: TempDir,
}

impl House {
    pub async fn new() -> anyhow::Result<Self> {
        let google = Server::start().await?;
        google.clock().run_from(BEGINNING.parse()?);
        google.manners(|manners| manners.latency = LATENCY);
        let memory = std::path::Path::new("/dev/shm");
        let dir =
            if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? };
        Ok(Self {
            settings: Settings::of(&google)?,
            caldav: CalDav::start(Manners::generic()).await?,
            google,
            dir,
        })
    }

    /// A process of the installation: with connections, a pace and a memory of its own.
    pub fn process(&self) -> anyhow::Result<Services> {
        let clock = self.google.clock().clone();
        let store = Arc::new(Embedded::open(self.dir.path(), move || clock.now())?);
        let http = Arc::new(Http::new(AddressPolicy { allow_private: true })?);
        Ok(Services {
            leases: store.clone(),
            queue: store.clone(),
            store,
            vault: Arc::new(vault::Envelope::new(
                vault::LocalKey::open(self.dir.path())?,
                vault::Root::new(&[7; 32]),
            )),
            connect: Arc::new(Connector {
                google: Some(Google::new(&http, &self.settings)),
                http,
                origins: Default::default(),
                clock: None,
            }),
            clock: Arc::new(Watch(self.google.clock().clone())),
            owner: "local".into(),
            setup: Arc::new(Setup {
                public_url: Some("https://calendars.example.org".into()),
                ..Setup::default()
            }),
            pace: Arc::default(),
        })
    }

    /// Somebody's account at Google, connected.
    pub async fn person(
        &self,
        services: &Services,
        address: &str,
    ) -> anyhow::Result<google::Account> {
        let account = self.google.account(address);
        let url = self.google.url().to_string();
        directory::connect_account(
            services,
            ProviderKind::Google,
            &url,
            address,
            &account.refresh_token().into(),
        )
        .await?;
        Ok(account)
    }

    /// Somebody's calendar on the CalDAV server, connected.
    pub async fn neighbour(&self, services: &Services) -> anyhow::Result<caldav::Calendar> {
        let calendar = self.caldav.account("cleo", "cleo-secret-9753").calendar("cleo", "main");
        let url = self.caldav.url().to_string();
        directory::connect_account(
            services,
            ProviderKind::Caldav,
            &url,
            "cleo",
            &"cleo-secret-9753".into(),
        )
        .await?;
        Ok(calendar)
    }

    /// Waits until something holds that takes no longer than this, and is looked at so often; how
    /// long it took.
    pub async fn until(
        &self,
        [within, every]: [Duration; 2],
        what: &str,
        holds: impl Fn() -> bool,
    ) -> anyhow::Result<Duration> {
        let begun = tokio::time::Instant::now();
        while !holds() {
            anyhow::ensure!(
                begun.elapsed() < within,
                "{what}: not within {within:?}; {}",
                self.google.counts()
            );
            tokio::time::sleep(every).await;
        }
        Ok(begun.elapsed())
    }

    /// No quota was reached. What a minute of one account, and ten seconds of one calendar, have
    /// come to at the most.
    #[track_caller]
    pub fn assert_below_quotas(&self) -> [u32; 2] {
        assert_eq!(self.google.refused_by_quota(), 0);
        let most = [self.google.busiest_minute(), self.google.fastest_ten_seconds()];
        assert!(most[0] <= 600 && most[1] <= 54, "{most:?}");
        most
    }

    /// What must never have happened.
    #[track_caller]
    pub fn assert_proper(&self) {
        assert_eq!(self.google.violations(), Vec::<String>::new());
        assert_eq!(
            (self.google.mails(), self.google.propagated(), self.caldav.mails_sent()),
            (0, 0, 0)
        );
    }
}

/// One-way, from the calendar whose address ends so to the one whose address ends so.
pub async fn pair(services: &Services, from: &str, to: &str) -> anyhow::Result<Pair> {
    let listing = directory::calendars(services, None).await?;
    let id = |end: &str| {
        let found = listing.calendars.iter().find(|row| row.address.ends_with(end));
        anyhow::Ok(found.with_context(|| format!("no calendar {end}"))?.id.clone())
    };
    let (window_past, window_future) = ("3mo".parse()?, "12mo".parse()?);
    let (from, to) = (id(from)?, id(to)?);
    let new = NewPair {
        from,
        to,
        two_way: false,
        private: false,
        private_back: false,
        window_past,
        window_future,
        take_over: false,
    };
    Ok(directory::add_pair(services, new).await?)
}

/// A pass that somebody waits for, to its end.
pub async fn sync(services: &Services, pair: &Pair) -> anyhow::Result<u64> {
    let report =
        jobs::sync(services, std::slice::from_ref(pair), SyncOptions::default(), &Silent).await;
    let run = report.pairs.into_iter().next().context("one pair, one run")?;
    anyhow::ensure!(run.error.is_none(), "{:?}", run.error);
    Ok(run.created)
}

/// An hour of some day of the window.
pub fn hour(n: usize, title: &str) -> Value {
    let begin: Timestamp = BEGINNING.parse().unwrap();
    let start = begin + SignedDuration::from_hours(2 + i64::try_from(n).unwrap());
    json!({
        "summary": title,
        "start": { "dateTime": start.to_string(), "timeZone": "UTC" },
        "end": { "dateTime": (start + SignedDuration::from_mins(30)).to_string(), "timeZone": "UTC" },
    })
}
