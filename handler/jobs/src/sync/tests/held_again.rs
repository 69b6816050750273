//! What else a question to the owner rests on.

use engine::mapping::MappingState;
use engine::pair::Side;
use engine::reason::Reason;
use providers::Error;

use super::calendar::CalendarCall;
use super::events::april;
use super::reasons;
use super::world::World;
use records::pair_state::HeldRow;
use records::problem::Held;
use records::problem::HeldKind;
use records::problem::PairStatus;

#[tokio::test]
async fn what_an_earlier_release_has_held_waits_for_ten_minutes_as_well() {
    let world = World::one_way().await.filled(40).await;
    world.remove_origins(0..11);
    let (held, since) = (Held::new(&world.pair.id, 11, 40), world.scope.clock.now());
    world
        .set_state(|row| {
            row.held = Some(HeldRow { held, since, by_owner: false, emptied: Vec::new() })
        })
        .await;
    let run = world.pass().await;
    assert_eq!(
        (run.state, run.deleted, world.count()),
        (PairStatus::Held, 0, [29, 40]),
        "a minute later"
    );
}

#[tokio::test]
async fn what_an_earlier_release_has_held_is_released_by_a_second_look() {
    let world = World::one_way().await.filled(40).await;
    world.remove_origins(0..11);
    let (held, since) = (Held::new(&world.pair.id, 11, 40), world.scope.clock.now());
    world
        .set_state(|row| {
            row.held = Some(HeldRow { held, since, by_owner: false, emptied: Vec::new() })
        })
        .await;
    world.minutes(9);
    let run = world.pass().await;
    assert_eq!((run.state, run.deleted, world.count()), (PairStatus::Ok, 11, [29, 29]));
    world.rest().await;
}

/// Two-way, six events of `--from` with copies, one that began in `--to`, and one whose copy is
/// suppressed.
async fn with_one_alone() -> World {
    let world = World::two_way().await;
    world.to().put(april("theirs", 20));
    world.from().put(april("alone", 25));
    let world = world.filled(6).await;
    let copy = world.copy("alone.ics").await;
    world.to().remove(&copy);
    world.from().refused.insert((CalendarCall::Delete, None), Error::HasGuests);
    assert_eq!(reasons(&world.pass().await), [Reason::HasGuests]);
    world.from().refused.clear();
    assert_eq!(world.mapping("alone.ics").await.state, MappingState::Suppressed);
    world
}

#[tokio::test]
async fn an_event_without_a_copy_that_is_left_is_a_sign_of_life() {
    let world = with_one_alone().await;
    let alone =
        world.from().all().into_iter().find(|event| event.content.title == "alone").unwrap();
    world.from().clear();
    world.from().restore(alone);
    let run = world.pass().await;
    assert_ne!(run.held.map(|held| held.kind), Some(HeldKind::Emptied));
    assert_eq!(world.state().await.held.map_or(Vec::new(), |row| row.emptied), []);
}

#[tokio::test]
async fn an_event_without_a_copy_that_is_gone_as_well_is_none() {
    let world = with_one_alone().await;
    world.from().clear();
    let run = world.pass().await;
    let held = run.held.map(|held| (held.kind, held.deletions, held.of));
    assert_eq!((held, run.deleted, world.count()), (Some((HeldKind::Emptied, 7, 7)), 0, [0, 7]));
    assert_eq!(world.state().await.held.unwrap().emptied, [Side::From]);
}
