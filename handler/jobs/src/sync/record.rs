//! Records what was done, as a pass goes on.

use engine::event::EventId;
use engine::mapping::Mapping;
use engine::pair::Side;
use engine::reason::Reason;
use records::pair_state::proofs;

use super::context::Context;
use super::problems::SOON;
use super::step::Applied;
use super::tally::Tally;
use crate::Result;

/// The most mappings of a commit.
pub(super) const COMMIT_EVERY: usize = 49;

impl Context<'_> {
    /// Adds the result of a step to the tally.
    pub(super) fn record(&self, applied: Applied, tally: &mut Tally) -> Result<()> {
        let Applied { side, event, is_incomplete, is_deferred, .. } = applied;
        if is_deferred {
            tally.retry.get_or_insert_default().suspects.extend(applied.suspect);
        }
        for (side, id) in applied.released {
            if self.pair.copies_from(side) && !self.options.dry_run {
                tally.retry.get_or_insert_default().unknown.push((side, id));
            }
        }
        if is_incomplete || is_deferred || applied.delete.is_some() {
            tally.unsettled.insert(event.clone());
        }
        if applied.is_answer_open {
            tally.not_recreated[side] += 1;
        }
        tally.is_incomplete |= is_incomplete;
        for (side, wrote) in applied.wrote {
            tally.wrote[side] |= wrote;
        }
        applied.actions.into_iter().for_each(|action| tally.run.push(action));
        let is_deletion = applied.delete.is_some();
        if let (Some(delete), Some(proof)) = (&applied.delete, applied.proof) {
            tally.proofs.insert(delete.mapping.id, proof);
        }
        tally.deletes.extend(applied.delete.map(|delete| *delete));
        if self.options.dry_run {
            return Ok(());
        }
        tally.proved.extend(applied.proved);
        let is_mapping_stored = applied.remember.is_some();
        if let Some((before, now)) = applied.remember {
            self.record_mapping(side, before, now, tally)?;
        }
        let Some((row, retry)) = applied.problem else {
            // What was noted of an event that is copied stays while the event is not read.
            let is_note_kept = applied.is_unread && tally.problems.is_note(side, event.as_str());
            if !is_incomplete && !is_deferred && !is_deletion && !is_note_kept {
                self.forget_problem(tally, side, &event);
            }
            return Ok(());
        };
        let is_unread = row.problem.reason == Reason::RefusedByServer && !is_mapping_stored;
        let tries = self.note_problem(tally, &event, row, retry)?;
        tally.is_take_over_incomplete |= self.takes_over && is_unread && tries < SOON;
        Ok(())
    }

    fn record_mapping(
        &self,
        side: Side,
        before: Option<Mapping>,
        now: Option<Mapping>,
        tally: &mut Tally,
    ) -> Result<()> {
        if let (Some(before), Some(now)) = (&before, &now)
            && before.origin.id != now.origin.id
        {
            self.forget_problem(tally, side, &before.origin.id);
        }
        match (before, now) {
            (before, Some(now)) => self.store.note(&mut tally.batch, before.as_ref(), &now)?,
            (Some(before), None) => {
                tally.ended.push(before.id);
                self.store.forget(&mut tally.batch, &before);
            }
            (None, None) => {}
        }
        Ok(())
    }

    /// Stores what was recorded since the last commit.
    pub(super) async fn commit(&self, tally: &mut Tally) -> Result<()> {
        if self.options.dry_run || tally.batch.is_empty() {
            return Ok(());
        }
        self.note_proofs(tally).await?;
        Ok(self.store.commit(self.locked, std::mem::take(&mut tally.batch)).await?)
    }

    /// Notes the proofs of the deletions that were made since the last commit.
    pub(super) async fn note_proofs(&self, tally: &mut Tally) -> Result<()> {
        let rows = std::mem::take(&mut tally.proved);
        if !rows.is_empty() {
            proofs::note(&mut tally.batch, self.today(), &mut tally.proof_rows, &rows)?;
            self.locked.note_proofs_since(self.today()).await;
        }
        Ok(())
    }

    /// Drops the stored problem of an event, if there is one.
    pub(super) fn forget_problem(&self, tally: &mut Tally, side: Side, event: &EventId) {
        if !self.options.dry_run && tally.problems.remove(side, event.as_str()) {
            let calendar = self.pair.calendar(side);
            self.store.forget_problem(&mut tally.batch, calendar, event.as_str());
        }
    }
}
