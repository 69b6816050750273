//! Consent that ended and is asked for again: half an answer, the wrong person, and then the right
//! one.

use jiff::SignedDuration;
use serde_json::json;
use simulators::google::{CALENDAR_LIST_READONLY, Consent, EVENTS};

use super::consent_env::ConsentEnv;
use crate::support::cli;

#[tokio::test]
async fn half_a_consent_does_not_bring_an_account_back_and_harms_nothing() -> anyhow::Result<()> {
    let env = ConsentEnv::new().await?;
    let [anna, _] = env.paired().await?;
    env.cli.sync().await?;
    let pairs = env.cli.json(&["pair", "list"]).await?;
    env.anna.withdraws_consent();
    let at = |hours| json!({"dateTime": (env.google.clock().now() + SignedDuration::from_hours(hours)).to_string()});
    env.anna.primary().add(json!({"summary": "Lunch", "start": at(48), "end": at(49)}));
    assert_eq!(env.cli.sync_with(&[]).await?.0, 1);
    for (ticked, missing) in [
        (EVENTS, "See the list of Google calendars"),
        (CALENDAR_LIST_READONLY, "View and edit events"),
    ] {
        let (page, answer) = env.consent(&env.anna, Consent::Only(&[ticked])).await?;
        let (code, words) = answer.failure();
        assert_eq!((page.status, code.as_str()), (403, "consent"));
        assert!(words.contains(missing) && words.contains("it stays as it was"), "{words}");
        assert_eq!(state_of(&env, &anna).await?, "needs_reconnect");
        let (status, run) = env.cli.sync_with(&[]).await?;
        assert_eq!(
            (status, &run["state"], &run["deleted"]),
            (1, &json!("needs_reconnect"), &json!(0)),
            "{run}"
        );
    }
    let (_, whole) = env.consent(&env.anna, Consent::All).await?;
    assert_eq!(cli::id(&whole.done()?)?, anna, "the same account");
    env.cli.sync().await?;
    assert_eq!(
        (state_of(&env, &anna).await?, env.cli.json(&["pair", "list"]).await?),
        ("ok".to_owned(), pairs)
    );
    assert_eq!(
        (env.anna.primary().len(), env.ben.primary().len()),
        (1, 1),
        "what happened meanwhile, once"
    );
    env.assert_no_harm();
    Ok(())
}

/// The browser was signed in with another account: that account is connected and named, and the
/// command says that the expected account is still missing.
#[tokio::test]
async fn somebody_elses_consent_is_said_to_be_somebody_elses() -> anyhow::Result<()> {
    let env = ConsentEnv::new().await?;
    let [anna, ben] = env.paired().await?;
    env.cli.sync().await?;
    env.anna.withdraws_consent();
    assert_eq!(env.cli.sync_with(&[]).await?.0, 1);
    let carol = env.google.account("carol@example.org");
    for _ in 0..2 {
        let (_, answer) = env.consent(&carol, Consent::All).await?;
        assert!(
            answer.stderr.contains("anna@example.org has still to be connected again"),
            "{}",
            answer.stderr
        );
        let added = answer.done()?;
        assert_eq!(added["name"], "carol@example.org");
        assert!(![&anna, &ben].contains(&&cli::id(&added)?));
    }
    let answer = env.with_token(&carol.refresh_token()).await?;
    assert!(
        answer.stderr.contains("anna@example.org has still to be connected again"),
        "and so without a browser: {}",
        answer.stderr
    );
    assert_eq!(state_of(&env, &anna).await?, "needs_reconnect");
    let (_, answer) = env.consent(&env.anna, Consent::All).await?;
    assert!(!answer.stderr.contains("has still to be connected"), "{}", answer.stderr);
    assert_eq!(cli::id(&answer.done()?)?, anna);
    env.cli.sync().await?;
    assert_eq!((state_of(&env, &anna).await?, carol.primary().len()), ("ok".to_owned(), 0));
    env.assert_no_harm();
    Ok(())
}

async fn state_of(env: &ConsentEnv, id: &str) -> anyhow::Result<String> {
    let accounts = env.accounts().await?;
    let found = accounts
        .as_array()
        .into_iter()
        .flatten()
        .find(|account| account["id"] == id)
        .and_then(|account| account["state"].as_str());
    Ok(found.unwrap_or_default().to_owned())
}
