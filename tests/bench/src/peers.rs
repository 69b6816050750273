//! Calrelay and vdirsyncer, in turn, on the same two servers: the first sync compared with the bare
//! PUTs, passes without a change, ten changes.
//!
//! Both read one calendar, and each writes to a calendar of its own. The order changes from round
//! to round. Of the first syncs the quickest of each counts: they take long, and other work of the
//! machine makes them longer.

use std::path::Path;
use std::time::Duration;

use anyhow::ensure;
use simulators::person::Person;
use simulators::traffic::Kind;
use tokio::process::Command;

use crate::calrelay::Calrelay;
use crate::options::{Kind as Server, Options, Part};
use crate::stage::{End, Traffic};
use crate::stats::{count, median, memory, ratio, time};
use crate::table::Table;
use crate::vdirsyncer::Vdirsyncer;
use crate::{bare, data, process};

const SOURCE: &str = "source";
/// Of a floor's time the first sync may take so much.
const FLOOR: f64 = 1.2;
/// Of vdirsyncer's time a pass without a change may take so much.
const TENTH: f64 = 0.1;
/// Events that change.
const CHANGES: u64 = 10;
/// Events that are read with one multiget, at the most.
const BATCH: u64 = 50;

/// The two programs, as indices.
const CALRELAY: usize = 0;
const PEER: usize = 1;
/// The floor beside them.
const BARE: usize = 2;

/// What one run of a program came to.
#[derive(Debug)]
struct Pass {
    wall: Duration,
    peak: u64,
    traffic: Traffic,
}

/// Runs of one program.
#[derive(Debug, Default)]
struct Passes(Vec<Pass>);

impl Passes {
    fn wall(&self) -> Duration {
        median(&self.0.iter().map(|pass| pass.wall).collect::<Vec<_>>())
    }

    /// The one that was disturbed least.
    fn quickest(&self) -> Duration {
        self.0.iter().map(|pass| pass.wall).min().unwrap_or_default()
    }

    fn peak(&self) -> u64 {
        self.0.iter().map(|pass| pass.peak).max().unwrap_or(0)
    }

    /// What the last one asked.
    fn traffic(&self) -> Traffic {
        self.0.last().map(|pass| pass.traffic.clone()).unwrap_or_default()
    }

    fn all(&self, check: impl Fn(&Traffic) -> bool) -> bool {
        self.0.iter().all(|pass| check(&pass.traffic))
    }
}

/// Both programs, set up on the same source.
struct Programs {
    calrelay: Calrelay,
    peer: Vdirsyncer,
}

impl Programs {
    fn pass(&self, which: usize) -> Command {
        if which == CALRELAY { self.calrelay.pass() } else { self.peer.pass() }
    }
}

/// Measures these parts, and shows a table for each.
///
/// # Errors
/// Where something is broken; never because of a time.
pub async fn measure(
    options: &Options,
    calrelay: &Path,
    show: &mut impl FnMut(Table),
) -> anyhow::Result<()> {
    let on = format!("{:?} to {:?}", options.server, options.server);
    eprintln!(
        "Two servers are started, and a calendar of {} events is made…",
        count(options.events)
    );
    let ends = [End::start(options.server).await?, End::start(options.server).await?];
    let source = ends[0].filled(SOURCE, data::objects(options.events, data::today())).await?;

    let rounds = if options.wants(&[Part::First, Part::Puts]) { options.rounds } else { 1 };
    let mut first: [Passes; 2] = Default::default();
    let mut floors = Vec::new();
    let mut programs = None;
    let mut copies = Vec::new();
    for round in 0..rounds {
        let [ours, theirs, bare] =
            ["calrelay", "peer", "bare"].map(|name| format!("{name}-{round}"));
        let calendars = [ends[1].calendar(&ours).await?, ends[1].calendar(&theirs).await?];
        let both = Programs {
            calrelay: Calrelay::connect(calrelay, &ends, SOURCE, &ours).await?,
            peer: Vdirsyncer::connect(&ends, SOURCE, &theirs).await?,
        };
        let mut order = [CALRELAY, PEER, BARE];
        order.rotate_left(round as usize % 3);
        for which in order {
            if which == BARE && !options.wants(&[Part::Puts]) {
                continue;
            }
            eprintln!("First sync, round {} of {rounds}: {}…", round + 1, NAMES[which]);
            if which == BARE {
                let calendar = ends[1].calendar(&bare).await?;
                floors.push(bare::put_all(&ends[1], &calendar.path(), &copies).await?);
                continue;
            }
            first[which].0.push(pass(&ends, both.pass(which)).await?);
            let made = calendars[which].objects().await?;
            ensure!(
                made.len() as u64 == options.events,
                "{} made {} copies of {} events",
                NAMES[which],
                made.len(),
                options.events
            );
            if which == CALRELAY {
                copies = made;
            }
        }
        programs = Some(both);
    }
    if options.wants(&[Part::First, Part::Puts]) {
        show(first_table(options, &on, &first, &floors));
    }
    let Some(programs) = programs else { return Ok(()) };
    if options.wants(&[Part::None]) {
        show(unchanged(options, &on, &ends, &programs).await?);
    }
    if options.wants(&[Part::Ten]) {
        show(ten(options, &on, &ends, &programs, &source).await?);
    }
    Ok(())
}

