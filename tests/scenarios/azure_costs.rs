//! What a pass costs in an Azure storage account, in transactions as they are billed. On Azurite.

use std::sync::Arc;

use simulators::azurite::Azurite;
use simulators::caldav::Manners;
use store::azure::{Azure, Settings};
use store::{Op, Store, Table};

use crate::ways::{ONE_WAY, TWO_WAY};
use crate::world::{Terms, World};

/// The most that a pass costs which finds nothing, and one that finds one changed event, both ways, leases and all: a ratchet.
/// The aim is 3 and 12; what stands above it is rows of the directory that a pass reads again and again, and three leases.
const NOTHING: u64 = 24;
const ONE_CHANGE: u64 = 30;

fn event(uid: &str, title: &str) -> String {
    format!(
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//test//EN\nBEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260301T000000Z\nDTSTART:20260312T110000Z\nDTEND:20260312T120000Z\nSUMMARY:{title}\nEND:VEVENT\nEND:VCALENDAR\n"
    )
}

/// The world's rows, moved to Azure; from here on it knows no other storage.
async fn on_azure(world: &mut World, azurite: &Azurite) -> anyhow::Result<Arc<Azure>> {
    let azure = Arc::new(Azure::connect(&Settings::from_connection_string(&azurite.connection_string())?)?);
    let partitions = [
        (Table::Directory, world.services.owner.clone()),
        (Table::Secrets, world.services.owner.clone()),
        (Table::Pairs, world.pair.id.to_string()),
    ];
    for (table, partition) in partitions {
        let rows = world.services.store.scan(table, &partition, "", None, 100).await?;
        let ops: Vec<Op> = rows.into_iter().map(|row| Op::Insert { key: row.key, value: row.value }).collect();
        azure.commit(table, &partition, &ops).await?;
    }
    let services = &mut world.core.services;
    (services.store, services.leases, services.queue) = (azure.clone(), azure.clone(), azure.clone());
    Ok(azure)
}

/// One pass; what it did and what it cost.
async fn pass(world: &World, azure: &Azure) -> ([u64; 3], u64) {
    let before = azure.transactions();
    let run = world.sync().await;
    assert!(run.error.is_none(), "{run:?}");
    azure.settle().await;
    let now = azure.transactions();
    assert_eq!(now.queues, before.queues, "a pass puts nothing into a queue");
    ([run.created, run.changed, run.deleted], now.tables - before.tables)
}

async fn one_change(terms: Terms) -> anyhow::Result<()> {
    let azurite = Azurite::start().await?;
    let mut world = World::new([Manners::generic(), Manners::generic()], terms).await?;
    let azure = on_azure(&mut world, &azurite).await?;
    let from = world.calendars[0].clone();
    for n in 0..20 {
        from.put(&format!("e{n}.ics"), &event(&n.to_string(), "Lunch"));
    }
    while pass(&world, &azure).await.0 != [0, 0, 0] {}
    let (_, quiet) = pass(&world, &azure).await;
    from.edit("e7.ics", |ics| ics.replace("Lunch", "Late lunch"));
    let (did, changed) = pass(&world, &azure).await;
    assert_eq!(did, [0, 1, 0]);
    let (did, echo) = pass(&world, &azure).await;
    assert_eq!(did, [0, 0, 0]);
    from.put("new.ics", &event("new", "Tea"));
    let (did, created) = pass(&world, &azure).await;
    assert_eq!(did, [1, 0, 0]);
    println!("table transactions: nothing found {quiet}, one changed {changed}, its echo {echo}, one created {created}");
    assert!(quiet <= NOTHING, "a pass that finds nothing costs {quiet} transactions");
    assert!(changed <= ONE_CHANGE && created <= ONE_CHANGE, "one changed event costs {changed} transactions, a new one {created}");
    Ok(())
}

#[tokio::test]
async fn a_pass_costs_no_more_than_it_did_one_way() -> anyhow::Result<()> {
    one_change(ONE_WAY).await
}

#[tokio::test]
async fn a_pass_costs_no_more_than_it_did_both_ways() -> anyhow::Result<()> {
    one_change(TWO_WAY).await
}
