//! Events that a person has duplicated, mark and all, and copies that lie elsewhere by now: which
//! is the copy.

use engine::event::{Event, EventId};
use engine::mapping::MappingState;
use engine::provider::ProviderKind;
use engine::reason::Reason;
use providers::Error;

use super::calendar::CalendarCall;
use super::deletion::dentist;
use super::events::april;
use super::world::World;
use super::{all, reasons};

fn named(event: Event, name: &str) -> Event {
    Event { id: EventId::new(name), ..event }
}

fn duplicate(event: &Event) -> Event {
    Event { uid: "duplicate@example.org".into(), ..named(event.clone(), "a-duplicate.ics") }
}

#[tokio::test]
async fn a_duplicate_of_a_copy_whose_deletion_was_refused_stays() {
    for two_way in [false, true] {
        let (world, copy) = dentist(two_way).await;
        world.from().remove("dentist.ics");
        world.to().refused.insert((CalendarCall::Delete, None), Error::Refused("no".into()));
        world.pass().await;
        world.to().refused.clear();
        let event = world.to().remove(&copy);
        world.to().put(duplicate(&event));
        world.minutes(5);
        let run = world.pass().await;
        assert_eq!((run.deleted, world.has("dentist")), (0, [two_way, true]), "{two_way}");
        world.rest().await;
        assert_eq!(world.one(1, "dentist").id.as_str(), "a-duplicate.ics");
    }
}

#[tokio::test]
async fn a_copy_that_moves_while_another_ones_deletion_is_refused_is_found() {
    let (world, _) = dentist(false).await;
    let other = world.copy("e0.ics").await;
    world.from().remove("dentist.ics");
    world.to().refused.insert((CalendarCall::Delete, None), Error::Refused("no".into()));
    world.pass().await;
    let event = world.to().remove(&other);
    world.to().put(named(event, "moved.ics"));
    let run = world.pass().await;
    assert_eq!(
        (run.created, run.skipped, world.mapping("e0.ics").await.state),
        (0, 0, MappingState::Live)
    );
    assert_eq!(world.copy("e0.ics").await, "moved.ics");
}

#[tokio::test]
async fn a_duplicate_that_comes_while_its_origin_goes_stays() {
    for two_way in [false, true] {
        let (world, copy) = dentist(two_way).await;
        let event = world.one(1, "dentist");
        world.to().put(duplicate(&event));
        world.from().remove("dentist.ics");
        let run = world.pass().await;
        assert_eq!(
            (run.deleted, world.one(1, "dentist").id.as_str()),
            (1, "a-duplicate.ics"),
            "{two_way}"
        );
        assert!(!world.to().all().iter().any(|event| event.id.as_str() == copy));
        world.rest().await;
    }
}

#[tokio::test]
async fn what_has_the_uid_of_the_copy_is_the_copy_and_not_its_duplicate() {
    for (two_way, listed, at_once) in
        [(false, true, true), (true, true, true), (false, true, false), (false, false, false)]
    {
        let (world, copy) = dentist(two_way).await;
        let event = world.to().remove(&copy);
        if !at_once {
            world.pass().await;
            assert_eq!(world.mapping("dentist.ics").await.state, MappingState::Suppressed);
        }
        world.to().put(duplicate(&event));
        world.to().put(named(event, "z-moved.ics"));
        if !listed {
            world.to().unlisted.insert(EventId::new("z-moved.ics"));
        }
        let run = world.pass().await;
        let what = format!("{two_way} {listed} {at_once} {:?}", reasons(&run));
        assert_eq!((run.deleted, run.created), (0, u64::from(two_way)), "{what}");
        world.to().unlisted.clear();
        world.to().change("z-moved.ics", |_| ());
        world.pass().await;
        assert_eq!(
            (world.copy("dentist.ics").await.as_str(), world.count()[1]),
            ("z-moved.ics", 6),
            "{what}"
        );
        world.rest().await;
    }
}

#[tokio::test]
async fn the_copy_of_an_ended_pair_that_was_put_beside_its_origin_or_its_copy_is_not_copied() {
    for side in [0, 1] {
        let mut world = World::two_way().await;
        world.from().put(april("dentist", 1));
        world.pass().await;
        let third = world.connect("club", ProviderKind::Caldav).await;
        let ended =
            world.add(0, third, &engine::pair::Pair { two_way: false, ..world.pair.clone() }).await;
        let pair = std::mem::replace(&mut world.pair, ended.clone());
        world.pass().await;
        crate::pairs::remove_pair(&world.scope, &ended.id).await.unwrap();
        world.pair = pair;
        let left = world.one(third, "dentist");
        world.remotes[side].lock().put(named(left, "left.ics"));
        let run = world.pass().await;
        assert_eq!((run.created, reasons(&run)), (0, vec![Reason::AlreadyThere]), "{side}");
        assert_eq!(world.titles()[1 - side], all(["dentist"]));
        world.rest().await;
    }
}

#[tokio::test]
async fn of_two_events_with_one_mark_one_is_the_copy_of_an_event_that_is_there_twice() {
    let mut world = World::one_way().await;
    world.from().put(april("dentist", 1));
    world.pass().await;
    let (origin, copy) = (world.one(0, "dentist"), world.one(1, "dentist"));
    crate::pairs::remove_pair(&world.scope, &world.pair.id).await.unwrap();
    world.from().put(named(origin, "twice.ics"));
    let mut mine = duplicate(&copy);
    mine.content.title = "mine".into();
    world.to().put(mine);
    world.pair = world.add(0, 1, &world.pair).await;
    let run = world.pass().await;
    assert_eq!((run.created, world.titles()[1].clone()), (1, all(["dentist", "dentist", "mine"])));
    world.rest().await;
    for origin in ["dentist.ics", "twice.ics"] {
        assert_ne!(world.copy(origin).await, "a-duplicate.ics");
    }
}

#[tokio::test]
async fn a_copy_that_has_another_name_is_never_written_as_a_whole() {
    for moved in [0, 1] {
        let (world, copy) = dentist(true).await;
        let id = if moved == 0 { "dentist.ics" } else { &copy };
        let event = world.remotes[moved].lock().remove(id);
        world.remotes[moved].lock().put(named(event, "moved.ics"));
        world.pass().await;
        world.from().change(if moved == 0 { "moved.ics" } else { "dentist.ics" }, |event| {
            event.content.title = "surgeon".into()
        });
        assert_eq!(world.pass().await.changed, 1);
        assert_eq!(
            (world.asked(CalendarCall::Rewrite)[1], world.asked(CalendarCall::Edit)[1]),
            (1 - moved, moved)
        );
        assert_eq!(world.has("surgeon"), [true, true]);
        world.rest().await;
    }
}
