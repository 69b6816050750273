//! One complete pass over some pairs: look, plan, apply, remember.
//!
//! # Properties
//! * No event is lost, doubled or brought back by a crash at any point: what is about to be written
//!   is noted before (intents), the mapping row follows the write, and the cursors are saved last.
//!   Whatever was not finished is seen again by the next pass.
//! * Copies have names that follow from their origins, and are made only where nothing stands under
//!   that name: a create whose answer was lost finds its own work.
//! * A deletion needs positive evidence: the provider named the event as removed, or it is missing
//!   in a complete listing; and then a read of its own finds nothing. An unusual share of deletions
//!   waits for the owner ([`engine::guard`]).
//! * A failed, partial or suddenly empty read deletes nothing.
//! * What one event causes (an unreadable object, a refusal) does not stop the others.
//! * A pass that nobody waits for gives way after a minute or some: it saves no cursor, as if it
//!   had been cut off, and whoever goes on lists again, and writes what is left.
//! * Two passes never write to one calendar at once; and where storage is out of reach for so long
//!   that a lease may be lost, its holder stops before its next write, and stores nothing over what
//!   the next holder has stored.
//!
//! # Design
//! `turn` looks at a pair without a lease, and takes the leases where there is something to do.
//! `survey` finds out what has news at both ends and joins it by mapping; `pass` reads those events
//! in batches, asks the planner, and hands its decisions to `apply`, several at once; deletions
//! come last, when their number is known. Each pair has its own cursors, although two pairs may
//! share a calendar: a pair that is held, paused or broken then cannot make another one lose or
//! repeat anything.
//!
//! # What it asks of storage
//! A call reads the owner's directory and secrets once, and then for each pair its state: three
//! requests, where nothing is to be done all there are. A pass adds the leases (taken together,
//! ended together: two), the state once more, a row or two for each event with news, a commit for
//! each batch of intents, and one for each fifty results; the last of these holds the cursors too.
//! Nothing that two owners do touches one partition.

mod accounts;
mod apply;
mod bearers;
mod create;
mod decide;
mod delete;
mod echo;
mod emptied;
mod held;
mod identity;
mod kept;
mod lines;
mod one_calendar;
mod pass;
mod refused;
mod right;
mod settle;
mod survey;
#[cfg(test)]
mod tests;
mod trail;
mod turn;
mod turns;
mod verify;
mod work;

use engine::calendar::CalendarId;
use engine::fingerprint::Fingerprinter;
use engine::marker::Marks;
use engine::pair::Pair;
use engine::plan::Answer;
use tokio::time::Instant;

use self::accounts::OpenAccounts;
pub(crate) use self::accounts::{End, end, ends};
pub(crate) use self::pass::side_of;
pub(crate) use self::refused::has_come;
use self::turn::{Attempt, AttemptOutcome, Attempted};
use self::work::RetryRound;
use crate::Error;
use crate::Result;
use crate::Scope;
use crate::report::Progress;
use crate::report::Report;
use crate::report::Run;
use crate::report::Verb;
use records::problem::PairStatus;
use records::problem::Problem;
use records::snapshot::Snapshot;

/// How a pass is to be done.
#[derive(Clone, Copy, Debug, Default)]
pub struct SyncOptions {
    /// Write nothing, anywhere; say what would be done.
    pub dry_run: bool,
    /// List both calendars as a whole and put drifted copies right.
    pub full: bool,
    /// The owner releases what the deletion guard holds.
    pub confirm_deletions: bool,
    /// The owner says what is to be done about a calendar that was emptied or made anew.
    pub answer: Option<Answer>,
    /// Nobody asked for this pass: accounts whose credentials were refused are left alone, so that
    /// they are not locked for it.
    pub background: bool,
}

/// A pass whose writes met somebody else's is repeated so many times at the most.
const ROUNDS: usize = 4;

/// Syncs these pairs until each is at rest.
pub async fn sync(
    scope: &Scope,
    pairs: &[Pair],
    options: SyncOptions,
    progress: &dyn Progress,
) -> Report {
    let directory = match scope.snapshot().await {
        Ok(directory) => directory,
        Err(error) => {
            let failed = |pair: &Pair| {
                let mut run = Run::new(pair.id.clone(), PairStatus::Error);
                fail(&mut run, &error);
                run
            };
            return Report { dry_run: options.dry_run, pairs: pairs.iter().map(failed).collect() };
        }
    };
    let turns = sync_within(scope, &directory, pairs, None, options, progress).await;
    Report { dry_run: options.dry_run, pairs: turns.into_iter().map(|turn| turn.run).collect() }
}

