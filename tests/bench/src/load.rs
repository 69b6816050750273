//! Load: many pairs that change at one moment. Under the Functions host with its storage on
//! Azurite, and standalone on embedded storage.
//!
//! A nudge for every changed calendar is put into the queue at once, as a provider's notifications
//! would. A job is done when its message is gone; its change is written when the target has it. One
//! machine runs everything: the program, the stand-in for the host, both calendar servers and the
//! storage emulator, which reports the processor time of each. Transactions are counted in a
//! separate round, by proxies before the emulator, and are those of the program; the host's own
//! (taking and deleting messages) are counted where they are made.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use simulators::azurite::Azurite;
use simulators::functions_host::{App, Site};
use simulators::proxy::Proxy;
use store::{Embedded, Queue};
use tokio::process::Child;
use url::Url;

use crate::crowd::{Couple, Crowd};
use crate::hosted::{self, Folder, Process};
use crate::listener::{QUEUE, Queues};
use crate::options::Options;
use crate::process;
use crate::stats::{count, median, time};
use crate::table::Table;

/// Rounds, all pairs in each.
const ROUNDS: u64 = 3;
/// Nudges that are put into the queue at one time.
const SENDERS: usize = 32;
/// A round takes no longer.
const PATIENCE: Duration = Duration::from_secs(300);
/// How often the targets are looked at.
const LOOK: Duration = Duration::from_millis(2);

/// What one round came to.
#[derive(Clone, Debug)]
struct Round {
    /// From the first message to the end of the last job.
    whole: Duration,
    /// Until the first change was written.
    until_first: Duration,
    /// From a message to its change, sorted.
    lags: Vec<Duration>,
    /// Processor time of the program, the emulator, and this process, in milliseconds.
    worked: [u64; 3],
}

impl Round {
    fn percentile(&self, percent: usize) -> Duration {
        // The smallest that so many per cent do not exceed.
        self.lags
            .get((self.lags.len() * percent).div_ceil(100).saturating_sub(1))
            .copied()
            .unwrap_or_default()
    }
}

/// Transactions of storage for all pairs.
#[derive(Clone, Copy, Debug)]
struct Bill {
    tables: u64,
    queues: u64,
    host: u64,
}

/// Measures, and shows one table.
///
/// # Errors
/// Where something is broken; never because of a time.
pub async fn measure(
    options: &Options,
    calrelay: &Path,
    show: &mut impl FnMut(Table),
) -> anyhow::Result<()> {
    let (azure, bill) = under_the_host(options.pairs, calrelay).await?;
    let embedded = standalone(options.pairs, calrelay).await?;
    let title =
        format!("{} pairs change at once (median of {ROUNDS} rounds)", count(options.pairs));
    let mut table = Table::new(title, &["Functions host, Azurite", "standalone, embedded"]);
    let both = [&azure, &embedded];
    let of = |what: &dyn Fn(&Round) -> Duration| {
        both.map(|rounds| median(&rounds.iter().map(what).collect::<Vec<_>>()))
    };
    let pairs = options.pairs as f64;
    let rate = |begun: Duration| format!("{:.0}", pairs / begun.as_secs_f64().max(1e-9));
    table.row(
        "jobs a second, once the first is written",
        of(&|round| round.whole.saturating_sub(round.until_first)).map(rate),
    );
    table.row("until the first is written", of(&|round| round.until_first).map(time));
    table.row("from enqueued to written, p50", of(&|round| round.percentile(50)).map(time));
    table.row("p95", of(&|round| round.percentile(95)).map(time));
    for (n, who) in ["the program", "the emulator", "servers and host"].into_iter().enumerate() {
        let work = of(&|round| Duration::from_millis(round.worked[n]));
        table.row(
            &format!("processor time a job, {who}"),
            work.map(|work| {
                if work.is_zero() { String::new() } else { time(work / options.pairs as u32) }
            }),
        );
    }
    let each = |transactions: u64| [format!("{:.1}", transactions as f64 / pairs), String::new()];
    table.row("storage transactions a change", each(bill.tables + bill.queues + bill.host));
    table.target("at most 12", bill.tables + bill.queues + bill.host <= 12 * options.pairs);
    table.row("  of tables", each(bill.tables));
    table.row("  of queues, by the program", each(bill.queues));
    table.row("  of queues, by the host and the producer", each(bill.host));
    let share = azure
        .iter()
        .map(|round| round.worked[1] as f64 / round.whole.as_millis().max(1) as f64)
        .fold(0.0, f64::max);
    table.note(format!(
        "The emulator, which has one thread for all its work, was busy for {:.0} % of the time.",
        share * 100.0
    ));
    table.note(
        "The nudges come from another process: standalone sees them when it next looks at \
    its queue, within a second."
            .into(),
    );
    show(table);
    Ok(())
}

