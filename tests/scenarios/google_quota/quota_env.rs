//! Google and a CalDAV server, people with calendars there, and processes of one installation.
//!
//! The clock of the runtime is paused: it jumps to the next timer whenever no task has work. The
//! product keeps its rate limits with its own constants, the simulator counts by that clock, and no
//! test waits.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use engine::pair::Pair;
use engine::provider::ProviderKind;
use jiff::{SignedDuration, Timestamp};
use jobs::{Scope, SyncOptions};
use serde_json::{Value, json};
use simulators::caldav::{self, CalDav, Manners};
use simulators::google::{self, Server};

use crate::support::accounts::Account;
use crate::support::builder::Builder;
use crate::support::clock::{START, TestClock};
use crate::support::installation::{self, ONE_WAY, ProcessOptions, new_pair};
use crate::support::product;
use crate::support::servers::Provider;
use crate::support::storage::TestStorage;

/// How long each response of Google takes.
pub const LATENCY: Duration = Duration::from_millis(80);

/// The servers, and what one installation stores.
pub struct QuotaEnv {
    pub google: Arc<Server>,
    pub caldav: CalDav,
    options: ProcessOptions,
    storage: TestStorage,
}

impl QuotaEnv {
    pub async fn new() -> anyhow::Result<Self> {
        let google = Arc::new(Server::start().await?);
        google.clock().run_from(START.parse()?);
        google.manners(|manners| manners.latency = LATENCY);
        let (options, storage) = Builder::providers([Provider::Google, Provider::CalDav])
            .google(google.clone())
            .public()
            .rate_limits()
            .clock(TestClock::Google(google.clock().clone()))
            .storage(TestStorage::embedded()?)
            .build_processes()
            .await?;
        let caldav = CalDav::start(Manners::generic()).await?;
        Ok(Self { google, caldav, options, storage })
    }

    /// A process of the installation, with connections, rate limits and memory of its own.
    pub fn process(&self) -> anyhow::Result<Scope> {
        self.options.process(&self.storage, &self.storage.open(&self.options.clock)?)
    }

    /// Connects an account at Google.
    pub async fn connect_google(
        &self,
        scope: &Scope,
        address: &str,
    ) -> anyhow::Result<google::Account> {
        let account = self.google.account(address);
        let connected = Account {
            kind: ProviderKind::Google,
            url: self.google.url().to_string(),
            user: address.to_owned(),
            password: account.refresh_token(),
        };
        installation::connect(scope, &connected).await?;
        Ok(account)
    }

    /// Connects an account of the CalDAV server.
    pub async fn connect_caldav(&self, scope: &Scope) -> anyhow::Result<caldav::Calendar> {
        let calendar = self.caldav.account("cleo", "cleo-secret-9753").calendar("cleo", "main");
        let connected = Account {
            kind: ProviderKind::Caldav,
            url: self.caldav.url().to_string(),
            user: "cleo".to_owned(),
            password: "cleo-secret-9753".to_owned(),
        };
        installation::connect(scope, &connected).await?;
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
    pub fn assert_no_harm(&self) {
        assert_eq!(self.google.violations(), Vec::<String>::new());
        assert_eq!(
            (self.google.mails(), self.google.propagated(), self.caldav.mails_sent()),
            (0, 0, 0)
        );
    }
}

/// Pairs two calendars one way; `from` and `to` are the ends of their addresses.
pub async fn pair(scope: &Scope, from: &str, to: &str) -> anyhow::Result<Pair> {
    let listing = product::calendars(scope, None).await?;
    let id = |end: &str| {
        let found = listing.calendars.iter().find(|row| row.address.ends_with(end));
        anyhow::Ok(found.with_context(|| format!("no calendar {end}"))?.id.clone())
    };
    let new = new_pair([&id(from)?, &id(to)?], ONE_WAY);
    Ok(product::add_pair(scope, new).await?)
}

/// A pass that has to succeed; returns the number of copies that it makes.
pub async fn sync(scope: &Scope, pair: &Pair) -> anyhow::Result<u64> {
    let run = installation::sync(scope, pair, SyncOptions::default()).await?;
    anyhow::ensure!(run.error.is_none(), "{:?}", run.error);
    Ok(run.created)
}

/// An hour of some day of the window.
pub fn hour(n: usize, title: &str) -> Value {
    let begin: Timestamp = START.parse().unwrap();
    let start = begin + SignedDuration::from_hours(2 + i64::try_from(n).unwrap());
    json!({
        "summary": title,
        "start": { "dateTime": start.to_string(), "timeZone": "UTC" },
        "end": { "dateTime": (start + SignedDuration::from_mins(30)).to_string(), "timeZone": "UTC" },
    })
}
