//! Helpers of the scenarios by the command line: events by their titles, and calendars at rest.

use anyhow::{Context as _, ensure};
use serde_json::Value;
use simulators::agenda::Entry;
use simulators::caldav::{Calendar, Manners};

use super::builder::Builder;
use super::cli::{Cli, counts};
use super::cli_env::CliEnv;
use super::events::many;
use super::rows::hours_pass;

/// Three further passes of each program change nothing in any of these calendars.
pub async fn check_unchanged(clis: &[&Cli], calendars: &[&Calendar]) -> anyhow::Result<()> {
    let tags = || calendars.iter().map(|calendar| calendar.ctag()).collect::<Vec<_>>();
    let before = tags();
    for pass in 1..=3 {
        for cli in clis {
            for run in cli.sync_all(&[]).await? {
                ensure!(counts(&run)[..3] == [0; 3], "pass {pass} writes: {run}");
            }
        }
    }
    ensure!(tags() == before, "a calendar was written to");
    Ok(())
}

/// As [`check_unchanged`]; also, no attendee was mailed.
pub async fn check_at_rest(env: &CliEnv) -> anyhow::Result<()> {
    env.reset_counts();
    check_unchanged(&[&env.cli], &[&env.people[0], &env.people[1]]).await?;
    ensure!(env.writes() == [0, 0], "{:?}", env.writes());
    env.assert_no_harm();
    Ok(())
}

/// Anna has so many events; the calendars are paired, and no pass was made.
pub async fn filled(
    manners: Manners,
    events: usize,
    terms: &[&str],
) -> anyhow::Result<(CliEnv, String)> {
    let env = Builder::caldav(manners).build_cli().await?;
    for (name, object) in many(events) {
        env.people[0].put(&name, &object);
    }
    let pair = env.pair(terms).await?;
    Ok((env, pair))
}

/// As [`filled`], after the first pass, which has copied all events.
pub async fn copied(events: usize, terms: &[&str]) -> anyhow::Result<(CliEnv, String)> {
    let (env, pair) = filled(Manners::generic(), events, terms).await?;
    let run = env.cli.sync().await?;
    ensure!(counts(&run) == [events as u64, 0, 0, 0], "{run}");
    Ok((env, pair))
}

/// The first pass and those of the night after it: a whole listing, and the second look at
/// deletions that were held.
pub async fn pass_a_night(env: &CliEnv) -> anyhow::Result<()> {
    for hours in [0, 1, 24, 1, 24] {
        hours_pass(&env.cli, hours).await?;
        let run = env.cli.sync().await?;
        ensure!(run["deleted"] == 0, "{run}");
    }
    Ok(())
}

/// The titles in a calendar, sorted.
pub fn titles(calendar: &Calendar) -> Vec<String> {
    let mut titles: Vec<String> = calendar.agenda().iter().map(Entry::summary).collect();
    titles.sort();
    titles
}

/// `Event 0`, `Event 1`… without these.
pub fn all_but(count: usize, missing: &[usize]) -> Vec<String> {
    let mut titles: Vec<String> =
        (0..count).filter(|n| !missing.contains(n)).map(|n| format!("Event {n}")).collect();
    titles.sort();
    titles
}

/// The name of the object with this title.
pub fn named(calendar: &Calendar, title: &str) -> anyhow::Result<String> {
    let agenda = calendar.agenda();
    let entry = agenda
        .iter()
        .find(|entry| entry.summary() == title)
        .with_context(|| format!("no {title} in {:?}", titles(calendar)))?;
    Ok(entry.name.clone())
}

/// Gives an event another title.
pub fn rename(calendar: &Calendar, title: &str, new: &str) -> anyhow::Result<()> {
    let name = named(calendar, title)?;
    ensure!(calendar.edit(&name, |ics| {
        ics.replace(&format!("SUMMARY:{title}\r\n"), &format!("SUMMARY:{new}\r\n"))
    }));
    Ok(())
}

/// Deletes the event with this title.
pub fn delete(calendar: &Calendar, title: &str) -> anyhow::Result<()> {
    ensure!(calendar.delete(&named(calendar, title)?));
    Ok(())
}

/// The events that a pass has skipped for this reason, by the last part of their ids, sorted.
pub fn skipped(run: &Value, reason: &str) -> Vec<String> {
    let actions = run["actions"].as_array().into_iter().flatten();
    let skipped = actions.filter(|action| action["action"] == "skip" && action["reason"] == reason);
    let mut names: Vec<String> =
        skipped.map(|action| last_part(action["event"].as_str().unwrap_or_default())).collect();
    names.sort();
    names
}

fn last_part(event: &str) -> String {
    event.rsplit('/').next().unwrap_or_default().to_owned()
}

/// What `status` says of a pair.
pub async fn status_of(cli: &Cli, pair: &str) -> anyhow::Result<Value> {
    let status = cli.status().await?;
    let pairs = status["pairs"].as_array().context("pairs")?;
    pairs
        .iter()
        .find(|row| row["id"] == pair)
        .cloned()
        .with_context(|| format!("no {pair} in {status}"))
}

/// The reason why an event has no copy; checks that there is a message too.
pub async fn explained(cli: &Cli, pair: &str, event: &str) -> anyhow::Result<Value> {
    let explained = cli.explain(pair, event).await?;
    ensure!(
        explained["message"].as_str().is_some_and(|words| words.ends_with(['.', ')'])),
        "{explained}"
    );
    Ok(explained["reason"].clone())
}

/// The names of events that the status names for a pair.
pub async fn problems(env: &CliEnv) -> anyhow::Result<Vec<String>> {
    let status = env.cli.status().await?;
    let named = status["pairs"][0]["problem_events"].as_array().cloned().unwrap_or_default();
    assert_eq!(status["pairs"][0]["problems"], named.len(), "{status}");
    Ok(named
        .iter()
        .map(|problem| problem["event"].as_str().unwrap_or_default().to_owned())
        .collect())
}
