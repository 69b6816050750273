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
//! * A change of an account's status causes one nudge, so that the row of each pair reports it. The
//!   pair is then left alone until the status changes.
//! * The queue does not grow without limit while no process drains it. It may hold a few more
//!   nudges than there are pairs, because nudges that a dead process had taken stay invisible for a
//!   while and must not keep others out.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use engine::calendar::{AccountId, CalendarId, PairId};
use engine::pair::{Pair, Side};
use futures::{Stream, StreamExt};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use providers::{CollectionState, Provider};
use records::account::AccountStatus;
use records::calendar::CalendarRecord;
use records::pair_state::{self, StateRecord};
use records::problem::PairStatus;
use records::snapshot::Snapshot;
use store::Acquired;

use crate::accounts::{self, account_status};
use crate::in_process::LastPass;
use crate::nudge::{self, Cause, nudge_all};
use crate::services::Services;
use crate::{Error, Result, Scope, leases, sync};

/// Accounts asked at once.
const MAX_CONCURRENT: usize = 32;

/// An account that has not answered within this time counts as unreachable and is asked less and
/// less often, because it delays each poll by this time.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The nightly pass lists the window of the day. From this hour (UTC) on, a poll nudges the pairs
/// that it missed.
const LISTING_HOUR: i8 = 6;

/// Held deletions are checked again after this time.
const HELD_RECHECK: SignedDuration = SignedDuration::from_mins(10);

/// A nudge that no pass has answered within this time is sent again. It is longer than a pass waits
/// for a slow server.
const NUDGE_TIMEOUT: Duration = Duration::from_secs(45);

/// The number of nudges that may wait in addition to one for each pair: more than a dead process
/// leaves invisible.
const QUEUE_SPARE: usize = 32;

/// The result of a poll.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PollOutcome {
    /// Pairs that are not paused.
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
    let polls = services.for_each_owner(|scope| async move { poll_owner(&scope).await }).await?;
    Ok(polls.into_iter().fold(PollOutcome::default(), PollOutcome::and))
}

