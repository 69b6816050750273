//! How quick a pair is, as the running service has measured it.

use std::time::Duration;

use serde_json::Value;
use simulators::caldav::Manners;

use crate::support::builder::Builder;
use crate::support::cli::{Cli, ONE_WAY};
use crate::support::events::{hour, stamp_now};
use crate::support::running::{Running, until};

async fn quickness(cli: &Cli) -> anyhow::Result<Value> {
    Ok(cli.status().await?["pairs"][0]["quickness"].clone())
}

#[tokio::test]
async fn the_service_measures_how_long_changes_take() -> anyhow::Result<()> {
    let cli = Cli::new()?.with("CALRELAY_POLL_SECONDS", "1");
    let env = Builder::caldav(Manners::generic()).build_cli_with(cli).await?;
    env.pair(ONE_WAY).await?;
    let [anna, ben] = &env.people;
    let put = |name: &str| {
        let changed = format!("SUMMARY:{name}\nLAST-MODIFIED:{}", stamp_now());
        let object = hour(name, 3, 9, name).replace(&format!("SUMMARY:{name}"), &changed);
        anna.put(&format!("{name}.ics"), &object);
    };
    put("first");
    let running = Running::start(&env.cli).await?;
    until("the first copy", || ben.len() == 1).await?;
    // The passes that follow the first one read what it has written.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(quickness(&env.cli).await?, Value::Null, "a first sync is no latency");
    put("second");
    until("the second copy", || ben.len() == 2).await?;
    let mut measured = Value::Null;
    for _ in 0..100 {
        measured = quickness(&env.cli).await?;
        if !measured.is_null() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!((&measured["changes"], &measured["days"]), (&1.into(), &7.into()), "{measured}");
    let [half, most] = ["p50_seconds", "p95_seconds"].map(|name| measured[name].as_f64().unwrap());
    assert!(0.0 <= half && half <= most && most < 60.0, "{measured}");
    assert_eq!(running.terminate().await?, 0);
    Ok(())
}
