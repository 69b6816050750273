//! Notifications of Microsoft's: what they lead to, how long a subscription lives, and what becomes
//! of changes that no notification reports.

mod calls;
mod lifecycle;
mod program;
mod silence;

use anyhow::Context as _;
use jiff::SignedDuration;
use serde_json::json;
use simulators::faults::{Fault, On};
use simulators::traffic::Kind;
use store::Table;

use crate::support::mailbox_env::{MailboxEnv, event};

/// How many rows of watches there are.
async fn watch_rows(env: &MailboxEnv) -> anyhow::Result<usize> {
    Ok(env.scope.store.scan(Table::Directory, "local", "channel:", None, 100).await?.len())
}

fn subscription(env: &MailboxEnv, side: usize) -> anyhow::Result<String> {
    Ok(env.subscription(side).context("a subscription")?.0)
}

#[tokio::test]
async fn an_edit_arrives_by_a_notification_and_an_echo_costs_no_write() -> anyhow::Result<()> {
    let (mut env, _) = MailboxEnv::paired().await?;
    assert!(env.subscription(0).is_some() && env.subscription(1).is_some());
    // Without a notification no calendar is looked at.
    env.quarters(4, false).await?;
    assert_eq!(env.graph.counts().total(), 0, "{:?}", env.graph.counts());
    let lunch = env.people[0].primary().add(event("Lunch"));
    env.settle().await?;
    assert_eq!(
        (env.count(1, "Lunch"), env.graph.counts().writes()),
        (1, 1),
        "{:?}",
        env.graph.counts()
    );
    env.graph.reset_counts();
    env.people[0].primary().patch(&lunch, json!({ "subject": "Late lunch" }));
    env.settle().await?;
    assert_eq!((env.count(1, "Late lunch"), env.graph.counts().writes()), (1, 1));
    let delta = env.requests(Kind::Delta);
    assert!(env.requests(Kind::View) == 0 && delta <= 2, "{:?}", env.graph.counts());
    env.people[0].primary().remove(&lunch);
    env.settle().await?;
    assert_eq!(env.people[1].primary().len(), 0);
    env.assert_no_harm();
    Ok(())
}

#[tokio::test]
async fn one_subscription_reports_the_changes_of_every_paired_calendar() -> anyhow::Result<()> {
    let (mut env, _) = MailboxEnv::paired().await?;
    // Two more pairs, one of them between calendars of one account.
    let [anna, ben] = env.people.clone();
    let (team, desk) = (anna.calendar("Team"), ben.calendar("Desk"));
    let mut ids = Vec::new();
    for calendar in [&team, &desk] {
        let listing = crate::support::product::calendars(&env.scope, None).await?;
        let found = listing.calendars.into_iter().find(|row| row.address == calendar.id());
        ids.push(found.context("the calendar")?.id);
    }
    env.add_pair([&ids[0], &ids[1]], true).await?;
    env.settle().await?;
    assert_eq!((env.graph.subscriptions().len(), watch_rows(&env).await?), (2, 2));
    env.quarters(1, false).await?;
    env.graph.reset_counts();
    team.add(event("Stand-up"));
    anna.primary().add(event("Lunch"));
    env.settle().await?;
    let titles = |calendar: &simulators::graph::Calendar| calendar.items().len();
    assert_eq!((titles(&desk), env.count(1, "Lunch")), (1, 1));
    assert_eq!(env.graph.counts().writes(), 2);
    env.assert_no_harm();
    Ok(())
}

/// The timer alone: in a week each subscription is renewed once a day, and asked for once a day.
#[tokio::test]
async fn a_subscription_is_renewed_in_place_one_day_before_its_end() -> anyhow::Result<()> {
    let (mut env, _) = MailboxEnv::paired().await?;
    let (first, end) = env.subscription(0).context("a subscription")?;
    let day = SignedDuration::from_hours(24);
    let now = env.graph.clock().now();
    assert!((end.duration_since(now) - day * 2).abs() < SignedDuration::from_mins(1));
    for _ in 0..21 {
        env.wait(3600);
        env.renew(false).await?;
    }
    assert_eq!(env.requests(Kind::Renew), 0, "27 hours are left");
    for hour in 21..7 * 24 {
        env.wait(3600);
        env.renew(false).await?;
        let (id, end) = env.subscription(0).context("a subscription")?;
        assert_eq!(id, first, "hour {hour}");
        assert!(end.duration_since(env.graph.clock().now()) > SignedDuration::from_hours(20));
    }
    let asked = [Kind::Renew, Kind::Subscriptions].map(|kind| env.requests(kind));
    assert!(asked.iter().all(|asked| (12..=16).contains(asked)), "{asked:?} for two accounts");
    assert_eq!((env.requests(Kind::Watch), env.requests(Kind::Stop)), (0, 0));
    env.deliver().await?;
    env.people[0].primary().add(event("Lunch"));
    env.settle().await?;
    assert_eq!(env.count(1, "Lunch"), 1, "it still notifies");
    env.assert_no_harm();
    Ok(())
}

