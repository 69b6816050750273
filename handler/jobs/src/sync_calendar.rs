//! Processes a nudge: a pass over every pair of the calendar, and the decision what happens to the
//! nudge.
//!
//! # Properties
//! * A failure is stored with the pair, where its owner sees it, even if the nudge is lost.
//! * A nudge is retried only where a retry may help and nothing else repeats the work: storage or
//!   vault of this installation failed, or the provider failed and no poll follows. Final answers,
//!   such as a refused password, are not retried. An account that its provider has closed for an
//!   hour or a day is left to the polls as soon as its pair reports it: the first poll after the
//!   end syncs what happened meanwhile.
//! * Duplicates are harmless: of two nudges at once, one finds the lease of the pair busy and does
//!   nothing. A poll repeats itself. Any other nudge may report a change that the running pass has
//!   already passed, so one more pass follows, for all nudges that arrived meanwhile.
//! * A pass that is too long for one attempt continues with a nudge of its own. That is no failure,
//!   however often it happens.
//! * A problem is logged when it begins, when it changes and when it ends, not every time.

use std::time::Duration;

use engine::calendar::CalendarId;
use engine::pair::Pair;
use records::pair_state;
use records::problem::{PairStatus, Problem};
use records::snapshot::Snapshot;

use crate::error::Next;
use crate::in_process::YIELD_PAUSE;
use crate::nudge::{self, Cause, Nudge};
use crate::report::{Run, Silent};
use crate::services::Services;
use crate::sync::{Synced, sync_within};
use crate::{Result, Scope, SyncOptions, leases, watches};

/// A pair whose lease is busy is tried again after this time.
const BUSY_DELAY: Duration = Duration::from_secs(2);

/// What happens to a nudge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NudgeOutcome {
    /// The nudge is deleted.
    Done,
    /// The nudge becomes visible again after a while.
    Retry,
}

impl NudgeOutcome {
    fn and(self, other: Self) -> Self {
        if self == Self::Retry { self } else { other }
    }
}

/// Syncs all pairs of a calendar in the background. Accounts that need their owner are left alone.
pub async fn sync_calendar(services: &Services, nudge: &Nudge) -> NudgeOutcome {
    let scope = &services.scope(&nudge.owner);
    let (directory, pairs) = match pairs_of(scope, &nudge.calendar_id).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(calendar = %nudge.calendar_id, %error, "the pairs of a calendar could \
            not be read");
            return NudgeOutcome::Retry;
        }
    };
    let opened = watches::create_missing(scope, &directory, &pairs).await.unwrap_or_else(|error| {
        tracing::warn!(calendar = %nudge.calendar_id, %error, "a watch could not be created; it \
        is tried again within the hour");
        false
    });
    let options = SyncOptions { background: true, ..SyncOptions::default() };
    // No notification reports what happened before a watch was created.
    let notified = Some(&nudge.calendar_id).filter(|_| nudge.cause == Cause::Webhook && !opened);
    let (mut verdict, mut later, mut unfinished) = (NudgeOutcome::Done, false, false);
    for Synced { run, before, busy } in
        sync_within(scope, &directory, &pairs, notified, options, &Silent).await
    {
        if busy {
            tracing::debug!(pair = %run.id, "another pass is working on this pair or its calendar");
            later = true;
            continue;
        }
        log_run(&run, before.as_ref());
        unfinished |= run.remaining > 0;
        if let Some(problem) = &run.error {
            let parked =
                pairs.iter().any(|pair| pair.id == run.id && is_suspended(scope, &directory, pair));
            // The pair reports the problem, and the polls go by that report.
            let known = parked && before.as_ref() == Some(problem);
            verdict = verdict.and(if known {
                NudgeOutcome::Done
            } else {
                outcome_of(run.next.unwrap_or(Next::GiveUp), nudge.cause)
            });
        }
    }
    if unfinished {
        verdict = verdict.and(continue_pass(scope, &nudge.calendar_id).await);
    }
    if later && nudge.cause != Cause::Poll {
        verdict.and(requeue(scope, nudge).await)
    } else {
        verdict
    }
}

