//! Interrupted passes: what they have done counts, and is not taken for changes of a person.

use engine::event::{Event, EventId, Exception, OriginalStart};
use engine::marker::Role;
use engine::reason::Reason;
use jiff::civil::date;
use providers::Error;
use records::problem::PairStatus;

use super::deletions::dentist;
use super::env::{FULL, OPTIONS, PairEnv};
use super::memory_calendar::CalendarCall;
use super::sample_events::{april, weekly};
use super::{all, reasons};

/// The names of the copies of `dentist` and `e0`, in the order in which they are deleted.
async fn in_order(env: &PairEnv) -> [(String, String); 2] {
    let mut two = [env.mapping("dentist.ics").await, env.mapping("e0.ics").await];
    two.sort_by_key(|mapping| mapping.id);
    two.map(|mapping| (mapping.origin.id.to_string(), mapping.copy.id.to_string()))
}

#[tokio::test]
async fn deletions_that_were_made_before_a_failure_count_and_are_remembered() {
    let (env, _) = dentist(false).await;
    let [(first, _), (second, copy)] = in_order(&env).await;
    env.from().remove(&first);
    env.from().remove(&second);
    env.to().refused.insert((CalendarCall::Delete, Some(EventId::new(&copy))), Error::Unauthorized);
    env.to().refused.insert((CalendarCall::Ask, None), Error::Unauthorized);
    let run = env.try_run(OPTIONS).await;
    assert_eq!((run.state, run.deleted, env.count()), (PairStatus::NeedsReconnect, 1, [3, 4]));
    let state = env.state().await;
    assert_eq!(
        (state.deletions, state.status),
        (Some((date(2026, 3, 10), 1)), Some(PairStatus::NeedsReconnect))
    );
    assert_eq!(state.error.map(|error| error.code), Some("unauthorized".into()));
    let proofs = env.proofs().await;
    assert_eq!(proofs.iter().map(|row| row.origin.clone()).collect::<Vec<_>>(), [first]);
    assert_eq!(env.mappings().await.len(), 4);
    env.to().refused.clear();
    assert_eq!((env.pass().await.deleted, env.count()), (1, [3, 3]));
    assert_eq!(env.state().await.deletions, Some((date(2026, 3, 10), 2)));
    env.rest().await;
}

#[tokio::test]
async fn an_event_that_is_back_after_its_copy_was_deleted_without_an_answer_gets_another_copy() {
    for two_way in [false, true] {
        let (env, _) = dentist(two_way).await;
        let origin = env.from().remove("dentist.ics");
        env.to().lost.insert(CalendarCall::Delete);
        env.pass().await;
        assert_eq!(env.count(), [4, 4]);
        env.from().put(origin);
        env.minutes(5);
        let run = env.pass().await;
        assert_eq!((run.deleted, env.has("dentist")), (0, [true, true]), "{two_way}");
        env.rest().await;
    }
}

#[tokio::test]
async fn an_origin_that_was_made_again_without_an_answer_is_found() {
    for edited in [false, true] {
        let (env, copy) = dentist(true).await;
        env.from().remove("dentist.ics");
        env.to().change(&copy, |event| event.content.title = "surgeon".into());
        env.from().lost.insert(CalendarCall::Create);
        env.pass().await;
        assert_eq!(env.count(), [5, 5]);
        let title = if edited { "mine" } else { "surgeon" };
        env.to().change(&copy, |event| event.content.title = title.into());
        env.minutes(5);
        env.pass().await;
        assert_eq!(
            (env.count(), env.has(title)),
            ([5, 5], [true, true]),
            "what was to be made is no edit of its owner's"
        );
        env.rest().await;
        assert_eq!(env.problems().await.len(), 0);
    }
}

#[tokio::test]
async fn an_origin_for_which_the_server_has_no_name_is_made_later() {
    let (env, copy) = dentist(true).await;
    env.from().remove("dentist.ics");
    env.to().change(&copy, |event| event.content.title = "surgeon".into());
    env.from().refused.insert((CalendarCall::Create, None), Error::Exists);
    let run = env.pass().await;
    assert_eq!(
        (reasons(&run), run.created, env.has("surgeon")),
        (vec![Reason::RefusedByServer], 0, [false, true])
    );
    let problem = env.problems().await.remove(0);
    assert_eq!((problem.gone, problem.problem.next_try.is_some()), (Some(Role::Origin), true));
    env.from().refused.clear();
    env.minutes(5);
    assert_eq!(
        (env.pass().await.created, env.has("surgeon"), env.count()),
        (1, [true, true], [5, 5])
    );
    env.rest().await;
}

#[tokio::test]
async fn a_copy_for_which_the_server_has_no_name_is_no_deletion() {
    let env = PairEnv::two_way().await;
    env.from().put(april("dentist", 1));
    env.to().refused.insert((CalendarCall::Create, None), Error::Exists);
    env.pass().await;
    assert_eq!(env.problems().await[0].gone, None);
    env.to().refused.clear();
    assert_eq!((env.run(FULL).await.created, env.count()), (1, [1, 1]));
    env.rest().await;
}

