//! What a pass costs: requests, counted by the server (I3, I6, L1).

use std::time::Duration;

use simulators::caldav::Manners;
use simulators::faults::{Fault, On};
use simulators::traffic::Kind;

use crate::support::builder::Builder;
use crate::support::cli::{ONE_WAY, TWO_WAY};
use crate::support::cli_env::CliEnv;
use crate::support::events::{hour, many};

async fn paired_env(manners: Manners, terms: &[&str]) -> anyhow::Result<CliEnv> {
    let env = Builder::caldav(manners).build_cli().await?;
    env.pair(terms).await?;
    Ok(env)
}

#[tokio::test]
async fn a_first_sync_writes_each_event_once() -> anyhow::Result<()> {
    for manners in [Manners::generic(), Manners::radicale_like(), Manners::xandikos_like()] {
        let env = paired_env(manners, ONE_WAY).await?;
        for (name, object) in many(120) {
            env.people[0].put(&name, &object);
        }
        env.reset_counts();
        env.servers[1]
            .faults()
            .always(On::kind(Kind::Put), Fault::Delay(Duration::from_millis(10)));
        env.cli.sync().await?;
        let [one, two] = [env.servers[0].counts(), env.servers[1].counts()];
        assert_eq!((two.of(Kind::Put), two.writes()), (120, 120), "{two}");
        assert_eq!(
            (one.of(Kind::Multiget), one.of(Kind::Get), one.writes()),
            (3, 0, 0),
            "read in batches: {one}"
        );
        assert!(
            two.of(Kind::Get) + two.of(Kind::Multiget) <= 2,
            "what we wrote is read once a kind: {two}"
        );
        assert!(one.total() <= 6 && two.total() <= 127, "{one}; {two}");
        assert!(two.peak_writes > 1, "writes go out side by side: {two}");
    }
    Ok(())
}

#[tokio::test]
async fn no_change_costs_one_request_a_home() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let env = paired_env(Manners::generic(), terms).await?;
        for (name, object) in many(30) {
            env.people[0].put(&name, &object);
        }
        env.cli.sync().await?;
        env.reset_counts();
        env.cli.sync().await?;
        for server in &env.servers {
            let asked = server.counts();
            assert_eq!((asked.of(Kind::Propfind), asked.total()), (1, 1), "{asked}");
        }
    }
    Ok(())
}

/// Several calendars of one home are asked about together.
#[tokio::test]
async fn several_pairs_of_one_home_cost_one_request() -> anyhow::Result<()> {
    let env = paired_env(Manners::generic(), ONE_WAY).await?;
    for name in ["second", "third"] {
        env.servers[0].calendar("anna", name).put("a.ics", &hour(name, 2, 9, name));
        env.servers[1].calendar("ben", name);
        let ids = [
            env.cli.calendar(&env.accounts[0], name).await?,
            env.cli.calendar(&env.accounts[1], name).await?,
        ];
        env.cli.pair_add(&ids[0], &ids[1], ONE_WAY).await?;
    }
    for _ in 0..2 {
        assert_eq!(env.cli.run(&["sync", "--json"]).await?.status, 0);
    }
    env.reset_counts();
    let answer = env.cli.run(&["sync", "--json"]).await?.done()?;
    assert_eq!(answer["pairs"].as_array().map(Vec::len), Some(3));
    for server in &env.servers {
        assert_eq!(server.counts().total(), 1, "{}", server.counts());
    }
    Ok(())
}

#[tokio::test]
async fn ten_changes_cost_one_listing_one_reading_and_ten_writes() -> anyhow::Result<()> {
    for manners in [Manners::generic(), Manners::radicale_like(), Manners::xandikos_like()] {
        let env = paired_env(manners, ONE_WAY).await?;
        for (name, object) in many(200) {
            env.people[0].put(&name, &object);
        }
        env.cli.sync().await?;
        env.cli.sync().await?;
        for n in 0..10 {
            env.people[0]
                .edit(&format!("e{n}.ics"), |ics| ics.replace("SUMMARY:", "SUMMARY:Again "));
        }
        env.reset_counts();
        let run = env.cli.sync().await?;
        assert_eq!(run["changed"], 10, "{run}");
        let [one, two] = [env.servers[0].counts(), env.servers[1].counts()];
        let read = [Kind::Propfind, Kind::SyncCollection, Kind::Multiget].map(|kind| one.of(kind));
        assert_eq!((read, one.total()), ([1, 1, 1], 3), "{one}");
        assert_eq!((two.of(Kind::Propfind), two.of(Kind::Put), two.total()), (1, 10, 11), "{two}");
    }
    Ok(())
}

/// The cost of an edit does not grow with the calendar.
#[tokio::test]
async fn one_change_costs_the_same_in_a_large_calendar() -> anyhow::Result<()> {
    let mut costs = Vec::new();
    for size in [20, 400] {
        let env = paired_env(Manners::generic(), TWO_WAY).await?;
        for (name, object) in many(size) {
            env.people[0].put(&name, &object);
        }
        env.cli.sync().await?;
        env.cli.sync().await?;
        env.people[0].edit("e7.ics", |ics| ics.replace("SUMMARY:", "SUMMARY:Again "));
        env.reset_counts();
        env.cli.sync().await?;
        costs.push(
            env.servers
                .each_ref()
                .map(|server| (server.counts().total(), server.counts().bytes_down() / 1_000)),
        );
    }
    assert_eq!(costs[0], costs[1], "requests and kilobytes");
    Ok(())
}