/// Asks every account once, and nudges the calendars whose pairs have something to do.
///
/// # Errors
/// Storage failures. A provider's failure is stored in its account.
async fn poll_owner(scope: &Scope) -> Result<PollOutcome> {
    let directory = scope.snapshot().await?;
    let pairs = active_pairs(&directory);
    let mut polled = PollOutcome { pairs: pairs.len(), ..PollOutcome::default() };
    let mut open: BTreeMap<&CalendarId, Vec<&Pair>> = BTreeMap::new();
    for pair in &pairs {
        Side::BOTH.iter().for_each(|side| open.entry(pair.calendar(*side)).or_default().push(pair));
    }
    let mut answers = pin!(poll_accounts(scope, &directory, &pairs)?);
    let (mut sights, mut has_room) = (BTreeMap::new(), None);
    loop {
        let seen = answers.next().await;
        let is_last = seen.is_none();
        let mut ready: BTreeMap<&PairId, &Pair> = BTreeMap::new();
        for seen in seen.into_iter().flatten() {
            for (calendar, sight) in seen? {
                let of = open.remove(&calendar).unwrap_or_default();
                sights.insert(calendar, sight);
                let is_seen = |pair: &&Pair| {
                    Side::BOTH.iter().all(|side| sights.contains_key(pair.calendar(*side)))
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
        let due = due(scope, ready.into_values(), &sights).await?;
        polled.due += due.len();
        if !due.is_empty() && has_room.is_none() {
            has_room =
                Some(scope.queue.len(nudge::QUEUE).await? < (pairs.len() + QUEUE_SPARE) as u64);
        }
        if has_room == Some(true) {
            let now = scope.clock.now();
            let due = due.into_iter().filter(|(pair, standing)| {
                scope.in_process.may_nudge(&pair.id, *standing, now, NUDGE_TIMEOUT)
            });
            let due: Vec<&Pair> = due.map(|(pair, _)| pair).collect();
            let sent = nudge_all(scope, &due, Cause::Poll).await;
            if sent.is_err() {
                due.iter().for_each(|pair| drop(scope.in_process.attempt_guard(&pair.id)));
            }
            polled.sent += sent?;
        }
        if is_last {
            return Ok(polled);
        }
    }
}

/// The pairs among these that have something to do.
async fn due<'a>(
    scope: &Scope,
    pairs: impl Iterator<Item = &'a Pair>,
    sights: &BTreeMap<CalendarId, PolledCalendar>,
) -> Result<Vec<(&'a Pair, LastPass)>> {
    let mut due = Vec::new();
    for pair in pairs {
        // The poll that is asking an account nudges its pairs, unless this poll has an answer for
        // the other calendar.
        let is = |wanted: fn(&PolledCalendar) -> bool| {
            Side::BOTH.iter().any(|side| sights.get(pair.calendar(*side)).is_some_and(wanted))
        };
        if is(|sight| matches!(sight, PolledCalendar::PollRunning))
            && !is(|sight| matches!(sight, PolledCalendar::Answered { .. }))
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
        let news =
            Side::BOTH.map(|side| CalendarState::of(sights.get(pair.calendar(side)), &row, side));
        let now = scope.clock.now();
        let is_back = Side::BOTH.iter().any(|side| {
            matches!(
                sights.get(pair.calendar(*side)),
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
    let sent =
        services.for_each_owner(|scope| async move { reconcile_owner(&scope).await }).await?;
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
    pairs.retain(|pair| !pair.paused);
    pairs
}

/// What a poll knows about a calendar.
enum PolledCalendar {
    /// The account has answered; `is_back` where it did not answer the request before.
    Answered { state: CollectionState, provider: Arc<dyn Provider>, is_back: bool },
    /// The provider sends notifications; no request is made.
    Pushes,
    /// The server did not answer.
    Unreachable,
    /// An earlier poll is still waiting for the answer.
    PollRunning,
    /// The account refuses its password; no request is made.
    Refused,
}

/// The calendars of one account.
type PolledCalendars = Vec<(CalendarId, PolledCalendar)>;

/// Asks each account once. The answers come in the order of their arrival; those that are there
/// together come together.
fn poll_accounts<'a>(
    scope: &'a Scope,
    directory: &'a Snapshot,
    pairs: &[Pair],
) -> Result<impl Stream<Item = Vec<Result<PolledCalendars>>> + use<'a>> {
    let ids: BTreeSet<&CalendarId> = pairs.iter().flat_map(|pair| [&pair.from, &pair.to]).collect();
    let mut accounts: BTreeMap<AccountId, Vec<CalendarRecord>> = BTreeMap::new();
    for id in ids {
        if let Some(row) = directory.calendar(id)? {
            accounts.entry(row.account.clone()).or_default().push(row);
        }
    }
    let glances = futures::stream::iter(accounts)
        .map(move |(id, rows)| poll_account(scope, directory, id, rows));
    Ok(glances.buffer_unordered(MAX_CONCURRENT).ready_chunks(MAX_CONCURRENT))
}

async fn poll_account(
    scope: &Scope,
    snapshot: &Snapshot,
    id: AccountId,
    rows: Vec<CalendarRecord>,
) -> Result<PolledCalendars> {
    let all = |rows: Vec<CalendarRecord>, sight: fn() -> PolledCalendar| {
        Ok(rows.into_iter().map(|row| (row.id, sight())).collect())
    };
    let account = match snapshot.account(&id) {
        Ok(account) if account.state == AccountStatus::NeedsReconnect => {
            return all(rows, || PolledCalendar::Refused);
        }
        Ok(account) if account.kind.pushes() => {
            return all(rows, || PolledCalendar::Pushes);
        }
        Ok(account) => account,
        // The account was removed, with its pairs, while the directory was read.
        Err(records::Error::NoAccount(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    if scope.in_process.is_unresponsive(&account.id, scope.clock.now()) {
        return all(rows, || PolledCalendar::Unreachable);
    }
    let Some(_asking) = scope.in_process.begin_poll(&account.id) else {
        return all(rows, || PolledCalendar::PollRunning);
    };
    // Opening an account of an earlier version makes a request, once.
    let opened = tokio::time::timeout(TIMEOUT, accounts::open_in(scope, snapshot, &account)).await;
    let provider = match opened.unwrap_or_else(|_| Err(Error::Provider(timeout_error()))) {
        Ok(provider) => provider,
        Err(error @ (Error::Provider(_) | Error::Vault(vault::Error::CannotOpen))) => {
            account_status::record_outcome(scope, &account, Some(&error)).await?;
            let is_away = matches!(&error, Error::Provider(error) if error.is_transient());
            return all(
                rows,
                if is_away { || PolledCalendar::Unreachable } else { || PolledCalendar::Refused },
            );
        }
        Err(error) => return Err(error),
    };
    let addresses: Vec<String> = rows.iter().map(|row| row.address.clone()).collect();
    let answer = tokio::time::timeout(TIMEOUT, provider.collection_states(&addresses)).await;
    scope.in_process.record_answer(&account.id, answer.is_ok(), scope.clock.now());
    match answer.unwrap_or_else(|_| Err(timeout_error())) {
        Ok(glances) => {
            account_status::record_outcome(scope, &account, None).await?;
            let is_back = account.state == AccountStatus::Unreachable;
            let seen = rows.into_iter().zip(glances).map(|(row, state)| {
                (row.id, PolledCalendar::Answered { state, provider: provider.clone(), is_back })
            });
            Ok(seen.collect())
        }
        Err(error) => {
            account_status::record_outcome(scope, &account, Some(&Error::Provider(error.clone())))
                .await?;
            all(
                rows,
                if matches!(error, providers::Error::Unauthorized) {
                    || PolledCalendar::Refused
                } else {
                    || PolledCalendar::Unreachable
                },
            )
        }
    }
}

fn timeout_error() -> providers::Error {
    providers::Error::NoAnswer(format!("it did not answer within {} seconds", TIMEOUT.as_secs()))
}

/// The state of a calendar for one pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CalendarState {
    /// Nothing has changed since the last pass.
    Unchanged,
    /// Something has changed, or only a pass can find out.
    Changed,
    /// The provider sends notifications.
    Pushed,
    /// The calendar could not be read.
    Unreachable,
    /// The account needs its owner.
    Refused,
}

impl CalendarState {
    fn of(sight: Option<&PolledCalendar>, row: &StateRecord, side: Side) -> Self {
        match sight {
            Some(PolledCalendar::Refused) => Self::Refused,
            Some(PolledCalendar::Pushes) => Self::Pushed,
            None
            | Some(
                PolledCalendar::Unreachable
                | PolledCalendar::Answered { state: CollectionState::Missing, .. },
            ) => Self::Unreachable,
            Some(PolledCalendar::PollRunning) => Self::Unchanged,
            Some(PolledCalendar::Answered { state: CollectionState::Untagged, .. }) => {
                Self::Changed
            }
            Some(PolledCalendar::Answered {
                state: CollectionState::Tagged(tip),
                provider,
                ..
            }) => {
                if row.cursor(side).is_some_and(|cursor| provider.is_current(cursor, tip)) {
                    Self::Unchanged
                } else {
                    Self::Changed
                }
            }
        }
    }
}

/// Whether a pair has something to do.
fn is_due(row: &StateRecord, news: [CalendarState; 2], now: Timestamp) -> bool {
    if news.contains(&CalendarState::Refused) {
        return row.status != Some(PairStatus::NeedsReconnect);
    }
    if news.contains(&CalendarState::Unreachable) {
        return row.status != Some(PairStatus::Error);
    }
    if news.contains(&CalendarState::Changed)
        || !matches!(row.status, Some(PairStatus::Ok | PairStatus::Held))
    {
        return true;
    }
    if let Some(held) = &row.held {
        let long_ago = |then: Timestamp| now.duration_since(then) >= HELD_RECHECK;
        return long_ago(held.since) && row.last_sync.is_none_or(long_ago);
    }
    if row.next_retry.is_some_and(|at| sync::has_come(at, now)) {
        return true;
    }
    let clock = now.to_zoned(TimeZone::UTC);
    row.window_listed_on != Some(clock.date())
        && (row.window_listed_on != clock.date().yesterday().ok() || clock.hour() >= LISTING_HOUR)
}

/// Whether a pair that keeps failing has to wait. A server that is back is tried at once.
fn is_backing_off(row: &StateRecord, is_back: bool, now: Timestamp) -> bool {
    !is_back && row.failing.is_some_and(|failing| now < failing.next_try())
}

/// No request shows whether a provider that is not polled works again: a pair that failed is tried
/// again, but not at every poll.
fn is_too_soon(
    scope: &Scope,
    pair: &Pair,
    row: &StateRecord,
    news: [CalendarState; 2],
    now: Timestamp,
) -> bool {
    let due = || scope.in_process.schedule_once(pair.id.as_str(), now, HELD_RECHECK.unsigned_abs());
    row.status == Some(PairStatus::Error)
        && news.contains(&CalendarState::Pushed)
        && !news.contains(&CalendarState::Changed)
        && !due()
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

#[cfg(test)]
mod tests;
