//! `calrelay sync`: one complete pass, and what it did.

use std::collections::BTreeMap;
use std::fmt::Write;

use clap::Args;
use engine::calendar::PairId;
use engine::plan::Answer;
use jobs::Scope;
use jobs::SyncOptions;
use jobs::report::Action;
use jobs::report::Report;
use jobs::report::Run;
use jobs::report::Verb;
use records::problem::HeldKind;

use super::outcome::{CommandOutcome, Result};
use super::output::{one_line, table};
use super::words::{by_another_words, held_words, reason, state};
use crate::progress::Bar;
use crate::terminal::Output;

/// How many actions of a pair are listed; `--json` has all.
const LISTED: usize = 50;

/// The outcome, in the audit trail, of an answer that no hold waited for.
const NOTHING_HELD: &str = "nothing_held";

/// The arguments of `calrelay sync`.
#[derive(Debug, Args)]
pub struct SyncArguments {
    /// Only this pair.
    #[arg(long, value_name = "ID")]
    pair: Option<PairId>,
    /// Show what would be done, and write nothing.
    #[arg(long)]
    dry_run: bool,
    /// Read both calendars from the start instead of what changed.
    #[arg(long)]
    full: bool,
    /// Do the deletions of a pair that the guard holds back; with --pair.
    #[arg(long, requires = "pair")]
    confirm_deletions: bool,
    /// A calendar was emptied or created again: make again what the pair had there; with --pair.
    #[arg(long, requires = "pair", conflicts_with = "confirm_deletions")]
    make_again: bool,
    /// A calendar was emptied or created again: leave out what the pair had there; with --pair.
    #[arg(long, requires = "pair", conflicts_with_all = ["confirm_deletions", "make_again"])]
    leave_out: bool,
}

impl SyncArguments {
    /// The kind of hold that the arguments answer, and the option that does.
    fn answered_hold(&self) -> Option<(HeldKind, &'static str)> {
        match self {
            Self { confirm_deletions: true, .. } => {
                Some((HeldKind::Deletions, "--confirm-deletions"))
            }
            Self { make_again: true, .. } => Some((HeldKind::Emptied, "--make-again")),
            Self { leave_out: true, .. } => Some((HeldKind::Emptied, "--leave-out")),
            _ => None,
        }
    }

    /// The owner's answer to a hold of the pair, if there is one: the action in the audit trail,
    /// and the pair.
    pub fn audit_action(&self) -> Option<(&'static str, &PairId)> {
        let action = match self {
            Self { dry_run: true, .. } => return None,
            Self { confirm_deletions: true, .. } => "deletions.confirm",
            Self { make_again: true, .. } => "emptied.make_again",
            Self { leave_out: true, .. } => "emptied.leave_out",
            _ => return None,
        };
        Some((action, self.pair.as_ref()?))
    }
}

/// Runs the command. If a pair failed, the report is printed too, and the exit status is 1.
pub async fn run(scope: &Scope, arguments: &SyncArguments, output: &Output) -> Result {
    let pairs = match &arguments.pair {
        Some(id) => vec![scope.directory().pair(id).await.map_err(jobs::Error::from)?],
        None => scope.directory().pairs().await.map_err(jobs::Error::from)?,
    };
    if let Some((asked, option)) = arguments.answered_hold()
        && let Some(pair) = &arguments.pair
    {
        let held = jobs::pairs::held_kind(scope, pair).await?;
        if held != Some(asked) {
            output.set_audit_outcome(NOTHING_HELD);
        }
        if held.is_none() {
            output.note(&format!(
                "Nothing of {pair} waited for an answer, so {option} releases nothing: this is a \
                sync as without it."
            ));
        }
    }
    let &SyncArguments { dry_run, full, confirm_deletions, make_again, leave_out, .. } = arguments;
    let answer = match (make_again, leave_out) {
        (true, _) => Some(Answer::MakeAgain),
        (_, true) => Some(Answer::LeaveOut),
        _ => None,
    };
    let options = SyncOptions { dry_run, full, confirm_deletions, answer, background: false };
    let report = {
        let bar = Bar::show();
        jobs::sync(scope, &pairs, options, &bar).await
    };
    output.answer(&report, || words(&report))?;
    for held in report.pairs.iter().filter_map(|run| run.held.as_ref()) {
        if confirm_deletions && held.kind == HeldKind::Emptied {
            output.note(
                "--confirm-deletions is no answer to an emptied calendar: nothing was \
            deleted for it. Answer with --make-again or --leave-out.",
            );
        }
        if answer.is_some() && held.kind == HeldKind::Deletions {
            output.note(
                "These are deletions, and no calendar was emptied: --make-again and \
            --leave-out changed nothing. Answer with --confirm-deletions.",
            );
        }
    }
    if output.json {
        for (id, error) in report.pairs.iter().filter_map(|run| Some((&run.id, error_words(run)?)))
        {
            output.note(&format!("{id}: {error}"));
        }
    }
    Ok(if report.failed() { CommandOutcome::Failed } else { CommandOutcome::Done })
}

