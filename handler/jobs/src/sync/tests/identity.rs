//! An event is recognised under any name, and where other events bear its mark.

use engine::event::{Event, EventId};
use engine::mapping::MappingState;
use engine::reason::Reason;

use super::calendar::CalendarCall;
use super::events::{april, weekly};
use super::world::World;
use super::{all, reasons};

async fn dentist(two_way: bool) -> (World, String) {
    let world = if two_way { World::two_way().await } else { World::one_way().await };
    world.from().put(april("dentist", 1));
    world.from().put(april("other", 2));
    world.pass().await;
    let copy = world.copy("dentist.ics").await;
    (world, copy)
}

fn named(event: Event, name: &str) -> Event {
    Event { id: EventId::new(name), ..event }
}

#[tokio::test]
async fn a_new_name_is_no_deletion() {
    for two_way in [false, true] {
        for side in [0, 1] {
            let (world, copy) = dentist(two_way).await;
            let id = if side == 0 { "dentist.ics" } else { &copy };
            let event = world.remotes[side].lock().remove(id);
            world.remotes[side].lock().put(named(event, "moved.ics"));
            let run = world.pass().await;
            assert_eq!(
                (run.created, run.deleted, world.count(), world.writes()),
                (0, 0, [2, 2], all([])),
                "{two_way} {side}"
            );
            world.rest().await;
            world.from().change(if side == 0 { "moved.ics" } else { "dentist.ics" }, |event| {
                event.content.title = "surgeon".into()
            });
            world.pass().await;
            assert_eq!(world.titles(), [all(["other", "surgeon"]), all(["other", "surgeon"])]);
            world.rest().await;
        }
    }
}

#[tokio::test]
async fn a_new_name_and_an_edit_at_once() {
    let (world, copy) = dentist(true).await;
    let mut event = world.to().remove(&copy);
    event.content.title = "surgeon".into();
    world.to().put(named(event, "moved.ics"));
    let run = world.pass().await;
    assert_eq!(
        (run.created, run.deleted, world.titles()),
        (0, 0, [all(["other", "surgeon"]), all(["other", "surgeon"])])
    );
    world.rest().await;
}

#[tokio::test]
async fn a_copy_that_lost_its_mark_is_known_by_its_uid() {
    let (world, copy) = dentist(true).await;
    let mut event = world.to().remove(&copy);
    event.marker = None;
    world.to().put(named(event, "moved.ics"));
    let run = world.pass().await;
    assert_eq!((run.created, run.deleted, world.count()), (0, 0, [2, 2]));
    assert_eq!(world.copy("dentist.ics").await, "moved.ics");
    world.rest().await;
}

#[tokio::test]
async fn a_duplicate_of_a_copy_is_its_makers_own() {
    for two_way in [false, true] {
        let (world, copy) = dentist(two_way).await;
        let event = world.one(1, "dentist");
        world
            .to()
            .put(Event { uid: "duplicate@example.org".into(), ..named(event, "duplicate.ics") });
        let run = world.pass().await;
        if two_way {
            assert_eq!((run.created, world.count()), (1, [3, 3]));
            assert!(
                world
                    .mappings()
                    .await
                    .iter()
                    .any(|mapping| mapping.origin.id.as_str() == "duplicate.ics")
            );
        } else {
            assert_eq!((reasons(&run), world.count()), (vec![Reason::DuplicateOfCopy], [2, 3]));
            assert_eq!(
                world.problems().await[0].mapping,
                Some(world.mapping("dentist.ics").await.id)
            );
        }
        assert_eq!(world.copy("dentist.ics").await, copy);
        world.rest().await;
        world.from().remove("dentist.ics");
        world.pass().await;
        assert_eq!(world.count(), if two_way { [2, 2] } else { [1, 2] });
        world.rest().await;
    }
}

#[tokio::test]
async fn a_duplicate_takes_the_place_of_a_copy_that_is_gone() {
    let (world, copy) = dentist(false).await;
    let event = world.one(1, "dentist");
    world.to().put(Event { uid: "duplicate@example.org".into(), ..named(event, "duplicate.ics") });
    world.pass().await;
    world.to().remove(&copy);
    let run = world.pass().await;
    assert_eq!((run.created, run.deleted, world.count()), (0, 0, [2, 2]));
    assert_eq!(
        (world.copy("dentist.ics").await, world.problems().await.len()),
        ("duplicate.ics".into(), 0)
    );
    world.rest().await;
}

#[tokio::test]
async fn a_series_that_is_cut_on_the_side_of_the_copy_loses_nothing() {
    let world = World::two_way().await;
    world.from().put(weekly(april("standup", 1), 6));
    world.pass().await;
    let mut rest = world.one(1, "standup");
    let copy = world.copy("standup.ics").await;
    world.to().change(&copy, |event| *event = weekly(event.clone(), 2));
    rest.uid = "rest@example.org".into();
    rest.content.span = super::events::on(jiff::civil::date(2026, 4, 15));
    world.to().put(weekly(named(rest, "rest.ics"), 4));
    world.pass().await;
    assert_eq!(world.count(), [2, 2]);
    let rules = |side: usize| {
        let mut rules: Vec<String> = world.remotes[side]
            .lock()
            .all()
            .into_iter()
            .map(|event| event.series.unwrap().rules[0].clone())
            .collect();
        rules.sort();
        rules
    };
    assert_eq!(rules(0), ["FREQ=WEEKLY;COUNT=2", "FREQ=WEEKLY;COUNT=4"]);
    assert_eq!(rules(0), rules(1));
    world.rest().await;
}

