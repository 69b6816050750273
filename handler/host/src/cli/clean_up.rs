//! `calrelay clean-up`: deletes copies of pairs that have ended.

use std::io::{BufRead, IsTerminal, Write};

use clap::Args;
use engine::calendar::CalendarId;
use engine::reason::Reason;
use jobs::Scope;
use jobs::report::Action;
use jobs::report::Report;
use jobs::report::Run;
use jobs::report::Verb;
use records::problem::Problem;
use serde_json::Value;

use super::outcome::{CommandOutcome, Result};
use super::sync;
use crate::progress::Bar;
use crate::terminal::{Output, printable};

/// The arguments of `calrelay clean-up`.
#[derive(Debug, Args)]
pub struct CleanUpArguments {
    /// The calendar.
    #[arg(long, value_name = "CALENDAR")]
    calendar: CalendarId,
    /// Show what would be deleted, and delete nothing. Copies that were edited since are included:
    /// what they showed is no longer stored.
    #[arg(long)]
    dry_run: bool,
    /// Delete without asking.
    #[arg(long)]
    yes: bool,
}

impl CleanUpArguments {
    /// The calendar, if copies are deleted and not only shown.
    pub fn target(&self) -> Option<&CalendarId> {
        (!self.dry_run).then_some(&self.calendar)
    }
}

/// Runs the command.
pub async fn run(scope: &Scope, arguments: &CleanUpArguments, output: &Output) -> Result {
    let bar = Bar::show();
    let found = jobs::pairs::find_orphaned_copies(scope, &arguments.calendar, &bar).await?;
    drop(bar);
    let preview = found.preview();
    if arguments.dry_run || found.is_empty() {
        return answer(preview, arguments.dry_run, output);
    }
    if !arguments.yes && !confirm_preview(&preview, found.len(), output)? {
        output.note("Nothing was deleted.");
        return Ok(CommandOutcome::Done);
    }
    let bar = Bar::show();
    let run = jobs::pairs::delete_orphaned_copies(scope, found, &bar).await?;
    drop(bar);
    answer(run, false, output)
}

/// Asks for confirmation at the terminal.
fn confirm_preview(preview: &Run, count: usize, output: &Output) -> Result<bool> {
    let mut stdin = std::io::stdin().lock();
    if output.json || !std::io::stdin().is_terminal() {
        return Err(Problem {
            code: "request".into(),
            message: format!(
                "Nothing was deleted: {count} copies would be. Look at them with --dry-run, and \
                give --yes to delete them without being asked."
            ),
        });
    }
    let edited =
        "What they showed is no longer stored, so copies that were edited since are among them.";
    Ok(confirm(
        &mut stdin,
        &format!("{}{edited}\nDelete these {count} events? [y/N] ", sync::preview_words(preview)),
    ))
}

/// Whether the user at the terminal answers yes.
pub fn confirm(stdin: &mut impl BufRead, question: &str) -> bool {
    eprint!("{}", printable(question));
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let read = stdin.read_line(&mut answer).unwrap_or(0);
    read > 0 && matches!(answer.trim(), "y" | "Y" | "yes")
}

/// The reply of `sync`, without a pair: the id is null.
fn answer(run: Run, dry_run: bool, output: &Output) -> Result {
    let report = Report { dry_run, pairs: vec![run] };
    let mut document = serde_json::to_value(&report).unwrap_or_default();
    if let Some(run) = document.pointer_mut("/pairs/0/id") {
        *run = Value::Null;
    }
    output.answer(&document, || sync::words(&report))?;
    Ok(outcome(&report, output))
}

/// Reports what was not deleted. The exit status is that of a pass.
pub fn outcome(report: &Report, output: &Output) -> CommandOutcome {
    let refused = |action: &&Action| {
        action.action == Verb::Skip && action.reason == Some(Reason::RefusedByServer)
    };
    let kept = report.pairs.iter().flat_map(|run| &run.actions).filter(refused).count();
    if kept > 0 && !report.dry_run {
        output.note(&format!(
            "{} the server did not delete. The same command tries it again; or delete them in the \
            calendar by hand.",
            if kept == 1 {
                "1 copy was kept, which".to_owned()
            } else {
                format!(
                    "{kept} copies \
            were kept, which"
                )
            }
        ));
    }
    if output.json {
        report
            .pairs
            .iter()
            .filter_map(|run| run.error.as_ref())
            .for_each(|error| output.note(&error.message));
    }
    if report.failed() { CommandOutcome::Failed } else { CommandOutcome::Done }
}
