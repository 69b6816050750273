//! Memory under the Functions host when there is nothing to do: after the first answer, after ticks
//! that find nothing, after ticks that found something everywhere.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;
use simulators::azurite::Azurite;
use simulators::functions_host::{App, Host, Site, Source as _};
use store::{Embedded, Queue};

use crate::crowd::Crowd;
use crate::data;
use crate::hosted::{self, Folder, Held, Process};
use crate::listener::{QUEUE, Queues};
use crate::stats::memory;
use crate::table::Table;

/// The most that it may hold, in KiB.
const AIM: u64 = 32 * 1024;
/// Pairs that it looks after.
const PAIRS: u64 = 10;
/// Ticks before it is looked at: more change nothing.
const TICKS: u64 = 5;
/// What was begun has ended after so long.
const REST: Duration = Duration::from_secs(3);
/// A tick takes no longer, and is looked at so often.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(20);
/// Runs.
const RUNS: u64 = 3;

/// What it holds after its first answer, after quiet ticks, and after busy ones.
type Moments = [Held; 3];

/// Measures, and shows one table.
///
/// # Errors
/// Where something is broken; never because of memory.
pub async fn measure(calrelay: &Path, show: &mut impl FnMut(Table)) -> anyhow::Result<()> {
    let folder = Folder::lay(calrelay)?;
    let azurite = Azurite::start().await?;
    let mut all = Vec::new();
    for (name, settings) in hosted::STORAGES
        .into_iter()
        .zip([hosted::embedded(), hosted::azure(&azurite.connection_string())])
    {
        eprintln!("Memory at rest, {name}…");
        let crowd = Crowd::gather(calrelay, settings, PAIRS).await?;
        let queue: Arc<dyn Queue> = if name == hosted::STORAGES[0] {
            Arc::new(Embedded::open(&crowd.calrelay.data_dir(), data::now)?)
        } else {
            Arc::new(hosted::storage(&azurite)?)
        };
        let mut runs: Vec<Moments> = Vec::new();
        for run in 0..RUNS {
            runs.push(moments(&folder, &crowd, &Queues(queue.clone()), run).await?);
        }
        // By the last moment's resident memory, the middle one.
        runs.sort_by_key(|moments| moments[2].resident);
        all.push(runs.swap_remove(runs.len() / 2));
    }
    let title = format!("Memory under the Functions host, {PAIRS} pairs (median of {RUNS})");
    let mut table = Table::new(title, &hosted::STORAGES);
    let mut row = |what: &str, cell: &dyn Fn(&Moments) -> String| {
        table.row(what, [cell(&all[0]), cell(&all[1])]);
    };
    row("after the first answer", &|moments| memory(moments[0].resident));
    row("at rest, after ticks that found nothing", &|moments| memory(moments[1].resident));
    row("at rest, after a change in every pair", &|moments| memory(moments[2].resident));
    table.target("at most 32 MiB", all.iter().flatten().all(|held| held.resident <= AIM));
    let mut row = |what: &str, cell: &dyn Fn(&Moments) -> String| {
        table.row(what, [cell(&all[0]), cell(&all[1])]);
    };
    row("  of that, its share", &|moments| memory(moments[2].share));
    row("  of that, no file's", &|moments| memory(moments[2].own));
    row("threads", &|moments| moments[2].threads.to_string());
    show(table);
    Ok(())
}

async fn moments(
    folder: &Folder,
    crowd: &Crowd,
    queues: &Queues,
    run: u64,
) -> anyhow::Result<Moments> {
    let mut settings = crowd.calrelay.environment();
    if !settings.iter().any(|(name, _)| name == "AzureWebJobsStorage") {
        // Without it the host listens to no queue; with embedded storage the program does not look
        // at it.
        settings.push(("AzureWebJobsStorage".into(), "UseDevelopmentStorage=true".into()));
    }
    let site = Site::new(App::read(folder.path())?, settings)?;
    let host = site.start(Arc::new(queues.clone())).await?;
    let process = Process::named(&folder.program().display().to_string())?;
    ensure!(process.len() == 1, "the program runs {} times", process.len());
    let mut moments = [process[0].held()?, Held::default(), Held::default()];
    for _ in 0..TICKS {
        tick(&site, &host, queues).await?;
    }
    tokio::time::sleep(REST).await;
    moments[1] = process[0].held()?;
    for tick_of in 0..TICKS {
        crowd.change(run * TICKS + tick_of)?;
        let worked_on = tick(&site, &host, queues).await?;
        ensure!(
            worked_on == PAIRS as usize,
            "{worked_on} of {PAIRS} changed pairs were worked on: {}",
            site.log()
        );
    }
    tokio::time::sleep(REST).await;
    moments[2] = process[0].held()?;
    host.kill().await;
    Ok(moments)
}

/// What a minute brings: a tick, and all that it sent is dealt with. How many messages that were.
async fn tick(site: &Site, host: &Host, queues: &Queues) -> anyhow::Result<usize> {
    let (polls, before) = (host.tally("poll_caldav"), host.tally("sync_calendar"));
    site.advance_to("poll_caldav")?;
    let begun = Instant::now();
    while host.tally("poll_caldav").ended() == polls.ended()
        || host.busy() > 0
        || queues.waiting(QUEUE).await? > 0
    {
        ensure!(
            begun.elapsed() < PATIENCE,
            "a tick does not end: {:?} {}",
            host.complaints(),
            site.log()
        );
        tokio::time::sleep(LOOK).await;
    }
    let after = host.tally("sync_calendar");
    ensure!(
        after.failed == before.failed && host.tally("poll_caldav").failed == polls.failed,
        "something failed: {}",
        site.log()
    );
    Ok(after.succeeded - before.succeeded)
}
