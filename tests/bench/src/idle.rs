//! Memory under the Functions host when there is nothing to do: after the first answer, after ticks that find nothing, after ticks that found
//! something everywhere.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use simulators::azurite::Azurite;
use simulators::functions_host::{App, Handler, Outcome};
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
    for (name, settings) in hosted::STORAGES.into_iter().zip([hosted::embedded(), hosted::azure(&azurite.connection_string())]) {
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

async fn moments(folder: &Folder, crowd: &Crowd, queues: &Queues, run: u64) -> anyhow::Result<Moments> {
    let handler = Handler::start(App::read(folder.path())?, crowd.calrelay.environment()).await?;
    let process = Process::named(&folder.program().display().to_string())?;
    ensure!(process.len() == 1, "the program runs {} times", process.len());
    let mut moments = [process[0].held()?, Held::default(), Held::default()];
    for _ in 0..TICKS {
        tick(&handler, queues).await?;
    }
    tokio::time::sleep(REST).await;
    moments[1] = process[0].held()?;
    for tick_of in 0..TICKS {
        crowd.change(run * TICKS + tick_of)?;
        let drained = tick(&handler, queues).await?;
        ensure!(drained == PAIRS as usize, "{drained} of {PAIRS} changed pairs were worked on: {}", handler.log());
    }
    tokio::time::sleep(REST).await;
    moments[2] = process[0].held()?;
    Ok(moments)
}

/// What a minute brings: a tick, and all that it sent is dealt with. How many messages that were.
async fn tick(handler: &Handler, queues: &Queues) -> anyhow::Result<usize> {
    ensure!(handler.fire("poll_caldav", false).await? == Outcome::Succeeded, "a tick failed: {}", handler.log());
    let drained = handler.drain_all(queues, QUEUE).await?;
    ensure!(drained.failed + drained.poisoned == 0, "{drained:?}: {}", handler.log());
    Ok(drained.succeeded)
}
