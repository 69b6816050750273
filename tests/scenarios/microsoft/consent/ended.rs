//! What ends a consent, and the way back.

use anyhow::Context as _;
use jiff::SignedDuration;
use serde_json::{Value, json};
use simulators::faults::{Fault, On};
use simulators::graph::{Account, Consent};
use simulators::traffic::Kind;

use super::Registered;
use crate::support::cli;
use crate::support::pending_command::{PendingCommand, visit};

/// What the simulated Entra demands where it refuses a grant.
const CLAIMS: &str = r#"{"access_token":{"capolids":{"essential":true,"values":["c0ffee00-0000-4000-8000-000000000000"]}}}"#;

fn event(env: &Registered, title: &str) -> Value {
    let at = |hours| {
        let time = env.graph.clock().now() + SignedDuration::from_hours(hours);
        json!({ "dateTime": time.strftime("%Y-%m-%dT%H:00:00").to_string(), "timeZone": "UTC" })
    };
    json!({ "subject": title, "start": at(48), "end": at(49) })
}

fn count(person: &Account, title: &str) -> usize {
    person.primary().items().iter().filter(|event| event["subject"] == title).count()
}

/// Whatever ended the consent: the account waits for its owner and says why, nothing is deleted,
/// and the same person's consent brings back the account, its pair and its copies.
#[tokio::test]
async fn every_end_has_its_words_and_the_same_person_its_way_back() -> anyhow::Result<()> {
    type End = fn(&Registered);
    let ends: [(&str, End, &str); 6] = [
        ("withdrawn", |env| env.anna.withdraws_consent(), "AADSTS65001"),
        ("by the administrator", |env| env.anna.tenant().withdraws_consent(), "AADSTS65001"),
        ("sessions revoked", |env| env.anna.sessions_are_revoked(), "AADSTS50173"),
        ("too old", |env| env.anna.expire_refresh_tokens(), "AADSTS700082"),
        ("blocked", |env| env.anna.is_refused_with(Some(53_003)), "AADSTS53003"),
        ("claims", |env| env.anna.needs_claims(Some(CLAIMS)), "another proof"),
    ];
    let all = ends.map(|(name, end, part)| async move {
        let env = Registered::new().await?;
        let [anna, ben] = env.paired().await?;
        env.anna.primary().add(event(&env, "Lunch"));
        env.cli.sync().await?;
        let pairs = env.cli.json(&["pair", "list"]).await?;
        end(&env);
        env.anna.expire_access_tokens();
        env.anna.primary().add(event(&env, "Tea"));
        env.ben.primary().add(event(&env, "Cake"));
        for _ in 0..2 {
            let (status, run) = env.cli.sync_with(&[]).await?;
            assert_eq!((status, &run["deleted"]), (1, &json!(0)), "{name}: {run}");
        }
        assert_eq!(env.state(&anna).await?, "needs_reconnect", "{name}");
        let by_all = name == "by the administrator";
        assert!(by_all || env.state(&ben).await? == "ok", "{name}");
        let accounts = env.accounts().await?;
        let said = accounts.iter().find(|it| it["id"] == *anna).context("the account")?;
        let words = said["error"]["message"].as_str().unwrap_or_default();
        assert!(words.contains(part) && !words.contains("CalDAV"), "{name}: {words}");
        assert_eq!((count(&env.anna, "Lunch"), count(&env.ben, "Lunch")), (1, 1), "{name}");
        env.anna.is_refused_with(None);
        let (_, answer) = env.consent(&env.anna, Consent::All).await?;
        assert_eq!(cli::id(&answer.done()?)?, anna, "{name}: the same account");
        if by_all {
            env.consent(&env.ben, Consent::All).await?.1.done()?;
        }
        env.cli.sync().await?;
        env.cli.sync().await?;
        assert_eq!(env.cli.json(&["pair", "list"]).await?, pairs, "{name}");
        for title in ["Lunch", "Tea", "Cake"] {
            let shown = (count(&env.anna, title), count(&env.ben, title));
            assert_eq!(shown, (1, 1), "{name}: {title}");
        }
        env.assert_no_harm();
        anyhow::Ok(())
    });
    futures::future::try_join_all(all).await.map(drop)
}

