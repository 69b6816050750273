//! Accounts connected, connected again and disconnected on the pages.

use anyhow::{Context as _, ensure};
use simulators::browser::Window;
use simulators::faults::{Fault, On};
use simulators::servers::Server;

use super::browser_env::{ANNA, BrowserEnv, Deployment, EVENTS, LIST, consent};
use crate::support::pictures::is_legible;

const BEN: &str = "ben@example.org";
const GOOGLE: &str = "Google Calendar";
const ON: &str = "Continue to Google";

async fn heading(window: &Window) -> anyhow::Result<String> {
    let text = window.ask("document.querySelector('h1').textContent").await?;
    Ok(text.as_str().unwrap_or_default().to_owned())
}

/// Chooses an account on Google's page, and ticks both boxes.
async fn consent_as(window: &Window, who: &str) -> anyhow::Result<u16> {
    window.ask(&format!("document.querySelector('select').value = '{who}'")).await?;
    consent(window, &[LIST, EVENTS]).await
}

/// From the first page to an account, with each refusal on the way.
async fn connect_google(env: &BrowserEnv, window: &Window) -> anyhow::Result<()> {
    env.anna.calendar("Work");
    ensure!(window.follow("link", GOOGLE).await? == 200);
    ensure!(heading(window).await? == "Connect Google Calendar");
    is_legible(window, "connect-google").await?;
    ensure!(window.follow("button", ON).await? == 200);
    ensure!(consent(window, &[EVENTS]).await? == 403);
    ensure!(heading(window).await? == "Google allowed too little", "{}", heading(window).await?);
    is_legible(window, "too-little").await?;
    ensure!(window.follow("button", "Try again").await? == 200);
    ensure!(window.follow("button", "Cancel").await? == 403);
    ensure!(heading(window).await? == "You did not agree", "{}", heading(window).await?);
    ensure!(window.follow("button", "Try again").await? == 200);
    ensure!(consent(window, &[LIST, EVENTS]).await? == 200);
    ensure!(heading(window).await? == ANNA, "{}", heading(window).await?);
    let address = window.address().await?;
    ensure!(address.starts_with(env.url.join("app/accounts/")?.as_str()), "{address}");
    let text = window.text().await?;
    ensure!(text.contains("The account is connected.") && text.contains("Work"), "{text}");
    ensure!(!text.contains("no calendar"), "{text}");
    ensure!(env.accounts().await?.len() == 1);
    Ok(())
}

/// A listing that fails after a consent that went well is never an empty choice of calendars.
#[tokio::test]
async fn calendars_that_cannot_be_listed_are_said_to_be_so() -> anyhow::Result<()> {
    let env = BrowserEnv::machine().await?;
    let window = env.browser.window().await?;
    window.open(env.url.join("app/accounts/new/google")?.as_str()).await?;
    ensure!(window.follow("button", ON).await? == 200);
    // The first question is whose account it is.
    env.google.faults().after(1, 50, On::any().at("calendarList"), Fault::Status(500));
    ensure!(consent(&window, &[LIST, EVENTS]).await? == 502, "{}", window.text().await?);
    ensure!(heading(&window).await? == "Your calendars could not be listed");
    ensure!(window.text().await?.contains("Nothing was connected."));
    ensure!(env.accounts().await?.is_empty());
    env.google.faults().clear();
    ensure!(window.follow("button", "Try again").await? == 200);
    ensure!(consent(&window, &[LIST, EVENTS]).await? == 200);
    ensure!(heading(&window).await? == ANNA);
    Ok(())
}

