//! Pushes from Google: how long it takes from a notification to the copy, and what is asked of
//! Google for it. By itself on embedded storage, and under the Functions host with its storage on
//! Azurite.
//!
//! Every call to Google takes [`LATENCY`]. Notifications are handed over by this program as soon as
//! Google has made them, those about our own writes too. A lag is counted from the edit, so the way
//! of the notification is in it.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::json;
use simulators::azurite::Azurite;
use simulators::client::Client;
use simulators::functions_host::{App, Site, StorageQueues};
use simulators::google::{Account, Calendar, Pushes, Server};
use simulators::traffic::Kind;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::task::JoinHandle;
use url::Url;

use crate::calrelay::Calrelay;
use crate::hosted::{self, Folder};
use crate::stats::{median, time};
use crate::table::Table;

/// Of every call to Google.
const LATENCY: Duration = Duration::from_millis(80);
/// Pairs, each of two accounts, one-way.
const PAIRS: usize = 6;
/// Edits in each pair.
const EDITS: usize = 4;
/// Between two edits of different pairs.
const BETWEEN: Duration = Duration::from_millis(900);
/// A calendar is not looked at more often than this, however often Google calls.
const CALM: Duration = Duration::from_secs(6);
/// Changes of a burst.
const BURST: usize = 100;
/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(120);
/// Never called: notifications are handed over.
const OUTSIDE: &str = "https://calendars.example.org";

/// What one host came to.
struct Run {
    /// Sorted.
    lags: Vec<Duration>,
    /// Lists and writes at Google for one change, without what its echo costs.
    asked: [f64; 2],
    /// Requests for a burst beyond its writes, and how long it took.
    burst: (u64, Duration),
}

impl Run {
    fn percentile(&self, percent: usize) -> Duration {
        self.lags
            .get((self.lags.len() * percent).div_ceil(100).saturating_sub(1))
            .copied()
            .unwrap_or_default()
    }
}

/// Measures, and shows one table.
///
/// # Errors
/// Where something is broken; never because of a time.
pub async fn measure(calrelay: &Path, show: &mut impl FnMut(Table)) -> anyhow::Result<()> {
    let alone = standalone(calrelay).await?;
    let hosted = under_the_host(calrelay).await?;
    let both = [&alone, &hosted];
    let title = format!(
        "A push from Google, {} ms a call to it ({} edits)",
        LATENCY.as_millis(),
        PAIRS * EDITS
    );
    let mut table = Table::new(title, &["standalone, embedded", "Functions host, Azurite"]);
    table.row("from the edit to its copy, p50", both.map(|run| time(median(&run.lags))));
    table.target("at most 0.5 s standalone", median(&alone.lags) <= Duration::from_millis(500));
    table.row("p95", both.map(|run| time(run.percentile(95))));
    let p95 = alone.percentile(95) <= Duration::from_secs(1)
        && hosted.percentile(95) <= Duration::from_secs(2);
    table.target("at most 1 s standalone, 2 s under the host", p95);
    table.row("lists a change, its echo's with it", both.map(|run| format!("{:.1}", run.asked[0])));
    table.target("one, and one for the echo", both.iter().all(|run| run.asked[0] <= 2.0));
    table.row("writes a change", both.map(|run| format!("{:.1}", run.asked[1])));
    table.target("one", both.iter().all(|run| run.asked[1] <= 1.0));
    table.row(
        &format!("{BURST} changes at once: requests beyond the writes"),
        both.map(|run| run.burst.0.to_string()),
    );
    table.target("at most 4, and as many for the echo", both.iter().all(|run| run.burst.0 <= 8));
    table.row("  until the last is written", both.map(|run| time(run.burst.1)));
    table.note(
        "Writes to one calendar take turns, five a second at the most: Google wants it so.".into(),
    );
    show(table);
    Ok(())
}

async fn standalone(calrelay: &Path) -> anyhow::Result<Run> {
    eprintln!("Pushes, standalone…");
    let place = Place::new(calrelay, Vec::new()).await?;
    let mut command = place.calrelay.command(&["--listen", "127.0.0.1:0"]);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let mut lines = BufReader::new(child.stdout.take().context("stdout")?).lines();
    let line = lines.next_line().await?.context("it said nothing")?;
    let url = line
        .split_whitespace()
        .find(|word| word.starts_with("http://"))
        .with_context(|| line.clone())?;
    place.measure(&Url::parse(url)?).await
}

async fn under_the_host(calrelay: &Path) -> anyhow::Result<Run> {
    eprintln!("Pushes, under the Functions host…");
    let azurite = Azurite::start().await?;
    let place = Place::new(calrelay, hosted::azure(&azurite.connection_string())).await?;
    let folder = Folder::lay(calrelay)?;
    let site = Site::new(App::read(folder.path())?, place.calrelay.environment())?;
    let host = site.start(Arc::new(StorageQueues::new(&azurite.connection_string())?)).await?;
    place.measure(host.url()).await.with_context(|| site.log())
}