#[tokio::test]
async fn what_was_renamed_and_edited_on_both_sides_while_its_origin_is_refused_is_merged_later() {
    let (env, copy) = dentist(true).await;
    env.from().change("dentist.ics", |event| event.content.location = "room 2".into());
    env.to().change(&copy, |event| event.content.title = "surgeon".into());
    env.from().refused.insert((CalendarCall::Edit, None), Error::Refused("no".into()));
    let run = env.pass().await;
    assert_eq!((reasons(&run), env.has("surgeon")), (vec![Reason::RefusedByServer], [false, true]));
    assert_eq!(env.one(1, "surgeon").content.location, "room 2");
    // The title of the copy stays, even if the location of the origin has changed.
    env.from().refused.clear();
    env.minutes(5);
    env.pass().await;
    assert_eq!(
        (env.has("surgeon"), env.one(0, "surgeon").content.location.as_str()),
        ([true, true], "room 2")
    );
    env.rest().await;
}

#[tokio::test]
async fn where_both_have_changed_one_field_the_origins_is_written_and_the_run_says_why() {
    let (env, copy) = dentist(true).await;
    env.from().change("dentist.ics", |event| event.content.title = "surgeon".into());
    env.to().change(&copy, |event| {
        (event.content.title, event.content.location) = ("mine".into(), "room 2".into())
    });
    let run = env.pass().await;
    assert_eq!(
        (env.has("surgeon"), env.one(0, "surgeon").content.location.as_str()),
        ([true, true], "room 2")
    );
    let mut said: Vec<_> =
        run.actions.iter().map(|action| (action.calendar == env.pair.to, action.reason)).collect();
    said.sort_by_key(|(to, _)| *to);
    assert_eq!(said, [(false, None), (true, Some(Reason::OriginWins))]);
    env.rest().await;
}

#[tokio::test]
async fn what_is_skipped_is_said_with_its_times() {
    let (env, copy) = dentist(false).await;
    env.to().change(&copy, |event| event.content.title = "mine".into());
    let run = env.pass().await;
    assert_eq!(
        (reasons(&run), run.actions[0].start.as_deref()),
        (vec![Reason::CopyEdited], Some("2026-04-01T09:00:00Z"))
    );
    assert_eq!(
        (env.titles()[0].clone(), run.actions[0].end.is_some()),
        (all(["dentist", "e0", "e1", "e2", "e3"]), true)
    );
}

#[tokio::test]
async fn what_stands_on_an_edited_copy_outlives_the_making_of_its_origin() {
    let (env, copy) = dentist(true).await;
    env.from().remove("dentist.ics");
    env.to().change(&copy, |event| event.content.title = "surgeon".into());
    env.pass().await;
    let again = env.one(0, "surgeon").id;
    assert!(!env.mapping(again.as_str()).await.pristine);
    env.from().change(again.as_str(), |event| event.content.title = "lawyer".into());
    env.pass().await;
    assert_eq!(
        (env.asked(CalendarCall::Rewrite), env.asked(CalendarCall::Edit), env.has("lawyer")),
        ([0, 0], [0, 1], [true, true])
    );
    env.rest().await;
}

#[tokio::test]
async fn an_origin_that_must_not_be_deleted_is_not_leaving() {
    let (env, copy) = dentist(true).await;
    env.to().remove(&copy);
    env.from().refused.insert((CalendarCall::Delete, None), Error::HasGuests);
    assert_eq!(reasons(&env.pass().await), [Reason::HasGuests]);
    env.from().refused.clear();
    let mapping = env.mapping("dentist.ics").await;
    assert_eq!((mapping.leaving, mapping.guests), (None, true));
    env.from().change("dentist.ics", |event| event.content.location = "room 2".into());
    let run = env.pass().await;
    assert_eq!(
        (run.deleted, env.asked(CalendarCall::Absence), env.has("dentist")),
        (0, [0, 0], [true, false])
    );
}

#[tokio::test]
async fn occurrences_that_were_changed_on_both_sides_while_the_origin_is_refused_are_merged_later()
{
    let env = PairEnv::two_way().await;
    env.from().put(weekly(april("standup", 1), 5));
    env.pass().await;
    env.pass().await;
    let copy = env.copy("standup.ics").await;
    let cancel = |day: &str| {
        let start = OriginalStart::At(format!("2026-04-{day}T09:00:00Z").parse().unwrap());
        move |event: &mut Event| {
            drop(event.series.as_mut().unwrap().exceptions.insert(start, Exception::Cancelled))
        }
    };
    env.from().change("standup.ics", cancel("08"));
    env.to().change(&copy, cancel("15"));
    env.from().refused.insert((CalendarCall::Edit, None), Error::Refused("no".into()));
    assert_eq!(reasons(&env.pass().await), [Reason::RefusedByServer]);
    env.from().refused.clear();
    env.minutes(5);
    env.pass().await;
    for side in [0, 1] {
        assert_eq!(env.one(side, "standup").series.unwrap().exceptions.len(), 2);
    }
    env.rest().await;
}