async fn under_the_host(pairs: u64, calrelay: &Path) -> anyhow::Result<(Vec<Round>, Bill)> {
    eprintln!("{pairs} pairs are set up on Azurite…");
    let azurite = Azurite::start().await?;
    let storage = Arc::new(hosted::storage(&azurite)?);
    let crowd = Crowd::gather(calrelay, hosted::azure(&azurite.connection_string()), pairs).await?;
    let queues = Queues(storage.clone());
    let folder = Folder::lay(calrelay)?;
    let site = Site::new(App::read(folder.path())?, crowd.calrelay.environment())?;
    let host = site.start(Arc::new(queues.clone())).await?;
    let port = Url::parse(&azurite.queues())?.port().context("a port")?;
    let processes = Watched {
        program: Process::named(&folder.program().display().to_string())?,
        emulator: Process::named(&port.to_string())?,
    };
    let mut rounds = Vec::new();
    for n in 0..ROUNDS {
        eprintln!("All change at once, round {} of {ROUNDS}…", n + 1);
        rounds.push(round(&crowd, &queues, n, &processes).await.with_context(|| site.log())?);
    }
    host.kill().await;
    eprintln!("Once more, to count…");
    let (direct, mut counted) = ([azurite.tables(), azurite.queues()], azurite.connection_string());
    let mut proxies = Vec::new();
    for address in direct {
        let address = Url::parse(&address)?;
        let proxy = Proxy::start(&address).await?;
        counted = counted.replace(
            &address[..url::Position::BeforePath],
            proxy.url().as_str().trim_end_matches('/'),
        );
        proxies.push(proxy);
    }
    let mut environment = crowd.calrelay.environment();
    environment.retain(|(name, _)| name != "AzureWebJobsStorage");
    environment.push(("AzureWebJobsStorage".into(), counted));
    let site = Site::new(App::read(folder.path())?, environment)?;
    let _host = site.start(Arc::new(queues.clone())).await?;
    proxies.iter().for_each(Proxy::reset_counts);
    let before = storage.transactions();
    round(&crowd, &queues, ROUNDS, &Watched::default()).await.with_context(|| site.log())?;
    // Leases are ended behind the job's back.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let host = storage.transactions().queues - before.queues;
    let [tables, by_program] = [0, 1].map(|n| proxies[n].counts().total());
    Ok((rounds, Bill { tables, queues: by_program, host }))
}

async fn standalone(pairs: u64, calrelay: &Path) -> anyhow::Result<Vec<Round>> {
    eprintln!("{pairs} pairs are set up on embedded storage…");
    let crowd = Crowd::gather(calrelay, hosted::embedded(), pairs).await?;
    let queue: Arc<dyn Queue> =
        Arc::new(Embedded::open(&crowd.calrelay.data_dir(), crate::data::now)?);
    let mut command = crowd.calrelay.command(&["--listen", "127.0.0.1:0"]);
    // It polls when it starts, and then no more.
    command.env("CALRELAY_POLL_SECONDS", "86400").kill_on_drop(true);
    let child: Child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let processes = Watched {
        program: vec![Process::of(child.id().context("it ended at its start")?)],
        emulator: Vec::new(),
    };
    let mut rounds = Vec::new();
    for n in 0..ROUNDS {
        eprintln!("All change at once, round {} of {ROUNDS}…", n + 1);
        rounds.push(round(&crowd, &Queues(queue.clone()), n, &processes).await?);
    }
    Ok(rounds)
}

