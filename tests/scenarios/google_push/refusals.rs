//! Refusals of Google that are about the account, the calendar or the deployment: each has its own
//! treatment, and the changes that Google reported meanwhile are synced afterwards.

use std::time::Duration;

use anyhow::ensure;
use jiff::SignedDuration;
use records::problem::PairStatus;
use serde_json::json;
use simulators::faults::{Fault, On};
use simulators::google::Role;
use simulators::traffic::Kind;

use crate::support::product;
use crate::support::push_env::{PushEnv, event};

fn refused(status: u16, reason: &'static str) -> Fault {
    Fault::Refused { status, reason }
}

/// A token that was just fetched is refused, or its scopes are too small: that is a problem of the
/// account, not of the pair, and no further request is made.
#[tokio::test]
async fn an_account_whose_fresh_token_is_refused_needs_its_owner() -> anyhow::Result<()> {
    for (fault, code) in [
        (Fault::Status(401), "unauthorized"),
        (refused(403, "insufficientPermissions"), "consent"),
        (refused(403, "ACCESS_TOKEN_SCOPE_INSUFFICIENT"), "consent"),
    ] {
        let (mut env, _) = PushEnv::paired().await?;
        env.google.faults().always(On::kinds(&[Kind::List, Kind::Batch, Kind::Insert]), fault);
        env.people[0].primary().add(event("Lunch"));
        env.deliver().await?;
        env.google.reset_counts();
        env.work().await?;
        let account = env.account(0).await?;
        ensure!(
            account.state == "needs_reconnect"
                && account.error.as_ref().is_some_and(|error| error.code == code),
            "{account:?}"
        );
        assert_eq!(
            (env.account(1).await?.state.as_str(), env.pair_state().await?.state),
            ("ok", PairStatus::NeedsReconnect)
        );
        assert!(
            (env.requests(Kind::List), env.requests(Kind::Token)) <= (2, 1),
            "{:?}",
            env.google.counts()
        );
        env.google.reset_counts();
        for n in 0..5 {
            env.people[0].primary().add(event(&format!("More {n}")));
            env.minutes(20).await?;
        }
        assert_eq!(env.google.counts().total(), 0, "{fault:?}: {:?}", env.google.counts());
        env.google.faults().clear();
        env.minutes(20).await?;
        assert_eq!(env.google.counts().total(), 0, "only its owner leads it back");
        env.connect(&env.people[0]).await?;
        env.settle().await?;
        assert_eq!((env.count("Lunch"), env.people[1].primary().len()), (1, 6), "{fault:?}");
        env.assert_no_harm();
    }
    Ok(())
}

/// All processes leave the account alone, its status says so, and afterwards all reported changes
/// are synced.
#[tokio::test]
async fn an_account_that_google_has_closed_is_left_alone_until_it_is_open_again()
-> anyhow::Result<()> {
    for reason in ["quotaExceeded", "dailyLimitExceeded"] {
        let (mut env, _) = PushEnv::paired().await?;
        env.google.faults().always(On::kind(Kind::List), refused(403, reason));
        env.people[0].primary().add(event("Lunch"));
        env.deliver().await?;
        env.work().await?;
        env.google.faults().clear();
        let account = env.account(0).await?;
        let words = account.error.as_ref().map(|error| error.message.clone()).unwrap_or_default();
        ensure!(
            account.state == "unreachable"
                && words.contains("left alone until")
                && words.contains("Nothing was lost"),
            "{account:?}"
        );
        assert_eq!(env.account(1).await?.state, "ok");
        assert_eq!(
            env.pair_state().await?.error.map(|error| error.code).as_deref(),
            Some("throttled")
        );
        let row = product::account(&env.scope, &account.id).await?;
        let left = row.suspended_for(env.google.clock().now()).expect("it is closed");
        assert!(left >= Duration::from_secs(3600) || reason == "dailyLimitExceeded", "{left:?}");
        assert!(left <= Duration::from_secs(25 * 3600), "{left:?}");

        // Calls, polls and the queue's retries; a process that dies and remembers nothing.
        env.google.reset_counts();
        let end = env.google.clock().now() + SignedDuration::try_from(left)?;
        for n in 0..3 {
            if env.google.clock().now() + SignedDuration::from_mins(11) >= end {
                break;
            }
            env.people[n % 2].primary().add(event(&format!("Meanwhile {n}")));
            env.minutes(10).await?;
            env.restart()?;
        }
        assert_eq!(env.google.counts().total(), 0, "{reason}: {:?}", env.google.counts());
        let now = env.google.clock().now();
        env.wait(end.duration_since(now).as_secs() + 1);
        env.minutes(12).await?;
        env.settle().await?;
        let made = env.people[0].primary().len();
        assert_eq!((env.count("Lunch"), env.people[1].primary().len()), (1, made), "{reason}");
        assert_eq!(
            (env.account(0).await?.state.as_str(), env.pair_state().await?.state),
            ("ok", PairStatus::Ok),
            "{reason}"
        );
        env.assert_no_harm();
    }
    Ok(())
}

