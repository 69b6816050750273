//! Servers that are behind, forget, or show nothing at a glance.

use engine::event::EventId;
use engine::mapping::MappingState;
use providers::Error;

use super::all;
use super::calendar::{CalendarCall, ServerQuirks};
use super::events::april;
use super::world::{FULL, OPTIONS, World};
use records::problem::PairStatus;

async fn dentist(two_way: bool) -> (World, String) {
    let world = if two_way { World::two_way().await } else { World::one_way().await };
    world.from().put(april("dentist", 1));
    world.pass().await;
    world.pass().await;
    let copy = world.copy("dentist.ics").await;
    (world, copy)
}

#[tokio::test]
async fn a_server_that_is_behind_shows_no_edit() {
    let (world, _) = dentist(true).await;
    let before = world.to().all().remove(0);
    world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    world.pass().await;
    world.to().stale.insert(before.id.clone(), before);
    for _ in 0..2 {
        let run = world.pass().await;
        assert_eq!((run.changed, world.titles()), (0, [all(["surgeon"]), all(["surgeon"])]));
    }
    // Nor where the origin changes meanwhile and both would be read.
    world.from().change("dentist.ics", |event| event.content.location = "room 2".into());
    world.run(FULL).await;
    assert_eq!(world.titles()[0], all(["surgeon"]));
    world.to().stale.clear();
    world.minutes(5);
    world.pass().await;
    world.pass().await;
    assert_eq!(world.one(0, "surgeon").content, world.one(1, "surgeon").content);
    world.rest().await;
}

#[tokio::test]
async fn what_a_person_restores_is_an_edit() {
    let (world, _) = dentist(true).await;
    let before = world.to().all().remove(0);
    world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    world.pass().await;
    world.pass().await;
    world.to().restore(before);
    world.pass().await;
    assert_eq!(world.titles(), [all(["dentist"]), all(["dentist"])]);
    world.rest().await;
}

#[tokio::test]
async fn a_whole_listing_of_the_next_day_ends_what_was_behind() {
    let (world, _) = dentist(true).await;
    world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    world.pass().await;
    assert!(world.mapping("dentist.ics").await.copy.former.is_some());
    world.pass().await;
    world.run(FULL).await;
    assert!(world.mapping("dentist.ics").await.copy.former.is_none());
    world.rest().await;
}

#[tokio::test]
async fn a_cursor_that_is_lost_means_a_whole_listing() {
    for brings in [false, true] {
        let world = World::two_way().await.filled(6).await;
        world.to().manners.brings = brings;
        world.from().forget_cursors();
        world.to().forget_cursors();
        world.from().change("e00.ics", |event| event.content.title = "new".into());
        world.from().put(april("more", 20));
        let run = world.pass().await;
        assert_eq!(
            (run.created, run.changed, run.deleted, world.asked(CalendarCall::ListAll)),
            (1, 1, 0, [1, 1])
        );
        assert_eq!(world.count(), [7, 7]);
        world.rest().await;
    }
}

#[tokio::test]
async fn a_cursor_that_is_lost_without_a_word_hides_no_deletion() {
    let world = World::one_way().await.filled(20).await;
    world.from().manners.forgets = true;
    world.from().forget_cursors();
    world.remove_origins(0..1);
    let run = world.pass().await;
    assert_eq!((run.deleted, world.count()), (1, [19, 19]));
    world.rest().await;
}

#[tokio::test]
async fn a_few_lines_are_no_lost_cursor() {
    let world = World::one_way().await.filled(4).await;
    world.pass().await;
    for n in 0..4 {
        world.from().change(&format!("e0{n}.ics"), |event| event.content.title.push('x'));
    }
    assert_eq!((world.pass().await.changed, world.asked(CalendarCall::ListAll)), (4, [0, 0]));
    let world = World::one_way().await.filled(8).await;
    world.pass().await;
    for n in 0..8 {
        world.from().change(&format!("e0{n}.ics"), |event| event.content.title.push('x'));
    }
    assert_eq!(
        (world.pass().await.changed, world.asked(CalendarCall::ListAll)),
        (8, [0, 0]),
        "all of it is new"
    );
}

#[tokio::test]
async fn where_a_glance_shows_nothing_a_listing_does() {
    let world = World::two_way().await;
    for side in [0, 1] {
        world.remotes[side].lock().manners =
            ServerQuirks { no_tips: true, brings: true, ..ServerQuirks::default() };
    }
    world.from().put(april("dentist", 1));
    world.to().put(april("swimming", 2));
    assert_eq!((world.pass().await.created, world.count()), (2, [2, 2]));
    world.pass().await;
    world.pass().await;
    let passes = world.state().await.pass_count;
    world.pass().await;
    assert_eq!(
        (world.asked(CalendarCall::List), world.asked(CalendarCall::ListAll)),
        ([1, 1], [0, 0]),
        "and that is all"
    );
    assert_eq!(world.state().await.pass_count, passes, "a look is enough");
    world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    assert_eq!(world.pass().await.changed, 1);
    assert_eq!(
        world.asked(CalendarCall::List),
        [1, 1],
        "what was listed for a look is not listed again"
    );
    assert_eq!(world.asked(CalendarCall::Fetch), [0, 0], "nor is what came along read");
    world.from().remove("dentist.ics");
    world.to().forget_cursors();
    assert_eq!((world.pass().await.deleted, world.count()), (1, [1, 1]));
    world.rest().await;
}