/// Whose work is counted.
#[derive(Default)]
struct Watched {
    program: Vec<Process>,
    emulator: Vec<Process>,
}

impl Watched {
    fn worked(&self) -> anyhow::Result<[u64; 3]> {
        let sum = |all: &[Process]| all.iter().map(|one| one.worked()).sum::<anyhow::Result<u64>>();
        Ok([sum(&self.program)?, sum(&self.emulator)?, Process::own().worked()?])
    }
}

/// One change in every source and a nudge for each, with a running consumer, until all messages are
/// gone.
async fn round(crowd: &Crowd, queues: &Queues, n: u64, watched: &Watched) -> anyhow::Result<Round> {
    // The echo of the last changes is read before, so that every round begins at rest.
    process::run(crowd.calrelay.pass(), "").await?;
    crowd.change(n)?;
    let before = watched.worked()?;
    let tips: Vec<String> = crowd.couples.iter().map(|couple| couple.target.ctag()).collect();
    let (couples, begun) = (crowd.couples.clone(), Instant::now());
    let watching = tokio::task::spawn_blocking(move || watch(&couples, &tips, begun));
    // As many at once as a storm of notifications would bring: the queue is to be the bottleneck,
    // not its producer.
    let put = |id: &str| {
        let nudge = serde_json::json!({"calendarId": id, "cause": "webhook"}).to_string();
        async move {
            let enqueued = begun.elapsed();
            queues.0.put(QUEUE, &nudge, Duration::ZERO).await?;
            Ok::<_, anyhow::Error>(enqueued)
        }
    };
    let enqueue = stream::iter(&crowd.couples)
        .map(|couple| put(&couple.id))
        .buffered(SENDERS)
        .try_collect::<Vec<_>>();
    let working = async {
        // The first are worked on while the last are put in, as they would be.
        let enqueued = enqueue.await?;
        while queues.0.len(QUEUE).await? > 0 {
            tokio::time::sleep(LOOK).await;
        }
        Ok::<_, anyhow::Error>((enqueued, begun.elapsed()))
    };
    let (enqueued, whole) =
        tokio::time::timeout(PATIENCE, working).await.context("a round does not end")??;
    let written = watching.await??;
    let after = watched.worked()?;
    let mut lags: Vec<Duration> = written
        .iter()
        .zip(&enqueued)
        .map(|(written, enqueued)| written.saturating_sub(*enqueued))
        .collect();
    lags.sort_unstable();
    let until_first = written.iter().min().copied().unwrap_or_default();
    Ok(Round { whole, until_first, lags, worked: [0, 1, 2].map(|who| after[who] - before[who]) })
}

/// When each target was first seen changed.
fn watch(couples: &[Couple], tips: &[String], begun: Instant) -> anyhow::Result<Vec<Duration>> {
    let mut written = vec![None; couples.len()];
    while written.contains(&None) {
        ensure!(
            begun.elapsed() < PATIENCE,
            "{} changes were not written",
            written.iter().filter(|one| one.is_none()).count()
        );
        for (n, one) in written.iter_mut().enumerate().filter(|(_, one)| one.is_none()) {
            if couples[n].target.ctag() != tips[n] {
                *one = Some(begun.elapsed());
            }
        }
        std::thread::sleep(LOOK);
    }
    Ok(written.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_lags() {
        let round = |lags: u64| Round {
            whole: Duration::ZERO,
            until_first: Duration::ZERO,
            lags: (1..=lags).map(Duration::from_secs).collect(),
            worked: [0; 3],
        };
        assert_eq!(
            [50, 95, 100].map(|percent| round(200).percentile(percent).as_secs()),
            [100, 190, 200]
        );
        assert_eq!([50, 95].map(|percent| round(1).percentile(percent).as_secs()), [1, 1]);
        assert_eq!(round(0).percentile(95), Duration::ZERO);
    }
}