const NAMES: [&str; 3] = ["calrelay", "vdirsyncer", "bare PUTs"];

fn in_turn(round: u64) -> [usize; 2] {
    if round.is_multiple_of(2) { [CALRELAY, PEER] } else { [PEER, CALRELAY] }
}

async fn pass(ends: &[End; 2], command: Command) -> anyhow::Result<Pass> {
    ends.iter().for_each(End::reset);
    let run = process::run(command, "").await?;
    Ok(Pass { wall: run.wall, peak: run.peak, traffic: Traffic::of(ends) })
}

fn first_table(options: &Options, on: &str, first: &[Passes; 2], floors: &[Duration]) -> Table {
    let events = options.events;
    let title = format!(
        "First sync of {} events, {on} (the quickest of {})",
        count(events),
        first[0].0.len()
    );
    let mut table = Table::new(title, &NAMES);
    let [ours, theirs] = first;
    let floor = floors.iter().min().copied();
    table.row(
        "time",
        [time(ours.quickest()), time(theirs.quickest()), floor.map(time).unwrap_or_default()],
    );
    if let Some(floor) = floor {
        let (a, b) = (ratio(ours.quickest(), floor), ratio(theirs.quickest(), floor));
        table.row("time to bare PUTs", [format!("{a:.2}"), format!("{b:.2}"), "1".into()]);
        if options.server == Server::Memory {
            // A server that costs nothing leaves nothing to compare with but the program itself.
            let own = |passes: &Passes| {
                time(
                    passes.quickest().saturating_sub(floor)
                        / u32::try_from(events).unwrap_or(u32::MAX),
                )
            };
            table.row("beyond the PUTs, an event", [ours, theirs].map(own));
        } else {
            table.target("at most 1.20", a <= FLOOR);
        }
    }
    table.row("writes", [ours, theirs].map(|passes| count(passes.traffic().target.writes())));
    table.target(
        "one an event, none at the source",
        ours.all(|t| t.target.writes() == events && t.source.writes() == 0),
    );
    table.row(
        "writes at once",
        [ours, theirs].map(|passes| passes.traffic().target.peak_writes.to_string()),
    );
    table.target(
        format!("{}, what the server bears", bare::PARALLEL),
        ours.all(|t| t.target.peak_writes == bare::PARALLEL),
    );
    let reads = |t: &Traffic| t.total() - t.target.writes();
    table.row("other requests", [ours, theirs].map(|passes| count(reads(&passes.traffic()))));
    let batches = events.div_ceil(BATCH);
    table.target(
        format!("one listing, {batches} multigets"),
        ours.all(|t| {
            t.source.of(Kind::CalendarQuery) == 1
                && t.source.of(Kind::Multiget) == batches
                && t.source.of(Kind::Get) == 0
        }),
    );
    sides(&mut table, ours, theirs);
    table.row("peak memory", [memory(ours.peak()), memory(theirs.peak())]);
    table
}

