//! A program that is killed at work, and the next one: on any storage (L5).
//!
//! Embedded storage gives a dead holder's lease to the next process at once (`processes`). Azure
//! keeps the lease until its term is over, half a minute later, because a dead holder cannot be
//! distinguished from a slow one. The next process waits for that and then finds what the dead one
//! had done. All environments of a scenario run at the same time, so that they wait together.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use futures::future::try_join_all;
use simulators::caldav::Manners;
use simulators::faults::{Fault, On};
use simulators::rng::Rng;

use crate::support::builder::Builder;
use crate::support::cli::TWO_WAY;
use crate::support::events::many;

const EVENTS: usize = 16;

/// When the program is killed.
#[derive(Clone, Copy, Debug)]
enum Moment {
    /// While so many of its writes were answered, and one was not.
    AtWrite(usize),
    /// Some milliseconds after its start.
    After(u64),
}

async fn killed(moment: Moment) -> anyhow::Result<()> {
    let env = Builder::caldav(Manners::generic()).build_cli().await?;
    env.pair(TWO_WAY).await?;
    let [anna, ben] = &env.people;
    for (n, (name, object)) in many(EVENTS).into_iter().enumerate() {
        if n % 4 == 0 {
            ben.put(&name, &object)
        } else {
            anna.put(&name, &object)
        };
    }
    let faults = env.servers[1].faults();
    if let Moment::AtWrite(number) = moment {
        faults.after(number, 1, On::writes(), Fault::Delay(Duration::from_secs(600)));
    }
    let mut child = env.cli.start(&["sync", "--json"], "").await?;
    match moment {
        Moment::AtWrite(_) => {
            while faults.waiting() {
                ensure!(child.try_wait()?.is_none(), "it ended before it was killed");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        Moment::After(millis) => tokio::time::sleep(Duration::from_millis(millis)).await,
    }
    child.kill().await?;
    faults.clear();
    env.cli.sync().await?;
    env.cli.sync().await?;
    let [ours, theirs] = env.agendas();
    ensure!(ours == theirs && ours.len() == EVENTS, "{ours:?}\n{theirs:?}");
    env.reset_counts();
    let run = env.cli.sync().await?;
    ensure!(
        run["actions"].as_array().is_some_and(Vec::is_empty) && env.writes() == [0, 0],
        "not quiet: {run}"
    );
    env.check_at_rest().await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_any_moment_the_next_one_loses_and_doubles_nothing() -> anyhow::Result<()> {
    let mut rng = Rng::new(61);
    let moments = [0, 1, 5]
        .map(Moment::AtWrite)
        .into_iter()
        .chain((0..7).map(|_| Moment::After(rng.below(500) as u64)));
    let stories =
        moments.map(async |moment| killed(moment).await.with_context(|| format!("{moment:?}")));
    try_join_all(stories).await?;
    Ok(())
}
