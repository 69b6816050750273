//! The pages of the program: looked at, signed in to, and used to make an access token.

use anyhow::{Context as _, ensure};
use simulators::browser::Window;
use simulators::client::Client;

use super::browser_env::{BrowserEnv, Deployment};
use crate::support::pictures::is_legible;

const PAGES: [(&str, &str); 4] = [
    ("app/pairs", "Welcome to Calrelay"),
    ("app/accounts", "Accounts"),
    ("app/settings", "Settings"),
    ("app/settings/tokens", "Access tokens"),
];

/// One heading, one of each landmark, and a title that is made of the heading.
async fn is_well_formed(window: &Window, heading: &str) -> anyhow::Result<()> {
    let read = window.read_out().await?;
    for part in ["banner ", "main ", "navigation Main", &format!("heading {heading}")] {
        let count = read.iter().filter(|line| line.starts_with(part)).count();
        ensure!(count == 1, "{heading}: {count} of {part}: {read:?}");
    }
    let title = window.ask("document.title").await?;
    ensure!(title == format!("{heading} - Calrelay"), "{title}");
    let first = "document.querySelector('a').textContent";
    ensure!(window.ask(first).await? == "Skip to content");
    Ok(())
}

#[tokio::test]
async fn the_pages_of_the_machine_are_open_to_its_user() -> anyhow::Result<()> {
    let env = BrowserEnv::machine().await?;
    let window = env.browser.window().await?;
    window.open(env.url.as_str()).await?;
    ensure!(window.follow("link", "Open Calrelay").await? == 200);
    for (path, heading) in PAGES {
        ensure!(window.open(env.url.join(path)?.as_str()).await? == 200, "{path}");
        is_well_formed(&window, heading).await?;
        is_legible(&window, &path.replace('/', "-")).await?;
    }
    ensure!(window.open(env.url.join("app/nowhere")?.as_str()).await? == 404);
    is_well_formed(&window, "There is nothing here").await?;
    let complaints = window.complaints();
    let only_missing = complaints.iter().all(|said| said.contains("404"));
    ensure!(only_missing, "{complaints:?}");
    Ok(())
}

#[tokio::test]
async fn a_token_is_made_in_a_browser_and_used_by_a_program() -> anyhow::Result<()> {
    let env = BrowserEnv::machine().await?;
    let window = env.browser.window().await?;
    window.open(env.url.join("app/settings")?.as_str()).await?;
    ensure!(window.follow("link", "Access tokens").await? == 200);
    // Nothing is filled in: the form comes back, and says what is missing.
    ensure!(window.follow("button", "Make a token").await? == 422);
    ensure!(window.text().await?.contains("Error: Give the token a name"));
    window.click("link", "Give the token a name of 1 to 100 characters.").await?;
    is_legible(&window, "token-refused").await?;
    window.fill("Name", "backup script").await?;
    window.click("checkbox", "Sync").await?;
    ensure!(window.follow("button", "Make a token").await? == 200);
    is_legible(&window, "token-made").await?;
    let token = window.ask("document.getElementById('new-token').value").await?;
    let bearer = format!("Bearer {}", token.as_str().context("a token")?);
    let client = Client::new(&env.url);
    let me = client.send("GET", "/api/v1/me", &[("authorization", &bearer)], "").await?;
    let me: serde_json::Value = serde_json::from_slice(&me.body)?;
    ensure!(me["scopes"] == serde_json::json!(["read", "sync"]), "{me}");
    ensure!(window.follow("button", "Remove backup script").await? == 200);
    ensure!(window.text().await?.contains("The token is removed."));
    let refused = client.send("GET", "/api/v1/me", &[("authorization", &bearer)], "").await?;
    ensure!(refused.status == 401, "{}", refused.status);
    let trail = env.cli.json(&["audit"]).await?.to_string();
    ensure!(trail.contains("token.add") && trail.contains("token.remove"), "{trail}");
    ensure!(!trail.contains("calrelay_"), "{trail}");
    Ok(())
}

/// A link signs one browser in; without it the pages say how, and the API takes a token.
async fn sign_in_behind(deployment: Deployment) -> anyhow::Result<()> {
    let env = BrowserEnv::public(deployment).await?;
    let window = env.browser.window().await?;
    ensure!(window.open(env.url.join("app/pairs")?.as_str()).await? == 403);
    ensure!(window.text().await?.contains("calrelay sign-in"), "{}", window.text().await?);
    let link = env.cli.json(&["sign-in"]).await?["link"].as_str().context("a link")?.to_owned();
    ensure!(window.open(&link).await? == 200, "{}", window.text().await?);
    is_well_formed(&window, "Welcome to Calrelay").await?;
    ensure!(!window.address().await?.contains("ticket"), "{}", window.address().await?);
    let cookies = window.cookies().await?;
    ensure!(cookies.len() == 1 && cookies[0]["name"] == "__Host-session", "{cookies:?}");
    ensure!(cookies[0]["httpOnly"] == true && cookies[0]["secure"] == true, "{cookies:?}");
    let other = env.browser.window().await?;
    ensure!(other.open(&link).await? == 410, "the link was used");
    ensure!(window.open(env.url.join("app/settings")?.as_str()).await? == 200);
    ensure!(window.follow("button", "Sign out").await? == 200);
    ensure!(window.open(env.url.join("app/pairs")?.as_str()).await? == 403);
    Ok(())
}

#[tokio::test]
async fn a_link_signs_one_browser_in_behind_a_proxy() -> anyhow::Result<()> {
    sign_in_behind(Deployment::Proxy).await
}

#[tokio::test]
async fn a_link_signs_one_browser_in_behind_the_functions_host() -> anyhow::Result<()> {
    sign_in_behind(Deployment::FunctionsHost).await
}
