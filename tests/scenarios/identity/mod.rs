//! Identity: an account, a calendar, an event and a copy are recognised wherever they are seen.
//! Each scenario ends with three passes that write nothing.

mod addresses;
mod base_paths;
mod cleanup;
mod duplicates;
mod emptied_calendar;
mod exchanged_names;
mod google;
mod installations;
mod left_copies;
mod marks;
mod moved_events;
mod names;
mod own_uids;
mod races;
mod real_servers;
mod recreated_calendar;
mod recreated_events;
mod same_calendar;
mod stale_replicas;
mod takeover;
mod unlisted_copies;
mod unreadable_events;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use simulators::agenda::Entry;
use simulators::caldav::{Calendar, Manners};

use crate::support::cli::{Cli, counts};
use crate::support::cli_env::Village;
use crate::support::events::many;
use crate::support::rows::hours_pass;

/// Three further passes of each program change nothing in any of these calendars.
pub async fn at_rest(clis: &[&Cli], calendars: &[&Calendar]) -> anyhow::Result<()> {
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

/// The same for a village, where no guest was mailed either.
pub async fn village_at_rest(village: &Village) -> anyhow::Result<()> {
    village.reset_counts();
    at_rest(&[&village.cli], &[&village.people[0], &village.people[1]]).await?;
    ensure!(village.writes() == [0, 0], "{:?}", village.writes());
    village.assert_nobody_was_harmed();
    Ok(())
}

/// A village in which Anna has so many events, paired in this way, before the first pass.
pub async fn furnished(
    manners: Manners,
    events: usize,
    terms: &[&str],
) -> anyhow::Result<(Village, String)> {
    let village = Village::new(manners).await?;
    for (name, object) in many(events) {
        village.people[0].put(&name, &object);
    }
    let pair = village.pair(terms).await?;
    Ok((village, pair))
}

/// The same after the first pass, which has copied all of them.
pub async fn copied(events: usize, terms: &[&str]) -> anyhow::Result<(Village, String)> {
    let (village, pair) = furnished(Manners::generic(), events, terms).await?;
    let run = village.cli.sync().await?;
    ensure!(counts(&run) == [events as u64, 0, 0, 0], "{run}");
    Ok((village, pair))
}

/// The first pass, and the night after it with all that a night does: a whole listing, and the
/// second look of what was held.
pub async fn a_night(village: &Village) -> anyhow::Result<()> {
    for hours in [0, 1, 24, 1, 24] {
        hours_pass(&village.cli, hours).await?;
        let run = village.cli.sync().await?;
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

/// `Event 0`, `Event 1`… but for these.
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

/// The events that a pass has left alone for this reason, by the last part of their ids, sorted.
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

/// Why an event has no copy, and that it is said in words.
pub async fn explained(cli: &Cli, pair: &str, event: &str) -> anyhow::Result<Value> {
    let told = cli.explain(pair, event).await?;
    ensure!(told["message"].as_str().is_some_and(|words| words.ends_with(['.', ')'])), "{told}");
    Ok(told["reason"].clone())
}
