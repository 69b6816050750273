//! Records what was done, as a pass goes on.

use engine::event::EventId;
use engine::mapping::Mapping;
use engine::pair::Side;
use engine::reason::Reason;
use records::pair_state::proofs;

use super::conflicts::ended_conflict;
use super::context::Context;
use super::pass_result::PassResult;
use super::problems::SOON;
use super::step::Applied;
use crate::Result;

/// The most mappings of a commit.
pub(super) const COMMIT_EVERY: usize = 49;

impl Context<'_> {
    /// Adds the result of a step to the result of the pass.
    pub(super) fn record(&self, mut applied: Applied, result: &mut PassResult) -> Result<()> {
        let conflict = ended_conflict(&mut applied);
        self.record_quickness(&applied, result);
        let Applied { side, event, is_incomplete, is_deferred, .. } = applied;
        if is_deferred {
            result.retry.get_or_insert_default().suspects.extend(applied.suspect);
        }
        for (side, id) in applied.released {
            if self.pair.copies_from(side) && !self.options.dry_run {
                result.retry.get_or_insert_default().unknown.push((side, id));
            }
        }
        if is_incomplete || is_deferred || applied.delete.is_some() {
            result.unsettled.insert(event.clone());
        }
        if applied.is_answer_open {
            result.not_recreated[side] += 1;
        }
        result.is_incomplete |= is_incomplete;
        for (side, wrote) in applied.wrote {
            result.wrote[side] |= wrote;
        }
        applied.actions.into_iter().for_each(|action| result.run.push(action));
        let is_deletion = applied.delete.is_some();
        if let (Some(delete), Some(proof)) = (&applied.delete, applied.proof) {
            result.proofs.insert(delete.mapping.id, proof);
        }
        result.deletes.extend(applied.delete.map(|delete| *delete));
        if self.options.dry_run {
            return Ok(());
        }
        result.proved.extend(applied.proved);
        result.conflicts.extend(conflict);
        let is_mapping_stored = applied.remember.is_some();
        if let Some((before, now)) = applied.remember {
            self.record_mapping(side, before, now, result)?;
        }
        let Some((row, retry)) = applied.problem else {
            // What was noted of an event that is copied stays while the event is not read.
            let is_note_kept = applied.is_unread && result.problems.is_note(side, event.as_str());
            if !is_incomplete && !is_deferred && !is_deletion && !is_note_kept {
                self.forget_problem(result, side, &event);
            }
            return Ok(());
        };
        let is_unread = row.problem.reason == Reason::RefusedByServer && !is_mapping_stored;
        let tries = self.note_problem(result, &event, row, retry)?;
        result.is_take_over_incomplete |= self.takes_over && is_unread && tries < SOON;
        Ok(())
    }

    fn record_mapping(
        &self,
        side: Side,
        before: Option<Mapping>,
        now: Option<Mapping>,
        result: &mut PassResult,
    ) -> Result<()> {
        if let (Some(before), Some(now)) = (&before, &now)
            && before.origin.id != now.origin.id
        {
            self.forget_problem(result, side, &before.origin.id);
        }
        match (before, now) {
            (before, Some(now)) => self.store.note(&mut result.batch, before.as_ref(), &now)?,
            (Some(before), None) => {
                result.ended.push(before.id);
                self.store.forget(&mut result.batch, &before);
            }
            (None, None) => {}
        }
        Ok(())
    }

    /// Stores what was recorded since the last commit.
    pub(super) async fn commit(&self, result: &mut PassResult) -> Result<()> {
        if self.options.dry_run || result.batch.is_empty() {
            return Ok(());
        }
        self.note_proofs(result).await?;
        self.note_facts(result).await?;
        Ok(self.store.commit(self.locked, std::mem::take(&mut result.batch)).await?)
    }

    /// Notes the proofs of the deletions that were made since the last commit.
    pub(super) async fn note_proofs(&self, result: &mut PassResult) -> Result<()> {
        let rows = std::mem::take(&mut result.proved);
        if !rows.is_empty() {
            proofs::note(&mut result.batch, self.today(), &mut result.proof_rows, &rows)?;
            self.locked.note_proofs_since(self.today()).await;
        }
        Ok(())
    }

    /// Drops the stored problem of an event, if there is one.
    pub(super) fn forget_problem(&self, result: &mut PassResult, side: Side, event: &EventId) {
        if !self.options.dry_run && result.problems.remove(side, event.as_str()) {
            let calendar = self.pair.calendar(side);
            self.store.forget_problem(&mut result.batch, calendar, event.as_str());
        }
    }
}
