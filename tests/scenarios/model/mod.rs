//! Two people, any edits, any faults, any crashes: whatever happened, at rest both calendars are as the rules say.
//!
//! One seed is one story, told anew with `CALRELAY_MODEL_SEED=n`; `CALRELAY_MODEL_SEEDS=from..to` chooses how many are told. A story has epochs:
//! in each, edits on both sides are mixed with passes that meet faults and are killed at any await; then the faults stop, a bounded number of
//! passes is made, and the calendars are held against the ledger.

mod hand;
mod ledger;
mod story;

use std::panic::AssertUnwindSafe;

use futures::{FutureExt, StreamExt};

/// Told in every run of the tests.
const USUAL: std::ops::Range<u64> = 0..500;
/// The same on real servers, which are slower.
const USUAL_REAL: std::ops::Range<u64> = 0..24;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_rest_both_calendars_are_as_the_rules_say() -> anyhow::Result<()> {
    tell_all(seeds(USUAL)?, story::Place::Memory).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_on_radicale_and_xandikos() -> anyhow::Result<()> {
    tell_all(seeds(USUAL_REAL)?, story::Place::Real).await
}

async fn tell_all(seeds: Vec<u64>, place: story::Place) -> anyhow::Result<()> {
    let count = seeds.len();
    let stories = futures::stream::iter(seeds).map(|seed| {
        tokio::spawn(async move {
            let told = AssertUnwindSafe(story::tell(seed, place)).catch_unwind().await;
            let why = match told {
                Ok(Ok(())) => return None,
                Ok(Err(error)) => format!("{error:#}"),
                Err(panic) => panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "a panic".into()),
            };
            Some(format!("seed {seed}: {why}"))
        })
    });
    let told = stories.buffer_unordered(4).filter_map(|told| async { told.unwrap_or_else(|error| Some(error.to_string())) });
    let failures: Vec<String> = told.collect().await;
    println!("{count} stories told ({place:?}), {} of them ended badly", failures.len());
    for failure in failures.iter().take(20) {
        let seed = failure.split([' ', ':']).nth(1).unwrap_or_default();
        println!("{failure}\n  again: CALRELAY_MODEL_SEED={seed} cargo test -p scenarios model");
    }
    anyhow::ensure!(failures.is_empty(), "{} of {count} stories ended badly", failures.len());
    Ok(())
}

/// Which stories are told.
#[expect(clippy::disallowed_methods, reason = "a test's own switch, not a setting of the product")]
fn seeds(usual: std::ops::Range<u64>) -> anyhow::Result<Vec<u64>> {
    if let Ok(seed) = std::env::var("CALRELAY_MODEL_SEED") {
        return Ok(vec![seed.parse()?]);
    }
    match std::env::var("CALRELAY_MODEL_SEEDS") {
        Ok(range) => {
            let (from, to) = range.split_once("..").ok_or_else(|| anyhow::anyhow!("CALRELAY_MODEL_SEEDS is written 0..5000"))?;
            Ok((from.parse()?..to.parse()?).collect())
        }
        Err(_) => Ok(usual.collect()),
    }
}
