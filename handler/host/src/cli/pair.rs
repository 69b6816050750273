//! `calrelay pair`: set up, list, pause, resume, end.

use std::io::IsTerminal;

use clap::{Args, Subcommand};
use engine::calendar::{CalendarId, PairId};
use engine::pair::{Pair, Reach};
use jobs::Scope;
use jobs::pairs::NewPair;
use jobs::report::Report;
use records::problem::PairStatus;
use serde::Serialize;

use super::outcome::{CommandOutcome, Result};
use super::output::table;
use super::{clean_up, sync, words};
use crate::config::Config;
use crate::progress::Bar;
use crate::terminal::Output;

#[derive(Debug, Subcommand)]
pub enum PairCommand {
    /// Set up a pair. Nothing is written before the first sync; `calrelay sync --dry-run` shows
    /// what it would do.
    Add(PairAdd),
    /// List the pairs.
    List,
    /// End a pair and delete what was stored about it. Copies stay as ordinary events.
    Remove {
        /// The pair's id.
        id: PairId,
    },
    /// Switch on a draft. A pair that is switched on stays as it is.
    Start {
        /// The pair's id.
        id: PairId,
    },
    /// Switch a pair off.
    Pause {
        /// The pair's id.
        id: PairId,
    },
    /// Switch a pair on again.
    Resume {
        /// The pair's id.
        id: PairId,
    },
    /// Claim for a pair the copies of another Calrelay that no longer exists, or of this one before
    /// its data were lost. The next sync takes them over.
    TakeOver {
        /// The pair's id.
        id: PairId,
    },
    /// Delete the copies that a pair has written, and pause it. Copies that were edited are listed
    /// and kept. At a terminal the copies are listed, and you are asked before they are deleted;
    /// with --yes, with --json or without a terminal they are deleted at once.
    CleanUp(PairCleanUp),
}

/// The arguments of `calrelay pair clean-up`.
#[derive(Debug, Args)]
pub struct PairCleanUp {
    /// The pair's id.
    id: PairId,
    /// Show what would be deleted, and delete nothing.
    #[arg(long)]
    dry_run: bool,
    /// Delete copies that were edited as well.
    #[arg(long)]
    include_edited: bool,
    /// Delete without asking.
    #[arg(long)]
    yes: bool,
}

impl PairCleanUp {
    /// The pair, if copies are deleted and not only shown.
    pub fn target(&self) -> Option<&PairId> {
        (!self.dry_run).then_some(&self.id)
    }
}

/// The arguments of `calrelay pair add`.
#[derive(Debug, Args)]
pub struct PairAdd {
    /// Events of this calendar are copied…
    #[arg(long, value_name = "CALENDAR")]
    from: CalendarId,
    /// …to this one.
    #[arg(long, value_name = "CALENDAR")]
    to: CalendarId,
    /// Events of both calendars are copied to the other, and edits of copies flow back.
    #[arg(long)]
    two_way: bool,
    /// What is written to --to shows only "Busy".
    #[arg(long)]
    private: bool,
    /// What is written to --from shows only "Busy".
    #[arg(long, requires = "two_way")]
    private_back: bool,
    /// How far back events are synced: days as 90d, months as 3mo.
    #[arg(long, value_name = "SPAN", default_value = "3mo")]
    window_past: Reach,
    /// How far ahead events are synced.
    #[arg(long, value_name = "SPAN", default_value = "12mo")]
    window_future: Reach,
    /// Claim the copies of another Calrelay that no longer exists, or of this one before its data
    /// were lost.
    #[arg(long)]
    take_over: bool,
    /// Do not switch the pair on: nothing syncs it before `calrelay pair start`, and a dry run
    /// shows what it would do.
    #[arg(long)]
    draft: bool,
}

#[derive(Serialize)]
struct PairReply<'a> {
    id: &'a PairId,
}

#[derive(Serialize)]
struct PairsReply {
    pairs: Vec<ListedPair>,
}

#[derive(Serialize)]
struct ListedPair {
    id: PairId,
    from: CalendarId,
    to: CalendarId,
    two_way: bool,
    private: bool,
    private_back: bool,
    window_past: Reach,
    window_future: Reach,
    state: PairStatus,
}

/// Runs the command.
pub async fn run(scope: &Scope, config: &Config, command: PairCommand, output: &Output) -> Result {
    let (id, words) = match command {
        PairCommand::List => return list(scope, config, output).await,
        PairCommand::CleanUp(arguments) => return clean_up(scope, arguments, output).await,
        PairCommand::TakeOver { id } => {
            jobs::pairs::take_over(scope, &id).await?;
            let words = format!(
                "The next sync of {id} takes over what another Calrelay has copied: calrelay sync \
                --pair {id} --dry-run\n"
            );
            (id, words)
        }
        PairCommand::Add(add) => {
            let pair = jobs::pairs::add_pair(scope, add.into()).await?;
            output.set_subject(&pair.id);
            let words = added_words(&pair);
            (pair.id, words)
        }
        PairCommand::Start { id } => {
            let words = match jobs::pairs::start_pair(scope, &id).await? {
                (pair, _) if pair.paused => format!(
                    "{id} was switched on before, and is paused: calrelay pair resume {id}\n"
                ),
                (_, true) => format!("Switched on {id}. Sync it: calrelay sync --pair {id}\n"),
                (_, false) => format!("{id} was switched on before.\n"),
            };
            (id, words)
        }
        PairCommand::Remove { id } => {
            jobs::pairs::remove_pair(scope, &id).await?;
            let words = format!(
                "Removed {id} and what was remembered of it. Copies stay as ordinary events.\n"
            );
            (id, words)
        }
        PairCommand::Pause { id } => {
            jobs::pairs::pause_pair(scope, &id).await?;
            let words =
                format!("Paused {id}. It goes on where it stopped: calrelay pair resume {id}\n");
            (id, words)
        }
        PairCommand::Resume { id } => {
            jobs::pairs::resume_pair(scope, &id).await?;
            let words = format!("Resumed {id}.\n");
            (id, words)
        }
    };
    output.answer(&PairReply { id: &id }, || words)?;
    Ok(CommandOutcome::Done)
}

