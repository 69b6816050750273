//! The pages of a pair: how it stands, and the events of a day.

use anyhow::{Context as _, ensure};
use simulators::browser::{Browser, Window};
use simulators::caldav::Manners;
use url::Url;

use crate::support::builder::Builder;
use crate::support::cli::ONE_WAY;
use crate::support::events::{day, hour};
use crate::support::pictures::is_legible;
use crate::support::running::Running;

async fn heading(window: &Window) -> anyhow::Result<String> {
    let text = window.ask("document.querySelector('h1').textContent").await?;
    Ok(text.as_str().unwrap_or_default().to_owned())
}

/// Titles are on the page of the day, for the person who reads it, and in nothing that is stored.
#[tokio::test]
async fn a_pair_and_the_events_of_a_day_are_shown() -> anyhow::Result<()> {
    let (env, pair) = Builder::caldav(Manners::generic()).build_cli_paired(ONE_WAY).await?;
    env.people[0].put("lunch.ics", &hour("lunch", 3, 12, "Lunch with <b>Zoe</b>"));
    env.cli.sync().await?;
    env.people[0].put("late.ics", &hour("late", 3, 20, "Late"));
    let running = Running::start(&env.cli).await?;
    let port = running.url.port().context("a port")?;
    let url = Url::parse(&format!("http://localhost:{port}/"))?;
    let browser = Browser::start(&[]).await?;
    let window = browser.window().await?;
    ensure!(window.open(url.join(&format!("app/pairs/{pair}"))?.as_str()).await? == 200);
    let text = window.text().await?;
    ensure!(text.contains("In step") && text.contains("How quick"), "{text}");
    is_legible(&window, "pair").await?;
    ensure!(window.follow("link", "Why is an event not there?").await? == 200);
    let at = day(3);
    let at = format!("{}-{}-{}", &at[..4], &at[4..6], &at[6..]);
    window.ask(&format!("document.getElementById('day').value = '{at}'")).await?;
    ensure!(window.follow("button", "Show that day").await? == 200);
    let text = window.text().await?;
    ensure!(text.contains("Lunch with <b>Zoe</b>") && text.contains("Copied"), "{text}");
    is_legible(&window, "pair-day").await?;
    ensure!(!window.address().await?.contains("Zoe"));
    window.back().await?;
    window.back().await?;
    ensure!(window.follow("button", "Pause").await? == 200);
    ensure!(window.text().await?.contains("The pair is paused."));
    ensure!(window.follow("button", "Resume").await? == 200);
    ensure!(window.follow("link", "Conflicts").await? == 200);
    is_legible(&window, "pair-conflicts").await?;
    window.back().await?;
    ensure!(window.follow("link", "End this pair").await? == 200);
    is_legible(&window, "pair-end").await?;
    ensure!(window.follow("button", "End the pair").await? == 200);
    ensure!(heading(&window).await? == "Pairs");
    ensure!(window.text().await?.contains("The pair is ended."));
    ensure!(window.complaints().is_empty(), "{:?}", window.complaints());
    ensure!(env.people[0].objects().len() == 2, "copies and originals stay");
    Ok(())
}
