//! Calls of the webhook: forged and malformed ones, many at once, and without storage.

use std::collections::BTreeMap;

use anyhow::Context as _;
use jobs::nudge::{Nudge, QUEUE};
use serde_json::{Value, json};
use simulators::graph::{EXCHANGE_TENANT, Push};
use std::time::Duration;

use crate::support::mailbox_env::{MailboxEnv, call, event, post, with};

const PATHS: [&str; 2] = ["/webhooks/microsoft", "/webhooks/microsoft/lifecycle"];

/// A genuine notification about Anna's calendar that was not delivered yet.
fn genuine(env: &MailboxEnv, title: &str) -> anyhow::Result<Push> {
    env.people[0].primary().add(event(title));
    env.graph.pushes().sent().pop().context("a notification")
}

async fn waiting(env: &MailboxEnv) -> anyhow::Result<u64> {
    Ok(env.scope.queue.len(QUEUE).await?)
}

#[tokio::test]
async fn a_handshake_is_answered_without_storage() -> anyhow::Result<()> {
    let (env, _) = MailboxEnv::paired().await?;
    let broken = env.without_storage();
    for path in PATHS {
        let token = "Validation%3A+Testing+client+%2B%26%25%3C%7B%C3%A9%7D";
        let asked = format!("{path}?validationToken={token}");
        for scope in [&env.scope, &broken] {
            let said = post(scope, &asked, b"").await?;
            assert_eq!(said, (200, "Validation: Testing client +&%<{\u{e9}}".to_owned()));
        }
        let long = format!("{path}?validationToken={}", "x".repeat(4097));
        assert_eq!(post(&broken, &long, b"").await?.0, 400);
    }
    assert_eq!((env.graph.counts().total(), waiting(&env).await?), (0, 0));
    Ok(())
}

#[tokio::test]
async fn what_is_no_notification_is_answered_like_one_and_does_nothing() -> anyhow::Result<()> {
    let (env, _) = MailboxEnv::paired().await?;
    let push = genuine(&env, "Lunch")?;
    let token = push.item["clientState"].as_str().context("a clientState")?.to_owned();
    let mut forged = Vec::new();
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        forged.push(with(&push, "clientState", json!(String::from_utf8(bytes)?)));
    }
    let wrong = ["", "h2", "h2....", &token[1..], &token[..token.len() - 1]];
    forged.extend(wrong.map(|token| with(&push, "clientState", json!(token))));
    forged.push(with(&push, "clientState", json!("x".repeat(60_000))));
    for value in [Value::Null, json!(7), json!([token]), json!({ "a": token })] {
        forged.push(with(&push, "clientState", value));
    }
    for other in ["", "00000000-0000-4000-8000-000000000000", &"x".repeat(2000)] {
        forged.push(with(&push, "subscriptionId", json!(other)));
    }
    forged.extend([Value::Null, json!("x"), json!([1, 2]), json!({})]);
    for item in &forged {
        assert_eq!(call(&env.scope, std::slice::from_ref(item)).await?, 202, "{item}");
    }
    assert_eq!(call(&env.scope, &forged).await?, 202, "all at once");
    assert_eq!(waiting(&env).await?, 0);
    // JSON of another form holds no notification; what is no JSON is refused.
    for path in PATHS {
        for body in ["{}", "[]", "null", "7", r#"{"value":null}"#, r#"{"value":{}}"#] {
            assert_eq!(post(&env.scope, path, body.as_bytes()).await?.0, 202, "{body}");
        }
        for body in ["", "{", "<xml/>", "{\"value\":[}", "\u{0}"] {
            assert_eq!(post(&env.scope, path, body.as_bytes()).await?.0, 400, "{body}");
        }
    }
    assert_eq!(waiting(&env).await?, 0);
    // Neither the tenant nor the resource is believed or compared: both may be anything.
    let mut item = with(&push, "tenantId", json!(EXCHANGE_TENANT));
    item["resource"] = json!("Users/other/Events/other");
    item["resourceData"] = Value::Null;
    assert_eq!((call(&env.scope, &[item]).await?, waiting(&env).await?), (202, 1));
    env.work().await?;
    assert_eq!(env.count(1, "Lunch"), 1);
    env.assert_no_harm();
    Ok(())
}

