//! Syncs several pairs in rounds, until none of them needs another attempt.

use engine::calendar::CalendarId;
use engine::pair::Pair;
use records::problem::{PairStatus, Problem};
use records::snapshot::Snapshot;
use tokio::time::Instant;

use super::accounts::OpenAccounts;
use super::attempt::{Attempt, AttemptOutcome, Attempted, store_unfinished};
use super::failure::{busy_error, fail};
use super::options::SyncOptions;
use super::pass_result::RetryRound;
use crate::report::{Progress, Report, Run, Verb};
use crate::{Error, Scope};

/// The most attempts at a pair whose events change while they are written.
const ROUNDS: usize = 4;

/// Syncs these pairs.
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
    let synced = sync_within(scope, &directory, pairs, None, options, progress).await;
    Report {
        dry_run: options.dry_run,
        pairs: synced.into_iter().map(|synced| synced.run).collect(),
    }
}

/// How the attempts at a pair ended.
pub(crate) struct Synced {
    pub run: Run,
    /// The problem that was stored with the pair before, as far as it was read.
    pub before: Option<Problem>,
    /// Another process syncs the pair: nothing was done, and the run's error says so.
    pub busy: bool,
}

struct Waiting {
    /// Its place among the results.
    index: usize,
    pair: Pair,
    retry: Option<RetryRound>,
}

/// As [`sync`], where the accounts and pairs were read before. `notified` is the calendar that a
/// notification of its provider named.
pub(crate) async fn sync_within(
    scope: &Scope,
    directory: &Snapshot,
    pairs: &[Pair],
    notified: Option<&CalendarId>,
    options: SyncOptions,
    progress: &dyn Progress,
) -> Vec<Synced> {
    let (call_began, mut accounts) = (Instant::now(), OpenAccounts::new(scope, directory));
    let state = |pair: &Pair| PairStatus::by_switch(pair).unwrap_or(PairStatus::Ok);
    let new = |pair: &Pair| Synced {
        run: Run::new(pair.id.clone(), state(pair)),
        before: None,
        busy: false,
    };
    let mut synced: Vec<Synced> = pairs.iter().map(new).collect();
    let active = pairs.iter().enumerate().filter(|(_, pair)| options.may_read(pair));
    let mut waiting: Vec<Waiting> =
        active.map(|(index, pair)| Waiting { index, pair: pair.clone(), retry: None }).collect();
    for round in 0..ROUNDS {
        accounts.forget_states();
        let mut later = Vec::new();
        let round_pairs: Vec<Pair> = waiting.iter().map(|waiting| waiting.pair.clone()).collect();
        accounts.prefetch_states(&round_pairs, options).await;
        while !waiting.is_empty() {
            let pairs: Vec<&Pair> = waiting.iter().map(|waiting| &waiting.pair).collect();
            let ready = accounts.first_ready(&pairs).await.unwrap_or(0);
            let Waiting { index, pair, retry } = waiting.remove(ready);
            let attempt = Attempt {
                scope,
                round: &round_pairs,
                pair: &pair,
                notified,
                retry,
                is_last_round: round + 1 == ROUNDS,
                options,
                call_began,
                progress,
            };
            // The future of a pass is large: boxed, it does not make that of the caller large.
            let outcome = Box::pin(attempt.run(&mut accounts)).await;
            let Synced { run, before, busy } = &mut synced[index];
            match outcome {
                Ok(AttemptOutcome::Done(done)) => {
                    let Attempted { run: next, before: stored, retry } = *done;
                    if round == 0 {
                        *before = stored;
                    }
                    merge(run, next);
                    // A dry run succeeded, and the pair is no more switched on than before.
                    if pair.draft && run.error.is_none() {
                        run.state = PairStatus::Draft;
                    }
                    if let Some(retry) = retry.filter(|_| run.error.is_none()) {
                        later.push(Waiting { index, pair, retry: Some(retry) });
                    }
                }
                Ok(AttemptOutcome::Busy) => {
                    *busy = true;
                    fail(run, &busy_error());
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
    for Waiting { index, pair, .. } in waiting {
        let run = &mut synced[index].run;
        fail(run, &Error::Provider(providers::Error::ChangedMeanwhile));
        if !options.dry_run
            && let Err(error) = store_unfinished(scope, &pair, run).await
        {
            tracing::warn!(pair = %pair.id, %error, "it could not be stored that this pair was \
            not finished");
        }
    }
    synced
}

fn merge(run: &mut Run, next: Run) {
    if next.error.is_none() {
        // The last round names all events that are held.
        run.actions.retain(|action| action.action != Verb::Hold);
    }
    run.state = next.state;
    run.held = next.held;
    run.remaining = next.remaining;
    run.copied_by_another = next.copied_by_another;
    (run.error, run.place) = (next.error, next.place);
    (run.next, run.next_try) = (next.next, next.next_try);
    for action in next.actions {
        run.push(action);
    }
}