/// A report as text.
pub fn words(report: &Report) -> String {
    if report.pairs.is_empty() {
        return "There are no pairs. Set one up with `calrelay pair add`.\n".to_owned();
    }
    let mut text = String::new();
    if report.dry_run {
        text.push_str("This is a dry run: nothing was written.\n");
    }
    for run in &report.pairs {
        let _ = writeln!(text, "{}", summary(run));
        text.push_str(&listed(run));
        if let Some(held) = &run.held {
            let _ = writeln!(text, "  {}", held_words(held, &run.id));
        }
        if run.copied_by_another > 0 {
            let _ = writeln!(text, "  {}", by_another_words(run.copied_by_another, &run.id));
        }
        if let Some(error) = error_words(run) {
            let _ = writeln!(text, "  {error}");
        }
        if let Some(at) = run.next_try {
            let _ = writeln!(
                text,
                "  Events that could not be synced wait; they are tried again from {at:.0} on, or \
                at once with --full. `calrelay status` names them."
            );
        }
    }
    text
}

/// The error of a run, and the account or the calendar that it is about.
fn error_words(run: &Run) -> Option<String> {
    let message = &run.error.as_ref()?.message;
    Some(match &run.place {
        Some(place) => format!("{message} This is about {}.", one_line(place)),
        None => message.clone(),
    })
}

/// What a clean-up would do, as text.
pub fn preview_words(run: &Run) -> String {
    let mut text = format!("{}: {} would be deleted", run.id, copies(run.deleted));
    if run.id.as_str().is_empty() {
        text = format!("copies of pairs that have ended: {} would be deleted", run.deleted);
    }
    let _ = writeln!(text, ", {} kept", run.skipped);
    text.push_str(&listed(run));
    text
}

fn copies(count: u64) -> String {
    if count == 1 { "1 copy".to_owned() } else { format!("{count} copies") }
}

/// The actions of a run as a table, as far as they are listed.
fn listed(run: &Run) -> String {
    let lines = by_series(&run.actions);
    let rows: Vec<[String; 5]> = lines.iter().take(LISTED).map(row).collect();
    let mut text = String::new();
    if !rows.is_empty() {
        text.push_str(&indented(&table(["", "start", "reason", "calendar", "event"], &rows, "")));
    }
    if let Some(more) = lines.len().checked_sub(LISTED).filter(|more| *more > 0) {
        let _ = writeln!(text, "  … and {more} more; --json lists all of them");
    }
    text
}

/// An action, and how many more are alike with it on other occurrences of one series: a person who
/// reads a report knows one event.
struct Line<'a> {
    action: &'a Action,
    more: usize,
}

/// The lines of a report, in the order of the actions.
fn by_series(actions: &[Action]) -> Vec<Line<'_>> {
    let (mut lines, mut at) = (Vec::<Line<'_>>::new(), BTreeMap::new());
    for action in actions {
        let key = action
            .series
            .as_deref()
            .map(|series| (action.action, &action.calendar, action.reason, series));
        match key.and_then(|key| at.get(&key)) {
            Some(index) => {
                let line: &mut Line<'_> = &mut lines[*index];
                line.more += 1;
                if action.start < line.action.start {
                    line.action = action;
                }
            }
            None => {
                if let Some(key) = key {
                    at.insert(key, lines.len());
                }
                lines.push(Line { action, more: 0 });
            }
        }
    }
    lines
}

