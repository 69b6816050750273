//! Passes that are made in several turns.

use std::sync::Arc;
use std::time::Duration;

use engine::event::Event;
use engine::reason::Reason;
use jiff::ToSpan;
use jiff::civil::date;

use super::calendar::CalendarCall;
use super::events::{event, on};
use super::world::{FULL, World};
use crate::InProcess;
use crate::report::Run;

/// Sixty events that are declined: none of them is copied, and none of them gets a mapping.
async fn declined() -> World {
    let world = World::one_way().await;
    for n in 0..60 {
        let day = date(2026, 4, 1).saturating_add(n.days());
        world.from().put(Event { declined: true, ..event(&format!("e{n:02}"), "x", on(day)) });
    }
    world
}

/// The shortest turn in the background: one batch.
async fn turn(world: &mut World) -> Run {
    world.scope.services.in_process = Arc::new(InProcess::with_attempt_limits([Duration::ZERO; 2]));
    world.minutes(1);
    world.forget_calls();
    let run = world.in_background(None).await.run;
    assert_eq!(run.error, None);
    run
}

#[tokio::test]
async fn what_one_turn_has_settled_the_next_does_not_read() {
    let mut world = declined().await;
    let mut turns = Vec::new();
    for _ in 0..3 {
        let run = turn(&mut world).await;
        turns.push((run.remaining, run.skipped, world.asked(CalendarCall::Fetch)[0]));
    }
    assert_eq!(turns, [(40, 20, 20), (20, 20, 20), (0, 20, 20)]);
    world.rest().await;
}

#[tokio::test]
async fn what_happens_to_a_settled_event_between_two_turns_is_seen_after_the_last() {
    let mut world = declined().await;
    assert_eq!(turn(&mut world).await.remaining, 40);
    world.from().change("e00.ics", |event| event.declined = false);
    assert_eq!(turn(&mut world).await.remaining, 20);
    assert_eq!((turn(&mut world).await.remaining, world.count()), (0, [60, 0]));
    assert_eq!((world.pass().await.created, world.count()), (1, [60, 1]));
    world.rest().await;
}

#[tokio::test]
async fn what_a_turn_could_not_settle_is_read_by_the_next() {
    let mut world = declined().await;
    world.from().hidden.insert(engine::event::EventId::new("e05.ics"));
    turn(&mut world).await;
    world.from().hidden.clear();
    world.from().change("e05.ics", |event| event.declined = false);
    turn(&mut world).await;
    turn(&mut world).await;
    world.run(FULL).await;
    assert_eq!(world.count(), [60, 1]);
    world.rest().await;
}

#[tokio::test]
async fn whoever_asks_for_a_pass_has_all_of_it_read() {
    let mut world = declined().await;
    turn(&mut world).await;
    let run = world.pass().await;
    assert_eq!((run.remaining, run.skipped, world.asked(CalendarCall::Fetch)[0]), (0, 60, 60));
    assert!(run.actions.iter().all(|action| action.reason == Some(Reason::Declined)));
}
