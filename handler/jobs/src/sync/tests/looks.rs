//! What was made, was answered without a version, and is shown under a name, a UID and no mark that
//! say nothing: only time and title speak for it.

use engine::event::{Event, EventId, Stamps};
use engine::mapping::MappingState;
use engine::marker::Role;
use engine::reason::Reason;

use super::events::april;
use super::reasons;
use super::world::World;

/// Events of this name are made and not shown; the first of them shows as `strange` then, with
/// these stamps.
async fn strange(names: &[&str], stamps: impl Fn(Stamps) -> Stamps) -> World {
    let world = World::two_way().await;
    world.from().put(april("one", 3));
    world.from().put(april("two", 4));
    world.pass().await;
    world.to().manners.answers_without_version = true;
    let mut made = Vec::new();
    for name in names {
        let id = EventId::new(format!("{}.ics", world.uid_of_copy(&format!("{name}.ics")).await));
        world.to().unlisted.insert(id.clone());
        world.to().hidden.insert(id.clone());
        world.from().put(Event {
            id: EventId::new(format!("{name}.ics")),
            uid: (*name).into(),
            ..april("dentist", 1)
        });
        made.push(id);
    }
    assert_eq!(world.pass().await.created, names.len() as u64);
    let first = world.to().all().into_iter().find(|event| event.id == made[0]).unwrap();
    let stamps = stamps(first.stamps);
    let shown = Event {
        id: EventId::new("strange.ics"),
        uid: "strange@example.org".into(),
        marker: None,
        stamps,
        ..first
    };
    world.to().becomes(made[0].as_str(), shown);
    world
}

#[tokio::test]
async fn what_its_stamps_prove_to_be_made_since_is_what_was_made() {
    let world = strange(&["dentist"], |stamps| stamps).await;
    let run = world.pass().await;
    assert_eq!((run.created, run.deleted, world.count()), (0, 0, [3, 3]));
    let mapping = world.mapping("dentist.ics").await;
    assert_eq!(
        (mapping.copy.id.as_str(), mapping.state, mapping.unseen),
        ("strange.ics", MappingState::Live, None)
    );
    world.rest().await;
}

#[tokio::test]
async fn without_that_proof_it_is_left_alone() {
    let world = strange(&["dentist"], |_| Stamps::default()).await;
    let run = world.pass().await;
    assert_eq!((run.created, reasons(&run), world.count()), (0, vec![Reason::MayBeCopy], [3, 3]));
    let mapping = world.mapping("dentist.ics").await;
    assert_eq!(
        (mapping.copy.id.as_str() == "strange.ics", mapping.unseen),
        (false, Some(Role::Copy))
    );
}

#[tokio::test]
async fn of_two_that_it_may_be_it_is_neither() {
    let world = strange(&["first", "second"], |stamps| stamps).await;
    let run = world.pass().await;
    assert_eq!((run.created, run.deleted, world.count()), (0, 0, [4, 4]));
    for mapping in world.mappings().await {
        assert_ne!(mapping.copy.id.as_str(), "strange.ics");
    }
}
