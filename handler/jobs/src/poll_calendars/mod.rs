//! Which calendars have to be synced: found by a poll of those whose providers send no
//! notifications, and by the nightly pass over all. Sends nudges and nothing else.
//!
//! # Properties
//! * A slow server delays only the pairs of its account: each pair is nudged when both its accounts
//!   have answered, and the next poll may begin meanwhile. That poll asks no account that is being
//!   asked.
//! * A poll without changes costs one request for collection states for each account, one read of
//!   the directory, one of the secrets, and one row for each pair.
//! * An account that refuses its password is not asked. A server that does not answer is asked once
//!   in a poll, for collection states only.
//! * A calendar whose provider sends notifications ([`crate::watches`]) is not asked. Its pairs are
//!   polled for their other calendar, for held deletions, and every ten minutes after a failure.
//!   Where no watch covers the calendar, the provider's facts say whether each poll leads to a pass
//!   ([`WatchFacts::polled_without`](engine::provider::WatchFacts::polled_without)).
//! * A change of an account's status causes one nudge, so that the row of each pair reports it. The
//!   pair is then left alone until the status changes.
//! * The queue does not grow without limit while no process drains it. The queue may hold a few
//!   more nudges than there are pairs: a nudge that was taken by a process that died stays
//!   invisible for a while, and must not prevent a new one.

mod due;
mod poll_account;

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use engine::calendar::{CalendarId, PairId};
use engine::pair::{Pair, Side};
use futures::StreamExt;
use records::pair_state;
use records::snapshot::Snapshot;
use store::Acquired;

use self::due::{CalendarState, is_backing_off, is_due, is_too_soon};
use self::poll_account::{PolledCalendar, poll_accounts};
use crate::in_process::LastPass;
use crate::nudge::{self, Cause, nudge_all};
use crate::services::Services;
use crate::{Result, Scope, leases};

/// A nudge that no pass has answered within this time is sent again. It is longer than a pass waits
/// for a slow server.
const NUDGE_TIMEOUT: Duration = Duration::from_secs(45);

/// The number of nudges that may wait in addition to one for each pair: more than a dead process
/// leaves invisible.
const QUEUE_SPARE: usize = 32;

/// The result of a poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PollOutcome {
    /// Pairs that are neither paused nor drafts.
    pub pairs: usize,
    /// Pairs that have something to do.
    pub due: usize,
    /// Nudges sent. One nudge may cover several pairs.
    pub sent: usize,
}

impl PollOutcome {
    fn and(self, other: Self) -> Self {
        Self {
            pairs: self.pairs + other.pairs,
            due: self.due + other.due,
            sent: self.sent + other.sent,
        }
    }
}

/// Polls for every owner.
///
/// # Errors
/// Storage failures.
pub async fn poll_calendars(services: &Services) -> Result<PollOutcome> {
    let polls =
        services.for_each_owner(|scope| async move { poll_owner(&scope).await }).await?.all()?;
    Ok(polls.into_iter().fold(PollOutcome::default(), PollOutcome::and))
}

/// Asks every account once, and nudges the calendars whose pairs have something to do.
///
/// # Errors
/// Storage failures. A provider's failure is stored in its account.
async fn poll_owner(scope: &Scope) -> Result<PollOutcome> {
    let directory = scope.snapshot().await?;
    let pairs = active_pairs(&directory);
    let mut outcome = PollOutcome { pairs: pairs.len(), ..PollOutcome::default() };
    let mut open: BTreeMap<&CalendarId, Vec<&Pair>> = BTreeMap::new();
    for pair in &pairs {
        Side::BOTH.iter().for_each(|side| open.entry(pair.calendar(*side)).or_default().push(pair));
    }
    let mut answers = pin!(poll_accounts(scope, &directory, &pairs)?);
    let (mut polled_calendars, mut has_room) = (BTreeMap::new(), None);
    loop {
        let seen = answers.next().await;
        let is_last = seen.is_none();
        let mut ready: BTreeMap<&PairId, &Pair> = BTreeMap::new();
        for seen in seen.into_iter().flatten() {
            for (calendar, polled) in seen? {
                let of = open.remove(&calendar).unwrap_or_default();
                polled_calendars.insert(calendar, polled);
                let is_seen = |pair: &&Pair| {
                    Side::BOTH
                        .iter()
                        .all(|side| polled_calendars.contains_key(pair.calendar(*side)))
                };
                ready.extend(of.into_iter().filter(is_seen).map(|pair| (&pair.id, pair)));
            }
        }
        if is_last {
            // An account or a calendar of these pairs was removed.
            ready.extend(
                std::mem::take(&mut open).into_values().flatten().map(|pair| (&pair.id, pair)),
            );
        }
        let due = pairs_due(scope, ready.into_values(), &polled_calendars).await?;
        outcome.due += due.len();
        if !due.is_empty() && has_room.is_none() {
            has_room =
                Some(scope.queue.len(nudge::QUEUE).await? < (pairs.len() + QUEUE_SPARE) as u64);
        }
        if has_room == Some(true) {
            let now = scope.clock.now();
            let due = due.into_iter().filter(|(pair, standing)| {
                scope.work.may_nudge(&pair.id, *standing, now, NUDGE_TIMEOUT)
            });
            let due: Vec<&Pair> = due.map(|(pair, _)| pair).collect();
            let sent = nudge_all(scope, &due, Cause::Poll).await;
            if sent.is_err() {
                due.iter().for_each(|pair| drop(scope.work.attempt_guard(&pair.id)));
            }
            outcome.sent += sent?;
        }
        if is_last {
            return Ok(outcome);
        }
    }
}

