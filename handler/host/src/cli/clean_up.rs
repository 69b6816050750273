//! `calrelay clean-up`: deletes copies that pairs have left behind which are no more.

use std::io::{BufRead, IsTerminal, Write};

use clap::Args;
use engine::calendar::CalendarId;
use jobs::Services;
use jobs::report::{Problem, Report, Run};
use serde_json::Value;

use super::progress::Bar;
use super::{Outcome, Output, Result, sync};

/// Where, and how.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The calendar.
    #[arg(long, value_name = "CALENDAR")]
    calendar: CalendarId,
    /// Show what would be deleted, and delete nothing.
    #[arg(long)]
    dry_run: bool,
    /// Delete without asking.
    #[arg(long)]
    yes: bool,
}

/// Does it.
pub async fn run(services: &Services, arguments: &Arguments, output: &Output) -> Result {
    let bar = Bar::show();
    let found = jobs::left_copies(services, &arguments.calendar, &bar).await?;
    drop(bar);
    let preview = found.preview();
    if arguments.dry_run || found.is_empty() {
        return answer(preview, arguments.dry_run, output);
    }
    if !arguments.yes && !confirmed(&preview, found.len(), output)? {
        output.aside("Nothing was deleted.");
        return answer(preview, true, output);
    }
    let bar = Bar::show();
    let run = jobs::delete_left_copies(services, found, &bar).await?;
    drop(bar);
    answer(run, false, output)
}

/// Asks at the terminal.
fn confirmed(preview: &Run, count: usize, output: &Output) -> Result<bool> {
    let mut stdin = std::io::stdin().lock();
    if output.json || !std::io::stdin().is_terminal() {
        return Err(Problem {
            code: "request".into(),
            message: format!(
                "Nothing was deleted: {count} copies would be. Look at them with --dry-run, and give --yes to delete them without being asked."
            ),
        });
    }
    let report = Report { dry_run: true, pairs: vec![preview.clone()] };
    eprint!("{}Delete these {count} events? [y/N] ", sync::words(&report));
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let read = stdin.read_line(&mut answer).unwrap_or(0);
    Ok(read > 0 && matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// As `sync` answers; of no pair, so that the id is null.
fn answer(run: Run, dry_run: bool, output: &Output) -> Result {
    let report = Report { dry_run, pairs: vec![run] };
    let mut document = serde_json::to_value(&report).unwrap_or_default();
    if let Some(run) = document.pointer_mut("/pairs/0/id") {
        *run = Value::Null;
    }
    output.answer(&document, || sync::words(&report))?;
    Ok(Outcome::Done)
}