fn added_words(pair: &Pair) -> String {
    let Pair { id, draft, .. } = pair;
    let preview = format!("See what it would do: calrelay sync --pair {id} --dry-run\n");
    match draft {
        true => format!(
            "Paired as {id}, and not switched on. {preview}Switch it on: calrelay pair start {id}\n"
        ),
        false => format!("Paired as {id}. {preview}"),
    }
}

async fn clean_up(scope: &Scope, arguments: PairCleanUp, output: &Output) -> Result {
    let PairCleanUp { id, dry_run, include_edited, yes } = arguments;
    let options = jobs::pairs::CleanUp { dry_run, include_edited };
    if !dry_run && !yes && !output.json && std::io::stdin().is_terminal() {
        let preview = jobs::pairs::clean_up_pair(
            scope,
            &id,
            jobs::pairs::CleanUp { dry_run: true, ..options },
            &Bar::show(),
        )
        .await?;
        let count = preview.deleted;
        let words = sync::preview_words(&preview);
        if !clean_up::confirm(
            &mut std::io::stdin().lock(),
            &format!("{words}Delete these {count} copies? [y/N] "),
        ) {
            output.note("Nothing was deleted, and the pair goes on.");
            return Ok(CommandOutcome::Done);
        }
    }
    let run = {
        let bar = Bar::show();
        jobs::pairs::clean_up_pair(scope, &id, options, &bar).await?
    };
    let report = Report { dry_run, pairs: vec![run] };
    output.answer(&report, || sync::words(&report))?;
    let outcome = clean_up::outcome(&report, output);
    if !dry_run {
        output.note(&format!(
            "{id} is paused, so that its copies are not made again; calrelay \
        pair resume {id} makes them again."
        ));
    }
    Ok(outcome)
}

impl From<PairAdd> for NewPair {
    fn from(add: PairAdd) -> Self {
        let PairAdd {
            from,
            to,
            two_way,
            private,
            private_back,
            window_past,
            window_future,
            take_over,
            draft,
        } = add;
        Self {
            from,
            to,
            two_way,
            private,
            private_back,
            window_past,
            window_future,
            take_over,
            draft,
        }
    }
}

impl ListedPair {
    fn new(pair: Pair, state: PairStatus) -> Self {
        let Pair {
            id,
            from,
            to,
            two_way,
            private,
            private_back,
            window_past,
            window_future,
            paused: _,
            draft: _,
        } = pair;
        Self { id, from, to, two_way, private, private_back, window_past, window_future, state }
    }
}

async fn list(scope: &Scope, config: &Config, output: &Output) -> Result {
    let states = jobs::status(scope, config.poll.as_secs()).await?.pairs;
    let state = |pair: &Pair| match states.iter().find(|state| state.id == pair.id) {
        Some(known) => known.state,
        None => PairStatus::by_switch(pair).unwrap_or(PairStatus::Ok),
    };
    let pairs = scope.directory().pairs().await.map_err(jobs::Error::from)?;
    let answer = PairsReply {
        pairs: pairs
            .into_iter()
            .map(|pair| (state(&pair), pair))
            .map(|(state, pair)| ListedPair::new(pair, state))
            .collect(),
    };
    let mut rows = Vec::new();
    if !output.json {
        for pair in &answer.pairs {
            rows.push(row(pair, name(scope, &pair.from).await?, name(scope, &pair.to).await?));
        }
    }
    output.answer(&answer, || {
        table(
            ["pair", "state", "from", "", "to", "window", "shows"],
            &rows,
            "There are no pairs. Set one up with `calrelay pair add`.",
        )
    })?;
    Ok(CommandOutcome::Done)
}

fn row(pair: &ListedPair, from: String, to: String) -> [String; 7] {
    let shows = match (pair.private, pair.private_back) {
        (false, false) => "everything",
        (true, false) => "\"Busy\" to the right",
        (false, true) => "\"Busy\" to the left",
        (true, true) => "\"Busy\"",
    };
    let arrow = if pair.two_way { "<->" } else { "-->" };
    let window = format!("-{} +{}", pair.window_past, pair.window_future);
    [
        pair.id.to_string(),
        words::state(pair.state).to_owned(),
        from,
        arrow.to_owned(),
        to,
        window,
        shows.to_owned(),
    ]
}

async fn name(scope: &Scope, id: &CalendarId) -> Result<String> {
    Ok(match scope.directory().calendar(id).await.map_err(jobs::Error::from)? {
        Some(calendar) => format!("{} ({id})", calendar.name),
        None => id.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_that_of_the_contract() {
        let pair = Pair {
            id: PairId::new("p1"),
            from: CalendarId::new("c1"),
            to: CalendarId::new("c2"),
            two_way: true,
            private: false,
            private_back: true,
            window_past: Reach::Months(3),
            window_future: Reach::Days(90),
            paused: false,
            draft: false,
        };
        let answer = PairsReply { pairs: vec![ListedPair::new(pair, PairStatus::NeedsReconnect)] };
        assert_eq!(
            serde_json::to_value(&answer).unwrap(),
            serde_json::json!({"pairs": [{
                "id": "p1", "from": "c1", "to": "c2", "two_way": true, "private": false, "private_back": true,
                "window_past": "3mo", "window_future": "90d", "state": "needs_reconnect",
            }]})
        );
    }
}
