//! Notifications that do not come, and subscriptions that are away.

use anyhow::Context as _;
use jiff::SignedDuration;
use jobs::doctor::{self, AccountChecks};
use simulators::faults::{Fault, On};
use simulators::traffic::Kind;

use super::{subscription, watch_rows};
use crate::support::mailbox_env::{MailboxEnv, event};

#[tokio::test]
async fn what_a_day_without_notifications_hides_the_nightly_pass_finds() -> anyhow::Result<()> {
    let (mut env, _) = MailboxEnv::paired().await?;
    env.people[0].primary().add(event("Old"));
    env.settle().await?;
    env.graph.pushes().way(|way| way.lose = usize::MAX);
    let calendar = env.people[0].primary();
    calendar.add(event("Lunch"));
    let old = calendar.find("Old").context("it is there")?;
    calendar.remove(old["id"].as_str().context("an id")?);
    env.settle().await?;
    assert_eq!((env.count(1, "Lunch"), env.count(1, "Old")), (0, 1));
    env.quarters(96, true).await?;
    assert_eq!((env.count(1, "Lunch"), env.count(1, "Old")), (1, 0));
    env.assert_no_harm();
    Ok(())
}

/// A day at rest: one whole view a calendar at most, one renewal and one check an account.
#[tokio::test]
async fn a_day_at_rest_costs_next_to_nothing() -> anyhow::Result<()> {
    let (mut env, _) = MailboxEnv::paired().await?;
    env.people[0].primary().add(event("Lunch"));
    env.settle().await?;
    env.quarters(96, true).await?;
    env.graph.reset_counts();
    env.quarters(96, true).await?;
    let of = |kind| env.requests(kind);
    let counts = env.graph.counts();
    assert!(of(Kind::View) <= 2 && of(Kind::Renew) <= 2, "{counts:?}");
    assert!(of(Kind::Subscriptions) <= 2 && of(Kind::Watch) == 0, "{counts:?}");
    assert_eq!(counts.writes(), 0, "{counts:?}");
    env.assert_no_harm();
    Ok(())
}

/// The subscription is away, and nothing was said about it.
#[tokio::test]
async fn a_subscription_that_vanished_is_made_again_within_half_a_day() -> anyhow::Result<()> {
    let (mut env, _) = MailboxEnv::paired().await?;
    let first = subscription(&env, 0)?;
    assert!(env.graph.lose_subscription(&first));
    env.people[0].primary().add(event("Lunch"));
    env.settle().await?;
    assert_eq!(env.count(1, "Lunch"), 0, "nothing was reported");
    let push = async |env: &MailboxEnv| {
        let found = doctor::findings(&env.scope, AccountChecks::Live).await;
        found.into_iter().filter(|one| one.check.starts_with("push")).collect::<Vec<_>>()
    };
    let found = push(&env).await;
    assert!(found.len() == 2 && !found[1].ok, "{found:?}");
    assert!(found[0].message.contains("1 of 2") && found[1].fix.is_some(), "{found:?}");
    env.hours(15).await?;
    assert_ne!(subscription(&env, 0)?, first);
    assert_eq!((env.count(1, "Lunch"), watch_rows(&env).await?), (1, 2));
    let found = push(&env).await;
    assert!(found.len() == 1 && found[0].message.contains("2 of 2"), "{found:?}");
    env.assert_no_harm();
    Ok(())
}

/// The program did not run for a while; what vanished meanwhile is noticed at its start.
#[tokio::test]
async fn a_subscription_that_vanished_is_made_again_at_a_start() -> anyhow::Result<()> {
    let (mut env, _) = MailboxEnv::paired().await?;
    let first = subscription(&env, 0)?;
    env.graph.lose_subscription(&first);
    env.people[0].primary().add(event("Lunch"));
    env.restart()?;
    env.renew(true).await?;
    env.settle().await?;
    assert_ne!(subscription(&env, 0)?, first);
    assert_eq!(env.count(1, "Lunch"), 1);
    env.assert_no_harm();
    Ok(())
}

