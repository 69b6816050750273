//! The evidence on which a question to the owner rests.

use engine::mapping::MappingState;
use engine::pair::Side;
use engine::reason::Reason;
use providers::Error;
use records::pair_state::HeldRow;
use records::problem::{Held, HeldKind, PairStatus};

use super::env::PairEnv;
use super::memory_calendar::CalendarCall;
use super::reasons;
use super::sample_events::april;

#[tokio::test]
async fn what_an_earlier_release_has_held_waits_for_ten_minutes_as_well() {
    let env = PairEnv::one_way().await.filled(40).await;
    env.remove_origins(0..11);
    let (held, since) = (Held::new(&env.pair.id, 11, 40), env.scope.clock.now());
    env.set_state(|row| {
        row.held = Some(HeldRow { held, since, by_owner: false, emptied: Vec::new() })
    })
    .await;
    let run = env.pass().await;
    assert_eq!(
        (run.state, run.deleted, env.count()),
        (PairStatus::Held, 0, [29, 40]),
        "a minute later"
    );
}

#[tokio::test]
async fn what_an_earlier_release_has_held_is_released_by_a_second_look() {
    let env = PairEnv::one_way().await.filled(40).await;
    env.remove_origins(0..11);
    let (held, since) = (Held::new(&env.pair.id, 11, 40), env.scope.clock.now());
    env.set_state(|row| {
        row.held = Some(HeldRow { held, since, by_owner: false, emptied: Vec::new() })
    })
    .await;
    env.minutes(9);
    let run = env.pass().await;
    assert_eq!((run.state, run.deleted, env.count()), (PairStatus::Ok, 11, [29, 29]));
    env.rest().await;
}

/// Two-way, six events of `--from` with copies, one that began in `--to`, and one whose copy is
/// suppressed.
async fn with_one_alone() -> PairEnv {
    let env = PairEnv::two_way().await;
    env.to().put(april("theirs", 20));
    env.from().put(april("alone", 25));
    let env = env.filled(6).await;
    let copy = env.copy("alone.ics").await;
    env.to().remove(&copy);
    env.from().refused.insert((CalendarCall::Delete, None), Error::HasGuests);
    assert_eq!(reasons(&env.pass().await), [Reason::HasGuests]);
    env.from().refused.clear();
    assert_eq!(env.mapping("alone.ics").await.state, MappingState::Suppressed);
    env
}

#[tokio::test]
async fn an_event_without_a_copy_that_is_left_is_a_sign_of_life() {
    let env = with_one_alone().await;
    let alone = env.from().all().into_iter().find(|event| event.content.title == "alone").unwrap();
    env.from().clear();
    env.from().restore(alone);
    let run = env.pass().await;
    assert_ne!(run.held.map(|held| held.kind), Some(HeldKind::Emptied));
    assert_eq!(env.state().await.held.map_or(Vec::new(), |row| row.emptied), []);
}

#[tokio::test]
async fn an_event_without_a_copy_that_is_gone_as_well_is_none() {
    let env = with_one_alone().await;
    env.from().clear();
    let run = env.pass().await;
    let held = run.held.map(|held| (held.kind, held.deletions, held.of));
    assert_eq!((held, run.deleted, env.count()), (Some((HeldKind::Emptied, 7, 7)), 0, [0, 7]));
    assert_eq!(env.state().await.held.unwrap().emptied, [Side::From]);
}