/// How the turns of a pair ended.
pub(crate) struct Synced {
    /// What was done.
    pub run: Run,
    /// What was wrong with the pair before, as far as it was looked at.
    pub before: Option<Problem>,
    /// Somebody else is at work on the pair: nothing was done, and the run says so as its error.
    pub busy: bool,
}

/// The same, for whoever has read the directory. `told_of` is the calendar of which its provider
/// has told that something happened, if it did.
pub(crate) async fn sync_within(
    scope: &Scope,
    directory: &Snapshot,
    pairs: &[Pair],
    told_of: Option<&CalendarId>,
    options: SyncOptions,
    progress: &dyn Progress,
) -> Vec<Synced> {
    let mut synced = Vec::with_capacity(pairs.len());
    let (begun, mut accounts) = (Instant::now(), OpenAccounts::new(scope, directory));
    let mut waiting: Vec<(usize, Pair, Option<RetryRound>)> = Vec::new();
    for pair in pairs {
        let run = Run::new(
            pair.id.clone(),
            if pair.paused { PairStatus::Paused } else { PairStatus::Ok },
        );
        synced.push(Synced { run, before: None, busy: false });
        if !pair.paused {
            waiting.push((synced.len() - 1, pair.clone(), None));
        }
    }
    for round in 0..ROUNDS {
        accounts.look_again();
        let mut later = Vec::new();
        let round_pairs: Vec<Pair> = waiting.iter().map(|(_, pair, _)| pair.clone()).collect();
        accounts.ask_ahead(&round_pairs, options).await;
        while !waiting.is_empty() {
            let pairs: Vec<&Pair> = waiting.iter().map(|(_, pair, _)| pair).collect();
            let ready = accounts.first_ready(&pairs).await.unwrap_or(0);
            let (index, pair, again) = waiting.remove(ready);
            let turn = Attempt {
                scope,
                round: &round_pairs,
                pair: &pair,
                told_of,
                again,
                last: round + 1 == ROUNDS,
                options,
                begun,
                progress,
            };
            // A pass is large, and whoever calls this need not be.
            let outcome = Box::pin(turn.take(&mut accounts)).await;
            let Synced { run, before: first, busy } = &mut synced[index];
            match outcome {
                Ok(AttemptOutcome::Done(done)) => {
                    let Attempted { run: next, before, again } = *done;
                    if round == 0 {
                        *first = before;
                    }
                    merge(run, next);
                    if let Some(again) = again.filter(|_| run.error.is_none()) {
                        later.push((index, pair, Some(again)));
                    }
                }
                Ok(AttemptOutcome::Busy) => {
                    *busy = true;
                    fail(run, &turn::busy());
                }
                Ok(AttemptOutcome::Gone) => run.state = PairStatus::Paused,
                Err(error) => fail(run, &error),
            }
        }
        waiting = later;
        if waiting.is_empty() {
            break;
        }
    }
    for (index, pair, _) in waiting {
        let run = &mut synced[index].run;
        fail(run, &Error::Provider(providers::Error::ChangedMeanwhile));
        if !options.dry_run
            && let Err(error) = turn::give_up(scope, &pair, run).await
        {
            tracing::warn!(pair = %pair.id, %error, "that this pair did not come to rest could \
            not be written down");
        }
    }
    synced
}

fn merge(run: &mut Run, next: Run) {
    if next.error.is_none() {
        // What waits, the last round has said anew.
        run.actions.retain(|action| action.action != Verb::Hold);
    }
    run.state = next.state;
    run.held = next.held;
    run.remaining = next.remaining;
    run.copied_by_another = next.copied_by_another;
    run.error = next.error;
    run.next = next.next;
    for action in next.actions {
        run.push(action);
    }
}

fn fail(run: &mut Run, error: &Error) {
    run.state = if needs_reconnect(error) { PairStatus::NeedsReconnect } else { PairStatus::Error };
    run.error = Some(Problem::from(error));
    run.next = Some(error.next());
}

/// Whether only the owner can help, with new credentials.
pub(crate) fn needs_reconnect(error: &Error) -> bool {
    matches!(
        error,
        Error::Provider(
            providers::Error::Unauthorized
                | providers::Error::Consent(_)
                | providers::Error::Credentials(_)
        )
    )
}

/// What a pass hashes and marks with.
pub(crate) struct Keys {
    /// Loop marks and names of rows.
    pub marks: Marks,
    /// Fingerprints of the pair.
    pub prints: Fingerprinter,
}

impl Keys {
    /// For a pair, from the vault's own key.
    pub async fn new(scope: &Scope, pair: &Pair) -> Result<Self> {
        let marks = Marks::new(&*scope.vault.hash_key("marks").await?);
        let prints =
            Fingerprinter::new(&*scope.vault.hash_key("fingerprints").await?, pair.id.as_str());
        Ok(Self { marks, prints })
    }
}
