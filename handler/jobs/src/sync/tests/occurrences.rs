//! A series whose occurrences are listed as events of their own counts as one event.

use engine::event::{EventId, Exception, OriginalStart};
use jiff::SignedDuration;

use super::env::{DRY, PairEnv};
use super::memory_calendar::CalendarCall;
use super::sample_events::{april, at, weekly};
use jiff::civil::date;

/// A pair with a series of so many occurrences, each with its copy, and three other events.
async fn expanded(count: u32) -> PairEnv {
    let env = PairEnv::one_way().await;
    env.from().manners.by_occurrence = true;
    env.from().put(weekly(april("weekly", 1), count));
    let env = env.filled(3).await;
    assert_eq!(env.count(), [4, 3 + count as usize]);
    env
}

fn start(week: i64) -> OriginalStart {
    let first: jiff::Timestamp = "2026-04-01T09:00:00Z".parse().unwrap();
    OriginalStart::At(first + SignedDuration::from_hours(week * 7 * 24))
}

#[tokio::test]
async fn each_occurrence_has_a_copy_and_nothing_more_happens() {
    let env = expanded(12).await;
    let id = EventId::instance("weekly.ics", start(3));
    assert_eq!(env.mapping(id.as_str()).await.origin.id, id);
    env.rest().await;
}

#[tokio::test]
async fn a_cancelled_occurrence_takes_its_copy_along_and_no_other() {
    let env = expanded(12).await;
    env.from().change("weekly.ics", |event| {
        let series = event.series.as_mut().unwrap();
        series.exceptions.insert(start(3), Exception::Cancelled);
    });
    let run = env.pass().await;
    assert_eq!((run.deleted, run.created, run.changed), (1, 0, 0));
    assert_eq!((env.count(), env.asked(CalendarCall::Absence)), ([4, 14], [1, 0]));
    env.rest().await;
}

#[tokio::test]
async fn a_moved_series_moves_its_copies() {
    let env = expanded(12).await;
    env.from().change("weekly.ics", |event| {
        event.content.span = at(date(2026, 4, 1).at(10, 0, 0, 0), 1);
    });
    let run = env.pass().await;
    assert_eq!((run.created, run.changed, run.deleted), (0, 12, 0), "the copies are edited");
    assert_eq!((env.count(), run.held.is_some()), ([4, 15], false));
    assert_eq!(env.asked(CalendarCall::Absence), [0, 0]);
    env.rest().await;
}

#[tokio::test]
async fn a_dry_run_has_the_actions_of_the_pass_that_follows() {
    let env = expanded(12).await;
    env.from().change("weekly.ics", |event| event.content.title = "renamed".into());
    let preview = env.run(DRY).await;
    assert_eq!((preview.changed, preview.actions.len()), (12, 12));
    for action in &preview.actions {
        assert_eq!(action.series.as_deref(), Some("weekly.ics"));
        assert_eq!(env.mapping(&action.event).await.origin.id.as_str(), action.event);
    }
    assert_eq!(env.pass().await.actions, preview.actions);
    env.from().remove("weekly.ics");
    let preview = env.run(DRY).await;
    assert_eq!((preview.deleted, env.pass().await.actions), (12, preview.actions));
}

#[tokio::test]
async fn a_deleted_series_is_one_deletion_to_the_guard() {
    let env = expanded(12).await;
    env.from().remove("weekly.ics");
    let run = env.pass().await;
    assert_eq!((run.deleted, run.held.is_some(), env.count()), (12, false, [3, 3]));
    env.rest().await;
    let held = expanded(12).await.filled(14).await;
    held.remove_origins(0..12);
    held.from().remove("weekly.ics");
    let run = held.pass().await;
    assert_eq!(run.deleted, 0, "twelve events and a series are unusual");
    assert!(run.held.is_some());
}

#[tokio::test]
async fn a_deleted_series_that_was_alone_asks_nobody() {
    let env = PairEnv::one_way().await;
    env.from().manners.by_occurrence = true;
    env.from().put(weekly(april("weekly", 1), 12));
    env.pass().await;
    env.from().remove("weekly.ics");
    let run = env.pass().await;
    assert_eq!((run.deleted, run.held.is_some(), env.count()), (12, false, [0, 0]));
    env.rest().await;
}

#[tokio::test]
async fn an_occurrence_that_an_empty_answer_leaves_out_is_asked_for() {
    let env = expanded(12).await;
    env.from().change("weekly.ics", |event| event.content.title = "still there".into());
    let hidden: Vec<EventId> =
        (0..12).map(|week| EventId::instance("weekly.ics", start(week))).collect();
    env.from().unlisted.extend(hidden.iter().cloned());
    let run = env.pass().await;
    assert_eq!((run.deleted, env.count()), (0, [4, 15]));
    env.from().unlisted.clear();
    env.pass().await;
    assert_eq!((env.count(), env.titles()[1].contains(&"still there".into())), ([4, 15], true));
}

#[tokio::test]
async fn a_copy_that_is_listed_by_its_occurrences_is_its_series() {
    let env = PairEnv::one_way().await;
    env.from().put(weekly(april("weekly", 1), 12));
    env.pass().await;
    env.to().manners.by_occurrence = true;
    env.to().forget_cursors();
    env.minutes(60 * 24);
    let run = env.pass().await;
    assert_eq!((run.created, run.deleted, env.count()), (0, 0, [1, 1]));
    assert!(env.problems().await.is_empty());
}

#[tokio::test]
async fn an_unknown_event_whose_mark_a_listing_leaves_out_is_read() {
    let env = PairEnv::two_way().await.filled(2).await;
    env.from().manners.hides_marks = true;
    env.from().manners.brings = true;
    let copied = env.to().all().into_iter().next().unwrap();
    env.to().put(april("new", 9));
    env.pass().await;
    assert_eq!(env.count(), [3, 3]);
    // A person duplicates a copy of this program: its mark says that it is none of theirs.
    let twin = engine::event::Event { id: EventId::new("twin.ics"), uid: "twin".into(), ..copied };
    env.from().put(twin);
    env.pass().await;
    assert_eq!(env.asked(CalendarCall::Fetch)[0], 1);
    env.from().change("e00.ics", |event| event.content.title = "changed".into());
    env.pass().await;
    assert_eq!(env.asked(CalendarCall::Fetch)[0], 0, "the listing brought a known event");
}