/// Continues a pass whose attempt ended early.
async fn continue_pass(scope: &Scope, calendar: &CalendarId) -> NudgeOutcome {
    match nudge::send_after(scope, calendar, Cause::Unfinished, YIELD_PAUSE).await {
        Ok(()) => NudgeOutcome::Done,
        Err(error) => {
            tracing::warn!(%calendar, %error, "the rest of a pass could not be queued");
            NudgeOutcome::Retry
        }
    }
}

/// Nudges the calendar again, once for all nudges that found a lease busy.
async fn requeue(scope: &Scope, nudge: &Nudge) -> NudgeOutcome {
    // A notification syncs its own calendar, any other nudge all calendars: neither covers the
    // other.
    let name = format!(
        "{} {}",
        nudge.calendar_id,
        if nudge.cause == Cause::Webhook { "notified" } else { "all" }
    );
    let now = scope.clock.now();
    if !scope.work.schedule_once(&name, now, BUSY_DELAY) {
        return NudgeOutcome::Done;
    }
    // A retry would be later, and would count as a failure.
    match nudge::send_after(scope, &nudge.calendar_id, nudge.cause, BUSY_DELAY).await {
        Ok(()) => NudgeOutcome::Done,
        Err(error) => {
            tracing::warn!(calendar = %nudge.calendar_id, %error, "a nudge could not be delayed");
            scope.work.forget_scheduled(&name);
            NudgeOutcome::Retry
        }
    }
}

async fn pairs_of(scope: &Scope, calendar: &CalendarId) -> Result<(Snapshot, Vec<Pair>)> {
    let directory = scope.snapshot().await?;
    let mut pairs = directory.readable_pairs();
    pairs.retain(|pair| pair.is_active() && (pair.from == *calendar || pair.to == *calendar));
    Ok((directory, pairs))
}

/// Whether a provider has closed an account of the pair for a while: no retry helps before the end.
fn is_suspended(scope: &Scope, directory: &Snapshot, pair: &Pair) -> bool {
    let now = scope.clock.now();
    [&pair.from, &pair.to].into_iter().any(|id| {
        let account = directory
            .calendar(id)
            .ok()
            .flatten()
            .and_then(|calendar| directory.account(&calendar.account).ok());
        account.is_some_and(|account| account.suspended_for(now).is_some())
    })
}

/// The outcome for the next step that an error asks for.
fn outcome_of(next: Next, cause: Cause) -> NudgeOutcome {
    match next {
        Next::RetryStorage => NudgeOutcome::Retry,
        // The next poll repeats the nudge.
        Next::RetryAfter(_) if cause != Cause::Poll => NudgeOutcome::Retry,
        _ => NudgeOutcome::Done,
    }
}

fn log_run(run: &Run, before: Option<&Problem>) {
    let Run { id, created, changed, deleted, skipped, .. } = run;
    if run.remaining > 0 {
        let left = run.remaining;
        tracing::info!(pair = %id, created, changed, skipped, left, "synced in part; the next \
        attempt begins in some seconds");
    } else if created + changed + deleted > 0 {
        tracing::info!(pair = %id, created, changed, deleted, skipped, "synced");
    }
    match (&run.error, before) {
        (Some(now), before) if before.is_none_or(|before| before != now) => {
            tracing::warn!(pair = %id, code = %now.code, "{}", now.message)
        }
        (None, Some(_)) => tracing::info!(pair = %id, "the pair works again"),
        _ => {}
    }
    if let Some(held) = &run.held {
        let unanswered = held.second_look.map(|at| {
            format!("; without an answer, a sync after {at:.0} makes those that are still due")
        });
        tracing::info!(pair = %id, deletions = held.deletions, of = held.of, "deletions wait for \
        their owner: `calrelay {}`{}", held.confirm.join(" "), unanswered.unwrap_or_default());
    }
}

