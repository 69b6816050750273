//! What a whole listing shows of mappings that are not two events side by side.

use engine::event::{Event, EventId};
use engine::mapping::MappingState;
use engine::plan::Answer;
use engine::reason::Reason;
use providers::Error;

use super::calendar::CalendarCall;
use super::deletion::dentist;
use super::events::april;
use super::reasons;
use super::take_over::foreign;
use super::world::{OPTIONS, World};
use crate::sync::SyncOptions;
use records::problem::PairStatus;

fn named(event: Event, name: &str) -> Event {
    Event { id: EventId::new(name), ..event }
}

/// The copy of `dentist` was deleted, and stays away.
async fn suppressed() -> World {
    let (world, copy) = dentist(false).await;
    world.to().remove(&copy);
    assert_eq!(reasons(&world.pass().await), [Reason::Suppressed]);
    world
}

#[tokio::test]
async fn a_copy_that_stays_away_is_not_missed() {
    let world = suppressed().await;
    world.to().forget_cursors();
    let run = world.pass().await;
    assert_eq!(
        (
            run.state,
            run.deleted,
            world.asked(CalendarCall::Fetch),
            world.asked(CalendarCall::Absence)
        ),
        (PairStatus::Ok, 0, [0, 0], [0, 0])
    );
    assert!(world.has_mapping().await);
}

#[tokio::test]
async fn an_origin_without_a_copy_is_missed() {
    let world = suppressed().await;
    world.from().forget_cursors();
    world.from().remove("dentist.ics");
    world.pass().await;
    assert_eq!((world.has_mapping().await, world.count()), (false, [4, 4]));
}

#[tokio::test]
async fn what_another_installation_has_put_there_is_missed_where_it_was() {
    let world = World::one_way().await.filled(4).await;
    world.from().put(foreign(&april("dentist", 20), "theirs.ics", true));
    assert_eq!(reasons(&world.pass().await), [Reason::CopiedByAnother]);
    world.to().forget_cursors();
    let run = world.pass().await;
    assert_eq!(
        (run.state, world.asked(CalendarCall::Fetch), world.asked(CalendarCall::Absence)),
        (PairStatus::Ok, [0, 0], [0, 0])
    );
    world.from().forget_cursors();
    world.from().remove("theirs.ics");
    world.pass().await;
    assert_eq!((world.mappings().await.len(), world.count()), (4, [4, 4]));
}

#[tokio::test]
async fn a_calendar_in_which_the_pair_has_nothing_is_not_suddenly_empty() {
    let world = World::one_way().await;
    world.from().put(Event { declined: true, ..april("declined", 20) });
    let world = world.filled(1).await;
    world.remove_copies(0..1).await;
    world.pass().await;
    world.to().forget_cursors();
    world.from().forget_cursors();
    world.from().unlisted.insert(EventId::new("e00.ics"));
    let run = world.pass().await;
    assert_eq!(
        (run.state, run.deleted, world.mapping("e00.ics").await.state),
        (PairStatus::Ok, 0, MappingState::Suppressed)
    );
}

#[tokio::test]
async fn without_copies_of_another_maker_each_calendar_is_listed_once() {
    let world = World::one_way().await;
    world.from().put(april("dentist", 1));
    world.to().put(april("swimming", 2));
    world.pass().await;
    assert_eq!(
        (world.asked(CalendarCall::ListAll), world.asked(CalendarCall::List)),
        ([1, 1], [0, 1])
    );
}

#[tokio::test]
async fn an_event_that_is_not_given_later_on_stops_nothing() {
    for two_way in [false, true] {
        let (world, _) = dentist(two_way).await;
        world.to().put(april("swimming", 20));
        world.to().refused.insert(
            (CalendarCall::Fetch, Some(EventId::new("swimming.ics"))),
            Error::Refused("not now".into()),
        );
        world.from().put(april("another", 21));
        let run = world.pass().await;
        assert_eq!((run.created, world.has("another")), (1, [true, true]), "{two_way}");
    }
}

#[tokio::test]
async fn what_was_left_out_is_known_by_the_uid_that_its_server_gave_it() {
    let world = World::one_way().await;
    (world.to().manners.own_uids, world.to().manners.drops_marks) = (true, true);
    let world = world.filled(6).await;
    world.pass().await;
    let gone = world.to().clear();
    world.pass().await;
    world.run(SyncOptions { answer: Some(Answer::LeaveOut), ..OPTIONS }).await;
    assert!(world.mappings().await.iter().all(|mapping| mapping.state == MappingState::Suppressed));
    for (n, event) in gone.into_iter().enumerate() {
        world.to().put(named(event, &format!("restored-{n}.ics")));
    }
    assert_eq!((world.pass().await.created, world.count()), (0, [6, 6]));
    assert!(world.mappings().await.iter().all(|mapping| mapping.state == MappingState::Live));
    world.rest().await;
}

#[tokio::test]
async fn a_copy_whose_name_another_event_has_taken_is_found_and_not_copied_back() {
    for two_way in [false, true] {
        let (world, copy) = dentist(two_way).await;
        let moved = world.to().remove(&copy);
        world.to().put(named(moved, "moved.ics"));
        world.to().put(named(april("swimming", 20), &copy));
        let run = world.pass().await;
        assert_eq!(
            (run.deleted, world.copy("dentist.ics").await.as_str()),
            (0, "moved.ics"),
            "{two_way}"
        );
        assert_eq!(
            (world.one(0, "dentist").id.as_str(), world.titles()[1].len()),
            ("dentist.ics", 6)
        );
        world.nothing_wrong();
    }
}
