//! An event that has the name that a copy had.

use engine::event::{Event, EventId};

use super::deletion::dentist;
use super::events::april;
use super::world::World;

fn named(event: Event, name: &str) -> Event {
    Event { id: EventId::new(name), ..event }
}

/// The copy of `dentist` moves, and `swimming` is put under its name.
async fn taken(two_way: bool, own_uids: bool) -> World {
    let (world, copy) = if own_uids {
        let world = World::two_way().await;
        (world.to().manners.own_uids, world.to().manners.drops_marks) = (true, true);
        world.from().put(april("dentist", 1));
        world.from().put(april("other", 2));
        world.pass().await;
        world.pass().await;
        let copy = world.copy("dentist.ics").await;
        (world, copy)
    } else {
        dentist(two_way).await
    };
    let moved = world.to().remove(&copy);
    world.to().put(named(moved, "moved.ics"));
    world.to().put(named(april("swimming", 20), &copy));
    world
}

#[tokio::test]
async fn an_event_that_takes_the_name_of_a_copy_that_moved_is_copied_at_once() {
    for (two_way, own_uids) in [(false, false), (true, false), (true, true)] {
        let world = taken(two_way, own_uids).await;
        let run = world.pass().await;
        assert_eq!(
            (run.deleted, world.copy("dentist.ics").await.as_str()),
            (0, "moved.ics"),
            "{two_way} {own_uids}"
        );
        assert_eq!(
            (world.has("swimming"), world.has("dentist")),
            ([two_way, true], [true, true]),
            "{two_way} {own_uids}"
        );
        world.rest().await;
    }
}
