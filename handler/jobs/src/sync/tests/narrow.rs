//! How much of a calendar concerns a pair, and whether its ends are one calendar.

use engine::event::{Event, EventId};
use engine::mapping::MappingState;
use jiff::SignedDuration;
use jiff::civil::date;

use super::calendar::CalendarCall;
use super::events::{april, event, on};
use super::world::{OPTIONS, World};
use records::problem::PairStatus;

#[tokio::test]
async fn a_calendar_of_two_hundred_events_is_listed_once() {
    for (strangers, listings) in [(1, 1), (200, 1), (201, 2)] {
        let world = World::one_way().await;
        for n in 0..strangers {
            world.to().put(event(&format!("far{n}"), "far", on(date(2020, 1, 1))));
        }
        world.from().put(april("dentist", 1));
        assert_eq!(
            (world.pass().await.created, world.asked(CalendarCall::ListAll)),
            (1, [1, listings]),
            "{strangers}"
        );
    }
}

#[tokio::test]
async fn what_its_owner_has_in_the_other_calendar_is_not_read_each_day() {
    let world = World::one_way().await;
    world.from().put(april("dentist", 1));
    world.to().put(april("swimming", 2));
    world.pass().await;
    assert_eq!(world.asked(CalendarCall::Fetch), [1, 1], "the first time");
    world.wait(SignedDuration::from_hours(24));
    world.pass().await;
    assert_eq!(
        (world.asked(CalendarCall::ListAll), world.asked(CalendarCall::Fetch)),
        ([1, 1], [0, 0])
    );
    world.wait(SignedDuration::from_hours(24));
    world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    assert_eq!((world.pass().await.changed, world.asked(CalendarCall::Fetch)), (1, [1, 0]));
    world.rest().await;
}

#[tokio::test]
async fn a_copy_that_got_another_name_without_a_word_is_found_by_the_listing_of_a_day() {
    let world = World::one_way().await;
    world.from().put(april("dentist", 1));
    world.from().put(april("other", 2));
    world.pass().await;
    world.pass().await;
    let copy = world.one(1, "dentist");
    world.to().becomes(copy.id.as_str(), Event { id: EventId::new("moved.ics"), ..copy.clone() });
    world.wait(SignedDuration::from_hours(24));
    let run = world.pass().await;
    assert_eq!((run.created, run.deleted, world.count()), (0, 0, [2, 2]));
    let mapping = world.mapping("dentist.ics").await;
    assert_eq!((mapping.copy.id.as_str(), mapping.state), ("moved.ics", MappingState::Live));
    world.rest().await;
}

#[tokio::test]
async fn after_the_first_listing_a_calendar_that_holds_more_is_another() {
    for more in [false, true] {
        let world = World::one_way().await;
        world.pass().await;
        let same = Event { etag: Some("v99".into()), ..april("same", 20) };
        world.from().restore(same.clone());
        world.to().restore(same);
        if more {
            world.to().put(april("swimming", 21));
        }
        let run = world.try_run(OPTIONS).await;
        match more {
            true => assert_eq!((run.created, run.error, world.count()), (1, None, [1, 3])),
            false => assert_eq!(
                (run.state, run.error.unwrap().code.as_str()),
                (PairStatus::Error, "same_calendar")
            ),
        }
    }
}
