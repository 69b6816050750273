//! Pushes: how long it takes from a notification to the copy, and what is asked of the provider for
//! it. By itself on embedded storage, and under the Functions host with its storage on Azurite.
//!
//! Every call to the provider takes [`LATENCY`]. Notifications are handed over by this program as
//! soon as the provider has made them, those about our own writes too. A lag is counted from the
//! edit, so the way of the notification is in it.

mod cloud;
mod google;
mod microsoft;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use simulators::azurite::Azurite;
use simulators::client::Client;
use simulators::functions_host::{App, Site, StorageQueues};
use simulators::traffic::Kind;
use tokio::task::JoinHandle;
use url::Url;

use crate::calrelay::Calrelay;
use crate::hosted::{self, Folder};
use crate::stats::{median, time};
use crate::table::Table;
pub use cloud::Call;
use cloud::{Cloud, Hour};
pub use microsoft::{CONCURRENCY, call};

/// Of every call to the provider.
pub const LATENCY: Duration = Duration::from_millis(80);
/// Pairs, each of two accounts, one-way.
const PAIRS: usize = 6;
/// Edits in each pair.
const EDITS: usize = 4;
/// Between two edits of different pairs.
const BETWEEN: Duration = Duration::from_millis(900);
/// A calendar is not looked at more often than this, however often the provider calls.
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
    /// Reads for a new event, its echo's with them.
    new: f64,
    /// Reads and writes for a change, its echo's with them.
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

/// Measures, and shows one table a provider.
///
/// # Errors
/// Where something is broken; never because of a time.
pub async fn measure(calrelay: &Path, show: &mut impl FnMut(Table)) -> anyhow::Result<()> {
    provider::<simulators::google::Server>(calrelay, show).await?;
    provider::<simulators::graph::Graph>(calrelay, show).await
}

async fn provider<C: Cloud>(calrelay: &Path, show: &mut impl FnMut(Table)) -> anyhow::Result<()> {
    let alone = standalone::<C>(calrelay).await?;
    let hosted = under_the_host::<C>(calrelay).await?;
    let both = [&alone, &hosted];
    let title = format!(
        "A push from {}, {} ms a call to it ({} edits)",
        C::NAME,
        LATENCY.as_millis(),
        PAIRS * (1 + EDITS)
    );
    let mut table = Table::new(title, &["standalone, embedded", "Functions host, Azurite"]);
    table.row("from the edit to its copy, p50", both.map(|run| time(median(&run.lags))));
    let aim = format!("at most {} standalone", time(C::AIMS.half));
    table.target(aim, median(&alone.lags) <= C::AIMS.half);
    table.row("p95", both.map(|run| time(run.percentile(95))));
    let p95 =
        alone.percentile(95) <= C::AIMS.most && hosted.percentile(95) <= Duration::from_secs(2);
    table.target(format!("at most {} standalone, 2 s under the host", time(C::AIMS.most)), p95);
    table.row("reads for a new event", both.map(|run| format!("{:.1}", run.new)));
    // Under the host the calls of one event may meet a pass that has begun, and lead to one more.
    let aim = format!("at most {}, one of them for the echo; one more under the host", C::AIMS.new);
    table.target(aim, alone.new <= C::AIMS.new && hosted.new <= C::AIMS.new + 1.0);
    table.row("reads for a change", both.map(|run| format!("{:.1}", run.asked[0])));
    table.target("one, and one for the echo", both.iter().all(|run| run.asked[0] <= 2.1));
    table.row("writes for a change", both.map(|run| format!("{:.1}", run.asked[1])));
    table.target("one", both.iter().all(|run| run.asked[1] <= 1.0));
    table.row(
        &format!("{BURST} changes at once: requests beyond the writes"),
        both.map(|run| run.burst.0.to_string()),
    );
    table.target(
        format!("at most {}, the echo's among them", C::AIMS.burst),
        both.iter().all(|run| run.burst.0 <= C::AIMS.burst),
    );
    table.row("  until the last is written", both.map(|run| time(run.burst.1)));
    table.note(C::AIMS.note.into());
    show(table);
    Ok(())
}

async fn standalone<C: Cloud>(calrelay: &Path) -> anyhow::Result<Run> {
    eprintln!("Pushes from {}, standalone…", C::NAME);
    let place = Place::<C>::new(calrelay, Vec::new()).await?;
    let (_child, url) = place.calrelay.serve().await?;
    place.measure(&url).await
}

async fn under_the_host<C: Cloud>(calrelay: &Path) -> anyhow::Result<Run> {
    eprintln!("Pushes from {}, under the Functions host…", C::NAME);
    let azurite = Azurite::start().await?;
    let place = Place::<C>::new(calrelay, hosted::azure(&azurite.connection_string())).await?;
    let folder = Folder::lay(calrelay)?;
    let site = Site::new(App::read(folder.path())?, place.calrelay.environment())?;
    let host = site.start(Arc::new(StorageQueues::new(&azurite.connection_string())?)).await?;
    place.measure(host.url()).await.with_context(|| site.log())
}

/// The provider, its people in pairs, and an installation.
struct Place<C: Cloud> {
    cloud: C,
    people: Vec<[C::Calendar; 2]>,
    calrelay: Calrelay,
}