#[tokio::test]
async fn a_copy_that_was_moved_into_the_calendar_of_its_origin_deletes_nothing() {
    let (world, copy) = dentist(true).await;
    let event = world.to().remove(&copy);
    world.from().put(named(event, "moved.ics"));
    let run = world.pass().await;
    assert_eq!((run.deleted, run.created), (0, 0));
    assert!(
        reasons(&run).contains(&Reason::OwnCopy) && reasons(&run).contains(&Reason::Suppressed)
    );
    assert_eq!(
        (world.count(), world.mapping("dentist.ics").await.state),
        ([3, 1], MappingState::Suppressed)
    );
    world.rest().await;
    world.from().remove("dentist.ics");
    world.pass().await;
    assert_eq!(
        world.titles(),
        [all(["dentist", "other"]), all(["dentist", "other"])],
        "an ordinary event from then on"
    );
    world.rest().await;
}

#[tokio::test]
async fn what_was_moved_and_is_gone_by_then_spares_nothing() {
    let (world, copy) = dentist(true).await;
    let event = world.one(1, "dentist");
    world.from().put(named(event, "moved.ics"));
    world.pass().await;
    assert_eq!(world.count(), [3, 2]);
    world.to().remove(&copy);
    world.from().hidden.insert(EventId::new("moved.ics"));
    let run = world.pass().await;
    assert_eq!((run.deleted, reasons(&run).contains(&Reason::CopyDeleted)), (1, true));
}

#[tokio::test]
async fn the_copy_of_another_pair_is_never_copied_on() {
    let mut world = World::one_way().await;
    world.from().put(april("dentist", 1));
    world.pass().await;
    let third = world.connect("club", engine::provider::ProviderKind::Caldav).await;
    let first = world.pair.clone();
    world.pair = world.add(1, third, &first).await;
    world.to().put(april("swimming", 2));
    let run = world.pass().await;
    assert_eq!((run.created, reasons(&run)), (1, vec![Reason::OwnCopy]));
    assert_eq!(world.remotes[third].lock().all().len(), 1);
    world.rest().await;
    world.pair = first;
    world.rest().await;
}

#[tokio::test]
async fn another_event_under_the_name_of_a_copy_is_not_the_copy() {
    for two_way in [false, true] {
        let (world, copy) = dentist(two_way).await;
        world.to().remove(&copy);
        world.to().put(named(april("swimming", 9), &copy));
        let run = world.pass().await;
        assert_eq!(run.deleted, 0);
        assert_eq!(world.titles()[0].contains(&"swimming".to_owned()), two_way);
        assert!(
            world.titles()[1].contains(&"swimming".to_owned())
                && world.titles()[0].contains(&"dentist".to_owned())
        );
        world.rest().await;
        world.from().remove("dentist.ics");
        world.pass().await;
        assert!(world.titles()[1].contains(&"swimming".to_owned()));
        world.rest().await;
    }
}

#[tokio::test]
async fn two_copies_that_change_names_stay_two_copies() {
    let (world, copy) = dentist(true).await;
    let other = world.copy("other.ics").await;
    let one = world.to().remove(&copy);
    let two = world.to().remove(&other);
    world.to().put(named(one, &other));
    world.to().put(named(two, &copy));
    let run = world.pass().await;
    assert_eq!((run.created, run.deleted, world.writes()), (0, 0, all([])));
    assert_eq!((world.copy("dentist.ics").await, world.copy("other.ics").await), (other, copy));
    world.rest().await;
    world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    world.pass().await;
    assert_eq!(world.titles(), [all(["other", "surgeon"]), all(["other", "surgeon"])]);
    world.rest().await;
}

#[tokio::test]
async fn an_origin_that_is_back_under_another_name_is_the_same() {
    let (world, _) = dentist(false).await;
    let event = world.from().remove("dentist.ics");
    world.from().forget_cursors();
    world.from().put(named(event, "moved.ics"));
    let run = world.pass().await;
    assert_eq!((run.created, run.deleted, world.count()), (0, 0, [2, 2]));
    assert_eq!(world.asked(CalendarCall::Absence), [0, 0]);
    world.rest().await;
}

#[tokio::test]
async fn a_name_that_another_event_has_now_makes_another_mapping() {
    let (world, _) = dentist(false).await;
    let event = world.from().remove("dentist.ics");
    world.from().put(named(event, "moved.ics"));
    world.pass().await;
    world.from().put(named(april("swimming", 9), "dentist.ics"));
    assert_eq!(world.pass().await.created, 1);
    assert_eq!(
        world.titles(),
        [all(["dentist", "other", "swimming"]), all(["dentist", "other", "swimming"])]
    );
    world.rest().await;
}