/// Twenty more accounts: a thousand notifications in one call, one message for each calendar.
#[tokio::test]
async fn a_thousand_notifications_of_many_accounts_are_one_message_a_calendar() -> anyhow::Result<()>
{
    let (mut env, _) = MailboxEnv::paired().await?;
    let hub = env.calendar(1).await?;
    let mut people = Vec::new();
    for number in 0..20 {
        let person = env.graph.account(&format!("p{number}@example.org"));
        let account = env.connect(&person).await?;
        let listing =
            crate::support::product::calendars(&env.scope, Some(&account.id)).await?.calendars;
        env.add_pair([&listing[0].id, &hub], false).await?;
        people.push(person);
    }
    env.settle().await?;
    env.wait(3600);
    for person in &people {
        person.primary().add(event("Lunch"));
    }
    let sent = env.graph.pushes().sent();
    let new: Vec<Value> = sent[env.delivered..].iter().map(|push| push.item.clone()).collect();
    let mut items: Vec<Value> = new.iter().cycle().take(990).cloned().collect();
    // Forged and malformed ones between them change nothing.
    items.extend((0..10).map(|number| json!({ "clientState": "x", "subscriptionId": number })));
    env.graph.reset_counts();
    assert_eq!((call(&env.scope, &items).await?, waiting(&env).await?), (202, 20));
    let messages = env.scope.queue.take(QUEUE, 32, Duration::ZERO).await?;
    let mut calendars = BTreeMap::new();
    for message in &messages {
        let nudge = Nudge::from_text(&message.body)?;
        *calendars.entry(nudge.calendar_id.to_string()).or_insert(0) += 1;
    }
    assert!(calendars.len() == 20 && calendars.values().all(|count| *count == 1), "{calendars:?}");
    env.delivered = sent.len();
    env.wait(6);
    env.settle().await?;
    assert_eq!(env.count(1, "Lunch"), 20);
    env.assert_no_harm();
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_stored_is_asked_for_again_and_then_done() -> anyhow::Result<()> {
    let (mut env, _) = MailboxEnv::paired().await?;
    let push = genuine(&env, "Lunch")?;
    for broken in [env.without_queue(), env.without_storage()] {
        for _ in 0..3 {
            let status = call(&broken, std::slice::from_ref(&push.item)).await?;
            assert_eq!(status, 503, "Microsoft comes again");
        }
        let forged = with(&push, "clientState", json!("h2.0.AAAA.local.AAAA"));
        assert_eq!(call(&broken, &[forged]).await?, 202, "strangers learn nothing of it");
    }
    env.restart()?;
    assert_eq!(call(&env.scope, &[push.item]).await?, 202);
    env.delivered = env.graph.pushes().sent().len();
    env.wait(6);
    env.settle().await?;
    assert_eq!(env.count(1, "Lunch"), 1);
    env.assert_no_harm();
    Ok(())
}

/// A notification again and again: few looks, and none of them is lost.
#[tokio::test]
async fn repeated_notifications_cost_few_looks() -> anyhow::Result<()> {
    let (mut env, _) = MailboxEnv::paired().await?;
    let push = genuine(&env, "Lunch")?;
    env.settle().await?;
    env.wait(600);
    env.graph.reset_counts();
    let items = vec![push.item; 100];
    for _ in 0..60 {
        assert_eq!(call(&env.scope, &items).await?, 202);
        env.wait(1);
        env.work().await?;
    }
    env.settle().await?;
    let looks = env.graph.counts().of(simulators::traffic::Kind::Delta);
    assert!((1..=2 * 20).contains(&looks), "{:?}", env.graph.counts());
    assert_eq!(env.graph.counts().writes(), 0);
    env.assert_no_harm();
    Ok(())
}
