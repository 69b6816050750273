//! Servers that give events UIDs of their own and take marks away.

use engine::event::{Event, EventId};
use engine::mapping::MappingState;

use super::events::april;
use super::world::World;
use super::{all, reasons};

/// Two copies, each known by its name and the UID that its server gave it.
async fn two(two_way: bool) -> (World, [String; 2]) {
    let world = if two_way { World::two_way().await } else { World::one_way().await };
    world.to().manners.own_uids = true;
    world.to().manners.drops_marks = true;
    world.from().put(april("dentist", 1));
    world.from().put(april("other", 2));
    world.from().put(april("third", 3));
    world.pass().await;
    world.pass().await;
    let copies = [world.copy("dentist.ics").await, world.copy("other.ics").await];
    (world, copies)
}

fn named(event: Event, name: &str) -> Event {
    Event { id: EventId::new(name), ..event }
}

#[tokio::test]
async fn two_copies_that_change_names_are_told_apart_by_their_uids() {
    for two_way in [false, true] {
        let (world, [dentist, other]) = two(two_way).await;
        let one = world.to().remove(&dentist);
        let two = world.to().remove(&other);
        world.to().put(named(one, &other));
        world.to().put(named(two, &dentist));
        let run = world.pass().await;
        assert_eq!((run.created, run.deleted, world.writes()), (0, 0, all([])), "{two_way}");
        assert_eq!(
            [world.copy("dentist.ics").await, world.copy("other.ics").await],
            [other, dentist]
        );
        world.rest().await;
        world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
        world.pass().await;
        assert_eq!(
            world.titles(),
            [all(["other", "surgeon", "third"]), all(["other", "surgeon", "third"])]
        );
        world.rest().await;
    }
}

#[tokio::test]
async fn a_copy_that_has_the_name_of_another_that_is_gone_is_found() {
    let (world, [dentist, other]) = two(false).await;
    let one = world.to().remove(&dentist);
    world.to().remove(&other);
    world.to().put(named(one, &other));
    let run = world.pass().await;
    assert_eq!((run.created, run.deleted, world.count()), (0, 0, [3, 2]), "{:?}", reasons(&run));
    let mapping = world.mapping("dentist.ics").await;
    assert_eq!((mapping.copy.id.as_str(), mapping.state), (other.as_str(), MappingState::Live));
    assert_eq!(world.mapping("other.ics").await.state, MappingState::Suppressed);
    world.rest().await;
}

#[tokio::test]
async fn an_edit_of_a_copy_is_an_edit() {
    let (world, [dentist, _]) = two(true).await;
    world.to().change(&dentist, |event| event.content.title = "surgeon".into());
    assert_eq!(world.pass().await.changed, 1);
    assert_eq!(
        world.titles(),
        [all(["other", "surgeon", "third"]), all(["other", "surgeon", "third"])]
    );
    world.rest().await;
}

#[tokio::test]
async fn another_event_under_the_name_of_a_copy_is_known_by_its_uid() {
    for two_way in [false, true] {
        let (world, [dentist, _]) = two(two_way).await;
        world.to().remove(&dentist);
        world.to().put(named(april("swimming", 9), &dentist));
        let run = world.pass().await;
        assert_eq!(
            (run.deleted, world.titles()[0].contains(&"dentist".to_owned())),
            (0, true),
            "{two_way}"
        );
        assert_eq!(world.titles()[0].contains(&"swimming".to_owned()), two_way);
        assert!(world.titles()[1].contains(&"swimming".to_owned()));
        world.rest().await;
    }
}

#[tokio::test]
async fn where_no_other_copy_speaks_for_the_server_a_name_is_enough() {
    for others in [0, 1] {
        let world = World::two_way().await;
        world.from().put(april("dentist", 1));
        for n in 0..others {
            world.from().put(april(&format!("e{n}"), 2));
        }
        world.pass().await;
        world.pass().await;
        let copy = world.copy("dentist.ics").await;
        world.to().remove(&copy);
        world.to().put(named(april("swimming", 9), &copy));
        world.pass().await;
        assert_eq!(world.one(0, "swimming").id.as_str() == "dentist.ics", others == 0, "{others}");
        assert_eq!(world.titles()[0].contains(&"dentist".to_owned()), others > 0);
        world.rest().await;
    }
}

#[tokio::test]
async fn copies_of_the_other_direction_do_not_speak_for_the_server() {
    let world = World::two_way().await;
    world.from().put(april("other", 2));
    world.pass().await;
    world.from().put(april("dentist", 1));
    for n in 0..6 {
        world.to().put(april(&format!("theirs{n}"), 3 + n));
    }
    world.pass().await;
    world.pass().await;
    let copy = world.copy("dentist.ics").await;
    world.to().remove(&copy);
    world.to().put(named(april("swimming", 9), &copy));
    let run = world.pass().await;
    assert_eq!((run.deleted, world.one(0, "dentist").id.as_str()), (0, "dentist.ics"));
    assert!(world.titles()[0].contains(&"swimming".to_owned()));
    world.rest().await;
}
