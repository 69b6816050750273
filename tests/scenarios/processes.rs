//! The program among other processes: two at once, one that is killed, one that was killed (L5).

use std::time::Duration;

use futures::future::join_all;
use simulators::caldav::Manners;
use simulators::faults::{Fault, On};
use simulators::rng::Rng;

use crate::support::cli::{ONE_WAY, TWO_WAY, actions};
use crate::support::cli_env::Village;
use crate::support::events::{hour, many};
use crate::support::storage::leaves_out;

/// Both calendars show the same, and every event once.
async fn assert_in_step(village: &Village, events: usize) -> anyhow::Result<()> {
    let [ours, theirs] = village.agendas();
    assert_eq!(ours, theirs);
    assert_eq!(ours.len(), events, "nothing is lost, and nothing is doubled");
    let mut distinct = ours.clone();
    distinct.dedup();
    assert_eq!(distinct, ours, "an event stands there twice");
    village.at_rest().await
}

#[tokio::test]
async fn two_at_once_both_end_well() -> anyhow::Result<()> {
    for terms in [ONE_WAY, TWO_WAY] {
        let (village, pair) = Village::paired(terms).await?;
        for (name, object) in many(60) {
            village.people[0].put(&name, &object);
        }
        let all = join_all((0..4).map(|_| village.cli.sync_with(&[]))).await;
        let mut created = 0;
        for answer in all {
            let (status, run) = answer?;
            assert_eq!(status, 0, "{run}");
            created += run["created"].as_u64().unwrap_or_default();
        }
        assert_eq!(created, 60, "one of them makes each copy");
        assert_in_step(&village, 60).await?;
        let others = ["status", "doctor"].map(|command| [command, "--json"]);
        for (n, command) in others.iter().enumerate() {
            village.people[0].put(
                &format!("late-{n}.ics"),
                &hour(&format!("late-{n}"), 250, 9 + n as u8, "Late"),
            );
            let (run, other) = futures::try_join!(village.cli.sync(), village.cli.run(command))?;
            assert_eq!((run["created"].as_u64(), other.status), (Some(1), 0), "{}", other.stdout);
        }
        village.cli.json(&["pair", "remove", &pair]).await?;
    }
    Ok(())
}

/// Killed at twenty moments of its first pass and of later ones; whatever it had done is found
/// again.
#[tokio::test]
async fn killed_at_any_moment_nothing_is_lost_or_doubled() -> anyhow::Result<()> {
    if leaves_out(
        "twenty leases of the dead would each last half a minute there; `killed` tells of ten at \
        once",
    )? {
        return Ok(());
    }
    let (village, _) = Village::paired(TWO_WAY).await?;
    let [anna, ben] = &village.people;
    for (name, object) in many(80) {
        anna.put(&name, &object);
    }
    let slow = Fault::Delay(Duration::from_millis(3));
    village.servers.iter().for_each(|server| server.faults().always(On::any(), slow));
    let mut rng = Rng::of(7_531, &["kills"]);
    for round in 0..20 {
        let mut child = village.cli.start(&["sync", "--json"], "").await?;
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
    village.servers.iter().for_each(|server| server.faults().clear());
    let begun = std::time::Instant::now();
    village.cli.sync().await?;
    assert!(begun.elapsed() < Duration::from_secs(20), "a process that was killed blocks nobody");
    village.cli.sync().await?;
    let run = village.cli.sync().await?;
    assert!(actions(&run).is_empty(), "{run}");
    assert_in_step(&village, 100).await?;
    Ok(())
}

/// A killed process leaves no lease: the next one goes on at once.
#[tokio::test]
async fn a_killed_process_blocks_nobody() -> anyhow::Result<()> {
    if leaves_out(
        "a lease ends with its process in embedded storage only; there it ends with its term, as \
        `killed` tells",
    )? {
        return Ok(());
    }
    let village = Village::new(Manners::generic()).await?;
    village.pair(ONE_WAY).await?;
    village.people[0].put("lunch.ics", &hour("lunch", 2, 12, "Lunch"));
    village.servers[1].faults().next(On::writes(), Fault::Delay(Duration::from_secs(600)));
    let mut child = village.cli.start(&["sync", "--json"], "").await?;
    while village.servers[1].faults().waiting() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    child.kill().await?;
    let begun = std::time::Instant::now();
    let run = village.cli.sync().await?;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!((run["created"].as_u64(), village.people[1].len()), (Some(1), 1), "{run}");
    Ok(())
}
