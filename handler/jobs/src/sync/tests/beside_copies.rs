//! A copy that is known stays the copy, whatever comes beside it.

use engine::event::{Event, EventId};
use engine::mapping::MappingState;
use engine::reason::Reason;

use super::calendar::CalendarCall;
use super::events::april;
use super::reasons;
use super::take_over::{anew, foreign};
use super::world::World;

#[tokio::test]
async fn what_another_installation_makes_beside_a_copy_leaves_that_a_copy() {
    let world = World::one_way().await.filled(2).await;
    let origin = world.one(0, "e00");
    world.to().put(foreign(&origin, "theirs.ics", true));
    world.from().put(april("new", 20));
    world.from().change("e00.ics", |event| event.content.title = "changed".into());
    let run = world.pass().await;
    assert_eq!((run.created, run.changed, run.copied_by_another), (1, 1, 0));
    assert_eq!(
        (world.mapping("e00.ics").await.state, world.has("changed")),
        (MappingState::Live, [true, true])
    );
    world.rest().await;
}

#[tokio::test]
async fn a_duplicate_of_a_copy_that_was_taken_over_is_its_makers_own() {
    let mut world = World::two_way().await;
    world.to().manners.own_uids = true;
    world.from().put(april("dentist", 1));
    world.pass().await;
    let copy = world.one(1, "dentist");
    anew(&mut world, true, false).await;
    world.pass().await;
    assert!(world.mapping("dentist.ics").await.taken_over);
    world.to().put(Event {
        id: EventId::new("duplicate.ics"),
        uid: "duplicate@example.org".into(),
        ..copy
    });
    assert_eq!((world.pass().await.created, world.count()), (1, [2, 2]));
    world.rest().await;
}

#[tokio::test]
async fn another_name_or_another_version_makes_no_one_calendar() {
    for same_name in [true, false] {
        let world = World::one_way().await.filled(2).await;
        let (origin, copy) = (world.one(0, "e00"), world.one(1, "e00"));
        world.to().restore(origin);
        let there = if same_name {
            Event { etag: Some("v99".into()), ..copy }
        } else {
            Event { id: EventId::new("moved.ics"), ..copy }
        };
        world.from().restore(there);
        let run = world.pass().await;
        assert_eq!((run.created, reasons(&run)), (0, vec![Reason::OwnCopy]), "{same_name}");
    }
}

#[tokio::test]
async fn a_half_made_copy_of_which_nothing_is_kept_is_known_by_its_looks() {
    let world = World::two_way().await;
    {
        let mut to = world.to();
        (to.manners.own_names, to.manners.own_uids, to.manners.drops_marks) = (true, true, true);
    }
    let world = world.filled(2).await;
    world.to().lost.insert(CalendarCall::Create);
    world.from().put(april("dentist", 1));
    world.pass().await;
    world.pass().await;
    assert_eq!(
        (world.count(), world.mapping("dentist.ics").await.state),
        ([3, 3], MappingState::Live)
    );
    world.rest().await;
}

#[tokio::test]
async fn nothing_is_made_beside_what_another_installation_has_copied_into_the_first_calendar() {
    let world = World::two_way().await;
    let origin = april("dentist", 1);
    world.from().put(foreign(&origin, "theirs.ics", true));
    world.to().put(origin);
    world.from().put(april("other", 2));
    let run = world.pass().await;
    assert_eq!((run.created, run.copied_by_another, world.count()), (1, 1, [2, 2]));
    assert_eq!(world.mapping("dentist.ics").await.state, MappingState::CopiedByAnother);
    world.rest().await;
}

#[tokio::test]
async fn copies_are_worked_on_when_all_other_events_are() {
    use crate::sync::decide::Candidate;
    use engine::pair::Side;

    let place = |(side, is_copy)| {
        let (id, stranger) = (EventId::new("a.ics"), crate::sync::survey::UnknownEvent::default());
        Candidate::Unknown { side, id, stranger, is_copy }.place()
    };
    let order =
        [(Side::From, false), (Side::To, false), (Side::From, true), (Side::To, true)].map(place);
    assert!(order.is_sorted() && order.windows(2).all(|two| two[0] != two[1]));
}
