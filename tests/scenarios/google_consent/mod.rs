//! Consent at Google by the command line's own port and by the pages of a running calrelay (G1, G2,
//! G11, G12, S1, S4).

mod consent_env;
mod pages;
mod reconnect;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use async_trait::async_trait;
use providers::google::{AccessTokens as _, oauth};
use providers::http::{AddressPolicy, Http};
use secrecy::SecretString;
use serde_json::{Value, json};
use simulators::google::{CALENDAR_LIST_READONLY, CLIENT_ID, CLIENT_SECRET, Consent, EVENTS};
use url::Url;

use self::consent_env::{ANNA, ConsentEnv, assert_headers, visit, with_query};
use crate::support::cli::{self, Cli};

#[tokio::test]
async fn a_person_gives_consent_at_a_terminal() -> anyhow::Result<()> {
    let env = ConsentEnv::new().await?;
    let (page, answer) = env.consent(&env.anna, Consent::All).await?;
    assert_eq!(page.status, 200);
    assert_headers(&page);
    let added = answer.done()?;
    assert_eq!((&added["provider"], &added["name"]), (&json!("google"), &json!(ANNA)));
    assert!(!answer.stdout.contains("http"), "words for people stay on stderr");
    let id = cli::id(&added)?;
    assert_eq!(
        env.cli.json(&["calendars", "--account", &id]).await?["calendars"][0]["provider"],
        "google"
    );

    let (_, again) = env.consent(&env.anna, Consent::All).await?;
    assert_eq!(cli::id(&again.done()?)?, id, "the same account keeps its id");
    assert_ne!(cli::id(&env.consent(&env.ben, Consent::All).await?.1.done()?)?, id);
    assert_eq!(env.accounts().await?.as_array().map(Vec::len), Some(2));
    env.assert_no_harm();
    Ok(())
}

#[tokio::test]
async fn half_a_consent_names_the_box_that_was_left_empty() -> anyhow::Result<()> {
    let env = ConsentEnv::new().await?;
    for (ticked, missing) in [
        (EVENTS, "See the list of Google calendars"),
        (CALENDAR_LIST_READONLY, "View and edit events"),
    ] {
        let (page, answer) = env.consent(&env.anna, Consent::Only(&[ticked])).await?;
        assert_eq!(page.status, 403);
        assert_headers(&page);
        let (code, words) = answer.failure();
        assert!(
            code == "consent" && words.contains(missing) && words.contains("Nothing was stored"),
            "{code}: {words}"
        );
        assert!(page.text().contains(missing));
    }
    assert_eq!(env.accounts().await?, json!([]));
    assert!(
        env.consent(&env.anna, Consent::All).await?.1.done().is_ok(),
        "asked again, both can be ticked"
    );
    env.assert_no_harm();
    Ok(())
}

#[tokio::test]
async fn a_no_is_respected() -> anyhow::Result<()> {
    let env = ConsentEnv::new().await?;
    for (consent, words) in
        [(Consent::Refused, "The answer was no"), (Consent::Blocked, "administrator")]
    {
        let (page, answer) = env.consent(&env.anna, consent).await?;
        assert_eq!(page.status, 403);
        let (code, said) = answer.failure();
        assert!(code == "consent" && said.contains(words), "{code}: {said}");
    }
    assert_eq!((env.accounts().await?, env.anna.living_refresh_tokens()), (json!([]), 0));
    Ok(())
}

#[tokio::test]
async fn an_answer_with_another_state_ends_the_waiting_and_redeems_nothing() -> anyhow::Result<()> {
    let env = ConsentEnv::new().await?;
    let pending = env.ask().await?;
    let (page, cookie) = pending.open().await?;
    let back = env.anna.consents(&page, Consent::All).await?;
    // What is no answer at all ends nothing.
    for path in ["/", "/favicon.ico", "/oauth/google"] {
        assert_eq!(visit(&back.join(path)?, &[]).await?.status, 404);
    }
    let forged =
        visit(&with_query(&back, "state", &"A".repeat(43)), &[("cookie", &cookie)]).await?;
    assert_eq!(forged.status, 400);
    assert_headers(&forged);
    let (code, words) = pending.end().await?.failure();
    assert!(code == "consent" && words.contains("not used"), "{words}");
    assert_eq!((env.accounts().await?, env.anna.living_refresh_tokens()), (json!([]), 0));
    assert!(visit(&back, &[]).await.is_err(), "the port is closed");
    Ok(())
}

