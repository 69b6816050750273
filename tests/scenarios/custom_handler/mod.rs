//! Under the Functions host, in the shape of its stand-in, with storage on Azurite (O1).

mod crashes;
mod embedded;
mod queues;
mod requests;

use std::time::Duration;

use simulators::azurite::Azurite;

use crate::support::events::{hour, many};
use crate::support::hosted_env::Town;

#[tokio::test]
async fn the_main_job_is_done_under_the_host() -> anyhow::Result<()> {
    let azurite = Azurite::start().await?;
    let town = Town::on(&azurite, "00:00:00").await?;
    let [anna, ben] = &town.village.people;
    for (name, object) in many(12) {
        anna.put(&name, &object);
    }
    town.settle().await?;
    town.assert_in_step(12);
    town.village.reset_counts();
    assert_eq!(town.minute().await?, 0, "nothing has happened, and nothing is sent");
    assert_eq!(
        town.village.servers.each_ref().map(|server| server.counts().total()),
        [1, 1],
        "one glance a server"
    );
    let copy = ben.names()[0].clone();
    ben.edit(&copy, |ics| ics.replace("SUMMARY:", "SUMMARY:Moved "));
    anna.put("late.ics", &hour("late", 100, 9, "Late"));
    town.settle().await?;
    assert!(
        town.village.agendas()[0].iter().any(|line| line.contains("Moved")),
        "the edit flows back"
    );
    town.assert_in_step(13);
    assert_eq!(town.village.cli.status().await?["pairs"][0]["state"], "ok");
    Ok(())
}

/// Nights and hours without a host: one tick makes up for all that was missed.
#[tokio::test]
async fn timers_fire_by_their_schedule_and_make_up_for_one_missed_tick() -> anyhow::Result<()> {
    let azurite = Azurite::start().await?;
    let mut town = Town::on(&azurite, "00:00:00").await?;
    town.settle().await?;
    let nights = town.tally("reconcile").succeeded;
    town.site.advance_to("reconcile")?;
    town.until("no night", || town.tally("reconcile").succeeded > nights).await?;
    town.rest().await?;
    assert_eq!(town.tally("sync_calendar").failed, 0);
    for host in town.hosts.drain(..) {
        assert_eq!(host.tally("poll_caldav").past_due + host.tally("reconcile").past_due, 0);
        host.kill().await;
    }
    town.village.people[0].put("one.ics", &hour("one", 3, 9, "One"));
    town.site.clock().advance(Duration::from_secs(3 * 86_400));
    town.grow().await?;
    town.until("no tick", || {
        ["poll_caldav", "reconcile"].iter().all(|name| town.tally(name).succeeded > 0)
    })
    .await?;
    town.rest().await?;
    assert_eq!(
        ["poll_caldav", "reconcile"].map(|name| town.tally(name).past_due),
        [1, 1],
        "three days, and one tick of each"
    );
    town.settle().await?;
    town.assert_in_step(1);
    Ok(())
}
