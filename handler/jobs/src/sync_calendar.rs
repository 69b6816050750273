//! One nudge: a pass over every pair of the calendar, and what is to become of the nudge.
//!
//! # Properties
//! * What goes wrong is written down with the pair, where its owner sees it, whatever becomes of the nudge.
//! * A nudge is retried only where that may help and nobody else does it: our own storage or vault was away, or the provider was and no poll
//!   comes back to it. Refused passwords and other final answers are not repeated.
//! * Doubles are harmless: of two nudges at once, one finds the pair at work and steps back.
//! * Trouble is logged when it begins, when it changes and when it ends, not every time.

use engine::calendar::CalendarId;
use engine::pair::Pair;

use crate::directory::{self, Snapshot};
use crate::memory;
use crate::nudge::{Cause, Nudge};
use crate::report::{PairStatus, Problem, Run, Silent};
use crate::sync::{Synced, sync_within};
use crate::{Result, Services, SyncOptions};

/// What is to become of a nudge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is dealt with.
    Done,
    /// It comes back after a while.
    Retry,
}

impl Verdict {
    fn and(self, other: Self) -> Self {
        if self == Self::Retry { self } else { other }
    }
}

/// Syncs all pairs of a calendar, in the background: accounts that need their owner are left alone.
pub async fn sync_calendar(services: &Services, nudge: &Nudge) -> Verdict {
    let (directory, pairs) = match pairs_of(services, &nudge.calendar_id).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(calendar = %nudge.calendar_id, %error, "the pairs of a calendar could not be read");
            return Verdict::Retry;
        }
    };
    let options = SyncOptions { background: true, ..SyncOptions::default() };
    let mut verdict = Verdict::Done;
    let told_of = Some(&nudge.calendar_id).filter(|_| nudge.cause == Cause::Webhook);
    for Synced { run, before, busy } in sync_within(services, &directory, &pairs, told_of, options, &Silent).await {
        if busy {
            tracing::debug!(pair = %run.id, "somebody is at work on this pair already");
        } else {
            tell(&run, before.as_ref());
        }
        if let Some(problem) = &run.error {
            verdict = verdict.and(verdict_on(problem, nudge.cause));
        }
    }
    verdict
}

async fn pairs_of(services: &Services, calendar: &CalendarId) -> Result<(Snapshot, Vec<Pair>)> {
    let directory = Snapshot::read(services).await?;
    let mut pairs = directory.pairs()?;
    pairs.retain(|pair| !pair.paused && (pair.from == *calendar || pair.to == *calendar));
    Ok((directory, pairs))
}

/// By the problem's code ([`Problem`] has the table).
fn verdict_on(problem: &Problem, cause: Cause) -> Verdict {
    match problem.code.as_str() {
        "storage" | "disk_full" | "vault" => Verdict::Retry,
        "unreachable" | "throttled" | "bad_answer" | "changed_meanwhile" | "request" if cause != Cause::Poll => Verdict::Retry,
        _ => Verdict::Done,
    }
}

fn tell(run: &Run, before: Option<&Problem>) {
    let Run { id, created, changed, deleted, skipped, .. } = run;
    if created + changed + deleted > 0 {
        tracing::info!(pair = %id, created, changed, deleted, skipped, "synced");
    }
    match (&run.error, before) {
        (Some(now), before) if before.is_none_or(|before| before != now) => tracing::warn!(pair = %id, code = %now.code, "{}", now.message),
        (None, Some(_)) => tracing::info!(pair = %id, "well again"),
        _ => {}
    }
    if let Some(held) = &run.held {
        tracing::info!(pair = %id, deletions = held.deletions, of = held.of, "deletions wait for their owner: `calrelay {}`", held.confirm.join(" "));
    }
}

/// A nudge failed for good: its pairs say so, unless they say something more precise already. The next poll or night tries again.
pub async fn give_up_on_calendar(services: &Services, calendar: &CalendarId) -> Verdict {
    match mark(services, calendar).await {
        Ok(verdict) => verdict,
        Err(error) => {
            tracing::error!(%calendar, %error, "a nudge failed for good, and its pairs could not be told");
            Verdict::Retry
        }
    }
}

async fn mark(services: &Services, calendar: &CalendarId) -> Result<Verdict> {
    let mut verdict = Verdict::Done;
    for pair in pairs_of(services, calendar).await?.1 {
        // Whoever is at work on it will write down how that ended.
        let Some(lease) = services.leases.acquire(&services.owner, &[&directory::pair_lease(&pair.id)]).await?.taken() else {
            verdict = Verdict::Retry;
            continue;
        };
        tracing::error!(pair = %pair.id, %calendar, "a nudge failed for good");
        let told = memory::change_state(services, &pair.id, |row| {
            if row.error.is_none() {
                row.status = Some(PairStatus::Error);
                row.error = Some(Problem {
                    code: "gave_up".into(),
                    message: "Syncing failed several times in a row, and this attempt was given up. Nothing was lost: events, copies and what is stored stay as they were. It is tried again by itself; `calrelay doctor` looks for what is in the way.".into(),
                });
            }
        });
        let told = told.await;
        lease.end().await;
        told?;
    }
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(code: &str, cause: Cause) -> Verdict {
        verdict_on(&Problem { code: code.into(), message: "Words.".into() }, cause)
    }

    #[test]
    fn what_is_ours_comes_back_whoever_asked() {
        for code in ["storage", "disk_full", "vault"] {
            for cause in [Cause::Poll, Cause::Reconcile, Cause::Webhook] {
                assert_eq!(verdict(code, cause), Verdict::Retry, "{code}");
            }
        }
    }

    #[test]
    fn a_poll_is_its_own_retry() {
        assert_eq!(verdict("unreachable", Cause::Poll), Verdict::Done);
        assert_eq!(verdict("unreachable", Cause::Webhook), Verdict::Retry);
        assert_eq!(verdict("throttled", Cause::Reconcile), Verdict::Retry);
    }

    #[test]
    fn final_answers_are_not_repeated() {
        for code in ["unauthorized", "credentials", "not_found", "forbidden", "address", "suspicious_empty"] {
            assert_eq!(verdict(code, Cause::Webhook), Verdict::Done, "{code}");
        }
    }
}
