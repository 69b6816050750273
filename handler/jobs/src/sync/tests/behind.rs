//! Servers that show for a while what stood there before our last write.

use engine::event::EventId;
use providers::Error;

use super::all;
use super::calendar::CalendarCall;
use super::events::april;
use super::world::{FULL, World};

async fn retitled(two_way: bool) -> (World, engine::event::Event) {
    let world = if two_way { World::two_way().await } else { World::one_way().await };
    world.from().put(april("dentist", 1));
    world.pass().await;
    world.pass().await;
    let before = world.to().all().remove(0);
    world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    world.pass().await;
    (world, before)
}

#[tokio::test]
async fn a_change_is_not_lost_while_a_read_shows_what_stood_there_before() {
    for two_way in [false, true] {
        let (world, before) = retitled(two_way).await;
        world.to().refused.insert((CalendarCall::Rewrite, None), Error::NoAnswer("silence".into()));
        world.from().change("dentist.ics", |event| event.content.title = "lawyer".into());
        world.pass().await;
        world.to().refused.clear();
        world.to().stale.insert(before.id.clone(), before);
        world.from().change("dentist.ics", |event| event.content.title = "architect".into());
        let run = world.pass().await;
        assert_eq!(
            (world.writes(), run.actions[0].start.as_deref()),
            (all([]), Some("2026-04-01T09:00:00Z"))
        );
        assert!(world.problems().await[0].problem.message.contains("still shows"));
        world.to().stale.clear();
        world.pass().await;
        assert_eq!(
            (world.titles(), world.problems().await.len()),
            ([all(["architect"]), all(["architect"])], 0),
            "{two_way}"
        );
        world.rest().await;
    }
}

#[tokio::test]
async fn a_whole_listing_that_is_behind_as_well_ends_nothing() {
    let (world, before) = retitled(true).await;
    world.pass().await;
    world.to().stale.insert(before.id.clone(), before.clone());
    world.run(FULL).await;
    assert!(world.mapping("dentist.ics").await.copy.former.is_some(), "it may be shown once more");
    assert_eq!(world.titles(), [all(["surgeon"]), all(["surgeon"])]);
    world.run(FULL).await;
    assert_eq!(world.titles()[0], all(["surgeon"]));
    world.to().stale.clear();
    world.run(FULL).await;
    assert!(world.mapping("dentist.ics").await.copy.former.is_none());
    world.rest().await;
}

#[tokio::test]
async fn a_listing_since_a_cursor_ends_nothing() {
    let (world, _) = retitled(true).await;
    world.from().put(april("other", 2));
    world.pass().await;
    world.pass().await;
    assert!(world.mapping("dentist.ics").await.copy.former.is_some());
    assert!(!world.to().all().iter().any(|event| event.id == EventId::new("other.ics")));
}

#[tokio::test]
async fn a_listing_with_much_news_is_no_lost_cursor() {
    let world = World::one_way().await.filled(20).await;
    world.pass().await;
    world.from().manners.forgets = true;
    world.from().forget_cursors();
    for n in 0..3 {
        world.from().change(&format!("e0{n}.ics"), |event| event.content.title.push('x'));
    }
    assert_eq!((world.pass().await.changed, world.asked(CalendarCall::ListAll)), (3, [0, 0]));
}

#[tokio::test]
async fn what_a_server_alters_beside_the_change_that_was_written_is_no_edit() {
    let (world, _) = retitled(true).await;
    world.pass().await;
    world.to().manners.longest_title = Some(4);
    world.from().change("dentist.ics", |event| event.content.location = "room 2".into());
    assert_eq!((world.pass().await.changed, world.titles()[1].clone()), (1, all(["surg"])));
    world.rest().await;
    assert_eq!(world.titles(), [all(["surgeon"]), all(["surg"])]);
    let copy = world.one(1, "surg").id;
    world.to().change(copy.as_str(), |event| event.content.location = "room 3".into());
    assert_eq!(world.pass().await.changed, 1);
    assert_eq!(
        (world.one(0, "surgeon").content.location.as_str(), world.titles()[1].clone()),
        ("room 3", all(["surg"]))
    );
    world.rest().await;
}

#[tokio::test]
async fn two_events_of_which_a_read_is_behind_are_both_waited_for() {
    let world = World::one_way().await.filled(2).await;
    world.pass().await;
    let before = world.to().all();
    let retitle = |title: &str| {
        ["e00.ics", "e01.ics"]
            .map(|id| world.from().change(id, |event| event.content.title = title.into()))
    };
    retitle("first");
    world.pass().await;
    world.to().refused.insert((CalendarCall::Rewrite, None), Error::NoAnswer("silence".into()));
    retitle("second");
    world.pass().await;
    world.to().refused.clear();
    before.into_iter().for_each(|event| drop(world.to().stale.insert(event.id.clone(), event)));
    retitle("third");
    world.pass().await;
    assert_eq!(world.writes(), all([]));
    world.to().stale.clear();
    world.pass().await;
    assert_eq!(world.titles()[1], all(["third", "third"]));
    world.rest().await;
}