#[tokio::test]
async fn google_is_connected_on_the_pages_of_the_machine() -> anyhow::Result<()> {
    let env = BrowserEnv::machine().await?;
    env.google.account(BEN);
    let window = env.browser.window().await?;
    window.open(env.url.join("app/pairs")?.as_str()).await?;
    connect_google(&env, &window).await?;
    is_legible(&window, "account").await?;
    ensure!(window.follow("button", "Look for new calendars").await? == 200);
    ensure!(window.text().await?.contains("The calendars were listed just now."));

    // Another account comes back: nothing is changed, and it may become one of its own.
    ensure!(window.follow("button", "Connect again").await? == 200);
    ensure!(consent_as(&window, BEN).await? == 403);
    ensure!(heading(&window).await? == "That was another account");
    let text = window.text().await?;
    ensure!(text.contains(&format!("You chose {BEN}; this is {ANNA}.")), "{text}");
    is_legible(&window, "another-account").await?;
    ensure!(env.accounts().await?.len() == 1);
    ensure!(window.follow("button", "Try again").await? == 200);
    ensure!(consent_as(&window, ANNA).await? == 200);
    ensure!(window.text().await?.contains("connected again"), "{}", window.text().await?);
    ensure!(window.follow("button", "Connect again").await? == 200);
    ensure!(consent_as(&window, BEN).await? == 403);
    ensure!(window.follow("button", &format!("Connect {BEN} as a new account")).await? == 200);
    ensure!(consent_as(&window, BEN).await? == 200);
    ensure!(heading(&window).await? == BEN && env.accounts().await?.len() == 2);

    ensure!(window.follow("link", "Disconnect").await? == 200);
    ensure!(heading(&window).await? == format!("Disconnect {BEN}?"));
    is_legible(&window, "disconnect").await?;
    ensure!(window.follow("button", "Disconnect").await? == 200);
    ensure!(heading(&window).await? == "Accounts");
    let text = window.text().await?;
    ensure!(text.contains("The account is disconnected.") && !text.contains(BEN), "{text}");
    ensure!(window.follow("link", ANNA).await? == 200);
    env.assert_proper(&window);
    Ok(())
}

#[tokio::test]
async fn google_is_connected_behind_the_functions_host() -> anyhow::Result<()> {
    let env = BrowserEnv::public(Deployment::FunctionsHost).await?;
    let window = env.browser.window().await?;
    let link = env.cli.json(&["sign-in"]).await?["link"].as_str().context("a link")?.to_owned();
    ensure!(window.open(&link).await? == 200);
    connect_google(&env, &window).await?;
    env.assert_proper(&window);
    Ok(())
}

#[tokio::test]
async fn a_calendar_server_is_connected_with_a_password() -> anyhow::Result<()> {
    let env = BrowserEnv::machine().await?;
    let server = Server::radicale(&[("anna", "correct horse")]).await?;
    let window = env.browser.window().await?;
    window.open(env.url.join("app/accounts/new")?.as_str()).await?;
    is_legible(&window, "connect").await?;
    ensure!(window.text().await?.contains("This Calrelay is not registered with Microsoft"));
    ensure!(window.click("link", "Microsoft 365").await.is_err(), "it is text");
    ensure!(window.follow("link", "Another calendar server").await? == 200);
    ensure!(window.follow("button", "Connect").await? == 422);
    is_legible(&window, "caldav-refused").await?;
    window.fill("Server address", server.url().as_str()).await?;
    window.fill("User name", "anna").await?;
    let password = "document.querySelector('input[type=password]')";
    for (secret, status) in [("wrong", 422), ("correct horse", 200)] {
        window.ask(&format!("{password}.value = '{secret}'")).await?;
        ensure!(window.follow("button", "Connect").await? == status, "{secret}");
        if status == 422 {
            let text = window.text().await?;
            ensure!(text.contains("Error: The server refused this user name and password."));
            ensure!(window.ask(&format!("{password}.value")).await? == "");
            let user = window.ask("document.getElementById('user').value").await?;
            ensure!(user == "anna", "what was filled in is kept: {user}");
        }
    }
    ensure!(heading(&window).await?.starts_with("anna on "));

    // A new password.
    ensure!(window.follow("button", "Connect again").await? == 200);
    ensure!(heading(&window).await?.starts_with("Connect anna on "));
    window.ask(&format!("{password}.value = 'correct horse'")).await?;
    ensure!(window.follow("button", "Connect again").await? == 200);
    ensure!(window.text().await?.contains("connected again"));
    ensure!(env.accounts().await?.len() == 1);
    Ok(())
}

#[tokio::test]
async fn the_main_password_of_apple_is_not_sent() -> anyhow::Result<()> {
    let env = BrowserEnv::machine().await?;
    let window = env.browser.window().await?;
    window.open(env.url.join("app/accounts/new/icloud")?.as_str()).await?;
    is_legible(&window, "icloud").await?;
    window.fill("Apple ID", "anna@icloud.example").await?;
    window.ask("document.querySelector('input[type=password]').value = 'Summer2026!'").await?;
    ensure!(window.follow("button", "Connect").await? == 422);
    let text = window.text().await?;
    ensure!(text.contains("This looks like the password of the Apple Account itself."), "{text}");
    ensure!(!text.contains("Summer"), "{text}");
    Ok(())
}
