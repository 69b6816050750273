//! When the check without leases is enough, when a pass is made, and which attempt waits.

use std::time::Duration;

use engine::provider::ProviderKind;
use jiff::SignedDuration;
use providers::Error;
use records::pair_state::{HeldRow, StateRecord};
use records::problem::{Held, PairStatus, Problem};
use tokio::time::Instant;

use super::env::{DRY, OPTIONS, PairEnv};
use super::memory_calendar::CalendarCall;
use super::sample_events::april;
use crate::sync::SyncOptions;
use crate::{Error as JobError, leases};

#[tokio::test]
async fn whatever_the_last_pass_left_open_needs_another_one() {
    let env = PairEnv::one_way().await.filled(2).await;
    env.pass().await;
    let rest = env.state().await;
    let now = env.scope.clock.now();
    let hour = SignedDuration::from_hours(1);
    let held = Held::new(&env.pair.id, 1, 2);
    let problem = Problem::from(&JobError::Provider(Error::CalendarMissing));
    let rows: Vec<(&str, bool, StateRecord)> = vec![
        ("nothing", false, rest.clone()),
        (
            "a failure",
            true,
            StateRecord {
                status: Some(PairStatus::Error),
                error: Some(problem.clone()),
                ..rest.clone()
            },
        ),
        ("a status", true, StateRecord { status: Some(PairStatus::Held), ..rest.clone() }),
        ("an error", true, StateRecord { error: Some(problem), ..rest.clone() }),
        (
            "a question",
            true,
            StateRecord {
                held: Some(HeldRow { held, since: now, by_owner: false, emptied: Vec::new() }),
                ..rest.clone()
            },
        ),
        ("something to write", true, StateRecord { remaining: Some(3), ..rest.clone() }),
        ("something to take over", true, StateRecord { take_over: true, ..rest.clone() }),
        ("what is due", true, StateRecord { next_retry: Some(now), ..rest.clone() }),
        ("what is not due", false, StateRecord { next_retry: Some(now + hour), ..rest.clone() }),
        (
            "yesterday's listing",
            true,
            StateRecord {
                window_listed_on: rest.window_listed_on.map(|day| day.yesterday().unwrap()),
                ..rest.clone()
            },
        ),
        ("no listing", true, StateRecord { window_listed_on: None, ..rest.clone() }),
    ];
    for (what, needed, row) in rows {
        let passes = row.pass_count;
        env.set_state(|state| *state = row).await;
        assert_eq!(env.pass().await.state, PairStatus::Ok, "{what}");
        assert_eq!(env.state().await.pass_count > passes, needed, "{what}");
    }
}

