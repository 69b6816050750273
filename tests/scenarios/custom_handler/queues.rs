//! What messages go through on their way: failure, doubles, delay, several instances.

use std::time::Duration;

use simulators::azurite::Azurite;
use simulators::caldav::Manners;
use simulators::faults::{Fault, On};
use simulators::functions_host::Source;

use crate::support::builder::Builder;
use crate::support::events::{hour, many};
use crate::support::hosted_env::{POISON, QUEUE};

#[tokio::test]
async fn a_message_that_fails_for_good_marks_its_pair_and_tells_its_owner() -> anyhow::Result<()> {
    let azurite = Azurite::start().await?;
    let env = Builder::caldav(Manners::generic()).build_hosted_on(&azurite, "00:00:00").await?;
    env.people[0].put("one.ics", &hour("one", 3, 9, "One"));
    env.settle().await?;
    env.servers[1].faults().always(On::any(), Fault::Status(503));
    env.queues.send(QUEUE, &env.nudge(0, "reconcile")).await?;
    env.until("no poison", || env.tally("sync_calendar_poison").succeeded == 1).await?;
    env.drain().await?;
    let tally = env.tally("sync_calendar");
    assert_eq!((tally.failed, tally.poisoned), (5, 1), "{}", env.site.log());
    assert_eq!([env.queues.waiting(QUEUE).await?, env.queues.waiting(POISON).await?], [0, 0]);
    let status = env.cli.status().await?;
    assert_eq!(status["pairs"][0]["state"], "error", "{status}");
    assert!(
        status["pairs"][0]["error"]["message"]
            .as_str()
            .is_some_and(|words| words.contains("Nothing was lost")),
        "{status}"
    );
    let words = env.cli.run(&["status"]).await?;
    assert!(words.stdout.contains("Nothing was lost"), "a person sees it too: {words:?}");
    env.servers[1].faults().clear();
    env.people[0].put("two.ics", &hour("two", 4, 9, "Two"));
    env.settle().await?;
    assert_eq!(env.cli.status().await?["pairs"][0]["state"], "ok", "it has been well since");
    env.assert_equal_sides(2);
    Ok(())
}

#[tokio::test]
async fn the_same_message_twice_at_once_makes_each_copy_once() -> anyhow::Result<()> {
    let azurite = Azurite::start().await?;
    let env = Builder::caldav(Manners::generic()).build_hosted_on(&azurite, "00:00:01").await?;
    for (name, object) in many(30) {
        env.people[0].put(&name, &object);
    }
    env.servers[1].faults().always(On::any(), Fault::Delay(Duration::from_millis(5)));
    for _ in 0..2 {
        env.queues.send(QUEUE, &env.nudge(0, "webhook")).await?;
        env.queues.send(QUEUE, &env.nudge(1, "webhook")).await?;
    }
    env.until("the copies", || env.people[1].len() == 30).await?;
    env.servers[1].faults().clear();
    env.settle().await?;
    assert_eq!(env.tally("sync_calendar").poisoned, 0, "{}", env.site.log());
    assert_eq!(env.servers[1].counts().writes(), 30, "each copy was made once");
    env.assert_equal_sides(30);
    Ok(())
}

/// A message that is delivered late: the change that it reports was found by another way and
/// reverted since.
#[tokio::test]
async fn a_message_an_hour_late_does_no_harm() -> anyhow::Result<()> {
    let azurite = Azurite::start().await?;
    let mut env = Builder::caldav(Manners::generic()).build_hosted_on(&azurite, "00:00:00").await?;
    let [anna, ben] = env.people.clone();
    anna.put("one.ics", &hour("one", 3, 9, "One"));
    anna.put("two.ics", &hour("two", 4, 9, "Two"));
    env.settle().await?;
    for host in env.hosts.drain(..) {
        host.kill().await;
    }
    // Another consumer takes the message and does not return it for an hour.
    env.queues.send(QUEUE, &env.nudge(1, "webhook")).await?;
    let taken = env.queues.receive(QUEUE, 1, Duration::from_secs(3600)).await?;
    assert_eq!(taken.len(), 1);
    env.start_instance().await?;
    ben.delete(&ben.find("Two").unwrap());
    anna.edit("one.ics", |ics| ics.replace("SUMMARY:One", "SUMMARY:Once"));
    env.site.clock().advance(Duration::from_secs(3600));
    env.settle().await?;
    env.assert_equal_sides(1);
    env.reset_counts();
    let before = env.tally("sync_calendar");
    env.queues.hide(QUEUE, &taken[0], Duration::ZERO).await?;
    env.until("it is not delivered", || env.tally("sync_calendar").ended() > before.ended())
        .await?;
    env.drain().await?;
    assert_eq!(
        (env.tally("sync_calendar").failed, env.writes()),
        (before.failed, [0, 0]),
        "it found nothing left to do"
    );
    env.assert_equal_sides(1);
    Ok(())
}

/// Both instances receive messages for the same calendars repeatedly, while there is much to do.
#[tokio::test]
async fn two_instances_at_once_make_each_copy_once_and_neither_fails_for_good() -> anyhow::Result<()>
{
    let azurite = Azurite::start().await?;
    let mut env = Builder::caldav(Manners::generic()).build_hosted_on(&azurite, "00:00:01").await?;
    env.start_instance().await?;
    let [anna, ben] = env.people.clone();
    for (name, object) in many(40) {
        anna.put(&name, &object);
    }
    env.servers.iter().for_each(|server| {
        server.faults().always(On::any(), Fault::Delay(Duration::from_millis(5)))
    });
    for round in 0..12 {
        env.queues
            .send(QUEUE, &env.nudge(round % 2, if round % 3 == 0 { "webhook" } else { "poll" }))
            .await?;
    }
    env.until("the copies", || ben.len() == 40).await?;
    for n in 0..5 {
        let copy = ben.names()[n].clone();
        ben.edit(&copy, |ics| ics.replace("SUMMARY:", "SUMMARY:Ben's "));
    }
    env.settle().await?;
    env.servers.iter().for_each(|server| server.faults().clear());
    env.settle().await?;
    let did = env.hosts.iter().map(|host| host.tally("sync_calendar").ended()).collect::<Vec<_>>();
    assert!(did.iter().all(|done| *done > 0), "both had something to do: {did:?}");
    assert_eq!(env.tally("sync_calendar").poisoned, 0, "{}", env.site.log());
    assert_eq!(env.writes(), [5, 40], "each copy was made once, and each edit carried over once");
    let ticks = env.hosts.iter().map(|host| host.tally("poll_caldav").ended()).collect::<Vec<_>>();
    assert!(ticks.contains(&0), "one of them fires the timers: {ticks:?}");
    assert_eq!(env.cli.status().await?["pairs"][0]["state"], "ok");
    env.assert_equal_sides(40);
    Ok(())
}
