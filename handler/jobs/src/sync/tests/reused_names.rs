//! An event that has the former name of a copy.

use engine::event::{Event, EventId};

use super::deletions::dentist;
use super::env::PairEnv;
use super::sample_events::april;

fn named(event: Event, name: &str) -> Event {
    Event { id: EventId::new(name), ..event }
}

/// The copy of `dentist` moves, and `swimming` is put under its name.
async fn taken(two_way: bool, own_uids: bool) -> PairEnv {
    let (env, copy) = if own_uids {
        let env = PairEnv::two_way().await;
        (env.to().manners.own_uids, env.to().manners.drops_marks) = (true, true);
        env.from().put(april("dentist", 1));
        env.from().put(april("other", 2));
        env.pass().await;
        env.pass().await;
        let copy = env.copy("dentist.ics").await;
        (env, copy)
    } else {
        dentist(two_way).await
    };
    let moved = env.to().remove(&copy);
    env.to().put(named(moved, "moved.ics"));
    env.to().put(named(april("swimming", 20), &copy));
    env
}

#[tokio::test]
async fn an_event_that_takes_the_name_of_a_copy_that_moved_is_copied_at_once() {
    for (two_way, own_uids) in [(false, false), (true, false), (true, true)] {
        let env = taken(two_way, own_uids).await;
        let run = env.pass().await;
        assert_eq!(
            (run.deleted, env.copy("dentist.ics").await.as_str()),
            (0, "moved.ics"),
            "{two_way} {own_uids}"
        );
        assert_eq!(
            (env.has("swimming"), env.has("dentist")),
            ([two_way, true], [true, true]),
            "{two_way} {own_uids}"
        );
        env.rest().await;
    }
}
