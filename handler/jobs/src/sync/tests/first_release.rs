//! Rows of the first release, which say nothing of UIDs.

use engine::event::{Event, EventId};
use engine::provider::ProviderKind;
use engine::reason::Reason;

use super::deletion::dentist;
use super::events::april;
use super::world::World;
use super::{all, reasons};

#[tokio::test]
async fn an_origin_is_found_under_another_name_by_what_it_shows() {
    for two_way in [false, true] {
        for same in [true, false] {
            let (world, copy) = dentist(two_way).await;
            world.set_mapping("dentist.ics", |mapping| mapping.origin.uid = None).await;
            let event = world.from().remove("dentist.ics");
            let moved = if same { event } else { april("swimming", 9) };
            world.from().put(Event { id: EventId::new("moved.ics"), ..moved });
            let run = world.pass().await;
            assert_eq!(
                (run.created, run.deleted),
                if same { (0, 0) } else { (1, 1) },
                "{two_way} {same}"
            );
            assert_eq!((world.copy("moved.ics").await == copy, world.count()), (same, [5, 5]));
            world.rest().await;
        }
    }
}

#[tokio::test]
async fn what_began_as_the_same_event_is_not_copied_beside_it() {
    for side in [0, 1] {
        let mut world = World::two_way().await;
        world.from().put(april("dentist", 1));
        world.to().put(april("swimming", 2));
        world.pass().await;
        let third = world.connect("club", ProviderKind::Caldav).await;
        let ended =
            world.add(0, third, &engine::pair::Pair { two_way: false, ..world.pair.clone() }).await;
        let pair = std::mem::replace(&mut world.pair, ended.clone());
        world.pass().await;
        crate::pairs::remove_pair(&world.scope, &ended.id).await.unwrap();
        world.pair = pair;
        for origin in ["dentist.ics", "swimming.ics"] {
            world
                .set_mapping(origin, |mapping| (mapping.origin.uid, mapping.first) = (None, None))
                .await;
        }
        let left = world.one(third, "dentist");
        world.remotes[side].lock().put(Event { id: EventId::new("left.ics"), ..left });
        let run = world.pass().await;
        assert_eq!((run.created, reasons(&run)), (0, vec![Reason::AlreadyThere]), "{side}");
        assert_eq!(world.titles()[1 - side], all(["dentist", "swimming"]));
    }
}