#[tokio::test]
async fn an_event_that_is_listed_and_not_given_is_asked_for_again() {
    let (world, _) = dentist(false).await;
    world.from().put(april("slow", 2));
    world.from().hidden.insert(EventId::new("slow.ics"));
    let run = world.pass().await;
    assert_eq!((run.created, run.state), (0, PairStatus::Ok));
    world.from().hidden.clear();
    world.from().change("slow.ics", |_| ());
    assert_eq!((world.pass().await.created, world.count()), (1, [2, 2]));
    world.rest().await;
}

#[tokio::test]
async fn a_known_event_that_is_listed_and_not_given_keeps_its_copy() {
    let (world, _) = dentist(true).await;
    world.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    world.from().refused.insert((CalendarCall::Absence, None), Error::Refused("not now".into()));
    world.from().hidden.insert(EventId::new("dentist.ics"));
    let run = world.try_run(OPTIONS).await;
    assert_eq!((run.deleted, world.titles()[1].clone()), (0, all(["dentist"])));
    assert_eq!(world.mapping("dentist.ics").await.state, MappingState::Live);
    world.from().refused.clear();
    world.from().hidden.clear();
    world.minutes(3);
    world.run(FULL).await;
    assert_eq!(world.titles(), [all(["surgeon"]), all(["surgeon"])]);
    world.rest().await;
}

#[tokio::test]
async fn what_is_refused_of_one_event_leaves_the_others_right() {
    for (call, error) in [
        (CalendarCall::Fetch, Error::Refused("no".into())),
        (CalendarCall::Rewrite, Error::NoAnswer("silence".into())),
        (CalendarCall::Rewrite, Error::Forbidden("no".into())),
        (CalendarCall::Rewrite, Error::Unreachable("500".into())),
    ] {
        let world = World::one_way().await.filled(4).await;
        let id = if call == CalendarCall::Fetch {
            "e00.ics".to_owned()
        } else {
            world.copy("e00.ics").await
        };
        let side = usize::from(call != CalendarCall::Fetch);
        world.remotes[side].lock().refused.insert((call, Some(EventId::new(id))), error.clone());
        for n in 0..4 {
            world.from().change(&format!("e0{n}.ics"), |event| event.content.title.push('x'));
        }
        let run = world.pass().await;
        assert_eq!((run.changed, run.skipped, run.state), (3, 1, PairStatus::Ok), "{error}");
        assert_eq!(world.titles()[1], all(["e00", "e01x", "e02x", "e03x"]));
        let next = world.problems().await[0].problem.next_try.unwrap();
        let now = world.scope.clock.now();
        let soon = matches!(error, Error::NoAnswer(_));
        assert_eq!(next.as_second() - now.as_second(), if soon { 0 } else { 120 });
        world.remotes[side].lock().refused.clear();
        world.minutes(3);
        world.pass().await;
        assert_eq!(
            (world.titles()[1].clone(), world.problems().await.len()),
            (all(["e00x", "e01x", "e02x", "e03x"]), 0)
        );
        world.rest().await;
    }
}

#[tokio::test]
async fn a_calendar_that_does_not_answer_ends_the_pass_and_keeps_what_was_done() {
    for call in [CalendarCall::Glance, CalendarCall::List, CalendarCall::Fetch] {
        let world = World::one_way().await.filled(4).await;
        world.from().change("e00.ics", |event| event.content.title = "new".into());
        let before = world.state().await;
        world.from().refused.insert((call, None), Error::Unreachable("500".into()));
        let run = world.try_run(OPTIONS).await;
        assert_eq!(
            (run.state, run.error.unwrap().code.as_str()),
            (PairStatus::Error, "unreachable"),
            "{call:?}"
        );
        let state = world.state().await;
        assert_eq!(
            (state.status, state.from.map(|row| row.cursor)),
            (Some(PairStatus::Error), before.from.map(|row| row.cursor))
        );
        assert_eq!((state.failing.unwrap().times, world.writes()), (1, all([])));
        world.try_run(OPTIONS).await;
        world.from().refused.clear();
        assert_eq!((world.pass().await.changed, world.state().await.error), (1, None));
        world.rest().await;
    }
}