/// The pairs among these that have something to do.
async fn pairs_due<'a>(
    scope: &Scope,
    pairs: impl Iterator<Item = &'a Pair>,
    polled_calendars: &BTreeMap<CalendarId, PolledCalendar>,
) -> Result<Vec<(&'a Pair, LastPass)>> {
    let mut due = Vec::new();
    for pair in pairs {
        // The poll that is asking an account nudges its pairs, unless this poll has an answer for
        // the other calendar.
        let is = |wanted: fn(&PolledCalendar) -> bool| {
            Side::BOTH
                .iter()
                .any(|side| polled_calendars.get(pair.calendar(*side)).is_some_and(wanted))
        };
        if is(|polled| matches!(polled, PolledCalendar::PollRunning))
            && !is(|polled| matches!(polled, PolledCalendar::Answered { .. }))
        {
            continue;
        }
        let row = match pair_state::read_state(&*scope.store, &pair.id).await {
            Ok(row) => row,
            Err(error @ records::Error::Damaged(_)) => {
                tracing::warn!(pair = %pair.id, %error, "a pair is skipped, because its rows \
                cannot be read");
                continue;
            }
            Err(error) => return Err(error.into()),
        };
        let news = Side::BOTH
            .map(|side| CalendarState::of(polled_calendars.get(pair.calendar(side)), &row, side));
        let now = scope.clock.now();
        let is_back = Side::BOTH.iter().any(|side| {
            matches!(
                polled_calendars.get(pair.calendar(*side)),
                Some(PolledCalendar::Answered { is_back: true, .. })
            )
        });
        if is_due(&row, news, now)
            && !is_backing_off(&row, is_back, now)
            && !is_too_soon(scope, pair, &row, news, now)
            && !is_busy(scope, pair).await?
        {
            due.push((pair, (row.last_sync, row.failing.map(|failing| failing.at))));
        }
    }
    Ok(due)
}

/// Nudges the calendars of all pairs: changes of lost nudges are found, and the window moves on by
/// a day.
///
/// # Errors
/// Storage failures.
pub async fn reconcile(services: &Services) -> Result<PollOutcome> {
    let sent = services
        .for_each_owner(|scope| async move { reconcile_owner(&scope).await })
        .await?
        .all()?;
    Ok(sent.into_iter().fold(PollOutcome::default(), PollOutcome::and))
}

async fn reconcile_owner(scope: &Scope) -> Result<PollOutcome> {
    let pairs = active_pairs(&scope.snapshot().await?);
    let due: Vec<&Pair> = pairs.iter().collect();
    let sent = nudge_all(scope, &due, Cause::Reconcile).await?;
    Ok(PollOutcome { pairs: pairs.len(), due: due.len(), sent })
}

fn active_pairs(directory: &Snapshot) -> Vec<Pair> {
    let mut pairs = directory.readable_pairs();
    pairs.retain(|pair| pair.is_active());
    pairs
}

/// Whether a pass over the pair is running. The next poll finds what that pass does not see.
async fn is_busy(scope: &Scope, pair: &Pair) -> Result<bool> {
    match scope.leases.acquire(&scope.owner, &[&leases::pair_lease(&pair.id)]).await? {
        Acquired::Taken(lease) => {
            lease.end().await;
            Ok(false)
        }
        Acquired::Busy(_) => Ok(true),
    }
}
