//! What a pass costs: requests, counted by the server (I3, I6, L1).

use std::time::Duration;

use simulators::caldav::Manners;
use simulators::faults::{Fault, On};
use simulators::traffic::Kind;

use crate::support::cli::{ONE_WAY, TWO_WAY};
use crate::support::cli_env::Village;
use crate::support::events::{hour, many};

async fn village(manners: Manners, terms: &[&str]) -> anyhow::Result<Village> {
    let village = Village::new(manners).await?;
    village.pair(terms).await?;
    Ok(village)
}

#[tokio::test]
async fn a_first_sync_writes_each_event_once() -> anyhow::Result<()> {
    for manners in [Manners::generic(), Manners::radicale_like(), Manners::xandikos_like()] {
        let village = village(manners, ONE_WAY).await?;
        for (name, object) in many(120) {
            village.people[0].put(&name, &object);
        }
        village.reset_counts();
        village.servers[1]
            .faults()
            .always(On::kind(Kind::Put), Fault::Delay(Duration::from_millis(10)));
        village.cli.sync().await?;
        let [one, two] = [village.servers[0].counts(), village.servers[1].counts()];
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
        let village = village(Manners::generic(), terms).await?;
        for (name, object) in many(30) {
            village.people[0].put(&name, &object);
        }
        village.cli.sync().await?;
        village.reset_counts();
        village.cli.sync().await?;
        for server in &village.servers {
            let asked = server.counts();
            assert_eq!((asked.of(Kind::Propfind), asked.total()), (1, 1), "{asked}");
        }
    }
    Ok(())
}

/// Several calendars of one home are asked about together.
#[tokio::test]
async fn several_pairs_of_one_home_cost_one_request() -> anyhow::Result<()> {
    let village = village(Manners::generic(), ONE_WAY).await?;
    for name in ["second", "third"] {
        village.servers[0].calendar("anna", name).put("a.ics", &hour(name, 2, 9, name));
        village.servers[1].calendar("ben", name);
        let ids = [
            village.cli.calendar(&village.accounts[0], name).await?,
            village.cli.calendar(&village.accounts[1], name).await?,
        ];
        village.cli.pair_add(&ids[0], &ids[1], ONE_WAY).await?;
    }
    for _ in 0..2 {
        assert_eq!(village.cli.run(&["sync", "--json"]).await?.status, 0);
    }
    village.reset_counts();
    let answer = village.cli.run(&["sync", "--json"]).await?.done()?;
    assert_eq!(answer["pairs"].as_array().map(Vec::len), Some(3));
    for server in &village.servers {
        assert_eq!(server.counts().total(), 1, "{}", server.counts());
    }
    Ok(())
}

#[tokio::test]
async fn ten_changes_cost_one_listing_one_reading_and_ten_writes() -> anyhow::Result<()> {
    for manners in [Manners::generic(), Manners::radicale_like(), Manners::xandikos_like()] {
        let village = village(manners, ONE_WAY).await?;
        for (name, object) in many(200) {
            village.people[0].put(&name, &object);
        }
        village.cli.sync().await?;
        village.cli.sync().await?;
        for n in 0..10 {
            village.people[0]
                .edit(&format!("e{n}.ics"), |ics| ics.replace("SUMMARY:", "SUMMARY:Again "));
        }
        village.reset_counts();
        let run = village.cli.sync().await?;
        assert_eq!(run["changed"], 10, "{run}");
        let [one, two] = [village.servers[0].counts(), village.servers[1].counts()];
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
        let village = village(Manners::generic(), TWO_WAY).await?;
        for (name, object) in many(size) {
            village.people[0].put(&name, &object);
        }
        village.cli.sync().await?;
        village.cli.sync().await?;
        village.people[0].edit("e7.ics", |ics| ics.replace("SUMMARY:", "SUMMARY:Again "));
        village.reset_counts();
        village.cli.sync().await?;
        costs.push(
            village
                .servers
                .each_ref()
                .map(|server| (server.counts().total(), server.counts().bytes_down() / 1_000)),
        );
    }
    assert_eq!(costs[0], costs[1], "requests and kilobytes");
    Ok(())
}