/// One line about a run of a pair.
fn summary(run: &Run) -> String {
    let lines = by_series(&run.actions);
    let [created, changed, deleted, skipped] =
        [Verb::Create, Verb::Change, Verb::Delete, Verb::Skip]
            .map(|verb| lines.iter().filter(|line| line.action.action == verb).count());
    let id = &run.id;
    let mut text = if id.as_str().is_empty() {
        format!("copies of pairs that have ended: {deleted} deleted, {skipped} kept")
    } else {
        format!(
            "{id}: {}; {created} created, {changed} changed, {deleted} deleted, {skipped} skipped",
            state(run.state)
        )
    };
    if lines.len() < run.actions.len() {
        text.push_str(" (occurrences of one series count as one)");
    }
    text
}

fn row(line: &Line<'_>) -> [String; 5] {
    let Line { action, more } = line;
    let verb = match action.action {
        Verb::Create => "create",
        Verb::Change => "change",
        Verb::Delete => "delete",
        Verb::Skip => "skip",
        Verb::Hold => "hold",
    };
    let reason = action.reason.as_ref().map(reason).unwrap_or_default();
    [
        verb.to_owned(),
        action.start.clone().unwrap_or_default(),
        reason,
        action.calendar.to_string(),
        match more {
            0 => action.event.clone(),
            more => format!("{} and {more} more of its series", action.event),
        },
    ]
}

fn indented(text: &str) -> String {
    text.lines().fold(String::new(), |mut all, line| {
        let _ = writeln!(all, "  {line}");
        all
    })
}

#[cfg(test)]
mod tests {
    use engine::calendar::CalendarId;
    use records::problem::{PairStatus, Problem};

    use super::*;

    #[test]
    fn a_question_about_deletions_does_not_say_that_they_are_done() {
        for id in ["p1", ""] {
            let mut run = Run::new(PairId::new(id), PairStatus::Ok);
            for (action, event) in
                [(Verb::Delete, "a.ics"), (Verb::Delete, "b.ics"), (Verb::Skip, "c.ics")]
            {
                run.push(Action {
                    action,
                    calendar: CalendarId::new("c1"),
                    event: event.into(),
                    reason: None,
                    start: None,
                    end: None,
                    series: None,
                });
            }
            let words = preview_words(&run);
            let first = words.lines().next().unwrap();
            assert!(
                first.contains("would be deleted, 1 kept") && !first.contains("2 deleted"),
                "{words}"
            );
            assert!(["a.ics", "b.ics", "c.ics"].iter().all(|id| words.contains(id)), "{words}");
        }
    }

    #[test]
    fn occurrences_of_one_series_are_one_line() {
        let mut run = Run::new(PairId::new("p1"), PairStatus::Ok);
        let days = ["20261209", "20261202", "20261216"].map(|day| format!("team/{day}T110000Z"));
        for event in days.iter().map(String::as_str).chain(["walk", "swim/20261202"]) {
            run.push(Action {
                action: Verb::Create,
                calendar: CalendarId::new("c1"),
                event: event.into(),
                reason: None,
                start: Some(event.rsplit('/').next().unwrap().into()),
                end: None,
                series: None,
            });
        }
        assert_eq!(run.created, 5, "as many as there are actions");
        let words = words(&Report { dry_run: true, pairs: vec![run] });
        assert!(words.contains("; 3 created, "), "{words}");
        assert!(words.contains("team/20261202T110000Z and 2 more of its series"), "{words}");
        assert!(!words.contains(&days[0]), "{words}");
        assert!(words.lines().any(|line| line.ends_with(" swim/20261202")), "{words}");
    }

    #[test]
    fn an_error_names_the_account_that_it_is_about() {
        let mut run = Run::new(PairId::new("p1"), PairStatus::NeedsReconnect);
        assert_eq!(error_words(&run), None);
        run.error =
            Some(Problem { code: "unauthorized".into(), message: "It was refused.".into() });
        assert_eq!(error_words(&run).unwrap(), "It was refused.");
        run.place = Some("the account anna\non x (a1)".into());
        let report = Report { dry_run: false, pairs: vec![run] };
        let words = words(&report);
        assert!(words.contains("It was refused. This is about the account anna"), "{words}");
        assert!(words.lines().any(|line| line.ends_with("on x (a1).")), "{words}");
    }
}
