//! What the server does not tell of one event leaves that event alone, and no other.

use engine::event::EventId;
use engine::mapping::MappingState;
use engine::plan::Answer;
use engine::reason::Reason;
use providers::Error;

use super::calendar::CalendarCall;
use super::world::{OPTIONS, World};
use super::{all, reasons};
use crate::sync::SyncOptions;

fn no() -> Error {
    Error::Refused("not now".into())
}

#[tokio::test]
async fn a_missing_event_that_a_read_of_many_is_refused_of_is_not_deleted_for_a_read_of_its_own() {
    let world = World::one_way().await.filled(12).await;
    world.from().forget_cursors();
    world.remove_origins(3..4);
    world.from().refused.insert((CalendarCall::Fetch, Some(EventId::new("e03.ics"))), no());
    let run = world.pass().await;
    assert_eq!(
        (run.deleted, reasons(&run), world.writes()),
        (0, vec![Reason::RefusedByServer], all([]))
    );
    assert_eq!((world.asked(CalendarCall::Absence), world.has("e03")), ([0, 0], [false, true]));
    world.from().refused.clear();
    world.minutes(5);
    assert_eq!((world.pass().await.deleted, world.count()), (1, [11, 11]));
    world.rest().await;
}

#[tokio::test]
async fn what_is_known_to_be_gone_is_made_again_although_one_is_not_told_of() {
    let world = World::one_way().await.filled(6).await;
    world.remove_copies(0..6).await;
    world.pass().await;
    let silent = EventId::new(world.copy("e00.ics").await);
    world.to().refused.insert((CalendarCall::Absence, Some(silent)), no());
    let run = world.run(SyncOptions { answer: Some(Answer::MakeAgain), ..OPTIONS }).await;
    assert_eq!(
        (run.created, run.held.map(|held| held.deletions), world.count()),
        (5, Some(1), [6, 5])
    );
    assert_eq!(
        (world.has("e00"), world.mapping("e00.ics").await.state),
        ([true, false], MappingState::Live)
    );
}
