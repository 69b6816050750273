//! Handlers, hosts and storage that go away in the middle of work.

use std::time::{Duration, Instant};

use simulators::azurite::Azurite;
use simulators::caldav::Manners;
use simulators::faults::{Fault, On};
use simulators::functions_host::StorageQueues;
use simulators::rng::Rng;

use crate::support::builder::Builder;
use crate::support::events::{hour, many};
use crate::support::hosted_env::HostedEnv;

/// A handler that was killed leaves the lease of its pair behind, for half a minute. Fifty of those
/// would be half an hour, so here the table of leases is thrown away while no handler is alive: the
/// state that every one of them would find after the term. That it ends by itself is the next
/// test's.
#[tokio::test]
async fn killed_fifty_times_in_the_middle_of_work_nothing_is_lost_or_doubled() -> anyhow::Result<()>
{
    let azurite = Azurite::start().await?;
    let env = Builder::caldav(Manners::generic()).build_hosted_on(&azurite, "00:00:00").await?;
    let [anna, ben] = &env.people;
    for (name, object) in many(40) {
        anna.put(&name, &object);
    }
    env.servers.iter().for_each(|server| {
        server.faults().always(On::any(), Fault::Delay(Duration::from_millis(3)))
    });
    let mut rng = Rng::of(4_711, &["handler"]);
    let mut cut_off = 0;
    for round in 0..50_i64 {
        anna.put(
            &format!("new-{round}.ics"),
            &hour(&format!("new-{round}"), 210 + round, 9, &format!("New {round}")),
        );
        let copy = ben.names().into_iter().find(|name| name.starts_with("calrelay-"));
        if let Some(copy) = copy.filter(|_| round % 5 == 0) {
            ben.edit(&copy, |ics| ics.replace("SUMMARY:", "SUMMARY:Edited "));
        }
        env.reset_counts();
        env.site.clock().advance(Duration::from_secs(60));
        // Two requests for states are the poll's; the requests that follow are those of a pass.
        env.until("no pass begins", || {
            env.servers.iter().map(|server| server.counts().total()).sum::<u64>() > 3
        })
        .await?;
        tokio::time::sleep(Duration::from_millis(rng.below(150) as u64)).await;
        let before = env.tally("sync_calendar").failed;
        let down = env.host().kill_handler().await?;
        azurite.delete_table("leases").await?;
        cut_off += usize::from(env.tally("sync_calendar").failed > before);
        drop(down);
    }
    println!("of 50 kills, {cut_off} cut off the work on a message");
    assert!(cut_off >= 25, "most kills must fall into the work on a message: {cut_off}");
    env.servers.iter().for_each(|server| server.faults().clear());
    env.settle().await?;
    env.assert_equal_sides(90);
    assert_eq!(env.cli.status().await?["pairs"][0]["state"], "ok");
    Ok(())
}

/// The host crashes: no lease is ended and no message is returned. The message becomes visible
/// after ten minutes; the lease expires after half a minute.
#[tokio::test]
async fn an_instance_that_dies_in_the_middle_of_work_blocks_its_pair_for_half_a_minute()
-> anyhow::Result<()> {
    let azurite = Azurite::start().await?;
    let mut env = Builder::caldav(Manners::generic()).build_hosted_on(&azurite, "00:00:00").await?;
    let [anna, ben] = env.people.clone();
    env.settle().await?;
    for (name, object) in many(5) {
        anna.put(&name, &object);
    }
    env.servers[1].faults().next(On::writes(), Fault::Delay(Duration::from_secs(600)));
    env.site.clock().advance(Duration::from_secs(60));
    env.until("no write", || !env.servers[1].faults().waiting()).await?;
    for host in env.hosts.drain(..) {
        host.kill().await;
    }
    let died = Instant::now();
    env.start_instance().await?;
    while ben.len() < 5 {
        assert!(
            died.elapsed() < Duration::from_secs(60),
            "it is blocked for longer than the term: {}",
            env.site.log()
        );
        env.minute().await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    println!("the next instance went on after {:?}", died.elapsed());
    assert!(
        died.elapsed() > Duration::from_secs(15),
        "the dead one's lease was not respected: {:?}",
        died.elapsed()
    );
    env.settle().await?;
    env.assert_equal_sides(5);
    Ok(())
}

/// Storage goes away in the middle of a pass, and comes back with what it held.
#[tokio::test]
async fn storage_that_is_restarted_in_the_middle_of_work_is_found_again() -> anyhow::Result<()> {
    let mut azurite = Azurite::start_keeping().await?;
    let env = Builder::caldav(Manners::generic()).build_hosted_on(&azurite, "00:00:00").await?;
    let [anna, ben] = &env.people;
    anna.put("early.ics", &hour("early", 100, 9, "Early"));
    env.settle().await?;
    for (name, object) in many(40) {
        anna.put(&name, &object);
    }
    env.servers[1].faults().always(On::any(), Fault::Delay(Duration::from_millis(250)));
    env.site.clock().advance(Duration::from_secs(60));
    env.until("no copy", || ben.len() > 3).await?;
    azurite.stop().await?;
    // What was under way finds storage gone, and so does a tick. Copies that were announced before
    // are still made.
    let failed = |env: &HostedEnv<StorageQueues>| {
        env.tally("poll_caldav").failed + env.tally("sync_calendar").failed
    };
    let before = failed(&env);
    env.site.clock().advance(Duration::from_secs(60));
    env.until("the crash has no effect", || failed(&env) > before).await?;
    azurite.restart().await?;
    env.servers[1].faults().clear();
    let begun = Instant::now();
    // A lease that could not be given back is over after half a minute.
    while env.minute().await? > 0 || ben.len() < 41 {
        assert!(begun.elapsed() < Duration::from_secs(60), "it does not go on: {}", env.site.log());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    println!("it had caught up {:?} after the restart", begun.elapsed());
    env.settle().await?;
    env.assert_equal_sides(41);
    assert_eq!(env.cli.status().await?["pairs"][0]["state"], "ok");
    Ok(())
}

/// SIGTERM, which the host does not send, and a crash, which it counts: neither is the end.
#[tokio::test]
async fn a_handler_that_ends_is_started_again() -> anyhow::Result<()> {
    let azurite = Azurite::start().await?;
    let env = Builder::caldav(Manners::generic()).build_hosted_on(&azurite, "00:00:00").await?;
    // More often than the host would bear with errors.
    for _ in 0..4 {
        env.host().signal_handler("TERM").await?;
        env.host().handler().await?;
    }
    for _ in 0..2 {
        env.host().signal_handler("KILL").await?;
        env.host().handler().await?;
    }
    env.people[0].put("one.ics", &hour("one", 3, 9, "One"));
    env.settle().await?;
    env.assert_equal_sides(1);
    Ok(())
}
