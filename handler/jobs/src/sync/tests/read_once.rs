//! What has changed is read once, whatever it says of itself.

use super::calendar::CalendarCall;
use super::deletion::dentist;
use super::events::april;
use super::world::World;

#[tokio::test]
async fn a_copy_that_was_edited_is_read_once() {
    for own_uids in [false, true] {
        let world = World::two_way().await;
        (world.to().manners.own_uids, world.to().manners.drops_marks) = (own_uids, own_uids);
        let world = world.filled(3).await;
        let copy = world.copy("e00.ics").await;
        world.to().change(&copy, |event| event.content.title = "edited".into());
        assert_eq!(
            (world.pass().await.changed, world.asked(CalendarCall::Fetch)),
            (1, [1, 1]),
            "{own_uids}"
        );
        assert_eq!(world.has("edited"), [true, true]);
        world.rest().await;
    }
}

#[tokio::test]
async fn a_copy_that_says_less_of_itself_than_before_is_read_once() {
    for marked in [false, true] {
        let (world, copy) = dentist(true).await;
        world.to().change(&copy, |event| {
            event.uid = "another@example.org".into();
            event.content.title = "edited".into();
            event.marker = event.marker.take().filter(|_| marked);
        });
        assert_eq!(
            (world.pass().await.changed, world.asked(CalendarCall::Fetch)),
            (1, [1, 1]),
            "{marked}"
        );
        assert_eq!((world.copy("dentist.ics").await, world.has("edited")), (copy, [true, true]));
        world.rest().await;
    }
}

#[tokio::test]
async fn a_first_pass_reads_each_event_once() {
    let world = World::two_way().await;
    for n in 0..4 {
        world.from().put(april(&format!("mine{n}"), 1 + n));
        world.to().put(april(&format!("theirs{n}"), 10 + n));
    }
    assert_eq!((world.pass().await.created, world.asked(CalendarCall::Fetch)), (8, [4, 4]));
    world.rest().await;
}

#[tokio::test]
async fn the_copies_of_another_pair_are_not_read() {
    let mut world = World::one_way().await.filled(2).await;
    let club = world.connect("club", engine::provider::ProviderKind::Caldav).await;
    let first = world.pair.clone();
    world.remotes[club].lock().put(april("swimming", 20));
    world.pair = world.add(club, 1, &first).await;
    world.pass().await;
    world.pair = first;
    world.from().put(april("dentist", 21));
    assert_eq!((world.pass().await.created, world.asked(CalendarCall::Fetch)), (1, [1, 0]));
    world.rest().await;
}