#[tokio::test]
async fn whatever_the_longest_life_of_a_subscription_is() -> anyhow::Result<()> {
    for minutes in [10_080, 10_070, 4_230] {
        let env = MailboxEnv::new().await?;
        env.graph.manners(|manners| manners.subscription_minutes = minutes);
        let (mut env, _) = env.pair().await?;
        assert!(env.subscription(0).is_some(), "{minutes}");
        let (id, _) = env.subscription(1).context("a subscription")?;
        env.hours(26).await?;
        assert_eq!(subscription(&env, 1)?, id, "{minutes}: renewed");
        env.assert_no_harm();
    }
    Ok(())
}

/// Personal mailboxes, where they can be subscribed to and where they cannot; the tenant that
/// notifications name is Exchange's or Entra's. The nightly pass finds what none reports.
#[tokio::test]
async fn personal_mailboxes_with_and_without_subscriptions() -> anyhow::Result<()> {
    for (can, exchange) in [(true, true), (true, false), (false, true)] {
        let env = MailboxEnv::of(|graph| {
            graph.manners(|manners| {
                (manners.personal_subscriptions, manners.exchange_tenant) = (can, exchange);
            });
            [graph.personal("anna@example.org"), graph.account("ben@example.org")]
        });
        let (mut env, _) = env.await?.pair().await?;
        assert_eq!(env.subscription(0).is_some(), can);
        env.people[0].primary().add(event("Lunch"));
        env.settle().await?;
        assert_eq!(env.count(1, "Lunch"), usize::from(can), "{can} {exchange}");
        env.people[1].primary().add(event("Tea"));
        env.settle().await?;
        assert_eq!(env.count(0, "Tea"), 1, "Ben's mailbox reports in each case");
        env.quarters(96, true).await?;
        assert_eq!(env.count(1, "Lunch"), 1, "{can} {exchange}");
        env.assert_no_harm();
    }
    Ok(())
}

/// The rows of the watches are lost with a restored backup, and the subscriptions live.
#[tokio::test]
async fn a_stale_subscription_is_deleted_and_another_one_takes_its_place() -> anyhow::Result<()> {
    for one in [true, false] {
        let env = MailboxEnv::new().await?;
        env.graph.manners(|manners| manners.one_subscription = one);
        let (mut env, _) = env.pair().await?;
        let stale = subscription(&env, 0)?;
        for row in env.scope.store.scan(Table::Directory, "local", "channel:", None, 100).await? {
            let ops = [store::Op::Delete { key: row.key, etag: None }];
            env.scope.store.commit(Table::Directory, "local", &ops).await?;
        }
        env.restart()?;
        env.renew(false).await?;
        assert_eq!(watch_rows(&env).await?, 2);
        let of_anna = env.graph.subscriptions_of(&env.people[0]);
        assert_eq!(!of_anna.contains(&stale), one, "{of_anna:?}");
        // Notifications of a subscription that no row knows do nothing.
        env.people[0].primary().add(event("Lunch"));
        env.settle().await?;
        assert_eq!((env.count(1, "Lunch"), env.graph.counts().writes()), (1, 1));
        env.assert_no_harm();
    }
    Ok(())
}

#[tokio::test]
async fn the_subscription_ends_with_its_account() -> anyhow::Result<()> {
    let (env, _) = MailboxEnv::paired().await?;
    jobs::remove_account(&env.scope, &env.account_id(0).await?).await?;
    assert_eq!(env.subscription(0), None);
    assert_eq!((env.requests(Kind::Stop), watch_rows(&env).await?), (2, 0), "no pair is left");
    env.assert_no_harm();
    Ok(())
}

/// The answer to the request for a subscription is lost, with and without a subscription.
#[tokio::test]
async fn a_lost_answer_leaves_one_subscription_that_is_known() -> anyhow::Result<()> {
    for fault in [Fault::DropBefore, Fault::DropAfter, Fault::StatusAfter(504), Fault::Truncated] {
        let env = MailboxEnv::new().await?;
        env.graph.faults().times(2, On::kind(Kind::Watch), fault);
        let (mut env, _) = env.pair().await?;
        env.restart()?;
        env.quarters(4, false).await?;
        env.people[0].primary().add(event("Lunch"));
        env.settle().await?;
        assert_eq!(env.count(1, "Lunch"), 1, "{fault:?}");
        assert!(env.subscription(0).is_some() && env.subscription(1).is_some(), "{fault:?}");
        env.hours(50).await?;
        let rows = watch_rows(&env).await?;
        assert_eq!((env.graph.subscriptions().len(), rows), (2, 2), "{fault:?}");
        env.assert_no_harm();
    }
    Ok(())
}
