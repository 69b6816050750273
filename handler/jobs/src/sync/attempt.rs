//! One attempt at a pair in a round: checks the pair without leases, and runs a pass under the
//! leases where there is something to do.
//!
//! # Properties
//! * The check reads. All that it may write is the time of the check, in a row of its own that no
//!   pass reads. So the check can neither hinder nor mislead the holder of the leases, and needs
//!   none.
//! * The check finds nothing to do only where both calendars are as the saved cursors say (by their
//!   states, or where a provider has no tag for a state, by an empty listing since the cursor), and
//!   the last pass left nothing open: no failure, no held deletion, and the window listed today. A
//!   pass saves its cursors as the last thing it does, together with all that it has stored; so
//!   what a pass that is running or was interrupted has not finished (an open intent, an
//!   event that was not found) shows as a cursor that is behind. What happens after the states were
//!   read is found by a later check: its notification comes after this call has read the states or
//!   before, and the cursor does not move without it.
//! * The pair's state is read before the calendars, or after the states of this round were read: in
//!   either order a calendar that changed in between is behind its cursor, or ahead of it, and is
//!   then checked once more for nothing.
//! * A listing that the check made is not made again under the leases if the cursor is still the
//!   one that it began at: it is a little older than one made now, and what it lacks, its own
//!   cursor lacks too.
//! * Where a notification is about one calendar, the other calendar is not read if its provider
//!   sends notifications too: changes of the other calendar come with their own notification, and
//!   with the first pass of a day.
//! * Everything else is done under all leases of the pair, and decided anew from what is read under
//!   them: the pair may have been removed by then (the removal waits for the lease, and deletes the
//!   pair's state), and another process may have done the work. A pass that has begun when its pair
//!   is paused ends normally; an attempt whose snapshot of the pairs is not recent reads the pair
//!   again first.
//! * A failure that is stored already is not stored again.

use engine::calendar::CalendarId;
use engine::pair::{Pair, PerSide};
use engine::plan::Planner;
use records::pair_state::{
    self, Batch, FailureStreak, LockedState, PairStore, ProblemRow, StateRecord,
};
use records::problem::{PairStatus, Problem};
use store::{Acquired, Lease};
use tokio::time::Instant;

use super::accounts::OpenAccounts;
use super::context::Context;
use super::ends::{End, EndState, Prefetched, place};
use super::expand::show_by_occurrence;
use super::failure::{fail_pair, needs_reconnect};
use super::options::SyncOptions;
use super::pass;
use super::pass_result::RetryRound;
use crate::accounts::account_status;
use crate::first_release;
use crate::keys::PairKeys;
use crate::places::has_orphaned_copies;
use crate::report::{Progress, Run};
use crate::{Error, Result, Scope, leases};

/// One attempt at a pair in a round.
pub(super) struct Attempt<'a> {
    pub scope: &'a Scope,
    /// The pairs of this round.
    pub round: &'a [Pair],
    pub pair: &'a Pair,
    /// The calendar that a notification of its provider named.
    pub notified: Option<&'a CalendarId>,
    /// What an earlier round has left; `None` in the first round.
    pub retry: Option<RetryRound>,
    pub is_last_round: bool,
    pub options: SyncOptions,
    /// When the call began of which this attempt is a part.
    pub call_began: Instant,
    pub progress: &'a dyn Progress,
}

pub(super) enum AttemptOutcome {
    /// The pair was removed or paused meanwhile.
    Gone,
    /// Another process syncs the pair, or one of its calendars for long, and this is a background
    /// pass.
    Busy,
    /// Finished, with or without an error.
    Done(Box<Attempted>),
}

/// An attempt that was finished.
pub(super) struct Attempted {
    pub run: Run,
    /// The problem that was stored with the pair before.
    pub before: Option<Problem>,
    /// Another round is needed.
    pub retry: Option<RetryRound>,
}

impl Attempted {
    fn with(run: Run, before: Option<Problem>, retry: Option<RetryRound>) -> AttemptOutcome {
        AttemptOutcome::Done(Box::new(Self { run, before, retry }))
    }
}

