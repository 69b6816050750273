//! The end of a pass: what is held, the cursors, and the state of the pair.

use engine::change::Cursor;
use engine::pair::PerSide;
use engine::reason::Reason;
use jiff::Timestamp;
use records::pair_state::{Batch, HeldDeletions, HeldRow, StateRecord, proofs};
use records::problem::{Held, PairStatus};

use super::changes::{AwaitedBefore, Changes};
use super::context::Context;
use super::echo::echoed;
use super::guard::DeletionGuard;
use super::held::HeldInPass;
use super::pass_result::{PassResult, RetryRound};
use super::resumption::Resumption;
use crate::Result;
use crate::report::Run;

/// What a pass has listed, as far as its end depends on it.
pub(super) struct ListedEnds {
    pub cursors: PerSide<Option<Cursor>>,
    pub is_whole: PerSide<bool>,
    awaited: PerSide<Option<AwaitedBefore>>,
    is_relisted: bool,
    /// The cursors are those of an earlier attempt, which this one has resumed.
    is_resumed: bool,
}

impl ListedEnds {
    pub fn of(changes: &mut Changes, is_relisted: bool) -> Self {
        Self {
            cursors: std::mem::take(&mut changes.cursors),
            is_whole: changes.is_whole,
            awaited: std::mem::take(&mut changes.awaited),
            is_relisted,
            is_resumed: false,
        }
    }

    /// Notes that the cursors of ends that were not listed are current.
    pub fn note_current(&self, state: &mut StateRecord, now: Timestamp) {
        for (side, _) in self.cursors.iter().filter(|(_, cursor)| cursor.is_none()) {
            state.up_to_date_at[side] = Some(now);
        }
    }

    /// Where earlier attempts have settled a part of this pass, its cursors are those of the first
    /// of them: what changed since is found by the next pass.
    pub fn resume(&mut self, resumption: Resumption) {
        if let Some(cursors) = resumption.first_cursors() {
            (self.cursors, self.is_resumed) = (cursors, true);
        }
    }
}

