//! What messages go through on their way: failure, doubles, delay, several instances.

use std::time::Duration;

use simulators::azurite::Azurite;
use simulators::faults::{Fault, On};
use simulators::functions_host::Source;

use crate::support::events::{hour, many};
use crate::support::hosted_env::{POISON, QUEUE, Town};

#[tokio::test]
async fn a_message_that_fails_for_good_marks_its_pair_and_tells_its_owner() -> anyhow::Result<()> {
    let azurite = Azurite::start().await?;
    let town = Town::on(&azurite, "00:00:00").await?;
    town.village.people[0].put("one.ics", &hour("one", 3, 9, "One"));
    town.settle().await?;
    town.village.servers[1].faults().always(On::any(), Fault::Status(503));
    town.queues.send(QUEUE, &town.nudge(0, "reconcile")).await?;
    town.until("no poison", || town.tally("sync_calendar_poison").succeeded == 1).await?;
    town.rest().await?;
    let tally = town.tally("sync_calendar");
    assert_eq!((tally.failed, tally.poisoned), (5, 1), "{}", town.site.log());
    assert_eq!([town.queues.waiting(QUEUE).await?, town.queues.waiting(POISON).await?], [0, 0]);
    let status = town.village.cli.status().await?;
    assert_eq!(status["pairs"][0]["state"], "error", "{status}");
    assert!(
        status["pairs"][0]["error"]["message"]
            .as_str()
            .is_some_and(|words| words.contains("Nothing was lost")),
        "{status}"
    );
    let words = town.village.cli.run(&["status"]).await?;
    assert!(words.stdout.contains("Nothing was lost"), "a person sees it too: {words:?}");
    town.village.servers[1].faults().clear();
    town.village.people[0].put("two.ics", &hour("two", 4, 9, "Two"));
    town.settle().await?;
    assert_eq!(
        town.village.cli.status().await?["pairs"][0]["state"],
        "ok",
        "it has been well since"
    );
    town.assert_in_step(2);
    Ok(())
}

#[tokio::test]
async fn the_same_message_twice_at_once_makes_each_copy_once() -> anyhow::Result<()> {
    let azurite = Azurite::start().await?;
    let town = Town::on(&azurite, "00:00:01").await?;
    for (name, object) in many(30) {
        town.village.people[0].put(&name, &object);
    }
    town.village.servers[1].faults().always(On::any(), Fault::Delay(Duration::from_millis(5)));
    for _ in 0..2 {
        town.queues.send(QUEUE, &town.nudge(0, "webhook")).await?;
        town.queues.send(QUEUE, &town.nudge(1, "webhook")).await?;
    }
    town.until("the copies", || town.village.people[1].len() == 30).await?;
    town.village.servers[1].faults().clear();
    town.settle().await?;
    assert_eq!(town.tally("sync_calendar").poisoned, 0, "{}", town.site.log());
    assert_eq!(town.village.servers[1].counts().writes(), 30, "each copy was made once");
    town.assert_in_step(30);
    Ok(())
}

/// A message that lay somewhere while everything it could tell was found out otherwise, and undone
/// again.
#[tokio::test]
async fn a_message_an_hour_late_does_no_harm() -> anyhow::Result<()> {
    let azurite = Azurite::start().await?;
    let mut town = Town::on(&azurite, "00:00:00").await?;
    let [anna, ben] = town.village.people.clone();
    anna.put("one.ics", &hour("one", 3, 9, "One"));
    anna.put("two.ics", &hour("two", 4, 9, "Two"));
    town.settle().await?;
    for host in town.hosts.drain(..) {
        host.kill().await;
    }
    // Somebody takes it, and does not give it back for an hour.
    town.queues.send(QUEUE, &town.nudge(1, "webhook")).await?;
    let taken = town.queues.receive(QUEUE, 1, Duration::from_secs(3600)).await?;
    assert_eq!(taken.len(), 1);
    town.grow().await?;
    ben.delete(&ben.find("Two").unwrap());
    anna.edit("one.ics", |ics| ics.replace("SUMMARY:One", "SUMMARY:Once"));
    town.site.clock().advance(Duration::from_secs(3600));
    town.settle().await?;
    town.assert_in_step(1);
    town.village.reset_counts();
    let before = town.tally("sync_calendar");
    town.queues.hide(QUEUE, &taken[0], Duration::ZERO).await?;
    town.until("it is not delivered", || town.tally("sync_calendar").ended() > before.ended())
        .await?;
    town.rest().await?;
    assert_eq!(
        (town.tally("sync_calendar").failed, town.village.writes()),
        (before.failed, [0, 0]),
        "it found nothing left to do"
    );
    town.assert_in_step(1);
    Ok(())
}

/// Both are called to the same calendars, again and again, while there is much to do.
#[tokio::test]
async fn two_instances_at_once_make_each_copy_once_and_neither_fails_for_good() -> anyhow::Result<()>
{
    let azurite = Azurite::start().await?;
    let mut town = Town::on(&azurite, "00:00:01").await?;
    town.grow().await?;
    let [anna, ben] = town.village.people.clone();
    for (name, object) in many(40) {
        anna.put(&name, &object);
    }
    town.village.servers.iter().for_each(|server| {
        server.faults().always(On::any(), Fault::Delay(Duration::from_millis(5)))
    });
    for round in 0..12 {
        town.queues
            .send(QUEUE, &town.nudge(round % 2, if round % 3 == 0 { "webhook" } else { "poll" }))
            .await?;
    }
    town.until("the copies", || ben.len() == 40).await?;
    for n in 0..5 {
        let copy = ben.names()[n].clone();
        ben.edit(&copy, |ics| ics.replace("SUMMARY:", "SUMMARY:Ben's "));
    }
    town.settle().await?;
    town.village.servers.iter().for_each(|server| server.faults().clear());
    town.settle().await?;
    let did = town.hosts.iter().map(|host| host.tally("sync_calendar").ended()).collect::<Vec<_>>();
    assert!(did.iter().all(|done| *done > 0), "both had something to do: {did:?}");
    assert_eq!(town.tally("sync_calendar").poisoned, 0, "{}", town.site.log());
    assert_eq!(
        town.village.writes(),
        [5, 40],
        "each copy was made once, and each edit carried over once"
    );
    let ticks = town.hosts.iter().map(|host| host.tally("poll_caldav").ended()).collect::<Vec<_>>();
    assert!(ticks.contains(&0), "one of them fires the timers: {ticks:?}");
    assert_eq!(town.village.cli.status().await?["pairs"][0]["state"], "ok");
    town.assert_in_step(40);
    Ok(())
}
