//! `calrelay status`: the state of accounts and pairs, from storage; providers are not asked.

use std::fmt::Write;

use jobs::Scope;
use jobs::report::PairState;
use jobs::watches::WatchState;
use records::problem::PairStatus;

use super::account;
use super::outcome::{CommandOutcome, Result};
use super::output::{ago, one_line, table};
use super::words::{by_another_words, held_words, state};
use crate::config::Config;
use crate::terminal::Output;

/// Runs the command.
pub async fn run(scope: &Scope, config: &Config, output: &Output) -> Result {
    let status = jobs::status(scope, config.poll.as_secs()).await?;
    output.answer(&status, || {
        format!(
            "{}\n{}{}",
            account::words(&status.accounts),
            words(&status.pairs),
            watches(&status.watches)
        )
    })?;
    Ok(CommandOutcome::Done)
}

/// Only watches with a problem.
fn watches(watches: &[WatchState]) -> String {
    let mut text = String::new();
    for watch in watches {
        if let Some(error) = &watch.error {
            let _ = writeln!(text, "{}: {}", watch.calendar, error.message);
        }
    }
    text
}

/// The words about a pass of many events.
fn remaining_words(left: u64) -> String {
    format!(
        "A large sync is under way: {left} events remain. It continues by itself; nothing needs \
        to be done."
    )
}

fn words(pairs: &[PairState]) -> String {
    let rows: Vec<[String; 5]> = pairs
        .iter()
        .map(|pair| {
            let last = pair.lag_seconds.map_or("never".to_owned(), ago);
            let next = pair
                .next_sync
                .map(|at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
                .unwrap_or_default();
            [pair.id.to_string(), state(pair.state).to_owned(), last, next, pair.copies.to_string()]
        })
        .collect();
    let mut text = table(
        ["pair", "state", "last sync", "next sync", "copies"],
        &rows,
        "There are no pairs. Set one up with `calrelay pair add`.",
    );
    for pair in pairs {
        if let Some(held) = &pair.held {
            let _ = writeln!(text, "{}: {}", pair.id, held_words(held, &pair.id));
        }
        if pair.copied_by_another > 0 {
            let _ = writeln!(
                text,
                "{}: {}",
                pair.id,
                by_another_words(pair.copied_by_another, &pair.id)
            );
        }
        if let Some(error) = &pair.error {
            let _ = writeln!(text, "{}: {}", pair.id, error.message);
        }
        if let Some(left) =
            pair.remaining.filter(|_| matches!(pair.state, PairStatus::Ok | PairStatus::Held))
        {
            let _ = writeln!(text, "{}: {}", pair.id, remaining_words(left));
        }
        for problem in &pair.problem_events {
            // Names of events come from other people and may hold any characters.
            let _ = writeln!(
                text,
                "{}: {} in {}: {}",
                pair.id,
                one_line(&problem.event),
                problem.calendar,
                one_line(&problem.in_words())
            );
        }
        let more = pair.problems.saturating_sub(pair.problem_events.len() as u64);
        if more > 0 {
            let _ = writeln!(text, "{}: {more} more events could not be copied.", pair.id);
        }
    }
    text
}