impl Context<'_> {
    /// Stores what was done and how the pair is now; the cursors with the last commit, and only
    /// where nothing is left to do. Returns whether another round is needed.
    pub(super) async fn finish(
        &self,
        state: &mut StateRecord,
        result: &mut PassResult,
        listed: ListedEnds,
        guard: &DeletionGuard,
        mut held: HeldInPass,
        deleted: u64,
    ) -> Result<Option<RetryRound>> {
        add_not_recreated(&mut held, result, state);
        let members = HeldDeletions::of(held.mappings.iter().copied(), guard.members(), self.now);
        let held_before = state.held.clone();
        self.retry_bearers(result);
        self.note_proofs(result).await?;
        self.note_facts(result).await?;
        state.next_retry = result.problems.next();
        result.run.next_try = state.next_retry;
        let is_held = self.note_held(state, &mut result.run, held, &members, guard.copies());
        result.run.copied_by_another = self.copied_by_another(&result.run, &result.batch).await;
        if self.options.dry_run {
            return Ok(None);
        }
        self.locked.note_held_deletions(&mut result.batch, members).await?;
        let retry = result.retry.take();
        if retry.is_none() && !result.is_incomplete {
            self.clear_awaited(&listed.awaited);
            if !is_held {
                self.note_completed(state, result, listed).await?;
            }
        }
        if retry.is_none() {
            state.last_sync = Some(self.scope.clock.now());
        }
        state.pass_count = self.planner.pass;
        state.status = Some(result.run.state);
        state.error.clone_from(&result.run.error);
        (state.remaining, state.progress, state.failing) = (None, None, None);
        self.store.finish(self.locked, std::mem::take(&mut result.batch), state.clone()).await?;
        self.audit_hold(held_before.as_ref(), state.held.as_ref(), deleted).await;
        Ok(retry)
    }

    /// Notes what is held, in the run and in the state. Returns whether anything is.
    fn note_held(
        &self,
        state: &mut StateRecord,
        run: &mut Run,
        held: HeldInPass,
        members: &HeldDeletions,
        copies: u64,
    ) -> bool {
        let HeldInPass { mappings, by_owner, emptied, .. } = held;
        let count = mappings.len() as u64 + emptied.held;
        if count == 0 {
            state.held = None;
            return false;
        }
        let held = if emptied.of > 0 {
            Held::emptied(&self.pair.id, count, emptied.of)
        } else {
            Held::new(&self.pair.id, count, copies)
        };
        let before = state.held.as_ref();
        // A question of another kind begins now.
        let since =
            before.filter(|row| row.held.kind == held.kind).map_or(self.now, |row| row.since);
        let since = members.oldest().map_or(since, |first| first.max(since));
        let by_owner = by_owner || before.is_some_and(|row| row.by_owner);
        let row = HeldRow { held, since, by_owner, emptied: emptied.sides };
        run.state = PairStatus::Held;
        run.held = Some(row.shown());
        state.held = Some(row);
        true
    }

    /// Notes that both calendars were read up to now, and nothing of them is left to do.
    async fn note_completed(
        &self,
        state: &mut StateRecord,
        result: &mut PassResult,
        listed: ListedEnds,
    ) -> Result<()> {
        let ListedEnds { cursors, is_whole, is_relisted, is_resumed, .. } = listed;
        let echoed = echoed(is_whole, result.wrote);
        if echoed.values().any(|is_echoed| *is_echoed) {
            // An echo is recognised by what was written, which has to be stored before.
            self.store.commit(self.locked, std::mem::take(&mut result.batch)).await?;
        }
        let read_again = if is_resumed { PerSide::default() } else { echoed };
        self.set_cursors(state, cursors, read_again).await;
        state.up_to_date_at = PerSide::from_fn(|_| Some(self.now));
        for (side, _) in is_whole.iter().filter(|(_, is_whole)| **is_whole) {
            state.last_complete_pass[side] = Some(self.planner.pass);
        }
        if is_relisted {
            state.window_listed_on = Some(self.today());
            self.locked.prune_conflicts(&mut result.batch, self.today()).await;
            if let Some(oldest) = self.locked.proofs_since().await {
                let (store, pair) = (&*self.scope.store, &self.pair.id);
                let oldest =
                    proofs::purge(store, pair, &mut result.batch, oldest, self.today()).await?;
                self.locked.set_proofs_since(oldest).await;
            }
        }
        state.take_over &= result.is_take_over_incomplete;
        Ok(())
    }

    /// Ends the pass before it is complete: stores what was done, and nothing else. No deletion is
    /// made, and no cursor is saved.
    pub(super) async fn give_way(
        &self,
        state: &mut StateRecord,
        result: &mut PassResult,
        remaining: u64,
    ) -> Result<()> {
        self.note_facts(result).await?;
        let PassResult { run, batch, .. } = result;
        run.remaining = remaining;
        run.held = state.held.as_ref().map(HeldRow::shown);
        run.state = if run.held.is_some() { PairStatus::Held } else { PairStatus::Ok };
        state.pass_count = self.planner.pass;
        (state.status, state.error, state.remaining) = (Some(run.state), None, Some(remaining));
        Ok(self.store.finish(self.locked, std::mem::take(batch), state.clone()).await?)
    }

    /// How many events of this pair another installation has copied: as it is stored, and in a dry
    /// run with those that this pass has found.
    async fn copied_by_another(&self, run: &Run, batch: &Batch) -> u64 {
        if self.options.dry_run {
            let found =
                run.actions.iter().filter(|action| action.reason == Some(Reason::CopiedByAnother));
            return self.locked.copied_by_another(&Batch::default()).await + found.count() as u64;
        }
        self.locked.copied_by_another(batch).await
    }
}

/// Where an origin could not be created again as the owner has answered, the question stays.
fn add_not_recreated(held: &mut HeldInPass, result: &PassResult, state: &StateRecord) {
    let emptied = &mut held.emptied;
    for (side, count) in result.not_recreated.iter().filter(|(_, count)| **count > 0) {
        emptied.held += count;
        let before = state.held.as_ref().map_or(0, |row| row.held.of);
        emptied.of = emptied.of.max(before).max(emptied.held);
        if !emptied.sides.contains(&side) {
            emptied.sides.push(side);
        }
    }
}
