//! Large calendars on a simulated server in this process: the memory of a pass, and whether an
//! incremental pass depends on the calendar's size.

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;

use crate::calrelay::Calrelay;
use crate::options::{Kind, Options};
use crate::peers::change;
use crate::stage::{End, Traffic};
use crate::stats::{bytes, count, median, memory, ratio, time};
use crate::table::Table;
use crate::{data, process};

/// The most that a pass may hold, in KiB.
const PEAK: u64 = 64 * 1024;
/// The size of the calendar up to which [`PEAK`] holds.
const UP_TO: u64 = 50_000;
/// Incremental passes of each size.
const REPEATS: u64 = 5;
/// An incremental pass on the largest calendar may take so many times as long as on the smallest.
const GROWTH: f64 = 1.5;

/// One calendar's numbers.
struct Size {
    events: u64,
    first: (Duration, u64),
    requests: u64,
    incremental: (Duration, u64),
    traffic: Traffic,
    unchanged: Duration,
}

/// Measures every size, and shows one table.
///
/// # Errors
/// Where something is broken; never because of a time or of memory.
pub async fn measure(
    options: &Options,
    calrelay: &Path,
    show: &mut impl FnMut(Table),
) -> anyhow::Result<()> {
    let mut sizes = Vec::new();
    for &events in &options.memory {
        sizes.push(size(events, calrelay).await?);
    }
    let mut table = Table::new(
        "Large calendars, on a server in memory",
        &[
            "events",
            "first sync",
            "requests",
            "peak memory",
            "10 changes",
            "requests",
            "bytes",
            "peak memory",
            "no change",
        ],
    );
    for size in &sizes {
        let cells = [
            count(size.events),
            time(size.first.0),
            count(size.requests),
            memory(size.first.1),
            time(size.incremental.0),
            count(size.traffic.total()),
            bytes(size.traffic.bytes()),
            memory(size.incremental.1),
            time(size.unchanged),
        ];
        table.row("", cells);
        if size.events <= UP_TO {
            table.target("peak below 64 MiB", size.first.1.max(size.incremental.1) < PEAK);
        }
    }
    if let (Some(small), Some(large)) = (sizes.first(), sizes.last())
        && small.events < large.events
    {
        let slower = ratio(large.incremental.0, small.incremental.0);
        let still = ratio(large.unchanged, small.unchanged);
        let wider = large.traffic.bytes() as f64 / small.traffic.bytes().max(1) as f64;
        let dash = String::new;
        let cells = [
            dash(),
            dash(),
            dash(),
            dash(),
            format!("{slower:.2}"),
            dash(),
            format!("{wider:.2}"),
            dash(),
            format!("{still:.2}"),
        ];
        let same = large.traffic.total() == small.traffic.total() && wider <= 1.05;
        table.row("largest to smallest", cells).target(
            "10 changes: same requests and bytes, time at most 1.50",
            same && slower <= GROWTH,
        );
    }
    show(table);
    Ok(())
}

async fn size(events: u64, calrelay: &Path) -> anyhow::Result<Size> {
    eprintln!("A calendar of {} events is made and synced for the first time…", count(events));
    let ends = [End::start(Kind::Memory).await?, End::start(Kind::Memory).await?];
    let source = ends[0].filled("source", data::objects(events, data::today())).await?;
    let target = ends[1].calendar("target").await?;
    let pair = Calrelay::connect(calrelay, &ends, "source", "target").await?;
    ends.iter().for_each(End::reset);
    let run = process::run(pair.pass(), "").await?;
    let copies = target.objects().await?.len() as u64;
    ensure!(copies == events, "calrelay made {copies} copies of {} events", events);
    let (first, requests) = ((run.wall, run.peak), Traffic::of(&ends).total());

    let (mut times, mut quiet, mut peak, mut traffic) =
        (Vec::new(), Vec::new(), 0, Traffic::default());
    for round in 0..REPEATS {
        change(&source, events, round).await?;
        ends.iter().for_each(End::reset);
        let run = process::run(pair.pass(), "").await?;
        traffic = Traffic::of(&ends);
        times.push(run.wall);
        peak = peak.max(run.peak);
        // The echo of these writes is read by a pass of its own.
        process::run(pair.pass(), "").await?;
        quiet.push(process::run(pair.pass(), "").await?.wall);
    }
    Ok(Size {
        events,
        first,
        requests,
        incremental: (median(&times), peak),
        traffic,
        unchanged: median(&quiet),
    })
}
