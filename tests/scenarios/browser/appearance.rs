//! The pages are legible in light and dark mode, on a desktop and on a phone, and for screen
//! readers.

use anyhow::Context as _;
use simulators::browser::Window;

use super::browser_env::{BrowserEnv, Deployment, EVENTS, consent};
use crate::support::pictures::is_legible;

/// Looks at the page in every way.
async fn look_at(window: &Window, name: &str, way: &str) -> anyhow::Result<()> {
    is_legible(window, name).await?;
    let read = window.read_out().await?;
    for role in ["banner", "main", "heading"] {
        assert_eq!(
            read.iter().filter(|line| line.split(' ').next() == Some(role)).count(),
            1,
            "{name}: {role}: {read:?}"
        );
    }
    assert_eq!(window.ask("document.documentElement.lang").await?, "en");
    // A user of the keyboard sees which element has the focus.
    if !way.is_empty() {
        window.press("Tab").await?;
        assert_eq!(window.ask("document.activeElement.textContent").await?, way, "{name}");
        let seen = window.ask("getComputedStyle(document.activeElement).outlineStyle").await?;
        assert_eq!(seen, "solid", "{name}: the focus is not seen");
        let tall = window.ask("document.activeElement.getBoundingClientRect().height").await?;
        assert!(
            tall.as_f64().context("a height")? >= 44.0,
            "{name}: too small for a finger: {tall}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_pages_are_legible_in_every_look() -> anyhow::Result<()> {
    let env = BrowserEnv::public(Deployment::Proxy).await?;
    let window = env.browser.window().await?;
    window.open(env.url.as_str()).await?;
    look_at(&window, "home", "Open Calrelay").await?;
    window.open(env.url.join("/oauth/google/start")?.as_str()).await?;
    look_at(&window, "no-link", "").await?;
    window.open(&env.link().await?).await?;
    look_at(&window, "link", "Continue to Google").await?;
    window.follow("button", "Continue to Google").await?;
    consent(&window, &[EVENTS]).await?;
    look_at(&window, "empty-box", "Try again").await?;
    window.open(env.url.join("/oauth/google/callback?code=x")?.as_str()).await?;
    look_at(&window, "not-ours", "Try again").await?;
    window.open(env.url.join("/oauth/google/callback?done")?.as_str()).await?;
    look_at(&window, "done", "").await?;
    env.assert_proper(&window);

    let env = BrowserEnv::machine().await?;
    let window = env.browser.window().await?;
    window.open(env.url.as_str()).await?;
    look_at(&window, "own-home", "Open Calrelay").await?;
    window.open(env.url.join("/oauth/google/callback?done")?.as_str()).await?;
    look_at(&window, "own-done", "").await?;
    env.assert_proper(&window);
    Ok(())
}
