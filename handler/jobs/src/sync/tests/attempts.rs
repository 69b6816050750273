//! Several attempts at a pair, and what a check settles.

use std::time::Duration;

use engine::provider::ProviderKind;
use jiff::SignedDuration;
use providers::Error;
use records::problem::PairStatus;

use super::all;
use super::env::{DRY, OPTIONS, PairEnv};
use super::memory_calendar::CalendarCall;
use super::sample_events::april;
use crate::leases;

#[tokio::test]
async fn a_look_notes_its_time_and_in_the_background_not_each_time() {
    let env = PairEnv::one_way().await.filled(2).await;
    env.pass().await;
    let passed = env.state().await.last_sync;
    env.minutes(5);
    env.in_background(None).await;
    assert_eq!(env.state().await.last_sync, passed);
    env.run(DRY).await;
    assert_eq!(env.state().await.last_sync, passed);
    env.minutes(5);
    env.in_background(None).await;
    assert_eq!(env.state().await.last_sync, Some(env.scope.clock.now()));
    env.pass().await;
    assert_eq!(
        env.state().await.last_sync,
        Some(env.scope.clock.now()),
        "a pass that is asked for is noted"
    );
    assert_eq!(env.asked(CalendarCall::List), [0, 0]);
}

#[tokio::test]
async fn a_new_day_is_listed_as_a_whole_once() {
    let env = PairEnv::one_way().await.filled(3).await;
    env.pass().await;
    env.wait(SignedDuration::from_hours(24));
    env.pass().await;
    assert_eq!((env.asked(CalendarCall::ListAll), env.asked(CalendarCall::List)), ([1, 1], [0, 0]));
    env.pass().await;
    assert_eq!(env.asked(CalendarCall::ListAll), [0, 0]);
}

#[tokio::test]
async fn what_a_provider_tells_of_is_read_alone() {
    let mut env = PairEnv::two_way().await.filled(2).await;
    env.google(1).await;
    env.pass().await;
    env.from().put(april("new", 9));
    env.to().put(april("theirs", 10));
    env.minutes(1);
    env.forget_calls();
    let notified = env.in_background(Some(0)).await;
    assert_eq!((notified.run.created, notified.busy, notified.before), (1, false, None));
    assert_eq!(env.asked(CalendarCall::List)[1], 0);
    env.minutes(1);
    assert_eq!(env.in_background(None).await.run.created, 1);
    assert_eq!(env.count(), [4, 4]);
}

#[tokio::test]
async fn a_paused_pair_is_left_alone() {
    let mut env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    crate::pairs::pause_pair(&env.scope, &env.pair.id).await.unwrap();
    let run = env.run(OPTIONS).await;
    assert_eq!(
        (run.state, env.asked(CalendarCall::States)),
        (PairStatus::Paused, [0, 0]),
        "also with a directory that was read before"
    );
    env.pair.paused = true;
    assert_eq!((env.run(OPTIONS).await.state, env.count()), (PairStatus::Paused, [1, 0]));
}

#[tokio::test]
async fn a_pair_that_is_gone_is_not_brought_back() {
    let env = PairEnv::one_way().await.filled(1).await;
    crate::pairs::remove_pair(&env.scope, &env.pair.id).await.unwrap();
    env.from().put(april("dentist", 2));
    assert_eq!(env.run(OPTIONS).await.state, PairStatus::Paused);
    assert_eq!((env.state().await, env.count()), (Default::default(), [2, 1]));
}

#[tokio::test]
async fn a_removal_while_the_pass_begins_is_seen_under_the_lease() {
    let env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    let directory = env.scope.snapshot().await.unwrap();
    crate::pairs::remove_pair(&env.scope, &env.pair.id).await.unwrap();
    let pairs = std::slice::from_ref(&env.pair);
    let synced = crate::sync::sync_within(
        &env.scope,
        &directory,
        pairs,
        None,
        OPTIONS,
        &crate::report::Silent,
    )
    .await
    .remove(0);
    assert_eq!((synced.run.state, env.count()), (PairStatus::Paused, [1, 0]));
}