/// Google, its people in pairs, and an installation.
struct Place {
    google: Server,
    people: Vec<[Account; 2]>,
    calrelay: Calrelay,
}

impl Place {
    async fn new(program: &Path, mut settings: Vec<(String, String)>) -> anyhow::Result<Self> {
        let google = Server::start().await?;
        settings
            .extend(google.settings().into_iter().map(|(name, value)| (name.to_owned(), value)));
        settings.push(("CALRELAY_PUBLIC_URL".into(), OUTSIDE.into()));
        // It polls when it starts, and then no more.
        settings.push(("CALRELAY_POLL_SECONDS".into(), "86400".into()));
        let calrelay = Calrelay::new(program, settings)?;
        let mut people = Vec::new();
        for n in 0..PAIRS {
            let pair =
                ["from", "to"].map(|side| google.account(&format!("{side}-{n}@example.org")));
            let mut ids = Vec::new();
            for person in &pair {
                ids.push(calrelay.google(person.address(), &person.refresh_token()).await?);
            }
            calrelay.pair(&ids[0], &ids[1]).await?;
            people.push(pair);
        }
        google.manners(|manners| manners.latency = LATENCY);
        // Handed over, and not called.
        google.pushes().way(|way| way.hold = true);
        Ok(Self { google, people, calrelay })
    }

    async fn measure(&self, url: &Url) -> anyhow::Result<Run> {
        let courier = Courier(tokio::spawn(carry(self.google.pushes().clone(), url.clone())));
        until("no channels", || self.google.channels().len() == 2 * PAIRS).await?;
        self.rest().await?;
        self.google.reset_counts();
        let mut lags = Vec::new();
        for edit in 0..EDITS {
            for [from, to] in &self.people {
                lags.push(self.one(&from.primary(), &to.primary(), &format!("Edit {edit}")).await?);
                tokio::time::sleep(BETWEEN).await;
            }
            tokio::time::sleep(CALM).await;
        }
        lags.sort_unstable();
        self.rest().await?;
        let counts = self.google.counts();
        let each = |count: u64| count as f64 / (PAIRS * EDITS) as f64;
        let asked = [each(counts.of(Kind::List)), each(counts.writes())];
        let burst = self.burst().await?;
        ensure!(self.google.violations().is_empty(), "{:?}", self.google.violations());
        ensure!(
            self.google.mails() + self.google.propagated() + self.google.refused_by_quota() == 0,
            "mails, or quotas"
        );
        drop(courier);
        Ok(Run { lags, asked, burst })
    }

    /// One edit, until its copy is there.
    async fn one(&self, from: &Calendar, to: &Calendar, title: &str) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        from.add(event(title));
        until("a copy", || to.find(title).is_some()).await?;
        Ok(begun.elapsed())
    }

    async fn burst(&self) -> anyhow::Result<(u64, Duration)> {
        let [from, to] = self.people[0].each_ref().map(Account::primary);
        let before = to.len();
        self.google.reset_counts();
        let begun = Instant::now();
        (0..BURST).for_each(|n| drop(from.add(event(&format!("Burst {n}")))));
        until("the copies of a burst", || to.len() == before + BURST).await?;
        let whole = begun.elapsed();
        self.rest().await?;
        let counts = self.google.counts();
        Ok((counts.total() - counts.writes() - counts.of(Kind::Token), whole))
    }

    /// Until nothing is asked of Google for a while longer than a calendar is left alone.
    async fn rest(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut last = (self.google.counts().total(), Instant::now());
        while last.1.elapsed() < CALM + Duration::from_secs(1) {
            ensure!(begun.elapsed() < PATIENCE, "it never comes to rest");
            tokio::time::sleep(Duration::from_millis(100)).await;
            let total = self.google.counts().total();
            if total != last.0 {
                last = (total, Instant::now());
            }
        }
        Ok(())
    }
}

/// Hands notifications over until it is dropped.
struct Courier(JoinHandle<()>);

impl Drop for Courier {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn carry(pushes: Pushes, url: Url) {
    let mut carried = 0;
    loop {
        let sent = pushes.sent();
        for push in sent.iter().skip(carried) {
            let (client, headers) = (Client::new(&url), push.headers.clone());
            tokio::spawn(async move {
                let headers: Vec<(&str, &str)> =
                    headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
                // What is lost here shows as a copy that does not come.
                let _ = client.send("POST", "/webhooks/google", &headers, "").await;
            });
        }
        carried = sent.len();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

async fn until(what: &str, holds: impl Fn() -> bool) -> anyhow::Result<()> {
    let begun = Instant::now();
    while !holds() {
        ensure!(begun.elapsed() < PATIENCE, "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

/// An hour of tomorrow.
fn event(title: &str) -> serde_json::Value {
    let day = crate::data::today().tomorrow().unwrap_or(jiff::civil::Date::MAX);
    let at = |hour: u8| json!({ "dateTime": format!("{day}T{hour:02}:00:00Z") });
    json!({ "summary": title, "start": at(10), "end": at(11) })
}