impl<C: Cloud> Place<C> {
    async fn new(program: &Path, mut settings: Vec<(String, String)>) -> anyhow::Result<Self> {
        let cloud = C::start().await?;
        settings.extend(cloud.settings().into_iter().map(|(name, value)| (name.to_owned(), value)));
        settings.push(("CALRELAY_PUBLIC_URL".into(), OUTSIDE.into()));
        // It polls when it starts, and then no more.
        settings.push(("CALRELAY_POLL_SECONDS".into(), "86400".into()));
        let calrelay = Calrelay::new(program, settings)?;
        let mut people = Vec::new();
        for n in 0..PAIRS {
            let (from, from_id) =
                person(&cloud, &calrelay, &format!("from-{n}@example.org")).await?;
            let (to, to_id) = person(&cloud, &calrelay, &format!("to-{n}@example.org")).await?;
            calrelay.pair(&from_id, &to_id).await?;
            people.push([from, to]);
        }
        cloud.begin(LATENCY);
        Ok(Self { cloud, people, calrelay })
    }

    async fn measure(&self, url: &Url) -> anyhow::Result<Run> {
        let courier = Courier(tokio::spawn(carry(self.cloud.outbox(), url.clone())));
        until("no watches", || self.cloud.watches() == 2 * PAIRS).await?;
        self.rest().await?;
        self.cloud.reset_counts();
        let (mut lags, mut ids) = (Vec::new(), Vec::new());
        for pair in &self.people {
            let begun = Instant::now();
            ids.push(C::add(&pair[0], &hour("New".to_owned())));
            lags.push(until_copied::<C>(pair, "New", begun).await?);
            tokio::time::sleep(BETWEEN).await;
        }
        self.rest().await?;
        let new = self.asked().0 as f64 / PAIRS as f64;
        self.cloud.reset_counts();
        for edit in 0..EDITS {
            let title = format!("Edit {edit}");
            for (pair, id) in self.people.iter().zip(&ids) {
                let begun = Instant::now();
                ensure!(C::rename(&pair[0], id, &title), "an event is not there");
                lags.push(until_copied::<C>(pair, &title, begun).await?);
                tokio::time::sleep(BETWEEN).await;
            }
            tokio::time::sleep(CALM).await;
        }
        lags.sort_unstable();
        self.rest().await?;
        let (reads, writes) = self.asked();
        let each = |count: u64| count as f64 / (PAIRS * EDITS) as f64;
        let burst = self.burst().await?;
        self.cloud.check()?;
        drop(courier);
        Ok(Run { lags, new, asked: [each(reads), each(writes)], burst })
    }

    async fn burst(&self) -> anyhow::Result<(u64, Duration)> {
        let [from, to] = &self.people[0];
        let before = C::len(to);
        self.cloud.reset_counts();
        let begun = Instant::now();
        (0..BURST).for_each(|n| drop(C::add(from, &hour(format!("Burst {n}")))));
        until("the copies of a burst", || C::len(to) == before + BURST).await?;
        let whole = begun.elapsed();
        self.rest().await?;
        Ok((self.asked().0, whole))
    }

    /// Reads and writes since the last reset.
    fn asked(&self) -> (u64, u64) {
        let counts = self.cloud.counts();
        let writes = counts.writes();
        (counts.total() - writes - counts.of(Kind::Token), writes)
    }

    /// Until nothing is asked of the provider for a while longer than a calendar is left alone.
    async fn rest(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        let mut last = (self.cloud.counts().total(), Instant::now());
        while last.1.elapsed() < CALM + Duration::from_secs(1) {
            ensure!(begun.elapsed() < PATIENCE, "it never comes to rest");
            tokio::time::sleep(Duration::from_millis(100)).await;
            let total = self.cloud.counts().total();
            if total != last.0 {
                last = (total, Instant::now());
            }
        }
        Ok(())
    }
}

/// Connects a new person; the calendar, and its id.
async fn person<C: Cloud>(
    cloud: &C,
    calrelay: &Calrelay,
    address: &str,
) -> anyhow::Result<(C::Calendar, String)> {
    let (calendar, name, token) = cloud.person(address);
    let id = calrelay.granted(C::NAME, &name, &token).await?;
    Ok((calendar, id))
}

/// Waits until the copy has this title; how long that took.
async fn until_copied<C: Cloud>(
    [_, to]: &[C::Calendar; 2],
    title: &str,
    begun: Instant,
) -> anyhow::Result<Duration> {
    until("a copy", || C::has(to, title)).await?;
    Ok(begun.elapsed())
}

/// Hands notifications over until it is dropped.
struct Courier(JoinHandle<()>);

impl Drop for Courier {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn carry(mut outbox: impl FnMut() -> Vec<Call> + Send, url: Url) {
    loop {
        for call in outbox() {
            let client = Client::new(&url);
            tokio::spawn(async move {
                let headers: Vec<(&str, &str)> =
                    call.headers.iter().map(|(name, value)| (&**name, &**value)).collect();
                // What is lost here shows as a copy that does not come.
                let _ = client.send("POST", call.path, &headers, call.body).await;
            });
        }
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
fn hour(title: String) -> Hour {
    let day = crate::data::today().tomorrow().unwrap_or(jiff::civil::Date::MAX);
    Hour { title, start: format!("{day}T10:00:00"), end: format!("{day}T11:00:00") }
}
