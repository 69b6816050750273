//! What comes after a question to the owner waits by itself.

use super::events::april;
use super::world::{CONFIRMED, World};
use crate::report::Run;

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
    assert_eq!((run.deleted, held(&run), world.count()), (16, 2, [42, 44]), "ten minutes after the first ones");
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
