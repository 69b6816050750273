//! What comes after a question to the owner waits by itself.

use providers::Error;

use super::calendar::CalendarCall;
use super::events::april;
use super::world::{CONFIRMED, OPTIONS, World};
use crate::report::Run;
use records::pair_state::proofs::FirstSign;
use records::problem::PairStatus;

fn held(run: &Run) -> u64 {
    run.held.as_ref().map_or(0, |held| held.deletions)
}

#[tokio::test]
async fn what_was_deleted_later_waits_for_its_own_ten_minutes() {
    let world = World::one_way().await.filled(60).await;
    world.remove_origins(0..16);
    assert_eq!(held(&world.pass().await), 16);
    world.minutes(5);
    world.remove_origins(16..18);
    assert_eq!(held(&world.pass().await), 18);
    world.minutes(3);
    let run = world.pass().await;
    assert_eq!(
        (run.deleted, held(&run), world.count()),
        (16, 2, [42, 44]),
        "ten minutes after the first ones"
    );
    world.minutes(5);
    let run = world.pass().await;
    assert_eq!((run.deleted, held(&run), world.count()), (2, 0, [42, 42]));
    world.rest().await;
}

#[tokio::test]
async fn a_confirmation_for_a_calendar_whose_events_are_all_gone_covers_nothing_that_came_later() {
    let world = World::two_way().await.filled(6).await;
    world.remove_origins(0..6);
    assert_eq!(held(&world.pass().await), 6);
    world.from().put(april("later", 20));
    assert_eq!(world.pass().await.created, 1);
    world.from().remove("later.ics");
    let run = world.run(CONFIRMED).await;
    assert_eq!((run.deleted, held(&run), world.count()), (6, 1, [0, 1]));
}

#[tokio::test]
async fn what_waits_is_deleted_for_what_showed_it_first() {
    let world = World::one_way().await.filled(40).await;
    world.remove_origins(0..11);
    assert_eq!(held(&world.pass().await), 11);
    assert_eq!(world.run(CONFIRMED).await.deleted, 11);
    assert!(world.proofs().await.iter().all(|row| row.proof.sign == FirstSign::Named));
}

#[tokio::test]
async fn what_is_found_gone_by_each_write_and_is_there_ends_the_pass() {
    let world = World::one_way().await.filled(4).await;
    for call in [CalendarCall::Rewrite, CalendarCall::Edit] {
        world.to().refused.insert((call, None), Error::Gone);
    }
    world.from().change("e00.ics", |event| event.content.title = "changed".into());
    let run = world.try_run(OPTIONS).await;
    assert_eq!((run.state, run.deleted, world.count()), (PairStatus::Error, 0, [4, 4]));
    let state = world.state().await;
    assert_eq!((state.status, state.error), (Some(PairStatus::Error), run.error));
    world.to().refused.clear();
    world.pass().await;
    assert_eq!(world.has("changed"), [true, true]);
    world.rest().await;
}

#[tokio::test]
async fn after_a_failure_nothing_more_is_written_than_was_under_way() {
    let world = World::one_way().await;
    let first = world.uid_of_copy("e00.ics").await;
    world.to().refused.insert(
        (CalendarCall::Create, Some(engine::event::EventId::new(format!("{first}.ics")))),
        Error::Unauthorized,
    );
    world.to().refused.insert((CalendarCall::Ask, None), Error::Unauthorized);
    for n in 0..60 {
        let day = jiff::civil::date(2026, 4, 1).saturating_add(jiff::ToSpan::days(n));
        world.from().put(super::events::event(&format!("e{n:02}"), "x", super::events::on(day)));
    }
    assert_eq!(world.try_run(OPTIONS).await.state, PairStatus::NeedsReconnect);
    assert!(world.count()[1] < 20, "{:?}", world.count());
    world.to().refused.clear();
    world.pass().await;
    assert_eq!(world.count(), [60, 60]);
    world.rest().await;
}