/// Another user of the machine with the provider's address cannot answer instead of the user who
/// started the command.
#[tokio::test]
async fn an_answer_from_another_browser_is_not_taken() -> anyhow::Result<()> {
    let env = ConsentEnv::new().await?;
    for cookie in [None, Some(format!("calrelay-command={}", "A".repeat(43)))] {
        let pending = env.ask().await?;
        let (page, _) = pending.open().await?;
        let stolen = env.ben.consents(&page, Consent::All).await?;
        let headers: Vec<_> = cookie.iter().map(|cookie| ("cookie", cookie.as_str())).collect();
        assert_eq!(visit(&stolen, &headers).await?.status, 400);
        assert_eq!(pending.end().await?.failure().0, "consent");
    }
    let pending = env.ask().await?;
    pending.open().await?;
    let second = visit(&pending.door, &[]).await?;
    assert!(
        second.status == 410
            && second.header("location").is_empty()
            && second.header("set-cookie").contains("Max-Age=0"),
        "{}",
        second.text()
    );
    assert_headers(&second);
    let (code, words) = pending.end().await?.failure();
    assert!(code == "consent" && words.contains("Two browsers"), "{words}");
    assert_eq!((env.accounts().await?, env.ben.living_refresh_tokens()), (json!([]), 0));
    Ok(())
}

#[cfg(unix)]
#[tokio::test]
async fn whoever_changes_their_mind_stops_the_waiting() -> anyhow::Result<()> {
    let env = ConsentEnv::new().await?;
    let pending = env.ask().await?;
    let id = pending.child.id().context("it runs")?.to_string();
    tokio::process::Command::new("kill").args(["-INT", &id]).status().await?;
    let (code, words) = pending.end().await?.failure();
    assert!(code == "consent" && words.contains("Nothing was stored"), "{words}");
    assert_eq!(env.accounts().await?, json!([]));
    Ok(())
}

/// An attacker with a stolen code cannot have it redeemed in another consent, because the PKCE
/// challenge differs.
#[tokio::test]
async fn a_code_of_another_consent_is_worth_nothing() -> anyhow::Result<()> {
    let env = ConsentEnv::new().await?;
    let (first, second) = (env.ask().await?, env.ask().await?);
    let caught = env.ben.consents(&first.open().await?.0, Consent::All).await?;
    let (page, cookie) = second.open().await?;
    let code =
        caught.query_pairs().find(|(name, _)| name == "code").context("a code")?.1.into_owned();
    let back = env.anna.consents(&page, Consent::All).await?;
    assert_eq!(visit(&with_query(&back, "code", &code), &[("cookie", &cookie)]).await?.status, 403);
    assert_eq!(second.end().await?.failure().0, "consent");
    assert_eq!(env.accounts().await?, json!([]));
    Ok(())
}

#[tokio::test]
async fn a_grant_that_exists_is_taken_from_stdin() -> anyhow::Result<()> {
    let env = ConsentEnv::new().await?;
    let id = env.adopt(&env.anna).await?;
    assert_eq!(env.adopt(&env.anna).await?, id);
    assert_eq!(env.accounts().await?[0]["name"], ANNA);
    assert_eq!(env.with_token("1//0-dead").await?.failure().0, "unauthorized");
    assert_eq!(env.with_token("").await?.failure().0, "credentials");
    assert_eq!(env.with_token(&env.ben.grant(&[EVENTS])).await?.failure().0, "consent");
    assert_eq!(env.accounts().await?.as_array().map(Vec::len), Some(1));
    env.assert_no_harm();
    Ok(())
}

#[tokio::test]
async fn without_a_client_nobody_is_asked() -> anyhow::Result<()> {
    let cli = Cli::new()?;
    let (code, words) = cli.run(&["account", "add", "google", "--json"]).await?.failure();
    assert!(code == "settings" && words.contains("GOOGLE_CLIENT_ID"), "{words}");
    Ok(())
}