/// Records with the pairs of a nudge that it failed for good, unless a pair reports a more precise
/// error. The next poll or nightly pass tries again.
pub async fn give_up_on_calendar(services: &Services, nudge: &Nudge) -> NudgeOutcome {
    let calendar = &nudge.calendar_id;
    match record_give_up(&services.scope(&nudge.owner), calendar).await {
        Ok(outcome) => outcome,
        Err(error) => {
            tracing::error!(%calendar, %error, "a nudge failed for good, and that could not be \
            stored with its pairs");
            NudgeOutcome::Retry
        }
    }
}

async fn record_give_up(scope: &Scope, calendar: &CalendarId) -> Result<NudgeOutcome> {
    let mut verdict = NudgeOutcome::Done;
    for pair in pairs_of(scope, calendar).await?.1 {
        // The running pass will store its own result.
        let Some(lease) =
            scope.leases.acquire(&scope.owner, &[&leases::pair_lease(&pair.id)]).await?.taken()
        else {
            verdict = NudgeOutcome::Retry;
            continue;
        };
        tracing::error!(pair = %pair.id, %calendar, "a nudge failed for good");
        let recorded = pair_state::change_state(&*scope.store, &pair.id, |row| {
            if row.error.is_none() {
                row.status = Some(PairStatus::Error);
                row.error = Some(Problem {
                    code: "gave_up".into(),
                    message: "Syncing failed several times in a row, and this attempt was given \
                    up. Nothing was lost: events, copies and what is stored stay as they were. It \
                    is tried again by itself; `calrelay doctor` looks for what is in the \
                    way."
                        .into(),
                });
            }
        });
        let recorded = recorded.await;
        lease.end().await;
        recorded?;
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    const CAUSES: [Cause; 3] = [Cause::Poll, Cause::Reconcile, Cause::Webhook];

    fn outcome(error: impl Into<Error>, cause: Cause) -> NudgeOutcome {
        outcome_of(error.into().next(), cause)
    }

    #[test]
    fn failures_of_storage_and_vault_are_retried_whatever_the_cause() {
        for cause in CAUSES {
            assert_eq!(outcome(store::Error::Full, cause), NudgeOutcome::Retry);
            assert_eq!(outcome(store::Error::Unavailable("x".into()), cause), NudgeOutcome::Retry);
            assert_eq!(outcome(vault::Error::CannotOpen, cause), NudgeOutcome::Retry);
            assert_eq!(outcome(Error::LeaseLost, cause), NudgeOutcome::Retry);
        }
    }

    #[test]
    fn a_poll_repeats_itself_and_other_causes_are_retried() {
        use providers::Error as P;
        for error in [
            P::Unreachable("x".into()),
            P::RateLimited { retry_after: None },
            P::BadAnswer("x".into()),
            P::ChangedMeanwhile,
        ] {
            assert_eq!(outcome(error.clone(), Cause::Poll), NudgeOutcome::Done);
            assert_eq!(outcome(error.clone(), Cause::Webhook), NudgeOutcome::Retry);
            assert_eq!(outcome(error, Cause::Reconcile), NudgeOutcome::Retry);
        }
        let withheld = || Error::Withheld { event: "e".into(), why: "w".into() };
        assert_eq!(outcome(withheld(), Cause::Webhook), NudgeOutcome::Retry);
        assert_eq!(outcome(Error::Request("x".into()), Cause::Webhook), NudgeOutcome::Retry);
    }

    #[test]
    fn final_answers_are_not_repeated() {
        use providers::Error as P;
        for error in [
            P::Unauthorized,
            P::Credentials("x".into()),
            P::CalendarMissing,
            P::Forbidden("x".into()),
            P::Address("x".into()),
        ] {
            assert_eq!(outcome(error, Cause::Webhook), NudgeOutcome::Done);
        }
        assert_eq!(outcome(Error::SuspiciousEmpty, Cause::Webhook), NudgeOutcome::Done);
    }
}
