//! A pass of many turns: what one of them has read and skipped, the next one does not read again.

use std::sync::Arc;
use std::time::Duration;

use jobs::report::{Run, Silent};
use jobs::{InProcess, Services, sync};
use simulators::caldav::Manners;
use simulators::traffic::Kind;

use crate::identity::titles;
use crate::support::env::checks::BACKGROUND;
use crate::support::env::{Terms, World};
use crate::support::events::hour;

const BAD: usize = 400;

/// One turn of a process of its own, as short as it can be.
async fn turn(world: &World) -> Run {
    let pace = Arc::new(InProcess::with_turns([Duration::ZERO; 2]));
    let services = Services { pace, ..world.services.clone() };
    let run = sync(&services, std::slice::from_ref(&world.pair), BACKGROUND, &Silent)
        .await
        .pairs
        .remove(0);
    assert!(run.error.is_none(), "{run:?}");
    run
}

async fn with_many_bad() -> anyhow::Result<World> {
    let world = World::new([Manners::generic(), Manners::generic()], Terms::default()).await?;
    for n in 0..BAD {
        world.calendars[0].put(
            &format!("a{n:03}.ics"),
            &hour(&format!("bad{n}"), 3, 9, "Bad").replace("DTSTART", "DTSTRAT"),
        );
    }
    for n in 0..10 {
        world.calendars[0]
            .put(&format!("b{n}.ics"), &hour(&format!("good{n}"), 4, 9, &format!("Event {n}")));
    }
    Ok(world)
}

#[tokio::test]
async fn what_a_turn_has_skipped_is_not_read_again() -> anyhow::Result<()> {
    let world = with_many_bad().await?;
    let mut left = Vec::new();
    for _ in 0..20 {
        left.push(turn(&world).await.left);
        if left.last() == Some(&0) {
            break;
        }
    }
    assert!(
        left.len() > 2 && left.is_sorted_by(|a, b| a > b) && left.last() == Some(&0),
        "each turn leaves less: {left:?}"
    );
    assert_eq!(world.calendars[1].len(), 10);
    // At most three batches are under way when a turn ends.
    let reads = world.servers[0].counts().of(Kind::Multiget);
    assert!(
        reads <= (BAD as u64).div_ceil(49) + 2 * left.len() as u64,
        "{reads} in {} turns",
        left.len()
    );
    let status = jobs::status(&world.services, 60).await?;
    assert_eq!(status.pairs[0].problems, BAD as u64);
    world.reset_counts();
    world.sync().await;
    assert_eq!((world.writes(), world.servers[0].counts().of(Kind::Multiget)), ([0, 0], 0));
    Ok(())
}

#[tokio::test]
async fn what_happens_between_two_turns_is_not_lost() -> anyhow::Result<()> {
    let world = with_many_bad().await?;
    assert!(turn(&world).await.left > 0);
    // Both come before what the first turn has gone through.
    world.calendars[0].put("a000.ics", &hour("bad0", 5, 9, "Good now"));
    world.calendars[0].put("a00.ics", &hour("new", 6, 9, "New"));
    while turn(&world).await.left > 0 {}
    turn(&world).await;
    assert_eq!(titles(&world.calendars[1]).len(), 12, "{:?}", titles(&world.calendars[1]));
    Ok(())
}
