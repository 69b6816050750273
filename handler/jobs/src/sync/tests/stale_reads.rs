//! Servers that for a while show the version before our last write.

use engine::event::EventId;
use providers::Error;

use super::all;
use super::env::{FULL, PairEnv};
use super::memory_calendar::CalendarCall;
use super::sample_events::april;

async fn retitled(two_way: bool) -> (PairEnv, engine::event::Event) {
    let env = if two_way { PairEnv::two_way().await } else { PairEnv::one_way().await };
    env.from().put(april("dentist", 1));
    env.pass().await;
    env.pass().await;
    let before = env.to().all().remove(0);
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    env.pass().await;
    (env, before)
}

#[tokio::test]
async fn a_change_is_not_lost_while_a_read_shows_what_stood_there_before() {
    for two_way in [false, true] {
        let (env, before) = retitled(two_way).await;
        env.to().refused.insert((CalendarCall::Rewrite, None), Error::NoAnswer("silence".into()));
        env.from().change("dentist.ics", |event| event.content.title = "lawyer".into());
        env.pass().await;
        env.to().refused.clear();
        env.to().stale.insert(before.id.clone(), before);
        env.from().change("dentist.ics", |event| event.content.title = "architect".into());
        let run = env.pass().await;
        assert_eq!(
            (env.writes(), run.actions[0].start.as_deref()),
            (all([]), Some("2026-04-01T09:00:00Z"))
        );
        assert!(env.problems().await[0].problem.message.contains("still shows"));
        env.to().stale.clear();
        env.pass().await;
        assert_eq!(
            (env.titles(), env.problems().await.len()),
            ([all(["architect"]), all(["architect"])], 0),
            "{two_way}"
        );
        env.rest().await;
    }
}

#[tokio::test]
async fn a_whole_listing_that_is_behind_as_well_ends_nothing() {
    let (env, before) = retitled(true).await;
    env.pass().await;
    env.to().stale.insert(before.id.clone(), before.clone());
    env.run(FULL).await;
    assert!(env.mapping("dentist.ics").await.copy.former.is_some(), "it may be shown once more");
    assert_eq!(env.titles(), [all(["surgeon"]), all(["surgeon"])]);
    env.run(FULL).await;
    assert_eq!(env.titles()[0], all(["surgeon"]));
    env.to().stale.clear();
    env.run(FULL).await;
    assert!(env.mapping("dentist.ics").await.copy.former.is_none());
    env.rest().await;
}

#[tokio::test]
async fn a_listing_since_a_cursor_ends_nothing() {
    let (env, _) = retitled(true).await;
    env.from().put(april("other", 2));
    env.pass().await;
    env.pass().await;
    assert!(env.mapping("dentist.ics").await.copy.former.is_some());
    assert!(!env.to().all().iter().any(|event| event.id == EventId::new("other.ics")));
}

#[tokio::test]
async fn a_listing_with_much_news_is_no_lost_cursor() {
    let env = PairEnv::one_way().await.filled(20).await;
    env.pass().await;
    env.from().manners.forgets = true;
    env.from().forget_cursors();
    for n in 0..3 {
        env.from().change(&format!("e0{n}.ics"), |event| event.content.title.push('x'));
    }
    assert_eq!((env.pass().await.changed, env.asked(CalendarCall::ListAll)), (3, [0, 0]));
}

#[tokio::test]
async fn what_a_server_alters_beside_the_change_that_was_written_is_no_edit() {
    let (env, _) = retitled(true).await;
    env.pass().await;
    env.to().manners.longest_title = Some(4);
    env.from().change("dentist.ics", |event| event.content.location = "room 2".into());
    assert_eq!((env.pass().await.changed, env.titles()[1].clone()), (1, all(["surg"])));
    env.rest().await;
    assert_eq!(env.titles(), [all(["surgeon"]), all(["surg"])]);
    let copy = env.one(1, "surg").id;
    env.to().change(copy.as_str(), |event| event.content.location = "room 3".into());
    assert_eq!(env.pass().await.changed, 1);
    assert_eq!(
        (env.one(0, "surgeon").content.location.as_str(), env.titles()[1].clone()),
        ("room 3", all(["surg"]))
    );
    env.rest().await;
}

