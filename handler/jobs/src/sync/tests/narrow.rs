//! How much of a calendar concerns a pair, and whether its ends are one calendar.

use engine::event::{Event, EventId};
use engine::mapping::MappingState;
use jiff::SignedDuration;
use jiff::civil::date;
use records::problem::PairStatus;

use super::env::{OPTIONS, PairEnv};
use super::memory_calendar::CalendarCall;
use super::sample_events::{april, event, on};

#[tokio::test]
async fn a_calendar_of_two_hundred_events_is_listed_once() {
    for (strangers, listings) in [(1, 1), (200, 1), (201, 2)] {
        let env = PairEnv::one_way().await;
        for n in 0..strangers {
            env.to().put(event(&format!("far{n}"), "far", on(date(2020, 1, 1))));
        }
        env.from().put(april("dentist", 1));
        assert_eq!(
            (env.pass().await.created, env.asked(CalendarCall::ListAll)),
            (1, [1, listings]),
            "{strangers}"
        );
    }
}

#[tokio::test]
async fn what_its_owner_has_in_the_other_calendar_is_not_read_each_day() {
    let env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    env.to().put(april("swimming", 2));
    env.pass().await;
    assert_eq!(env.asked(CalendarCall::Fetch), [1, 1], "the first time");
    env.wait(SignedDuration::from_hours(24));
    env.pass().await;
    assert_eq!(
        (env.asked(CalendarCall::ListAll), env.asked(CalendarCall::Fetch)),
        ([1, 1], [0, 0])
    );
    env.wait(SignedDuration::from_hours(24));
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    assert_eq!((env.pass().await.changed, env.asked(CalendarCall::Fetch)), (1, [1, 0]));
    env.rest().await;
}

#[tokio::test]
async fn a_copy_that_got_another_name_without_a_word_is_found_by_the_listing_of_a_day() {
    let env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    env.from().put(april("other", 2));
    env.pass().await;
    env.pass().await;
    let copy = env.one(1, "dentist");
    env.to().becomes(copy.id.as_str(), Event { id: EventId::new("moved.ics"), ..copy.clone() });
    env.wait(SignedDuration::from_hours(24));
    let run = env.pass().await;
    assert_eq!((run.created, run.deleted, env.count()), (0, 0, [2, 2]));
    let mapping = env.mapping("dentist.ics").await;
    assert_eq!((mapping.copy.id.as_str(), mapping.state), ("moved.ics", MappingState::Live));
    env.rest().await;
}

#[tokio::test]
async fn after_the_first_listing_a_calendar_that_holds_more_is_another() {
    for more in [false, true] {
        let env = PairEnv::one_way().await;
        env.pass().await;
        let same = Event { etag: Some("v99".into()), ..april("same", 20) };
        env.from().restore(same.clone());
        env.to().restore(same);
        if more {
            env.to().put(april("swimming", 21));
        }
        let run = env.try_run(OPTIONS).await;
        match more {
            true => assert_eq!((run.created, run.error, env.count()), (1, None, [1, 3])),
            false => assert_eq!(
                (run.state, run.error.unwrap().code.as_str()),
                (PairStatus::Error, "same_calendar")
            ),
        }
    }
}
