//! Measures Calrelay: against vdirsyncer on the same servers in one run, against itself on
//! calendars of growing size, and under a stand-in for the Functions host, on Azurite and on
//! embedded storage; and what a push from a simulated Google or Microsoft costs.
//!
//! ```text
//! cargo run --release -p bench                          everything, on Xandikos; a quarter of an hour on two cores, after the build
//! cargo run --release -p bench -- --server radicale     the same on Radicale; a little less
//! cargo run --release -p bench -- --only memory         one part
//! cargo run --release -p bench -- --only start,idle,load --program target/package/calrelay      what infra/package.sh made
//! ```
//!
//! The benchmark measures the program itself, `calrelay`, started for every pass, as `vdirsyncer`
//! is. Both reach their two servers through proxies that count. The servers keep their data in
//! memory where the system has such a directory, because their disk is not measured; the programs
//! keep theirs where programs do. Under the stand-in for the host, the package of
//! `infra/package.sh` is measured, on embedded storage and on Azurite. The output has ratios,
//! requests and memory, each beside its target. A time by itself says more about the machine and
//! the server than about either program, so nothing fails because of one: the exit status is 0
//! unless something is broken.

mod bare;
mod calrelay;
mod crowd;
mod data;
mod hosted;
mod idle;
mod listener;
mod load;
mod memory;
mod microsoft;
mod options;
mod peers;
mod process;
mod push;
mod stage;
mod start;
mod stats;
mod table;
mod vdirsyncer;

use std::process::ExitCode;

use clap::Parser;
use options::{Options, Part};

fn main() -> ExitCode {
    let options = Options::parse();
    let done = match options.answer_at {
        Some(port) => start::answer_at(port).map_err(Into::into),
        None => tokio::runtime::Runtime::new()
            .map_err(Into::into)
            .and_then(|runtime| runtime.block_on(measure(&options))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("The measurement could not be made: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(options: &Options) -> anyhow::Result<()> {
    stage::keep_servers_in_memory();
    let calrelay = calrelay::program(options).await?;
    let mut verdicts = Vec::new();
    let mut show = |table: table::Table| {
        println!("{table}");
        verdicts.extend(table.verdicts());
    };
    if options.wants(&[Part::First, Part::Puts, Part::None, Part::Ten]) {
        peers::measure(options, &calrelay, &mut show).await?;
    }
    if options.wants(&[Part::Memory]) {
        memory::measure(options, &calrelay, &mut show).await?;
    }
    if options.wants(&[Part::Start]) {
        start::measure(options, &calrelay, &mut show).await?;
    }
    if options.wants(&[Part::Idle]) {
        idle::measure(&calrelay, &mut show).await?;
    }
    if options.wants(&[Part::Load]) {
        load::measure(options, &calrelay, &mut show).await?;
    }
    if options.wants(&[Part::Push]) {
        push::measure(&calrelay, &mut show).await?;
    }
    if options.wants(&[Part::Microsoft]) {
        microsoft::measure(&calrelay, &mut show).await?;
    }
    let missed: Vec<&str> = verdicts
        .iter()
        .filter(|verdict| !verdict.met)
        .map(|verdict| verdict.what.as_str())
        .collect();
    println!("{} of {} targets met.", verdicts.len() - missed.len(), verdicts.len());
    for what in missed {
        println!("  missed: {what}");
    }
    if cfg!(debug_assertions) {
        println!(
            "This was a build without optimisation: its times mean nothing. Measure with `cargo \
            run --release -p bench`."
        );
    }
    Ok(())
}
