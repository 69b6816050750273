//! Checks without leases whether a pair has anything to do.

use engine::calendar::CalendarId;
use engine::pair::PerSide;
use jiff::{SignedDuration, Timestamp};
use providers::Since;
use records::pair_state::{self, StateRecord, StateSnapshot};
use records::problem::{PairStatus, Problem};

use super::accounts::OpenAccounts;
use super::attempt::Attempt;
use super::ends::{EndState, Prefetched};
use super::failure::fail_pair;
use super::problems::retry_is_due;
use crate::report::Run;
use crate::{Error, Result};

/// The least time between two checks of background passes that are noted.
const NOTED: SignedDuration = SignedDuration::from_mins(10);

impl Attempt<'_> {
    /// The states of both ends. Where a calendar has no tag, its changes are listed, if they could
    /// settle that there is nothing to do.
    pub(super) async fn check_ends(
        &self,
        accounts: &mut OpenAccounts<'_>,
        row: &StateRecord,
    ) -> Result<PerSide<EndState>> {
        let mut states = self.end_states(accounts, self.notified, row).await?;
        if !left_nothing_open(row, self.scope.clock.now()) {
            return Ok(states);
        }
        for (side, state) in states.iter_mut() {
            let Some(cursor) = row.cursor(side).filter(|_| state.tag.is_none() && !state.is_quiet)
            else {
                continue;
            };
            let (provider, address) = (&state.end.provider, &state.end.calendar.address);
            match provider.list_changes(address, Since::Cursor(cursor), None).await {
                Ok(changes) => {
                    state.prefetched = Some(Prefetched { cursor: cursor.clone(), changes });
                }
                // The whole calendar is listed under the leases.
                Err(providers::Error::CursorExpired) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(states)
    }

    /// The states of both ends. The account of a missing or closed calendar is discovered again; by
    /// a background pass only if the pair does not say yet that the calendar is missing or closed.
    pub(super) async fn end_states(
        &self,
        accounts: &mut OpenAccounts<'_>,
        notified: Option<&CalendarId>,
        row: &StateRecord,
    ) -> Result<PerSide<EndState>> {
        let states = accounts.end_states(self.round, self.pair, notified, self.options).await;
        let Err(error) = &states else { return states };
        let Error::Provider(providers::Error::CalendarMissing | providers::Error::Forbidden(_)) =
            error
        else {
            return states;
        };
        let is_known = row.error.as_ref() == Some(&Problem::from(error));
        if (is_known && self.options.background) || !accounts.rediscover_missing(self.pair).await? {
            return states;
        }
        accounts.end_states(self.round, self.pair, notified, self.options).await
    }

    /// The outcome, where no lease is needed: there is nothing to do, or the pass would fail for
    /// the reason that is stored already.
    pub(super) async fn outcome_without_leases(
        &self,
        accounts: &OpenAccounts<'_>,
        snapshot: &StateSnapshot,
        states: Result<&PerSide<EndState>, &Error>,
    ) -> Result<Option<Run>> {
        let now = self.scope.clock.now();
        match states {
            Ok(states)
                if is_at_rest(&snapshot.row, states, now)
                    && (snapshot.can_record_check() || self.options.dry_run) =>
            {
                let is_due = !self.options.background
                    || snapshot.last_checked().is_none_or(|last| now.duration_since(last) >= NOTED);
                if is_due && !self.options.dry_run {
                    pair_state::record_check(&*self.scope.store, &self.pair.id, snapshot, now)
                        .await?;
                }
                let next_try = snapshot.row.next_retry;
                Ok(Some(Run { next_try, ..Run::new(self.pair.id.clone(), PairStatus::Ok) }))
            }
            Ok(_) => Ok(None),
            Err(error) => {
                let mut run = Run::new(self.pair.id.clone(), PairStatus::Error);
                fail_pair(&mut run, error, self.pair, accounts);
                let is_known =
                    snapshot.row.status == Some(run.state) && snapshot.row.error == run.error;
                Ok(Some(run).filter(|_| is_known || self.options.dry_run))
            }
        }
    }
}

/// Whether nothing has happened since the last pass, and that pass left nothing open.
fn is_at_rest(row: &StateRecord, states: &PerSide<EndState>, now: Timestamp) -> bool {
    left_nothing_open(row, now)
        && states.iter().all(|(side, state)| {
            let Some(cursor) = row.cursor(side) else { return false };
            let EndState { end, tag, is_quiet, prefetched } = state;
            *is_quiet
                || tag.as_ref().is_some_and(|tag| end.provider.is_current(cursor, tag))
                || prefetched.as_ref().is_some_and(|ahead| ahead.changes.listed.is_empty())
        })
}

/// Whether the last pass ended without an error, listed the window of today, and holds nothing.
fn left_nothing_open(row: &StateRecord, now: Timestamp) -> bool {
    row.status == Some(PairStatus::Ok)
        && row.error.is_none()
        && row.held.is_none()
        && row.remaining.is_none()
        && !row.take_over
        && row.next_retry.is_none_or(|at| !retry_is_due(at, now))
        && !row.window_is_due(now)
}