/// Writes are refused in a calendar that says of itself that it may be written to: the event waits
/// and is named, and goes on by itself.
#[tokio::test]
async fn a_write_that_is_refused_without_a_cause_in_its_calendar_waits_by_itself()
-> anyhow::Result<()> {
    for reason in ["forbidden", "requiredAccessLevel"] {
        let (mut env, _) = PushEnv::paired().await?;
        env.google.faults().always(On::writes().saying("Lunch"), refused(403, reason));
        env.people[0].primary().add(event("Lunch"));
        env.people[0].primary().add(event("Tea"));
        env.deliver().await?;
        env.work().await?;
        let found = env.pair_state().await?;
        assert_eq!(
            (found.state, found.problems, env.count("Tea")),
            (PairStatus::Ok, 1, 1),
            "{reason}"
        );
        let problem = &found.problem_events[0];
        assert!(
            problem.message.contains("may not do that in this calendar") && problem.tries == 1,
            "{problem:?}"
        );
        assert_eq!(
            [env.account(0).await?.state, env.account(1).await?.state],
            ["ok", "ok"],
            "no account can help it"
        );
        env.google.reset_counts();
        env.minutes(60).await?;
        assert!(
            env.google.counts().writes() <= 4 && env.google.counts().total() <= 45,
            "{:?}",
            env.google.counts()
        );
        env.google.faults().clear();
        env.minutes(150).await?;
        env.settle().await?;
        let found = env.pair_state().await?;
        assert_eq!(
            (env.count("Lunch"), found.state, found.problems),
            (1, PairStatus::Ok, 0),
            "{reason}"
        );
        env.assert_no_harm();
    }
    Ok(())
}

/// The real thing: a calendar was shared for writing, and is shared for reading only. Its pair
/// stops, and no other one.
#[tokio::test]
async fn a_calendar_that_is_shared_for_reading_only_stops_its_pair_and_no_other()
-> anyhow::Result<()> {
    let (mut env, _) = PushEnv::paired().await?;
    let anna = env.people[0].clone();
    // A notification of an account that is not connected.
    let team = env.google.account("carol@example.org").calendar("Team");
    anna.sees(&team, Role::Writer);
    let shared = env.pair(anna.address(), team.id(), false).await?;
    env.settle().await?;
    let state = async |env: &PushEnv| {
        let pairs = jobs::status(&env.scope, 60).await?.pairs;
        anyhow::Ok(
            pairs
                .into_iter()
                .find(|pair| pair.id == shared.id)
                .map(|pair| (pair.state, pair.error.map(|error| error.code))),
        )
    };
    anna.sees(&team, Role::Reader);
    anna.primary().add(event("Lunch"));
    env.minutes(5).await?;
    assert_eq!((env.count("Lunch"), team.len()), (1, 0), "the other pair goes on");
    assert_eq!(state(&env).await?, Some((PairStatus::Error, Some("forbidden".into()))));
    anna.sees(&team, Role::Writer);
    env.minutes(11).await?;
    assert_eq!((team.len(), state(&env).await?), (1, Some((PairStatus::Ok, None))));
    env.assert_no_harm();
    Ok(())
}

/// The project of the deployment is misconfigured: the operator gets the message, and no account
/// has to be connected again.
#[tokio::test]
async fn a_mistake_of_the_deployment_is_said_to_be_one() -> anyhow::Result<()> {
    let (mut env, _) = PushEnv::paired().await?;
    env.google
        .faults()
        .always(On::kinds(&[Kind::List, Kind::Insert]), refused(403, "accessNotConfigured"));
    env.people[0].primary().add(event("Lunch"));
    env.deliver().await?;
    env.work().await?;
    let error = env.pair_state().await?.error.expect("it says why");
    assert_eq!(error.code, "settings");
    assert!(
        error.message.contains("Google Cloud project")
            && error.message.contains("The operator has to correct"),
        "{}",
        error.message
    );
    assert_eq!([env.account(0).await?.state, env.account(1).await?.state], ["ok", "ok"]);
    env.google.faults().clear();
    env.minutes(11).await?;
    env.settle().await?;
    assert_eq!((env.count("Lunch"), env.pair_state().await?.state), (1, PairStatus::Ok));
    Ok(())
}

/// The event belongs to another person after all: the write is dropped, and all other events are
/// synced.
#[tokio::test]
async fn a_write_that_only_an_organizer_may_make_is_dropped() -> anyhow::Result<()> {
    let (mut env, _) = PushEnv::paired().await?;
    let lunch = env.people[0].primary().add(event("Lunch"));
    let tea = env.people[0].primary().add(event("Tea"));
    env.settle().await?;
    env.google
        .faults()
        .next(On::kinds(&[Kind::Update, Kind::Patch]), refused(403, "forbiddenForNonOrganizer"));
    env.people[0].primary().patch(&lunch, json!({ "summary": "Late lunch" }));
    env.deliver().await?;
    env.work().await?;
    assert!(!env.google.faults().waiting());
    env.people[0].primary().patch(&tea, json!({ "summary": "Late tea" }));
    env.settle().await?;
    assert_eq!(
        (env.count("Lunch"), env.count("Late tea"), env.pair_state().await?.state),
        (1, 1, PairStatus::Ok)
    );
    env.google.reset_counts();
    env.minutes(60).await?;
    assert_eq!(env.google.counts().writes(), 0, "it is not tried again");
    env.assert_no_harm();
    Ok(())
}
