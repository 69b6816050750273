//! The program among other processes: two at once, one that is killed, one that was killed (L5).

use std::time::Duration;

use futures::future::join_all;
use simulators::caldav::Manners;
use simulators::faults::{Fault, On};
use simulators::rng::Rng;

use crate::support::builder::Builder;
use crate::support::cli::{ONE_WAY, TWO_WAY, actions};
use crate::support::cli_env::CliEnv;
use crate::support::events::{hour, many};
use crate::support::storage::skips;

/// Both calendars show equal events, every event once.
async fn assert_in_step(env: &CliEnv, events: usize) -> anyhow::Result<()> {
    let [ours, theirs] = env.agendas();
    assert_eq!(ours, theirs);
    assert_eq!(ours.len(), events, "nothing is lost, and nothing is doubled");
    let mut distinct = ours.clone();
    distinct.dedup();
    assert_eq!(distinct, ours, "an event is listed twice");
    env.check_at_rest().await
}

#[tokio::test]
async fn two_at_once_both_end_well() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (env, pair) = Builder::caldav(Manners::generic()).build_cli_paired(terms).await?;
        for (name, object) in many(60) {
            env.people[0].put(&name, &object);
        }
        let all = join_all((0..4).map(|_| env.cli.sync_with(&[]))).await;
        let mut created = 0;
        for answer in all {
            let (status, run) = answer?;
            assert_eq!(status, 0, "{run}");
            created += run["created"].as_u64().unwrap_or_default();
        }
        assert_eq!(created, 60, "one of them makes each copy");
        assert_in_step(&env, 60).await?;
        let others = ["status", "doctor"].map(|command| [command, "--json"]);
        for (n, command) in others.iter().enumerate() {
            env.people[0].put(
                &format!("late-{n}.ics"),
                &hour(&format!("late-{n}"), 250, 9 + n as u8, "Late"),
            );
            let (run, other) = futures::try_join!(env.cli.sync(), env.cli.run(command))?;
            assert_eq!((run["created"].as_u64(), other.status), (Some(1), 0), "{}", other.stdout);
        }
        env.cli.json(&["pair", "remove", &pair]).await?;
    }
    Ok(())
}

/// Killed at twenty moments of its first pass and of later ones; what it had done is found
/// again.
#[tokio::test]
async fn killed_at_any_moment_nothing_is_lost_or_doubled() -> anyhow::Result<()> {
    if skips(
        "twenty leases of the dead would each last half a minute there; `killed_processes` has ten at \
        once",
    )? {
        return Ok(());
    }
    let (env, _) = Builder::caldav(Manners::generic()).build_cli_paired(TWO_WAY).await?;
    let [anna, ben] = &env.people;
    for (name, object) in many(80) {
        anna.put(&name, &object);
    }
    let slow = Fault::Delay(Duration::from_millis(3));
    env.servers.iter().for_each(|server| server.faults().always(On::any(), slow));
    let mut rng = Rng::of(7_531, &["kills"]);
    for round in 0..20 {
        let mut child = env.cli.start(&["sync", "--json"], "").await?;
        let moment = Duration::from_millis(40 + rng.below(400) as u64);
        if tokio::time::timeout(moment, child.wait()).await.is_err() {
            // SIGKILL: nothing in it can be tidied up.
            child.kill().await?;
        }
        anna.put(
            &format!("new-{round}.ics"),
            &hour(&format!("new-{round}"), 210 + round, 9, &format!("New {round}")),
        );
        let copy = ben.names().into_iter().find(|name| name.starts_with("calrelay-"));
        if let Some(copy) = copy.filter(|_| round % 3 == 0) {
            ben.edit(&copy, |ics| ics.replace("SUMMARY:", "SUMMARY:Edited "));
        }
    }
    env.servers.iter().for_each(|server| server.faults().clear());
    let begun = std::time::Instant::now();
    env.cli.sync().await?;
    assert!(begun.elapsed() < Duration::from_secs(20), "a process that was killed blocks no other");
    env.cli.sync().await?;
    let run = env.cli.sync().await?;
    assert!(actions(&run).is_empty(), "{run}");
    assert_in_step(&env, 100).await?;
    Ok(())
}

/// A killed process leaves no lease: the next one goes on at once.
#[tokio::test]
async fn a_killed_process_blocks_nobody() -> anyhow::Result<()> {
    if skips(
        "a lease ends with its process in embedded storage only; there it ends with its term, as \
        `killed_processes` shows",
    )? {
        return Ok(());
    }
    let env = Builder::caldav(Manners::generic()).build_cli().await?;
    env.pair(ONE_WAY).await?;
    env.people[0].put("lunch.ics", &hour("lunch", 2, 12, "Lunch"));
    env.servers[1].faults().next(On::writes(), Fault::Delay(Duration::from_secs(600)));
    let mut child = env.cli.start(&["sync", "--json"], "").await?;
    while env.servers[1].faults().waiting() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    child.kill().await?;
    let begun = std::time::Instant::now();
    let run = env.cli.sync().await?;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!((run["created"].as_u64(), env.people[1].len()), (Some(1), 1), "{run}");
    Ok(())
}
