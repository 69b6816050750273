//! A pass of many turns: what one of them has read and skipped, the next one does not read again.

use std::sync::Arc;
use std::time::Duration;

use jobs::report::{Run, Silent};
use jobs::{InProcess, Services, sync};
use simulators::caldav::Manners;
use simulators::traffic::Kind;

use crate::support::builder::Builder;
use crate::support::cli_checks::titles;
use crate::support::env::Env;
use crate::support::env_checks::BACKGROUND;
use crate::support::events::hour;
use crate::support::installation::Terms;

const BAD: usize = 400;

/// One turn of a process of its own, as short as it can be.
async fn turn(env: &Env) -> Run {
    let pace = Arc::new(InProcess::with_attempt_limits([Duration::ZERO; 2]));
    let scope = Services { in_process: pace, ..env.scope.services.clone() }.scope(&env.scope.owner);
    let run =
        sync(&scope, std::slice::from_ref(&env.pair), BACKGROUND, &Silent).await.pairs.remove(0);
    assert!(run.error.is_none(), "{run:?}");
    run
}

async fn with_many_bad() -> anyhow::Result<Env> {
    let env = Builder::caldav(Manners::generic()).terms(Terms::default()).build().await?;
    for n in 0..BAD {
        env.people[0].put(
            &format!("a{n:03}.ics"),
            &hour(&format!("bad{n}"), 3, 9, "Bad").replace("DTSTART", "DTSTRAT"),
        );
    }
    for n in 0..10 {
        env.people[0]
            .put(&format!("b{n}.ics"), &hour(&format!("good{n}"), 4, 9, &format!("Event {n}")));
    }
    Ok(env)
}

#[tokio::test]
async fn what_a_turn_has_skipped_is_not_read_again() -> anyhow::Result<()> {
    let env = with_many_bad().await?;
    let mut left = Vec::new();
    for _ in 0..20 {
        left.push(turn(&env).await.remaining);
        if left.last() == Some(&0) {
            break;
        }
    }
    assert!(
        left.len() > 2 && left.is_sorted_by(|a, b| a > b) && left.last() == Some(&0),
        "each turn leaves less: {left:?}"
    );
    assert_eq!(env.people[1].len(), 10);
    // At most three batches are under way when a turn ends.
    let reads = env.servers[0].counts().of(Kind::Multiget);
    assert!(
        reads <= (BAD as u64).div_ceil(49) + 2 * left.len() as u64,
        "{reads} in {} turns",
        left.len()
    );
    let status = jobs::status(&env.scope, 60).await?;
    assert_eq!(status.pairs[0].problems, BAD as u64);
    env.reset_counts();
    env.sync().await;
    assert_eq!((env.writes(), env.servers[0].counts().of(Kind::Multiget)), ([0, 0], 0));
    Ok(())
}

#[tokio::test]
async fn what_happens_between_two_turns_is_not_lost() -> anyhow::Result<()> {
    let env = with_many_bad().await?;
    assert!(turn(&env).await.remaining > 0);
    // Both come before what the first turn has gone through.
    env.people[0].put("a000.ics", &hour("bad0", 5, 9, "Good now"));
    env.people[0].put("a00.ics", &hour("new", 6, 9, "New"));
    while turn(&env).await.remaining > 0 {}
    turn(&env).await;
    assert_eq!(titles(&env.people[1]).len(), 12, "{:?}", titles(&env.people[1]));
    Ok(())
}
