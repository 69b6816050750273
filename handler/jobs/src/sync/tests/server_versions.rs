//! Servers that are behind, forget cursors, or have no tags for the state of a calendar.

use engine::event::EventId;
use engine::mapping::MappingState;
use providers::Error;
use records::problem::PairStatus;

use super::all;
use super::env::{FULL, OPTIONS, PairEnv};
use super::memory_calendar::{CalendarCall, ServerQuirks};
use super::sample_events::april;

async fn dentist(two_way: bool) -> (PairEnv, String) {
    let env = if two_way { PairEnv::two_way().await } else { PairEnv::one_way().await };
    env.from().put(april("dentist", 1));
    env.pass().await;
    env.pass().await;
    let copy = env.copy("dentist.ics").await;
    (env, copy)
}

#[tokio::test]
async fn a_server_that_is_behind_shows_no_edit() {
    let (env, _) = dentist(true).await;
    let before = env.to().all().remove(0);
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    env.pass().await;
    env.to().stale.insert(before.id.clone(), before);
    for _ in 0..2 {
        let run = env.pass().await;
        assert_eq!((run.changed, env.titles()), (0, [all(["surgeon"]), all(["surgeon"])]));
    }
    // Nor where the origin changes meanwhile and both would be read.
    env.from().change("dentist.ics", |event| event.content.location = "room 2".into());
    env.run(FULL).await;
    assert_eq!(env.titles()[0], all(["surgeon"]));
    env.to().stale.clear();
    env.minutes(5);
    env.pass().await;
    env.pass().await;
    assert_eq!(env.one(0, "surgeon").content, env.one(1, "surgeon").content);
    env.rest().await;
}

#[tokio::test]
async fn what_a_person_restores_is_an_edit() {
    let (env, _) = dentist(true).await;
    let before = env.to().all().remove(0);
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    env.pass().await;
    env.pass().await;
    env.to().restore(before);
    env.pass().await;
    assert_eq!(env.titles(), [all(["dentist"]), all(["dentist"])]);
    env.rest().await;
}

#[tokio::test]
async fn a_whole_listing_of_the_next_day_ends_what_was_behind() {
    let (env, _) = dentist(true).await;
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    env.pass().await;
    assert!(env.mapping("dentist.ics").await.copy.former.is_some());
    env.pass().await;
    env.run(FULL).await;
    assert!(env.mapping("dentist.ics").await.copy.former.is_none());
    env.rest().await;
}

#[tokio::test]
async fn a_cursor_that_is_lost_means_a_whole_listing() {
    for brings in [false, true] {
        let env = PairEnv::two_way().await.filled(6).await;
        env.to().manners.brings = brings;
        env.from().forget_cursors();
        env.to().forget_cursors();
        env.from().change("e00.ics", |event| event.content.title = "new".into());
        env.from().put(april("more", 20));
        let run = env.pass().await;
        assert_eq!(
            (run.created, run.changed, run.deleted, env.asked(CalendarCall::ListAll)),
            (1, 1, 0, [1, 1])
        );
        assert_eq!(env.count(), [7, 7]);
        env.rest().await;
    }
}

#[tokio::test]
async fn a_cursor_that_is_lost_without_a_word_hides_no_deletion() {
    let env = PairEnv::one_way().await.filled(20).await;
    env.from().manners.forgets = true;
    env.from().forget_cursors();
    env.remove_origins(0..1);
    let run = env.pass().await;
    assert_eq!((run.deleted, env.count()), (1, [19, 19]));
    env.rest().await;
}

#[tokio::test]
async fn a_few_lines_are_no_lost_cursor() {
    let env = PairEnv::one_way().await.filled(4).await;
    env.pass().await;
    for n in 0..4 {
        env.from().change(&format!("e0{n}.ics"), |event| event.content.title.push('x'));
    }
    assert_eq!((env.pass().await.changed, env.asked(CalendarCall::ListAll)), (4, [0, 0]));
    let env = PairEnv::one_way().await.filled(8).await;
    env.pass().await;
    for n in 0..8 {
        env.from().change(&format!("e0{n}.ics"), |event| event.content.title.push('x'));
    }
    assert_eq!(
        (env.pass().await.changed, env.asked(CalendarCall::ListAll)),
        (8, [0, 0]),
        "all of it is new"
    );
}