#[tokio::test]
async fn consent_that_was_taken_back_stops_the_work_and_loses_no_pair() -> anyhow::Result<()> {
    let env = ConsentEnv::new().await?;
    let [anna, ben] = env.paired().await?;
    let pairs = env.cli.json(&["pair", "list"]).await?;
    env.cli.sync().await?;
    env.anna.withdraws_consent();
    let (status, run) = env.cli.sync_with(&[]).await?;
    assert_eq!(
        (status, &run["state"], &run["error"]["code"]),
        (1, &json!("needs_reconnect"), &json!("unauthorized")),
        "{run}"
    );
    assert!(
        run["error"]["message"].as_str().is_some_and(|words| words.contains("consent anew")),
        "{run}"
    );
    let status = env.cli.status().await?;
    let state = |id: &str| {
        status["accounts"]
            .as_array()?
            .iter()
            .find(|account| account["id"] == id)
            .map(|account| account["state"].clone())
    };
    assert_eq!(
        (state(&anna), state(&ben)),
        (Some(json!("needs_reconnect")), Some(json!("ok"))),
        "{status}"
    );
    assert_eq!(env.cli.json(&["pair", "list"]).await?["pairs"][0]["id"], pairs["pairs"][0]["id"]);

    assert_eq!(cli::id(&env.consent(&env.anna, Consent::All).await?.1.done()?)?, anna);
    env.cli.sync().await?;
    assert_eq!(env.cli.json(&["pair", "list"]).await?, pairs, "everything is as it was");
    env.assert_no_harm();
    Ok(())
}

