//! Refused events, and what is read when they are tried again.

use engine::event::EventId;
use engine::reason::Reason;
use providers::Error;

use super::env::{OPTIONS, PairEnv};
use super::memory_calendar::CalendarCall;
use super::sample_events::april;
use super::take_over::anew;
use super::{all, deletions};

/// One-way, a first listing has passed over `swimming` of the other calendar.
async fn passed_over() -> PairEnv {
    let env = PairEnv::one_way().await;
    env.to().put(april("swimming", 2));
    env.from().put(april("dentist", 1));
    env.to().refused.insert(
        (CalendarCall::Fetch, Some(EventId::new("swimming.ics"))),
        Error::Refused("not now".into()),
    );
    env.try_run(OPTIONS).await;
    assert_eq!((env.pass().await.created, env.problems().await.len()), (1, 1));
    env
}

#[tokio::test]
async fn what_was_passed_over_is_asked_for_again_and_again() {
    let env = passed_over().await;
    let tries = env.problems().await[0].problem.tries;
    env.minutes(60);
    env.pass().await;
    let problem = &env.problems().await[0].problem;
    assert_eq!((problem.tries, problem.reason), (tries + 1, Reason::RefusedByServer));
    assert!(
        problem.next_try > Some(env.scope.clock.now()) && problem.message.ends_with("(not now)")
    );
}

#[tokio::test]
async fn what_was_passed_over_and_is_no_copy_needs_no_mention() {
    let env = passed_over().await;
    env.to().refused.clear();
    env.minutes(60);
    env.pass().await;
    assert_eq!((env.problems().await.len(), env.asked(CalendarCall::ListAll)), (0, [0, 0]));
    env.rest().await;
}

#[tokio::test]
async fn an_edit_that_was_met_while_a_deletion_could_not_be_verified_outlives_it() {
    let (env, copy) = deletions::dentist(true).await;
    env.from().remove("dentist.ics");
    env.from().refused.insert((CalendarCall::Absence, None), Error::Refused("not now".into()));
    env.pass().await;
    env.to().change(&copy, |event| event.content.title = "mine".into());
    env.minutes(5);
    env.pass().await;
    assert_eq!((env.writes(), env.has("mine")), (all([]), [false, true]));
    env.from().refused.clear();
    env.minutes(60);
    let run = env.pass().await;
    assert_eq!(
        (run.created, run.deleted, env.has("mine"), env.problems().await.len()),
        (1, 0, [true, true], 0)
    );
    env.rest().await;
}

#[tokio::test]
async fn an_edit_of_the_origin_outlives_the_deletion_of_its_copy_as_well() {
    let (env, copy) = deletions::dentist(true).await;
    env.to().remove(&copy);
    env.to().refused.insert((CalendarCall::Absence, None), Error::Refused("not now".into()));
    env.pass().await;
    env.from().change("dentist.ics", |event| event.content.title = "mine".into());
    env.minutes(5);
    env.pass().await;
    assert_eq!((env.writes(), env.has("mine")), (all([]), [true, false]));
    env.to().refused.clear();
    env.minutes(60);
    let run = env.pass().await;
    assert_eq!((run.created, run.deleted, env.has("mine")), (1, 0, [true, true]));
    env.rest().await;
}

/// A second copy was made beside an earlier one that could not be read for long: once it can be, it
/// is named.
#[tokio::test]
async fn an_earlier_copy_that_was_passed_over_is_named_as_a_duplicate() {
    let mut env = PairEnv::one_way().await.filled(1).await;
    let copy = env.copy("e00.ics").await;
    let mut earlier = env.to().remove(&copy);
    (earlier.id, earlier.uid) = (EventId::new("earlier.ics"), "earlier".into());
    env.to().put(earlier);
    anew(&mut env, false, false).await;
    env.to().refused.insert(
        (CalendarCall::Fetch, Some(EventId::new("earlier.ics"))),
        Error::Refused("not now".into()),
    );
    for _ in 0..8 {
        env.try_run(OPTIONS).await;
    }
    assert_eq!(env.count(), [1, 2], "a second one was made");
    env.to().refused.clear();
    env.minutes(60);
    env.pass().await;
    let problems = env.problems().await;
    let named: Vec<_> =
        problems.iter().map(|row| (row.problem.event.as_str(), row.problem.reason)).collect();
    assert_eq!(named, [("earlier.ics", Reason::DuplicateOfCopy)]);
    env.rest().await;
}