impl Attempt<'_> {
    pub async fn run(self, accounts: &mut OpenAccounts<'_>) -> Result<AttemptOutcome> {
        match accounts.directory.pair(&self.pair.id)? {
            Some(pair) if self.options.may_read(&pair) => {}
            _ => return Ok(AttemptOutcome::Gone),
        }
        if self.options.background && self.scope.work.is_busy(&self.pair.id) {
            return Ok(AttemptOutcome::Busy);
        }
        let _turn = self.scope.work.attempt_guard(&self.pair.id);
        let mut prefetched = PerSide::default();
        if self.retry.is_none() && !self.options.full {
            let snapshot =
                pair_state::read_state_snapshot(&*self.scope.store, &self.pair.id).await?;
            let states = self.check_ends(accounts, &snapshot.row).await;
            if let Some(run) =
                self.outcome_without_leases(accounts, &snapshot, states.as_ref()).await?
            {
                return Ok(Attempted::with(run, snapshot.row.error, None));
            }
            if let Ok(states) = states {
                prefetched = states.map(|state| state.prefetched);
            }
        }
        let Some((lease, has_waited)) = self.acquire_leases(accounts).await? else {
            return Ok(AttemptOutcome::Busy);
        };
        if has_waited {
            accounts.forget_states();
            prefetched = PerSide::default();
        }
        let at_work = self.scope.work.begin_pair(&self.pair.id);
        let outcome = Box::pin(self.run_under_leases(accounts, prefetched, &lease)).await;
        drop(at_work);
        if let Ok(AttemptOutcome::Done(done)) = &outcome
            && done.run.remaining > 0
        {
            self.scope.work.record_yield(&self.pair.id);
        }
        lease.end().await;
        outcome
    }

    async fn run_under_leases(
        &self,
        accounts: &mut OpenAccounts<'_>,
        prefetched: PerSide<Option<Prefetched>>,
        lease: &Lease,
    ) -> Result<AttemptOutcome> {
        let keys = PairKeys::new(self.scope, self.pair).await?;
        let store = PairStore::new(&*self.scope.store, &keys.marks, self.pair);
        let (mut locked, mut problems) = store.read_state().await?;
        // A removal waits for the lease and deletes the pair's rows: a pair that has rows exists.
        if (locked.is_new().await || !accounts.directory.is_recent()) && self.has_ended().await? {
            return Ok(AttemptOutcome::Gone);
        }
        // Where the ends cannot be opened, the pass fails for that reason below.
        if let Ok(ends) = accounts.ends(self.pair).await {
            let bases = ends.map(|end| first_release::base(&end.account, &end.calendar));
            if first_release::migrate(&store, &locked, &problems, bases).await? {
                (locked, problems) = store.read_state().await?;
            }
        }
        let mut state = locked.row().await;
        let before = state.error.clone();
        // A round that follows a write reads both calendars.
        let notified = self.notified.filter(|_| self.retry.is_none());
        let (mut run, ended) = match self.end_states(accounts, notified, &state).await {
            Ok(mut states) => {
                for (side, prefetched) in prefetched {
                    states[side].prefetched = prefetched;
                }
                let stored = (&store, &locked, problems.as_slice());
                self.run_pass(accounts, states, &keys, stored, lease, &mut state).await
            }
            Err(error) => (Run::new(self.pair.id.clone(), PairStatus::Error), Err(error)),
        };
        match ended {
            Ok(retry) => Ok(Attempted::with(run, before, retry)),
            // The calendar may have another id: the next round lists it there.
            Err(Error::Provider(providers::Error::CalendarMissing))
                if self.retry.is_none()
                    && !self.options.dry_run
                    && accounts.rediscover_missing(self.pair).await? =>
            {
                Ok(Attempted::with(run, before, Some(RetryRound::default())))
            }
            Err(error) => {
                fail_pair(&mut run, &error, self.pair, accounts);
                if needs_reconnect(&error)
                    && let Some(refused) = self.record_refusal(accounts).await?
                {
                    run.place = Some(refused);
                }
                if !self.options.dry_run {
                    self.store_failure(&store, &locked, &run, &state).await;
                }
                Ok(Attempted::with(run, before, None))
            }
        }
    }

    async fn run_pass(
        &self,
        accounts: &OpenAccounts<'_>,
        states: PerSide<EndState>,
        keys: &PairKeys,
        (store, locked, problems): (&PairStore<'_>, &LockedState, &[ProblemRow]),
        lease: &Lease,
        state: &mut StateRecord,
    ) -> (Run, Result<Option<RetryRound>>) {
        let Self { scope, pair, options, .. } = *self;
        let directory = &accounts.directory;
        let (pair_ids, calendar_ids) = (directory.pair_ids(), directory.calendar_ids());
        let now = scope.clock.now();
        let mut states = states;
        if let Err(error) = show_by_occurrence(&mut states, state, store, pair.window(now)).await {
            return (Run::new(pair.id.clone(), PairStatus::Error), Err(error));
        }
        let ends: PerSide<End> = states.as_ref().map(|state| state.end.clone());
        let planner = Planner {
            pair,
            kinds: ends.as_ref().map(|end| end.account.kind),
            zones: ends.as_ref().map(|end| end.calendar.zone.as_deref()),
            marks: &keys.marks,
            calendars: &calendar_ids,
            prints: &keys.prints,
            window: pair.window(now),
            now,
            pass: state.pass_count + 1,
            full: options.full,
        };
        let context = Context {
            scope,
            pair,
            ends: &ends,
            keys,
            store,
            locked,
            lease,
            options,
            pair_ids: &pair_ids,
            is_mixed: PerSide {
                from: has_orphaned_copies(directory, &pair.from, &pair.to),
                to: has_orphaned_copies(directory, &pair.to, &pair.from),
            },
            takes_over: state.take_over,
            pass_began: Instant::now(),
            call_began: self.call_began,
            planner,
            now,
            progress: self.progress,
            is_last_round: self.is_last_round,
            causes: PerSide::default(),
            problems,
            retry: self.retry.as_ref(),
        };
        Box::pin(pass::run(&context, state, states)).await
    }

    /// Stores why a pass failed. Of the state that the pass was about to store only the number of
    /// deletions counts: cursors are never saved without what belongs to them.
    async fn store_failure(
        &self,
        store: &PairStore<'_>,
        locked: &LockedState,
        run: &Run,
        state: &StateRecord,
    ) {
        let (status, error, deletions) = (Some(run.state), run.error.clone(), state.deletions);
        let failing = Some(FailureStreak::extend(state.failing, self.scope.clock.now()));
        let state = StateRecord { status, error, deletions, failing, ..locked.row().await };
        if let Err(error) = store.finish(locked, Batch::default(), state).await {
            // The run reports the first error.
            tracing::warn!(pair = %self.pair.id, %error, "the result of this pass could not be \
            stored");
        }
    }

    /// The credentials of one of the two accounts were refused during a pass: a request to each
    /// account finds out which one it is, and returns its name.
    async fn record_refusal(&self, accounts: &mut OpenAccounts<'_>) -> Result<Option<String>> {
        let Ok(ends) = accounts.ends(self.pair).await else { return Ok(None) };
        let mut refused = None;
        // The store of refresh tokens records the refusal of a grant.
        for end in ends.values().filter(|end| !end.account.kind.is_connected_by_consent()) {
            let asked = end.provider.ask(&end.calendar.address).await;
            if let Some(error) = asked.err().map(Error::Provider).filter(needs_reconnect) {
                account_status::record_outcome(self.scope, &end.account, Some(&error)).await?;
                refused.get_or_insert_with(|| place(&end.calendar, &end.account, &error));
            }
        }
        Ok(refused)
    }

    /// Whether the pair was removed or paused meanwhile.
    async fn has_ended(&self) -> Result<bool> {
        match self.scope.directory().pair(&self.pair.id).await {
            Ok(pair) => Ok(!self.options.may_read(&pair)),
            Err(records::Error::NoPair(_)) => Ok(true),
            Err(error) => Err(error.into()),
        }
    }
}

/// Stores why a pair was not finished in the last round, unless another pass has its lease.
pub(super) async fn store_unfinished(scope: &Scope, pair: &Pair, run: &Run) -> Result<()> {
    let Acquired::Taken(lease) =
        scope.leases.acquire(&scope.owner, &[&leases::pair_lease(&pair.id)]).await?
    else {
        return Ok(());
    };
    let stored = pair_state::change_state(&*scope.store, &pair.id, |row| {
        (row.status, row.error) = (Some(run.state), run.error.clone())
    })
    .await;
    lease.end().await;
    Ok(stored?)
}
