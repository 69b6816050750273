//! Under the stand-in for the Functions host, with storage on Azurite (O1).

mod crashes;
mod embedded;
mod queues;
mod requests;

use std::time::Duration;

use simulators::azurite::Azurite;
use simulators::caldav::Manners;

use crate::support::builder::Builder;
use crate::support::events::{hour, many};

#[tokio::test]
async fn the_main_job_is_done_under_the_host() -> anyhow::Result<()> {
    let azurite = Azurite::start().await?;
    let env = Builder::caldav(Manners::generic()).build_hosted_on(&azurite, "00:00:00").await?;
    let [anna, ben] = &env.people;
    for (name, object) in many(12) {
        anna.put(&name, &object);
    }
    env.settle().await?;
    env.assert_equal_sides(12);
    env.reset_counts();
    assert_eq!(env.minute().await?, 0, "nothing has happened, and nothing is sent");
    assert_eq!(
        env.servers.each_ref().map(|server| server.counts().total()),
        [1, 1],
        "one request for states a server"
    );
    let copy = ben.names()[0].clone();
    ben.edit(&copy, |ics| ics.replace("SUMMARY:", "SUMMARY:Moved "));
    anna.put("late.ics", &hour("late", 100, 9, "Late"));
    env.settle().await?;
    assert!(env.agendas()[0].iter().any(|line| line.contains("Moved")), "the edit flows back");
    env.assert_equal_sides(13);
    assert_eq!(env.cli.status().await?["pairs"][0]["state"], "ok");
    Ok(())
}

/// Nights and hours without a host: one tick makes up for all that was missed.
#[tokio::test]
async fn timers_fire_by_their_schedule_and_make_up_for_one_missed_tick() -> anyhow::Result<()> {
    let azurite = Azurite::start().await?;
    let mut env = Builder::caldav(Manners::generic()).build_hosted_on(&azurite, "00:00:00").await?;
    env.settle().await?;
    let nights = env.tally("reconcile").succeeded;
    env.site.advance_to("reconcile")?;
    env.until("no night", || env.tally("reconcile").succeeded > nights).await?;
    env.drain().await?;
    assert_eq!(env.tally("sync_calendar").failed, 0);
    for host in env.hosts.drain(..) {
        assert_eq!(host.tally("poll_caldav").past_due + host.tally("reconcile").past_due, 0);
        host.kill().await;
    }
    env.people[0].put("one.ics", &hour("one", 3, 9, "One"));
    env.site.clock().advance(Duration::from_secs(3 * 86_400));
    env.start_instance().await?;
    env.until("no tick", || {
        ["poll_caldav", "reconcile"].iter().all(|name| env.tally(name).succeeded > 0)
    })
    .await?;
    env.drain().await?;
    assert_eq!(
        ["poll_caldav", "reconcile"].map(|name| env.tally(name).past_due),
        [1, 1],
        "three days, and one tick of each"
    );
    env.settle().await?;
    env.assert_equal_sides(1);
    Ok(())
}