#[tokio::test]
async fn two_events_of_which_a_read_is_behind_are_both_waited_for() {
    let env = PairEnv::one_way().await.filled(2).await;
    env.pass().await;
    let before = env.to().all();
    let retitle = |title: &str| {
        ["e00.ics", "e01.ics"]
            .map(|id| env.from().change(id, |event| event.content.title = title.into()))
    };
    retitle("first");
    env.pass().await;
    env.to().refused.insert((CalendarCall::Rewrite, None), Error::NoAnswer("silence".into()));
    retitle("second");
    env.pass().await;
    env.to().refused.clear();
    before.into_iter().for_each(|event| drop(env.to().stale.insert(event.id.clone(), event)));
    retitle("third");
    env.pass().await;
    assert_eq!(env.writes(), all([]));
    env.to().stale.clear();
    env.pass().await;
    assert_eq!(env.titles()[1], all(["third", "third"]));
    env.rest().await;
}

/// A copy that was put back between our write and the next pass, on a server whose tags follow from
/// the content: no listing names it, and what its origin changes reaches it nevertheless.
#[tokio::test]
async fn what_waits_for_a_version_that_was_put_back_is_written_to_it() {
    for two_way in [false, true] {
        let (env, before) = retitled(two_way).await;
        env.to().undo(before);
        env.from().change("dentist.ics", |event| event.content.location = "room 2".into());
        for minutes in [0, 7] {
            env.minutes(minutes);
            assert_eq!(env.pass().await.changed, 0, "it may be behind: {two_way} {minutes}");
            assert!(env.problems().await[0].problem.message.contains("still shows"));
        }
        env.minutes(3);
        assert_eq!(env.pass().await.changed, 1, "{two_way}");
        let titles = if two_way { all(["dentist"]) } else { all(["surgeon"]) };
        env.pass().await;
        assert_eq!(env.titles(), [titles.clone(), titles], "what was put back is an edit");
        for side in [0, 1] {
            assert_eq!(env.remotes[side].lock().all()[0].content.location, "room 2");
        }
        assert_eq!(env.problems().await.len(), 0);
        env.rest().await;
    }
}

#[tokio::test]
async fn what_waits_for_a_server_that_is_behind_for_long_is_not_written_to_what_it_shows() {
    for two_way in [false, true] {
        let (env, before) = retitled(two_way).await;
        env.to().refused.insert((CalendarCall::Rewrite, None), Error::NoAnswer("silence".into()));
        env.from().change("dentist.ics", |event| event.content.title = "lawyer".into());
        env.pass().await;
        env.to().refused.clear();
        env.to().stale.insert(before.id.clone(), before);
        for (n, minutes) in [0, 11, 3, 60].into_iter().enumerate() {
            env.minutes(minutes);
            env.from().change("dentist.ics", |event| event.content.location = format!("room {n}"));
            env.pass().await;
            assert_eq!(env.titles(), [all(["lawyer"]), all(["surgeon"])], "{two_way} {n}");
            assert_eq!(env.problems().await.len(), 1);
        }
        env.to().stale.clear();
        env.minutes(60);
        env.pass().await;
        assert_eq!(env.titles(), [all(["lawyer"]), all(["lawyer"])], "{two_way}");
        assert_eq!(env.one(1, "lawyer").content.location, "room 3", "{two_way}");
        env.rest().await;
    }
}

/// Then nothing would be written, and nothing proves that the server is not behind.
#[tokio::test]
async fn what_is_shown_as_it_is_wanted_may_be_behind_too() {
    let (env, before) = retitled(true).await;
    env.to().refused.insert((CalendarCall::Rewrite, None), Error::NoAnswer("silence".into()));
    env.from().change("dentist.ics", |event| event.content.title = "lawyer".into());
    env.pass().await;
    env.to().refused.clear();
    env.to().stale.insert(before.id.clone(), before);
    env.to().manners.reads_before_edits = true;
    env.from().change("dentist.ics", |event| event.content.title = "dentist".into());
    env.minutes(11);
    env.pass().await;
    assert!(env.problems().await[0].problem.message.contains("still shows"));
    env.to().stale.clear();
    env.minutes(60);
    env.pass().await;
    assert_eq!(env.titles(), [all(["dentist"]), all(["dentist"])]);
    env.rest().await;
}