#[tokio::test]
async fn where_a_glance_shows_nothing_a_listing_does() {
    let env = PairEnv::two_way().await;
    for side in [0, 1] {
        env.remotes[side].lock().manners =
            ServerQuirks { no_tips: true, brings: true, ..ServerQuirks::default() };
    }
    env.from().put(april("dentist", 1));
    env.to().put(april("swimming", 2));
    assert_eq!((env.pass().await.created, env.count()), (2, [2, 2]));
    env.pass().await;
    env.pass().await;
    let passes = env.state().await.pass_count;
    env.pass().await;
    assert_eq!(
        (env.asked(CalendarCall::List), env.asked(CalendarCall::ListAll)),
        ([1, 1], [0, 0]),
        "and that is all"
    );
    assert_eq!(env.state().await.pass_count, passes, "a look is enough");
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    assert_eq!(env.pass().await.changed, 1);
    assert_eq!(
        env.asked(CalendarCall::List),
        [1, 1],
        "what was listed for a look is not listed again"
    );
    assert_eq!(env.asked(CalendarCall::Fetch), [0, 0], "nor is what came along read");
    env.from().remove("dentist.ics");
    env.to().forget_cursors();
    assert_eq!((env.pass().await.deleted, env.count()), (1, [1, 1]));
    env.rest().await;
}

#[tokio::test]
async fn an_event_that_is_listed_and_not_given_is_asked_for_again() {
    let (env, _) = dentist(false).await;
    env.from().put(april("slow", 2));
    env.from().hidden.insert(EventId::new("slow.ics"));
    let run = env.pass().await;
    assert_eq!((run.created, run.state), (0, PairStatus::Ok));
    env.from().hidden.clear();
    env.from().change("slow.ics", |_| ());
    assert_eq!((env.pass().await.created, env.count()), (1, [2, 2]));
    env.rest().await;
}

#[tokio::test]
async fn a_known_event_that_is_listed_and_not_given_keeps_its_copy() {
    let (env, _) = dentist(true).await;
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    env.from().refused.insert((CalendarCall::Absence, None), Error::Refused("not now".into()));
    env.from().hidden.insert(EventId::new("dentist.ics"));
    let run = env.try_run(OPTIONS).await;
    assert_eq!((run.deleted, env.titles()[1].clone()), (0, all(["dentist"])));
    assert_eq!(env.mapping("dentist.ics").await.state, MappingState::Live);
    env.from().refused.clear();
    env.from().hidden.clear();
    env.minutes(3);
    env.run(FULL).await;
    assert_eq!(env.titles(), [all(["surgeon"]), all(["surgeon"])]);
    env.rest().await;
}

#[tokio::test]
async fn what_is_refused_of_one_event_leaves_the_others_right() {
    for (call, error) in [
        (CalendarCall::Fetch, Error::Refused("no".into())),
        (CalendarCall::Rewrite, Error::NoAnswer("silence".into())),
        (CalendarCall::Rewrite, Error::Forbidden("no".into())),
        (CalendarCall::Rewrite, Error::Unreachable("500".into())),
    ] {
        let env = PairEnv::one_way().await.filled(4).await;
        let id = if call == CalendarCall::Fetch {
            "e00.ics".to_owned()
        } else {
            env.copy("e00.ics").await
        };
        let side = usize::from(call != CalendarCall::Fetch);
        env.remotes[side].lock().refused.insert((call, Some(EventId::new(id))), error.clone());
        for n in 0..4 {
            env.from().change(&format!("e0{n}.ics"), |event| event.content.title.push('x'));
        }
        let run = env.pass().await;
        assert_eq!((run.changed, run.skipped, run.state), (3, 1, PairStatus::Ok), "{error}");
        assert_eq!(env.titles()[1], all(["e00", "e01x", "e02x", "e03x"]));
        let next = env.problems().await[0].problem.next_try.unwrap();
        let now = env.scope.clock.now();
        let soon = matches!(error, Error::NoAnswer(_));
        assert_eq!(next.as_second() - now.as_second(), if soon { 0 } else { 120 });
        env.remotes[side].lock().refused.clear();
        env.minutes(3);
        env.pass().await;
        assert_eq!(
            (env.titles()[1].clone(), env.problems().await.len()),
            (all(["e00x", "e01x", "e02x", "e03x"]), 0)
        );
        env.rest().await;
    }
}

#[tokio::test]
async fn a_calendar_that_does_not_answer_ends_the_pass_and_keeps_what_was_done() {
    for call in [CalendarCall::States, CalendarCall::List, CalendarCall::Fetch] {
        let env = PairEnv::one_way().await.filled(4).await;
        env.from().change("e00.ics", |event| event.content.title = "new".into());
        let before = env.state().await;
        env.from().refused.insert((call, None), Error::Unreachable("500".into()));
        let run = env.try_run(OPTIONS).await;
        assert_eq!(
            (run.state, run.error.unwrap().code.as_str()),
            (PairStatus::Error, "unreachable"),
            "{call:?}"
        );
        let state = env.state().await;
        assert_eq!(
            (state.status, state.from.map(|row| row.cursor)),
            (Some(PairStatus::Error), before.from.map(|row| row.cursor))
        );
        assert_eq!((state.failing.unwrap().times, env.writes()), (1, all([])));
        env.try_run(OPTIONS).await;
        env.from().refused.clear();
        assert_eq!((env.pass().await.changed, env.state().await.error), (1, None));
        env.rest().await;
    }
}