/// In the middle of the writes: what was done is kept, what was not is done after the way back, and
/// nothing twice.
#[tokio::test]
async fn consent_that_is_taken_back_in_the_middle_of_a_run() -> anyhow::Result<()> {
    let env = ConsentEnv::new().await?;
    let [_, ben] = env.paired().await?;
    let tomorrow = env.google.clock().now() + jiff::SignedDuration::from_hours(24);
    for n in 0..30 {
        let (from, to) = (
            tomorrow + jiff::SignedDuration::from_hours(n),
            tomorrow + jiff::SignedDuration::from_hours(n + 1),
        );
        let event = json!({"summary": format!("Event {n}"), "start": {"dateTime": from.to_string()}, "end": {"dateTime": to.to_string()}});
        env.anna.primary().add(event);
    }
    env.google.manners(|manners| manners.latency = Duration::from_millis(20));
    let running = env.cli.start(&["sync", "--json"], "").await?;
    for _ in 0..2_000 {
        if env.ben.primary().len() >= 5 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    env.ben.withdraws_consent();
    let report: Value = serde_json::from_slice(&running.wait_with_output().await?.stdout)?;
    assert_eq!(report["pairs"][0]["state"], "needs_reconnect", "{report}");
    let written = env.ben.primary().len();
    assert!((5..30).contains(&written), "{written}");
    let accounts = env.accounts().await?;
    let state = |id: &str| {
        accounts
            .as_array()?
            .iter()
            .find(|account| account["id"] == id)
            .map(|account| account["state"].clone())
    };
    assert_eq!(state(&ben), Some(json!("needs_reconnect")), "{accounts}");

    assert_eq!(env.adopt(&env.ben).await?, ben);
    env.cli.sync().await?;
    assert_eq!((env.anna.primary().len(), env.ben.primary().len()), (30, 30));
    assert_eq!((env.google.mails(), env.google.propagated()), (0, 0));
    env.assert_no_harm();
    Ok(())
}

#[tokio::test]
async fn a_client_that_google_does_not_know_is_no_users_fault() -> anyhow::Result<()> {
    let env = ConsentEnv::new().await?;
    env.paired().await?;
    let ConsentEnv { google, anna, ben, cli } = env;
    let cli = cli.with("GOOGLE_CLIENT_SECRET", "mistyped");
    let (status, run) = cli.sync_with(&[]).await?;
    assert_eq!(
        (status, &run["state"], &run["error"]["code"]),
        (1, &json!("error"), &json!("settings")),
        "{run}"
    );
    let accounts = cli.json(&["account", "list"]).await?;
    assert!(
        accounts["accounts"].as_array().unwrap().iter().all(|account| account["state"] == "ok"),
        "{accounts}"
    );
    let cli = cli.with("GOOGLE_CLIENT_SECRET", CLIENT_SECRET).with("GOOGLE_CLIENT_ID", "another");
    assert_eq!(
        cli.sync_with(&[]).await?.1["error"]["code"],
        "settings",
        "its grants are another client's"
    );
    let env = ConsentEnv { google, anna, ben, cli: cli.with("GOOGLE_CLIENT_ID", CLIENT_ID) };
    env.cli.sync().await?;
    Ok(())
}

#[tokio::test]
async fn a_removed_account_gives_its_grant_back() -> anyhow::Result<()> {
    let env = ConsentEnv::new().await?;
    let [anna, ben] = env.paired().await?;
    env.cli.json(&["account", "remove", &anna]).await?;
    assert_eq!((env.anna.living_refresh_tokens(), env.ben.living_refresh_tokens()), (0, 1));
    assert_eq!(env.cli.json(&["pair", "list"]).await?, json!({"pairs": []}));
    env.ben.withdraws_consent();
    let answer = env.cli.run(&["account", "remove", &ben, "--json"]).await?;
    assert!(
        answer.done().is_ok() && !answer.stderr.contains("could not be withdrawn"),
        "what is dead already need not be ended: {answer:?}"
    );
    assert_eq!(env.accounts().await?, json!([]));
    env.assert_no_harm();
    Ok(())
}

/// S1: nothing that opens anything is written down, on the terminal, in the log or in storage.
#[tokio::test]
async fn no_token_is_written_down() -> anyhow::Result<()> {
    let mut env = ConsentEnv::new().await?;
    env.cli = env.cli.with("RUST_LOG", "trace");
    let token = env.anna.refresh_token();
    let mut outputs = vec![format!("{:?}", env.with_token(&token).await?)];
    let pending = env.ask().await?;
    let (page, cookie) = pending.open().await?;
    let back = env.ben.consents(&page, Consent::All).await?;
    let code =
        back.query_pairs().find(|(name, _)| name == "code").context("a code")?.1.into_owned();
    visit(&back, &[("cookie", &cookie)]).await?;
    outputs.push(format!("{:?}", pending.end().await?));
    for command in [&["calendars"][..], &["status"], &["doctor"]] {
        outputs.push(format!("{:?}", env.cli.run(command).await?));
    }
    assert!(
        outputs.iter().any(|text| text.contains("DEBUG") || text.contains("TRACE")),
        "the log is at its most talkative"
    );
    for entry in std::fs::read_dir(env.cli.data_dir()).into_iter().flatten() {
        let path = entry?.path();
        if path.is_file() {
            outputs.push(String::from_utf8_lossy(&std::fs::read(path)?).into_owned());
        }
    }
    let encoded = code.replace('/', "%2F");
    for secret in [&*token, &*code, &*encoded, CLIENT_SECRET, "ya29.", "1//0", "1%2F%2F0"] {
        assert!(outputs.iter().all(|text| !text.contains(secret)), "{secret} is written down");
    }
    Ok(())
}

/// No refresh token is replaced in this scenario.
struct NoTokenStore;

#[async_trait]
impl providers::RefreshTokenStore for NoTokenStore {
    async fn replace(&self, _: &SecretString, _: &SecretString) -> bool {
        false
    }

    async fn record_outcome(&self, _: Option<&providers::Error>) {}
}

#[tokio::test]
async fn a_thousand_waiting_jobs_cost_one_refresh() -> anyhow::Result<()> {
    let env = ConsentEnv::new().await?;
    let settings = env.google.settings();
    let url = |name: &str| {
        settings
            .iter()
            .find(|(known, _)| *known == name)
            .and_then(|(_, value)| Url::parse(value).ok())
            .context("an address")
    };
    let settings = oauth::OAuthSettings {
        client_id: CLIENT_ID.into(),
        client_secret: CLIENT_SECRET.into(),
        auth_url: url("GOOGLE_AUTH_URL")?,
        token_url: url("GOOGLE_TOKEN_URL")?,
        revoke_url: url("GOOGLE_REVOKE_URL")?,
    };
    let http = Arc::new(Http::new(AddressPolicy { allow_private: true })?);
    let grants = oauth::Grants::new(Arc::new(oauth::Client::new(&http, settings)));
    let token: SecretString = env.anna.refresh_token().into();
    let crowd = || {
        let one = |_| {
            let grant = grants.open(ANNA, &token, Arc::new(NoTokenStore));
            async move { grant.access_token().await }
        };
        futures::future::join_all((0..1000).map(one))
    };
    let before = env.google.refreshes();
    assert!(crowd().await.iter().all(Result::is_ok));
    assert!(crowd().await.iter().all(Result::is_ok));
    assert_eq!(env.google.refreshes() - before, 1);
    // Google revokes the token early: all refused callers together cause one refresh.
    let stale = grants.open(ANNA, &token, Arc::new(NoTokenStore)).access_token().await?;
    for _ in 0..1000 {
        grants.open(ANNA, &token, Arc::new(NoTokenStore)).invalidate(&stale);
    }
    assert!(crowd().await.iter().all(Result::is_ok));
    assert_eq!(env.google.refreshes() - before, 2);
    Ok(())
}
