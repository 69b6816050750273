//! What Microsoft says about a subscription itself.

use serde_json::json;
use simulators::graph::Lifecycle;
use simulators::traffic::Kind;

use super::{subscription, watch_rows};
use crate::support::mailbox_env::{MailboxEnv, call, event, post};

/// The subscription is silent until it is authorized again, which happens once in ten minutes.
#[tokio::test]
async fn a_subscription_that_has_to_be_authorized_again_is_renewed() -> anyhow::Result<()> {
    let (mut env, _) = MailboxEnv::paired().await?;
    let id = subscription(&env, 0)?;
    for _ in 0..3 {
        assert!(env.graph.lifecycle(&id, Lifecycle::Reauthorize));
        env.people[0].primary().add(event("Lunch"));
    }
    env.settle().await?;
    assert_eq!((subscription(&env, 0)?, env.requests(Kind::Renew)), (id, 1));
    assert_eq!(env.count(1, "Lunch"), 3, "the pass after it reads what was not reported");
    env.people[0].primary().add(event("Tea"));
    env.settle().await?;
    assert_eq!((env.count(1, "Tea"), env.requests(Kind::Renew)), (1, 1), "it notifies again");
    env.assert_no_harm();
    Ok(())
}

#[tokio::test]
async fn a_removed_subscription_is_made_again_and_its_calendars_are_read() -> anyhow::Result<()> {
    let (mut env, _) = MailboxEnv::paired().await?;
    let id = subscription(&env, 0)?;
    assert!(env.graph.lifecycle(&id, Lifecycle::Removed));
    env.people[0].primary().add(event("Lunch"));
    env.settle().await?;
    assert_ne!(subscription(&env, 0)?, id);
    assert_eq!((env.count(1, "Lunch"), watch_rows(&env).await?), (1, 2));
    assert_eq!((env.requests(Kind::Watch), env.requests(Kind::Stop)), (1, 0));
    env.people[0].primary().add(event("Tea"));
    env.settle().await?;
    assert_eq!(env.count(1, "Tea"), 1);
    env.assert_no_harm();
    Ok(())
}

/// `missed`, and a cause that Microsoft invents later; on both paths.
#[tokio::test]
async fn missed_and_unknown_causes_lead_to_a_look_at_every_calendar() -> anyhow::Result<()> {
    for path in ["/webhooks/microsoft", "/webhooks/microsoft/lifecycle"] {
        for cause in ["missed", "resubscribePlease"] {
            let (mut env, _) = MailboxEnv::paired().await?;
            env.graph.pushes().way(|way| way.lose = usize::MAX);
            env.people[0].primary().add(event("Lunch"));
            env.settle().await?;
            assert_eq!(env.count(1, "Lunch"), 0, "nothing was reported");
            env.graph.lifecycle(&subscription(&env, 0)?, Lifecycle::Missed);
            let mut item = env.graph.pushes().sent().pop().expect("a notification").item;
            item["lifecycleEvent"] = json!(cause);
            let body = json!({ "value": [item] }).to_string();
            assert_eq!(post(&env.scope, path, body.as_bytes()).await?.0, 202);
            env.wait(2);
            env.work().await?;
            assert_eq!(env.count(1, "Lunch"), 1, "{path} {cause}");
            env.assert_no_harm();
        }
    }
    Ok(())
}

/// The administrator sets another password: the consent has ended, and the subscription with it.
#[tokio::test]
async fn a_changed_password_waits_for_its_owner_and_loses_nothing() -> anyhow::Result<()> {
    let (mut env, pair) = MailboxEnv::paired().await?;
    let [anna, ben] = env.people.clone();
    anna.password_is_reset();
    anna.expire_access_tokens();
    assert_eq!(env.subscription(0), None);
    anna.primary().add(event("Lunch"));
    ben.primary().add(event("Cake"));
    env.settle().await?;
    let account = env.account(0).await?;
    assert_eq!(account.state, "needs_reconnect");
    let said = account.error.map(|error| error.message).unwrap_or_default();
    assert!(said.contains("password was changed") && said.contains("AADSTS50173"), "{said}");
    assert_eq!(env.account(1).await?.state, "ok");
    // No storm, and nothing is deleted.
    env.graph.reset_counts();
    env.quarters(8, false).await?;
    assert!(env.graph.counts().total() <= 2, "{:?}", env.graph.counts());
    assert_eq!(env.connect(&anna).await?.id, account.id);
    env.settle().await?;
    assert_eq!((env.count(1, "Lunch"), env.count(0, "Cake")), (1, 1));
    assert_eq!(env.pair_state().await?.id, pair.id);
    assert!(env.subscription(0).is_some(), "it is made again");
    anna.primary().add(event("Tea"));
    env.settle().await?;
    assert_eq!(env.count(1, "Tea"), 1);
    env.assert_no_harm();
    Ok(())
}

/// A notification that lay somewhere while its subscription was replaced.
#[tokio::test]
async fn a_notification_after_the_end_of_its_subscription_does_nothing() -> anyhow::Result<()> {
    let (mut env, _) = MailboxEnv::paired().await?;
    env.people[0].primary().add(event("Lunch"));
    let late = env.graph.pushes().sent().pop().expect("a notification").item;
    env.settle().await?;
    env.graph.lifecycle(&subscription(&env, 0)?, Lifecycle::Removed);
    env.settle().await?;
    env.hours(72).await?;
    env.graph.reset_counts();
    assert_eq!(call(&env.scope, &[late]).await?, 202);
    env.wait(60);
    assert_eq!((env.work().await?, env.graph.counts().total()), (0, 0));
    env.assert_no_harm();
    Ok(())
}
