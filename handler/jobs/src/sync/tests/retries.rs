//! Events that could not be read or created are tried again, also where they changed meanwhile.

use engine::event::{Event, EventId};
use engine::reason::Reason;
use providers::Error;
use records::problem::PairStatus;

use super::env::{DRY, FULL, OPTIONS, PairEnv};
use super::memory_calendar::CalendarCall;
use super::sample_events::april;
use super::take_over::{anew, foreign};
use super::{all, reasons};

fn refuse(env: &PairEnv, side: usize, id: &str) {
    env.remotes[side]
        .lock()
        .refused
        .insert((CalendarCall::Fetch, Some(EventId::new(id))), Error::Refused("not now".into()));
}

async fn problem(env: &PairEnv) -> (Reason, bool) {
    let problems = env.problems().await;
    assert_eq!(problems.len(), 1);
    (problems[0].problem.reason, problems[0].problem.next_try.is_some())
}

#[tokio::test]
async fn what_is_removed_before_it_is_asked_for_again_needs_no_mention() {
    let env = PairEnv::one_way().await.filled(2).await;
    env.from().put(april("bad", 9));
    refuse(&env, 0, "bad.ics");
    assert_eq!(reasons(&env.pass().await), [Reason::RefusedByServer]);
    env.from().remove("bad.ics");
    env.from().refused.clear();
    env.minutes(10);
    let run = env.pass().await;
    assert_eq!((run.skipped, env.problems().await.len()), (0, 0));
    env.rest().await;
}

#[tokio::test]
async fn what_a_whole_listing_does_not_show_any_more_needs_no_mention() {
    let env = PairEnv::one_way().await.filled(2).await;
    env.from().put(april("bad", 9));
    refuse(&env, 0, "bad.ics");
    env.pass().await;
    env.from().forget_cursors();
    env.from().remove("bad.ics");
    env.from().refused.clear();
    env.minutes(10);
    let run = env.run(FULL).await;
    assert_eq!((run.skipped, env.problems().await.len()), (0, 0));
    env.rest().await;
}

#[tokio::test]
async fn what_is_listed_and_not_given_is_named_until_it_is() {
    let env = PairEnv::one_way().await.filled(2).await;
    env.from().put(april("slow", 9));
    env.from().hidden.insert(EventId::new("slow.ics"));
    for tries in 1..=3 {
        let run = env.pass().await;
        assert_eq!(
            (reasons(&run), env.problems().await[0].problem.tries),
            (vec![Reason::Unreadable], tries)
        );
        assert_eq!(env.asked(CalendarCall::Fetch)[0], 2, "once more by itself");
    }
    env.from().hidden.clear();
    assert_eq!((env.pass().await.created, env.problems().await.len()), (1, 0));
    env.rest().await;
}

#[tokio::test]
async fn what_is_not_given_of_a_calendar_that_nothing_is_copied_from_is_not_named() {
    let env = PairEnv::one_way().await.filled(2).await;
    env.to().put(april("slow", 9));
    env.to().hidden.insert(EventId::new("slow.ics"));
    env.to().put(april("bad", 10));
    refuse(&env, 1, "bad.ics");
    env.to().put(april("odd", 11));
    env.to().unreadable.insert(EventId::new("odd.ics"));
    let run = env.pass().await;
    assert_eq!((run.skipped, run.state, env.problems().await.len()), (0, PairStatus::Ok, 0));
}

#[tokio::test]
async fn what_was_passed_over_and_is_another_installations_copy_is_named_as_that() {
    let env = PairEnv::one_way().await;
    env.to().put(foreign(&april("dentist", 1), "theirs.ics", true));
    env.from().put(april("dentist", 1));
    refuse(&env, 1, "theirs.ics");
    for _ in 0..5 {
        env.try_run(OPTIONS).await;
    }
    assert_eq!((env.count(), problem(&env).await), ([1, 2], (Reason::RefusedByServer, true)));
    env.to().refused.clear();
    env.minutes(600);
    env.pass().await;
    assert_eq!(problem(&env).await, (Reason::CopiedByAnother, false));
}

#[tokio::test]
async fn what_was_passed_over_and_is_an_earlier_copy_is_named_as_a_duplicate() {
    let mut env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    env.pass().await;
    let copy = env.copy("dentist.ics").await;
    let event = env.to().remove(&copy);
    env.to().put(Event { id: EventId::new("moved.ics"), uid: "moved@example.org".into(), ..event });
    env.pass().await;
    anew(&mut env, false, false).await;
    refuse(&env, 1, "moved.ics");
    for _ in 0..5 {
        env.try_run(OPTIONS).await;
    }
    assert_eq!(env.count(), [1, 2]);
    env.to().refused.clear();
    env.minutes(600);
    env.run(FULL).await;
    assert_eq!((env.count(), problem(&env).await), ([1, 2], (Reason::DuplicateOfCopy, false)));
    env.nothing_wrong();
}

#[tokio::test]
async fn what_was_passed_over_and_is_the_copy_of_an_ended_pair_is_named_as_a_duplicate() {
    let mut env = PairEnv::one_way().await;
    let third = env.connect("club", engine::provider::ProviderKind::Caldav).await;
    let ended = env.add(third, 1, &env.pair).await;
    env.remotes[third].lock().put(april("match", 3));
    let pair = std::mem::replace(&mut env.pair, ended.clone());
    env.pass().await;
    crate::pairs::remove_pair(&env.scope, &ended.id).await.unwrap();
    env.pair = pair;
    env.from().put(april("dentist", 1));
    let copy = env.one(1, "match").id;
    refuse(&env, 1, copy.as_str());
    for _ in 0..5 {
        env.try_run(OPTIONS).await;
    }
    assert_eq!((env.count(), problem(&env).await), ([1, 2], (Reason::RefusedByServer, true)));
    env.to().refused.clear();
    env.minutes(600);
    env.pass().await;
    assert_eq!((env.count(), problem(&env).await), ([1, 2], (Reason::DuplicateOfCopy, false)));
}

#[tokio::test]
async fn a_dry_run_waits_for_nothing_that_is_not_given() {
    let env = PairEnv::one_way().await;
    env.to().put(april("swimming", 2));
    env.from().put(april("dentist", 1));
    refuse(&env, 1, "swimming.ics");
    assert_eq!((env.run(DRY).await.created, env.problems().await.len()), (1, 0));
    assert_eq!(env.state().await, Default::default());
}

#[tokio::test]
async fn a_calendar_that_is_only_read_is_not_waited_for() {
    let env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    env.from().put(april("bad", 2));
    refuse(&env, 0, "bad.ics");
    let run = env.pass().await;
    assert_eq!(
        (run.created, reasons(&run), env.titles()[1].clone()),
        (1, vec![Reason::RefusedByServer], all(["dentist"]))
    );
}