#[tokio::test(start_paused = true)]
async fn two_passes_never_write_to_one_calendar_at_once() {
    let env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    let names = [leases::pair_lease(&env.pair.id)];
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let store::Acquired::Taken(lease) = env.scope.leases.acquire("local", &names).await.unwrap()
    else {
        panic!("taken")
    };
    let synced = env.in_background(None).await;
    assert!(synced.busy && synced.run.error.is_some(), "the pair is at work");
    let run = env.try_run(OPTIONS).await;
    assert_eq!(
        (run.state, run.error.unwrap().code.as_str(), env.count()),
        (PairStatus::Error, "request", [1, 0])
    );
    lease.end().await;
    assert_eq!((env.pass().await.created, env.count()), (1, [1, 1]));
    env.rest().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_has_waited_looks_again() {
    let env = PairEnv::one_way().await;
    env.from().put(april("dentist", 1));
    let name = leases::pair_lease(&env.pair.id);
    let store::Acquired::Taken(lease) = env.scope.leases.acquire("local", &[&name]).await.unwrap()
    else {
        panic!("taken")
    };
    let wait = async {
        tokio::time::sleep(Duration::from_secs(10)).await;
        lease.end().await;
    };
    let (run, ()) = tokio::join!(env.try_run(OPTIONS), wait);
    assert_eq!((run.error, run.created, env.asked(CalendarCall::States)), (None, 1, [2, 3]));
    env.rest().await;
}

#[tokio::test]
async fn a_pass_that_nobody_waits_for_gives_way_and_is_gone_on_with() {
    let mut env = PairEnv::one_way().await;
    for n in 0..60 {
        let day = jiff::civil::date(2026, 4, 1).saturating_add(jiff::ToSpan::days(n));
        env.from().put(super::sample_events::event(
            &format!("e{n:02}"),
            "x",
            super::sample_events::on(day),
        ));
    }
    let mut left = Vec::new();
    for _ in 0..9 {
        env.restart_with_short_attempts();
        env.minutes(1);
        env.forget_calls();
        let run = env.in_background(None).await.run;
        assert_eq!((run.error.clone(), run.state), (None, PairStatus::Ok));
        left.push(run.remaining);
        assert_eq!(env.state().await.remaining, Some(run.remaining).filter(|left| *left > 0));
        assert_eq!(
            env.state().await.from.is_some(),
            run.remaining == 0,
            "cursors are saved at the end"
        );
        if run.remaining > 0 {
            let synced = env.in_background(None).await;
            assert!(synced.busy, "it is not taken up again at once");
        } else {
            break;
        }
    }
    assert_eq!((left, env.count()), (vec![40, 20, 0], [60, 60]));
    env.rest().await;
}

#[tokio::test]
async fn a_refused_password_is_told_and_not_tried_again_by_itself() {
    let env = PairEnv::one_way().await.filled(2).await;
    env.from().put(april("dentist", 1));
    env.from().refused.insert((CalendarCall::States, None), Error::Unauthorized);
    let run = env.try_run(OPTIONS).await;
    assert!(
        run.place.as_ref().is_some_and(|place| place.contains("anna on work.example.org")),
        "{run:?}"
    );
    assert_eq!(
        (run.state, run.error.unwrap().code.as_str()),
        (PairStatus::NeedsReconnect, "unauthorized")
    );
    env.from().refused.clear();
    env.forget_calls();
    let synced = env.in_background(None).await;
    assert_eq!(
        (synced.run.state, env.asked(CalendarCall::States)),
        (PairStatus::NeedsReconnect, [0, 0])
    );
    assert_eq!(
        (env.pass().await.created, env.count()),
        (1, [3, 3]),
        "a pass that is asked for tries it"
    );
    assert_eq!(env.in_background(None).await.run.state, PairStatus::Ok);
}

#[tokio::test]
async fn a_calendar_that_is_missing_is_named() {
    let env = PairEnv::one_way().await.filled(2).await;
    env.from().refused.insert((CalendarCall::States, None), Error::CalendarMissing);
    let place = env.try_run(OPTIONS).await.place.expect("it is known");
    for part in ["the calendar", env.pair.from.as_str(), "anna on work.example.org"] {
        assert!(place.contains(part), "{place}");
    }
    env.from().refused.clear();
    assert_eq!(env.pass().await.place, None);
}

#[tokio::test]
async fn a_password_that_is_refused_in_a_pass_is_one_accounts() {
    let env = PairEnv::one_way().await.filled(2).await;
    env.from().put(april("dentist", 1));
    env.to().refused.insert((CalendarCall::Create, None), Error::Unauthorized);
    env.to().refused.insert((CalendarCall::Ask, None), Error::Unauthorized);
    let run = env.try_run(OPTIONS).await;
    assert_eq!(run.state, PairStatus::NeedsReconnect);
    assert!(
        run.place.as_ref().is_some_and(|place| place.contains("anna on home.example.org")),
        "{run:?}"
    );
    let states: Vec<_> = env
        .scope
        .directory()
        .accounts()
        .await
        .unwrap()
        .into_iter()
        .map(|account| (account.url, account.state))
        .collect();
    for (url, state) in states {
        let refused = url.contains("home");
        assert_eq!(state == records::account::AccountStatus::NeedsReconnect, refused, "{url}");
    }
    env.to().refused.clear();
    env.pass().await;
    assert_eq!(env.count(), [3, 3]);
}

#[tokio::test]
async fn an_account_that_is_closed_for_a_while_is_left_alone_in_the_background() {
    let mut env = PairEnv::one_way().await.filled(2).await;
    env.from().put(april("dentist", 1));
    env.close(0, SignedDuration::from_hours(1)).await;
    env.forget_calls();
    assert_eq!(env.in_background(None).await.run.state, PairStatus::Error);
    assert_eq!((env.asked(CalendarCall::States), env.writes()), ([0, 0], all([])));
    env.minutes(61);
    assert_eq!(env.in_background(None).await.run.created, 1);
}

#[tokio::test]
async fn a_pass_of_several_pairs_does_each() {
    let mut env = PairEnv::one_way().await;
    let third = env.connect("club", ProviderKind::Caldav).await;
    let second = env.add(0, third, &env.pair).await;
    env.from().put(april("dentist", 1));
    let pairs = [env.pair.clone(), second.clone()];
    let report = crate::sync::sync(&env.scope, &pairs, OPTIONS, &crate::report::Silent).await;
    assert_eq!(
        report.pairs.iter().map(|run| (run.id.clone(), run.created)).collect::<Vec<_>>(),
        [(pairs[0].id.clone(), 1), (second.id, 1)]
    );
    assert_eq!(env.asked(CalendarCall::States)[0], 1, "one request for both");
    env.remotes[third]
        .lock()
        .refused
        .insert((CalendarCall::States, None), Error::Unreachable("500".into()));
    env.from().put(april("other", 2));
    env.minutes(1);
    let report = crate::sync::sync(&env.scope, &pairs, OPTIONS, &crate::report::Silent).await;
    assert_eq!(
        report.pairs.iter().map(|run| (run.created, run.error.is_some())).collect::<Vec<_>>(),
        [(1, false), (0, true)]
    );
    assert!(report.failed());
}

#[tokio::test]
async fn another_failure_is_written_down_although_one_was_before() {
    let env = PairEnv::one_way().await.filled(2).await;
    let mut said = Vec::new();
    for error in [Error::Unreachable("500".into()), Error::CalendarMissing] {
        env.from().refused.insert((CalendarCall::States, None), error);
        let run = env.try_run(OPTIONS).await;
        let error = env.state().await.error;
        assert_eq!(
            (env.state().await.status, error.as_ref()),
            (Some(PairStatus::Error), run.error.as_ref())
        );
        said.push(error.unwrap().code);
    }
    assert_ne!(said[0], said[1]);
}

#[tokio::test]
async fn a_poll_nudges_again_after_a_turn_that_found_nothing() {
    let env = PairEnv::one_way().await.filled(1).await;
    env.pass().await;
    env.in_background(None).await;
    let now = env.scope.clock.now();
    let nudge = || {
        env.scope.work.may_nudge(
            &env.pair.id,
            (None, None),
            now,
            std::time::Duration::from_secs(45),
        )
    };
    assert!(nudge() && !nudge(), "once, until its turn has ended");
    assert_eq!(env.in_background(None).await.run.created, 0);
    assert!(nudge());
}