#[tokio::test]
async fn a_renewal_that_fails_is_tried_again_after_a_quarter_of_an_hour() -> anyhow::Result<()> {
    let (mut env, _) = MailboxEnv::paired().await?;
    let (id, end) = env.subscription(0).context("a subscription")?;
    env.hours(21).await?;
    env.graph.faults().always(On::kind(Kind::Renew), Fault::Status(503));
    let mut tried = 0;
    while tried == 0 {
        env.quarters(1, false).await?;
        tried = env.requests(Kind::Renew);
    }
    env.graph.faults().clear();
    env.quarters(1, false).await?;
    let now = env.subscription(0).context("a subscription")?;
    let other = env.subscription(1).context("a subscription")?;
    assert!(now.0 == id && (now.1 > end || other.1 > end), "one of the two was due: {now:?}");
    env.assert_no_harm();
    Ok(())
}

/// No subscription can be made, and no nightly pass runs: each poll finds what has changed. With
/// subscriptions, no poll does, and no time of a next sync is named.
#[tokio::test]
async fn calendars_without_a_subscription_are_polled() -> anyhow::Result<()> {
    let (mut env, pair) = MailboxEnv::paired().await?;
    let next = async |env: &MailboxEnv| {
        let pairs = jobs::status(&env.scope, 60).await?.pairs;
        anyhow::Ok(pairs.into_iter().find(|row| row.id == pair.id).context("it")?.next_sync)
    };
    assert_eq!(next(&env).await?, None);
    env.graph.faults().always(On::kind(Kind::Watch), Fault::Status(503));
    for side in [0, 1] {
        env.graph.lose_subscription(&subscription(&env, side)?);
    }
    env.wait(3 * 86_400);
    env.renew(false).await?;
    env.work().await?;
    for title in ["Lunch", "Tea"] {
        env.people[0].primary().add(event(title));
        env.quarters(1, false).await?;
        assert_eq!(env.count(1, title), 1);
    }
    assert!(next(&env).await?.is_some());
    env.graph.faults().clear();
    env.wait(15 * 60);
    env.renew(false).await?;
    env.settle().await?;
    assert_eq!((next(&env).await?, env.graph.subscriptions().len()), (None, 2));
    env.assert_no_harm();
    Ok(())
}

/// Every request about subscriptions fails for two weeks. Changes are found all the same, and
/// afterwards within seconds.
#[tokio::test]
async fn two_weeks_of_silence_after_failed_renewals() -> anyhow::Result<()> {
    let (mut env, _) = MailboxEnv::paired().await?;
    let kinds = [Kind::Watch, Kind::Renew, Kind::Subscriptions];
    env.graph.faults().always(On::kinds(&kinds), Fault::Status(503));
    for day in 0..14 {
        env.graph.pushes().way(|way| way.lose = if day < 2 { usize::MAX } else { 0 });
        env.people[0].primary().add(event(&format!("Day {day}")));
        for _ in 0..24 {
            env.wait(3600);
            env.renew(false).await?;
            jobs::poll_calendars(&env.scope).await?;
            env.deliver().await?;
            env.work().await?;
        }
        jobs::reconcile(&env.scope).await?;
        env.work().await?;
        env.wait(31);
        env.work().await?;
        assert_eq!(env.count(1, &format!("Day {day}")), 1);
    }
    assert_eq!(env.graph.subscriptions(), Vec::new(), "all have ended");
    assert!(watch_rows(&env).await? <= 2 * 4, "{}", watch_rows(&env).await?);
    let states = crate::support::product::watch_states(&env.scope).await?;
    assert!(states.iter().all(|state| !state.open && state.error.is_some()), "{states:?}");
    env.graph.faults().clear();
    env.people[0].primary().add(event("Back"));
    env.wait(15 * 60);
    env.renew(false).await?;
    env.settle().await?;
    assert_eq!((env.count(1, "Back"), env.graph.subscriptions().len()), (1, 2));
    env.people[0].primary().add(event("Tea"));
    env.settle().await?;
    assert_eq!(env.count(1, "Tea"), 1);
    // The rows of requests that were never answered end by themselves.
    env.hours(50).await?;
    assert_eq!(watch_rows(&env).await?, 2);
    let (_, end) = env.subscription(0).context("a subscription")?;
    assert!(end.duration_since(env.graph.clock().now()) > SignedDuration::from_hours(20));
    env.assert_no_harm();
    Ok(())
}
