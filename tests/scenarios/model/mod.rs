//! Two people, any edits, any faults, any crashes: whatever happened, at rest both calendars are as the rules say.
//!
//! One seed is one story, told anew with `CALRELAY_MODEL_SEED=n`; `CALRELAY_MODEL_SEEDS=from..to` chooses how many are told. A story has epochs:
//! in each, edits on both sides are mixed with passes that meet faults and are killed at any await; then the faults stop, a bounded number of
//! passes is made, and the calendars are held against the ledger.

mod hand;
mod ledger;
mod story;

use std::panic::AssertUnwindSafe;

use futures::FutureExt;

/// Told in every run of the tests.
const USUAL: std::ops::Range<u64> = 0..500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_rest_both_calendars_are_as_the_rules_say() -> anyhow::Result<()> {
    let seeds = seeds()?;
    let count = seeds.len();
    let stories = futures::stream::iter(seeds).map(|seed| {
        tokio::spawn(async move {
            let told = AssertUnwindSafe(story::tell(seed)).catch_unwind().await;
            let why = match told {
                Ok(Ok(())) => return None,
                Ok(Err(error)) => format!("{error:#}"),
                Err(panic) => panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "a panic".into()),
            };
            Some(format!("seed {seed}: {why}"))
        })
    });
    use futures::StreamExt;
    let failures: Vec<String> =
        stories.buffer_unordered(4).filter_map(|told| async { told.unwrap_or_else(|error| Some(error.to_string())) }).collect().await;
    println!("{count} stories told, {} of them ended badly", failures.len());
    for failure in failures.iter().take(20) {
        println!(
            "{failure}\n  again: CALRELAY_MODEL_SEED={} cargo test -p scenarios at_rest",
            failure.split([' ', ':']).nth(1).unwrap_or_default()
        );
    }
    assert!(failures.is_empty(), "{} of {count} stories ended badly", failures.len());
    Ok(())
}

/// Which stories are told.
#[expect(clippy::disallowed_methods, reason = "a test's own switch, not a setting of the product")]
fn seeds() -> anyhow::Result<Vec<u64>> {
    if let Ok(seed) = std::env::var("CALRELAY_MODEL_SEED") {
        return Ok(vec![seed.parse()?]);
    }
    match std::env::var("CALRELAY_MODEL_SEEDS") {
        Ok(range) => {
            let (from, to) = range.split_once("..").ok_or_else(|| anyhow::anyhow!("CALRELAY_MODEL_SEEDS is written 0..5000"))?;
            Ok((from.parse()?..to.parse()?).collect())
        }
        Err(_) => Ok(USUAL.collect()),
    }
}