/// The person at the browser chooses another account than the one that waits.
#[tokio::test]
async fn another_persons_consent_does_not_take_the_place() -> anyhow::Result<()> {
    let env = Registered::new().await?;
    let [anna, _] = env.paired().await?;
    env.anna.withdraws_consent();
    env.anna.expire_access_tokens();
    assert_eq!(env.cli.sync_with(&[]).await?.0, 1);
    let carol = env.graph.account("carol@example.org");
    let (_, answer) = env.consent(&carol, Consent::All).await?;
    assert!(answer.stderr.contains("anna@example.org has still to be connected again"));
    assert_ne!(cli::id(&answer.done()?)?, anna);
    assert_eq!(env.state(&anna).await?, "needs_reconnect");
    assert_eq!(carol.primary().len(), 0);
    let (_, answer) = env.consent(&env.anna, Consent::All).await?;
    assert_eq!(cli::id(&answer.done()?)?, anna);
    env.cli.sync().await?;
    env.assert_no_harm();
    Ok(())
}

/// The grant is revoked between two pages of a listing, and between two writes.
#[tokio::test]
async fn a_grant_that_is_revoked_in_the_middle_of_a_pass_loses_nothing() -> anyhow::Result<()> {
    for kind in [Kind::Delta, Kind::Insert] {
        let env = Registered::new().await?;
        env.graph.manners(|manners| manners.delta_page = 2);
        let [anna, _] = env.paired().await?;
        for number in 0..8 {
            env.anna.primary().add(event(&env, &format!("Event {number}")));
        }
        let person = env.anna.clone();
        env.graph.before(kind, move || {
            person.sessions_are_revoked();
            person.expire_access_tokens();
        });
        env.cli.sync_with(&[]).await?;
        env.cli.sync_with(&[]).await?;
        assert_eq!(env.state(&anna).await?, "needs_reconnect", "{kind:?}");
        env.consent(&env.anna, Consent::All).await?.1.done()?;
        env.cli.sync().await?;
        let each = |person: &Account| {
            (0..8).map(|number| count(person, &format!("Event {number}"))).collect::<Vec<_>>()
        };
        assert_eq!((each(&env.anna), each(&env.ben)), (vec![1; 8], vec![1; 8]), "{kind:?}");
        env.assert_no_harm();
    }
    Ok(())
}

/// The page is opened twice, the answer comes from another browser or with another state, and an
/// answer comes that is longer than any.
#[tokio::test]
async fn an_answer_that_is_none_redeems_nothing() -> anyhow::Result<()> {
    let env = Registered::new().await?;
    let pending = PendingCommand::start(&env.cli, "microsoft").await?;
    pending.open().await?;
    assert_eq!(visit(&pending.door, &[]).await?.status, 410, "in one browser only");
    assert_eq!(pending.end().await?.failure().0, "consent");
    let pending = PendingCommand::start(&env.cli, "microsoft").await?;
    let (page, _) = pending.open().await?;
    let back = env.anna.consents(&page, Consent::All).await?;
    assert_eq!(visit(&back, &[]).await?.status, 400, "another browser");
    assert_eq!(pending.end().await?.failure().0, "consent");
    let pending = PendingCommand::start(&env.cli, "microsoft").await?;
    let (page, cookie) = pending.open().await?;
    let mut back = env.anna.consents(&page, Consent::Refused).await?;
    back.query_pairs_mut().append_pair("more", &"x".repeat(9_000));
    let shown = visit(&back, &[("cookie", &cookie)]).await?.text();
    assert!(shown.contains("longer than") && !shown.contains("CalDAV"), "{shown}");
    assert!(pending.end().await?.failure().1.contains("longer than"));
    assert_eq!((env.accounts().await?.len(), env.anna.living_refresh_tokens()), (0, 0));
    Ok(())
}

/// Microsoft fails while a code is redeemed, and while tokens are refreshed: no account changes.
#[tokio::test]
async fn a_failing_sign_in_server_changes_no_account() -> anyhow::Result<()> {
    let env = Registered::new().await?;
    let [anna, _] = env.paired().await?;
    env.graph.faults().always(On::kind(Kind::Token), Fault::Status(503));
    env.anna.expire_access_tokens();
    assert_eq!(env.cli.sync_with(&[]).await?.0, 1);
    assert_ne!(env.state(&anna).await?, "needs_reconnect");
    env.graph.faults().clear();
    env.cli.sync().await?;
    assert_eq!(env.state(&anna).await?, "ok");
    env.assert_no_harm();
    Ok(())
}
