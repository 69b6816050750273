//! Sign-in at an independent implementation, so that the simulator and the client cannot share a
//! mistake.

use std::sync::Arc;

use anyhow::Context as _;
use providers::Error;
use providers::google::oauth::{Client, OAuthSettings, SCOPES};
use providers::http::{AddressPolicy, Http};
use secrecy::SecretString;
use simulators::browser::Browser;
use simulators::client;
use simulators::emulate::Emulate;
use simulators::port::Port;
use url::Url;

use super::browser_env::ANNA;
use crate::support::cli::{self, Cli};
use crate::support::running::Running;

#[tokio::test]
async fn another_google_takes_our_questions_and_our_answers() -> anyhow::Result<()> {
    let held = Port::take()?;
    let redirect = format!("http://127.0.0.1:{}/oauth/google/callback", held.number());
    let google = Emulate::start(ANNA, &redirect).await?;
    let cli =
        google.settings().iter().fold(Cli::new()?, |cli, (name, value)| cli.with(name, value));
    let running = Running::start_at(&cli, held.number()).await?;
    let browser = Browser::start(&[]).await?;
    let window = browser.window().await?;

    // The whole way: asked, answered, redeemed; and whose it is, by the list of calendars.
    window.open(running.url.as_str()).await?;
    assert_eq!(window.follow("link", "Connect a Google account").await?, 200);
    assert!(window.address().await?.starts_with(google.url().as_str()));
    let read = window.read_out().await?;
    let anna = read
        .iter()
        .find_map(|line| line.strip_prefix("button ").filter(|name| name.contains(ANNA)));
    assert_eq!(window.follow("button", anna.context("Anna is not among the users")?).await?, 200);
    assert!(window.text().await?.contains("Your account is connected"));

    // Refreshed by another process, which has the refresh token alone.
    let accounts = cli.json(&["account", "list"]).await?;
    assert_eq!(accounts["accounts"][0]["name"], ANNA);
    let account = cli::id(&accounts["accounts"][0])?;
    assert_eq!(
        cli.json(&["calendars", "--account", &account]).await?["calendars"][0]["name"],
        ANNA
    );

    // Given back: what was stored opens nothing any more.
    cli.json(&["account", "remove", &account]).await?;
    assert_eq!(cli.json(&["account", "list"]).await?["accounts"].as_array().map(Vec::len), Some(0));
    Ok(())
}

#[tokio::test]
async fn another_google_holds_us_to_pkce() -> anyhow::Result<()> {
    let redirect = Url::parse("http://127.0.0.1:9/oauth/google/callback")?;
    let google = Emulate::start(ANNA, redirect.as_str()).await?;
    let settings = google.settings();
    let at = |name: &str| {
        settings
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value.clone())
            .context("a setting")
    };
    let settings = OAuthSettings {
        client_id: at("GOOGLE_CLIENT_ID")?,
        client_secret: at("GOOGLE_CLIENT_SECRET")?.into(),
        auth_url: at("GOOGLE_AUTH_URL")?.parse()?,
        token_url: at("GOOGLE_TOKEN_URL")?.parse()?,
        revoke_url: at("GOOGLE_REVOKE_URL")?.parse()?,
    };
    let client =
        Client::new(&Arc::new(Http::new(AddressPolicy { allow_private: true })?), settings);
    let (ours, other) = (
        client.authorize(&redirect, "state-of-ours-1")?,
        client.authorize(&redirect, "state-of-another")?,
    );

    let code = answered(&google, &ours.url).await?;
    let wrong = client.exchange(&redirect, &code, &other.verifier).await;
    assert!(matches!(wrong, Err(Error::Consent(_))), "another verifier redeems nothing");
    let granted = client.exchange(&redirect, &code, &ours.verifier).await?;
    assert!(
        matches!(client.exchange(&redirect, &code, &ours.verifier).await, Err(Error::Consent(_))),
        "a code is redeemed once"
    );
    client.adopt(&granted.refresh).await?;
    client.revoke(&granted.refresh).await?;
    assert!(matches!(client.adopt(&granted.refresh).await, Err(Error::Unauthorized)), "it is dead");
    Ok(())
}

/// Answers the page as its form would; the code.
async fn answered(google: &Emulate, asked: &Url) -> anyhow::Result<SecretString> {
    let page = client::Client::new(google.url()).send("GET", asked.as_str(), &[], "").await?;
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(SCOPES.iter().all(|scope| page.text().contains(scope)));
    let browser = Browser::start(&[]).await?;
    let window = browser.window().await?;
    window.open(asked.as_str()).await?;
    // No server listens at the redirect address, so the test sends the request itself.
    let sent = window
        .ask(
            "new URLSearchParams(new FormData(document.forms[document.forms.length \
    - 1])).toString()",
        )
        .await?;
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let sent = sent.as_str().context("a form")?.to_owned();
    let back = client::Client::new(google.url())
        .send("POST", "/o/oauth2/v2/auth/callback", &form, sent)
        .await?;
    let back = Url::parse(back.header("location"))?;
    let code =
        back.query_pairs().find(|(name, _)| name == "code").context("a code")?.1.into_owned();
    Ok(code.into())
}