/// The requests of either side by kind, a line for each program.
fn sides(table: &mut Table, ours: &Passes, theirs: &Passes) {
    for (name, passes) in NAMES.into_iter().zip([ours, theirs]) {
        let Traffic { source, target } = passes.traffic();
        table.note(format!("{name} asked the source: {source}; the target: {target}"));
    }
}

async fn unchanged(
    options: &Options,
    on: &str,
    ends: &[End; 2],
    programs: &Programs,
) -> anyhow::Result<Table> {
    eprintln!("Passes without a change…");
    let mut passes: [Passes; 2] = Default::default();
    for round in 0..options.repeats {
        for which in in_turn(round) {
            passes[which].0.push(pass(ends, programs.pass(which)).await?);
        }
    }
    let [ours, theirs] = &passes;
    let title = format!(
        "No change among {} events, {on} (median of {})",
        count(options.events),
        options.repeats
    );
    let mut table = Table::new(title, &NAMES[..2]);
    table.row("time", [time(ours.wall()), time(theirs.wall())]);
    let share = ratio(ours.wall(), theirs.wall());
    table
        .row("time to vdirsyncer", [format!("{share:.3}"), "1".into()])
        .target("at most 0.100", share <= TENTH);
    table.row("requests", [ours, theirs].map(|passes| count(passes.traffic().total())));
    table.target(
        "one a calendar home (two homes), from the first pass on",
        ours.all(|t| t.source.total() == 1 && t.target.total() == 1),
    );
    table.row(
        "bytes of bodies",
        [ours, theirs].map(|passes| crate::stats::bytes(passes.traffic().bytes())),
    );
    sides(&mut table, ours, theirs);
    table.row("peak memory", [memory(ours.peak()), memory(theirs.peak())]);
    Ok(table)
}

async fn ten(
    options: &Options,
    on: &str,
    ends: &[End; 2],
    programs: &Programs,
    source: &Person,
) -> anyhow::Result<Table> {
    let mut passes: [Passes; 2] = Default::default();
    let mut after: [Passes; 2] = Default::default();
    for round in 0..options.rounds {
        eprintln!("{CHANGES} changes, round {} of {}…", round + 1, options.rounds);
        change(source, options.events, round).await?;
        for which in in_turn(round) {
            passes[which].0.push(pass(ends, programs.pass(which)).await?);
            after[which].0.push(pass(ends, programs.pass(which)).await?);
        }
    }
    let [ours, theirs] = &passes;
    let title = format!(
        "{CHANGES} changes among {} events, {on} (median of {})",
        count(options.events),
        options.rounds
    );
    let mut table = Table::new(title, &NAMES[..2]);
    table.row("time", [time(ours.wall()), time(theirs.wall())]);
    table.row(
        "time to vdirsyncer",
        [format!("{:.3}", ratio(ours.wall(), theirs.wall())), "1".into()],
    );
    table.row("requests", [ours, theirs].map(|passes| count(passes.traffic().total())));
    let exact = |t: &Traffic| {
        let source = t.source.of(Kind::Propfind) == 1
            && t.source.of(Kind::SyncCollection) == 1
            && t.source.of(Kind::Multiget) == 1;
        let target = t.target.of(Kind::Propfind) == 1 && t.target.of(Kind::Put) == CHANGES;
        source && t.source.total() == 3 && target && t.target.total() == 1 + CHANGES
    };
    table.target(
        "a ctag request a home, one sync-collection, one multiget, 10 PUTs",
        ours.all(exact),
    );
    table.row(
        "requests of the pass after",
        after.each_ref().map(|passes| count(passes.traffic().total())),
    );
    table.row(
        "bytes of bodies",
        [ours, theirs].map(|passes| crate::stats::bytes(passes.traffic().bytes())),
    );
    sides(&mut table, ours, theirs);
    table.row("peak memory", [memory(ours.peak()), memory(theirs.peak())]);
    Ok(table)
}

/// A person changes ten events, spread over the calendar; others each round.
pub async fn change(source: &Person, events: u64, round: u64) -> anyhow::Result<()> {
    for n in 0..CHANGES {
        let n = (n * events / CHANGES + round) % events;
        let name = format!("event-{n:06}.ics");
        ensure!(
            source.edit(&name, |ics| data::edited(ics, round + 1)).await?,
            "the event {name} is not there"
        );
    }
    Ok(())
}
