//! Several processes that share one mailbox. Each keeps to three requests at once, and none knows
//! of the others: together they are throttled, and take that without harm.

use std::time::Duration;

use anyhow::ensure;
use futures::future::try_join_all;
use simulators::graph::Calendar;

use super::{Kind, Office, object};
use crate::support::cli;

const PROCESSES: usize = 3;
const EVENTS: usize = 70;

/// One calendar of CalDAV to each of three calendars of Ben's mailbox.
async fn pairs(office: &Office) -> anyhow::Result<(Vec<String>, Vec<Calendar>)> {
    let ben = office.graph.account("ben@example.org");
    let names = ["One", "Two", "Three"];
    let targets = names.map(|name| ben.calendar(name));
    let added = office.cli.microsoft_add(&ben.refresh_token()).await?.done()?;
    let account = cli::id(&added)?;
    let mut pairs = Vec::new();
    for (i, name) in names.into_iter().enumerate() {
        let (end, from) = office.end(Kind::CalDav, &format!("anna{i}")).await?;
        let super::End::CalDav(here) = end else { anyhow::bail!("a CalDAV calendar") };
        for n in 0..EVENTS {
            let day = format!("2026{:02}{:02}", 12 - n / 35, 1 + n % 28);
            let lines =
                format!("DTSTART:{day}T{:02}0000Z\nDURATION:PT1H\nSUMMARY:{name} {n}", 7 + n / 28);
            here.put(&format!("e{n}.ics"), &object(&format!("e{i}-{n}"), &lines));
        }
        let to = office.cli.calendar(&account, name).await?;
        pairs.push(office.cli.pair_add(&from, &to, cli::ONE_WAY).await?);
    }
    Ok((pairs, targets.to_vec()))
}

#[tokio::test]
async fn three_processes_share_a_mailbox_without_harm() -> anyhow::Result<()> {
    for status in [429, 503] {
        let office = Office::new().await?;
        office.graph.manners(|manners| {
            (manners.throttled_with, manners.retry_after) = (status, 1);
            manners.latency = Duration::from_millis(30);
        });
        let (pairs, targets) = pairs(&office).await?;
        // Each pass ends; what it was throttled with too long waits for the next one.
        let mut passes = 0;
        while targets.iter().map(Calendar::len).sum::<usize>() < PROCESSES * EVENTS {
            passes += 1;
            ensure!(passes <= 5, "{status}: {:?}", targets.iter().map(Calendar::len));
            let cli = &office.cli;
            let runs =
                pairs.iter().map(|pair| async move { cli.sync_with(&["--pair", pair]).await });
            let runs = try_join_all(runs).await?;
            for (_, run) in runs {
                ensure!(run["state"] != "error" || passes < 5, "{status}: {run}");
            }
        }
        let (throttled, busiest) = (office.graph.throttled(), office.graph.busiest());
        println!("{status}: {passes} passes, {throttled} throttled, {busiest} at once");
        for pair in &pairs {
            let (_, run) = office.cli.sync_with(&["--pair", pair]).await?;
            ensure!(run["error"].is_null() && run["state"] == "ok", "{status}: {run}");
            ensure!(cli::counts(&run)[..3] == [0; 3], "{status}: {run}");
        }
        for target in &targets {
            let items = target.items();
            let titles: std::collections::BTreeSet<String> =
                items.iter().map(|item| super::text(&item["subject"])).collect();
            ensure!((items.len(), titles.len()) == (EVENTS, EVENTS), "{status}: once each");
        }
        ensure!(busiest <= 4, "{status}: {busiest} at once");
        office.is_clean();
    }
    Ok(())
}