/// How long a pass has waited.
async fn waited(env: &PairEnv, background: bool) -> (Duration, bool) {
    let begun = Instant::now();
    let busy = match background {
        true => env.in_background(None).await.busy,
        false => env.try_run(OPTIONS).await.error.is_some(),
    };
    (begun.elapsed(), busy)
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_nobody_asked_for_waits_for_a_calendar_for_a_shorter_time() {
    for background in [false, true] {
        let env = PairEnv::one_way().await;
        env.from().put(april("dentist", 1));
        let directory = env.scope.snapshot().await.unwrap();
        let name = leases::calendar_lease(&directory, &env.pair.to);
        let store::Acquired::Taken(lease) =
            env.scope.leases.acquire("local", &[&name]).await.unwrap()
        else {
            panic!("taken")
        };
        let (time, busy) = waited(&env, background).await;
        assert!(busy && time >= Duration::from_secs(if background { 20 } else { 60 }), "{time:?}");
        assert!(time < Duration::from_secs(if background { 40 } else { 90 }), "{time:?}");
        let end = async {
            tokio::time::sleep(Duration::from_secs(10)).await;
            lease.end().await;
        };
        let ((time, busy), ()) = tokio::join!(waited(&env, background), end);
        assert!(!busy && time < Duration::from_secs(20), "{time:?}");
        assert_eq!(env.count(), [1, 1]);
    }
}

#[tokio::test]
async fn a_calendar_that_was_missing_is_gone_on_with_once_it_is_there() {
    let env = PairEnv::one_way().await.filled(2).await;
    env.from().refused.insert((CalendarCall::States, None), Error::CalendarMissing);
    let run = env.try_run(OPTIONS).await;
    assert_eq!(
        (run.state, run.error.map(|error| error.code)),
        (PairStatus::Error, Some("not_found".into()))
    );
    env.from().refused.clear();
    env.from().put(april("dentist", 1));
    assert_eq!((env.pass().await.created, env.count()), (1, [3, 3]));
}

#[tokio::test]
async fn of_several_pairs_in_the_background_only_those_accounts_are_asked_that_may_be() {
    let mut env = PairEnv::one_way().await.filled(1).await;
    let third = env.connect("club", ProviderKind::Caldav).await;
    let second = env.add(0, third, &env.pair).await;
    let pairs = [env.pair.clone(), second];
    let background = SyncOptions { background: true, ..OPTIONS };
    env.to().refused.insert((CalendarCall::States, None), Error::Unauthorized);
    env.try_run(OPTIONS).await;
    env.to().refused.clear();
    for (options, asked) in [(background, 0), (OPTIONS, 1)] {
        env.forget_calls();
        let report = crate::sync::sync(&env.scope, &pairs, options, &crate::report::Silent).await;
        assert_eq!(env.asked(CalendarCall::States)[1], asked);
        assert_eq!(report.pairs[0].state == PairStatus::NeedsReconnect, asked == 0);
        assert_eq!(report.pairs[1].error, None);
    }
    env.close(0, SignedDuration::from_hours(1)).await;
    env.forget_calls();
    env.minutes(1);
    crate::sync::sync(&env.scope, &pairs, background, &crate::report::Silent).await;
    assert_eq!(env.asked(CalendarCall::States)[0], 0);
}

#[tokio::test]
async fn a_failure_is_written_down_once_and_by_a_dry_run_never() {
    let env = PairEnv::one_way().await.filled(2).await;
    let before = env.state().await;
    env.from().refused.insert((CalendarCall::States, None), Error::Unreachable("500".into()));
    let run = env.try_run(DRY).await;
    assert_eq!((run.state, env.state().await), (PairStatus::Error, before));
    env.try_run(OPTIONS).await;
    let failed = env.state().await;
    assert_eq!(
        (failed.status, failed.failing.map(|failing| failing.times)),
        (Some(PairStatus::Error), Some(1))
    );
    let run = env.try_run(OPTIONS).await;
    assert_eq!((run.state, env.state().await), (PairStatus::Error, failed));
    env.from().refused.clear();
    assert_eq!((env.pass().await.state, env.state().await.failing), (PairStatus::Ok, None));
}

#[tokio::test]
async fn a_failure_that_is_known_makes_no_pass_and_another_one_is_written_down() {
    let env = PairEnv::one_way().await.filled(2).await;
    for (error, code, times) in [
        (Error::Unreachable("500".into()), "unreachable", 1),
        (Error::Unreachable("500".into()), "unreachable", 1),
        (Error::CalendarMissing, "not_found", 2),
    ] {
        env.from().refused.insert((CalendarCall::States, None), error);
        env.try_run(OPTIONS).await;
        let state = env.state().await;
        assert_eq!(
            (state.error.map(|error| error.code), state.failing.map(|failing| failing.times)),
            (Some(code.into()), Some(times))
        );
    }
}

#[tokio::test]
async fn what_was_wrong_before_is_told_whatever_the_rounds() {
    for rounds in [1, 2] {
        let env = PairEnv::one_way().await.filled(2).await;
        env.from().refused.insert((CalendarCall::States, None), Error::Unreachable("500".into()));
        env.try_run(OPTIONS).await;
        env.from().refused.clear();
        env.from().change("e00.ics", |event| event.content.title = "new".into());
        if rounds > 1 {
            let copy = env.copy("e00.ics").await;
            env.to().meanwhile(CalendarCall::Rewrite, move |here| {
                here.change(&copy, |event| event.content.location = "room 2".into())
            });
        }
        env.minutes(1);
        let synced = env.in_background(None).await;
        assert_eq!(
            (synced.before.map(|problem| problem.code), synced.run.error),
            (Some("unreachable".into()), None),
            "{rounds}"
        );
        assert_eq!(env.titles()[1][1], "new");
    }
}
