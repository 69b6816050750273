//! The status of accounts, pairs and watches, without requests to providers.

use engine::pair::{Pair, PerSide, Side};
use jiff::tz::TimeZone;
use records::account::Account;
use records::pair_state::{self, FailureStreak, HeldRow};
use records::problem::{PairStatus, Problem};
use records::snapshot::Snapshot;
use serde::Serialize;

use crate::next_step::Told;
use crate::report::{AccountState, Cursors, PairState};
use crate::watches::{self, WatchState};
use crate::{Error, Result, Scope};

/// The limits of the events that are counted, and named, because they could not be copied.
const COUNTED: usize = 1000;
const NAMED: usize = 100;

/// The answer of `status`.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Status {
    pub accounts: Vec<AccountState>,
    pub pairs: Vec<PairState>,
    /// The calendars whose providers send notifications.
    pub watches: Vec<WatchState>,
}

/// Reads the status from storage. `cadence` is the number of seconds between two polls of a running
/// service.
pub async fn status(scope: &Scope, cadence: u64) -> Result<Status> {
    let now = scope.clock.now();
    let accounts = scope
        .directory()
        .accounts()
        .await?
        .iter()
        .map(|account| AccountState::of(account, now))
        .collect();
    let mut pairs = Vec::new();
    let directory = scope.snapshot().await?;
    for id in directory.pair_ids() {
        let state = match directory.pair(&id) {
            Ok(Some(pair)) => pair_state(scope, &directory, &pair, cadence).await,
            Ok(None) => continue,
            Err(error) => Err(error.into()),
        };
        pairs.push(match state {
            Err(error @ Error::Damaged(_)) => PairState::unreadable(id, Problem::from(&error)),
            state => state?,
        });
    }
    Ok(Status { accounts, pairs, watches: watches::states(scope).await? })
}

async fn pair_state(
    scope: &Scope,
    directory: &Snapshot,
    pair: &Pair,
    cadence: u64,
) -> Result<PairState> {
    let row = pair_state::read_state(&*scope.store, &pair.id).await?;
    let now = scope.clock.now();
    let next = |last: jiff::Timestamp| {
        last.saturating_add(jiff::SignedDuration::from_secs(
            i64::try_from(cadence).unwrap_or(i64::MAX),
        ))
        .ok()
    };
    let problems = pair_state::problems(&*scope.store, &pair.id, COUNTED).await?;
    let told = Told::of_pair(&row, pair.paused, &accounts_of(directory, pair), now);
    let today = now.to_zoned(TimeZone::UTC).date();
    Ok(PairState {
        told,
        id: pair.id.clone(),
        state: PairStatus::by_switch(pair).or(row.status).unwrap_or(PairStatus::Ok),
        last_sync: row.last_sync,
        next_sync: row
            .last_sync
            .filter(|_| pair.is_active() && is_polled(scope, directory, pair))
            .and_then(next)
            .max(row.failing.map(FailureStreak::next_try)),
        lag_seconds: row.last_sync.map(|last| (now.as_second() - last.as_second()).max(0)),
        copies: row.copies,
        copied_by_another: row.copied_by_another,
        held: row.held.as_ref().map(HeldRow::shown),
        error: row.error,
        remaining: row.remaining,
        quickness: row.quickness.measured(today),
        conflicts: row.conflicts.count(today),
        problems: problems.len() as u64,
        problem_events: problems.into_iter().take(NAMED).map(|row| row.problem).collect(),
        cursors: Cursors { from: row.from.map(|row| row.at), to: row.to.map(|row| row.at) },
    })
}

/// The accounts of both calendars, as far as they are known.
fn accounts_of(directory: &Snapshot, pair: &Pair) -> PerSide<Option<Account>> {
    PerSide::from_fn(|side| {
        let calendar = directory.calendar(pair.calendar(side)).ok()??;
        directory.account(&calendar.account).ok()
    })
}

/// Whether polls find the changes of one of the calendars. A pair of which that is not true is
/// synced after a notification, and by the nightly pass.
fn is_polled(scope: &Scope, directory: &Snapshot, pair: &Pair) -> bool {
    Side::BOTH.iter().any(|side| {
        let id = pair.calendar(*side);
        let Ok(Some(calendar)) = directory.calendar(id) else { return true };
        let Ok(account) = directory.account(&calendar.account) else { return true };
        watches::is_polled(scope, directory, &account, id).unwrap_or(true)
    })
}
