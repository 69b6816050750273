//! Deletions: weighed together, noted before they are made, and recorded with their proofs.

use engine::guard::Evidence;
use engine::mapping::{Mapping, MappingState};
use engine::marker::Role;
use engine::plan::Delete;
use engine::reason::Reason;
use futures::{StreamExt, stream};
use providers::Found;
use records::pair_state::proofs::{FirstSign, Proof, ProofRow};
use records::pair_state::{Batch, StateRecord};

use super::change::{ChangedMapping, ListedAs};
use super::changes::Changes;
use super::context::Context;
use super::guard::{DeletionGuard, Weighed};
use super::held::HeldInPass;
use super::pass_result::PassResult;
use super::record::COMMIT_EVERY;
use super::roles::{ROLES, mapped, mapped_mut, other_role, side_of};
use super::step::Applied;
use crate::Result;
use crate::report::{Action, Verb};

impl Context<'_> {
    /// Where an earlier pass was interrupted during a deletion, or its response was lost: both
    /// events are read, even if they were listed.
    pub(super) fn suspect_interrupted_deletions(&self, changes: &mut Changes) {
        let is_leaving = |changed: &&mut ChangedMapping| changed.mapping.leaving.is_some();
        for changed in changes.mappings.values_mut().filter(is_leaving) {
            for role in ROLES {
                if matches!(changed.listed[role], ListedAs::None) {
                    changed.suspect(role, FirstSign::Earlier);
                }
            }
        }
    }

    /// Makes the deletions of this pass that the guard releases, and adds the others to what is
    /// held. Returns how many events were deleted.
    pub(super) async fn delete_released(
        &self,
        state: &mut StateRecord,
        guard: &DeletionGuard,
        evidence: Evidence,
        held: &mut HeldInPass,
        result: &mut PassResult,
    ) -> Result<u64> {
        let deletes = std::mem::take(&mut result.deletes);
        let deletes = self.spare_moved(deletes, result).await?;
        let deletes = self.spare_by_clock(deletes, result);
        // Only deletions of copies that are live are weighed.
        let (weighed, rest): (Vec<Delete>, Vec<Delete>) =
            deletes.into_iter().partition(|delete| delete.mapping.is_live());
        let ids = weighed.iter().map(|delete| delete.mapping.id);
        let all = held.mappings.iter().copied().chain(ids).collect();
        weighed.iter().for_each(|delete| held.series.add(&delete.mapping));
        let Weighed { released, .. } = guard.weigh(self.now, evidence, &all, &held.series, false);
        let (released, kept): (Vec<Delete>, Vec<Delete>) =
            weighed.into_iter().partition(|delete| released.contains(&delete.mapping.id));
        for Delete { mapping, role, reason, .. } in kept {
            held.mappings.insert(mapping.id);
            let action = self.action(Verb::Hold, &mapping, other_role(role), Some(reason));
            result.run.push(action);
        }
        let before = result.run.deleted;
        let outcome = self.delete(released.into_iter().chain(rest).collect(), result).await;
        let deleted = result.run.deleted - before;
        if deleted > 0 {
            let today = self.today();
            state.deletions = Some((today, state.deletions_on(today) + deleted));
        }
        outcome?;
        Ok(deleted)
    }

    /// Stores which events are about to be deleted: where the pass is interrupted, or a response is
    /// lost, the next pass must not take the deletion for one that a person made.
    async fn note_leaving(&self, deletes: &mut [Delete]) -> Result<()> {
        if self.options.dry_run {
            return Ok(());
        }
        let mut batch = Batch::default();
        for delete in deletes {
            let mut noted = Mapping { leaving: Some(delete.role), ..delete.mapping.clone() };
            // Without a version, so that the other event is read if it exists again.
            mapped_mut(&mut noted, other_role(delete.role)).etag = None;
            self.store.note(&mut batch, Some(&delete.mapping), &noted)?;
            delete.mapping = noted;
        }
        Ok(self.store.commit(self.locked, batch).await?)
    }

    async fn delete(&self, mut deletes: Vec<Delete>, result: &mut PassResult) -> Result<()> {
        self.note_leaving(&mut deletes).await?;
        self.progress.expect(deletes.len() as u64);
        let parallel =
            self.ends.values().map(|end| end.provider.parallel_writes()).min().unwrap_or(1).max(1);
        let mut proofs = std::mem::take(&mut result.proofs);
        let deletes = deletes.into_iter().map(|delete| (proofs.remove(&delete.mapping.id), delete));
        let mut applied_all = Box::pin(
            stream::iter(deletes)
                .map(|(proof, delete)| self.apply_delete(delete, proof))
                .buffer_unordered(parallel),
        );
        let mut failure = None;
        while let Some(applied) = applied_all.next().await {
            self.progress.step(1);
            match applied {
                Ok(applied) => self.record(applied, result)?,
                Err(error) => failure = Some(error),
            }
            // One operation of the commit is the row of proofs.
            if result.batch.len() >= COMMIT_EVERY - 1 || failure.is_some() {
                self.commit(result).await?;
            }
            if failure.is_some() {
                break;
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// Deletes one of the two events of a mapping.
    async fn apply_delete(&self, delete: Delete, proof: Option<Proof>) -> Result<Applied> {
        let Delete { mapping, role, etag, reason } = delete;
        let side = side_of(&mapping, role);
        let mut applied = Applied::nothing(mapping.side, mapping.origin.id.clone());
        let action = self.action(Verb::Delete, &mapping, other_role(role), Some(reason));
        if self.options.dry_run {
            applied.actions.push(action);
            return Ok(applied);
        }
        let id = &mapped(&mapping, role).id;
        let end = &self.ends[side];
        let calendar = &end.calendar.address;
        self.may_write()?;
        let mut outcome = end.provider.delete(calendar, id, etag.as_deref()).await;
        if matches!(outcome, Err(providers::Error::ChangedMeanwhile)) && !self.pair.two_way {
            // A copy that was edited at this moment is deleted with its origin too, if it is still
            // our copy.
            for (_, found) in self.fetch(side, vec![id.clone()]).await? {
                let Found::Event(event) = found else { continue };
                if event.has_guests() {
                    // A copy to which people were invited is not deleted.
                    outcome = Err(providers::Error::HasGuests);
                } else if self.planner.is_copy_of(&event, mapping.id) {
                    self.may_write()?;
                    outcome = end.provider.delete(calendar, id, event.etag.as_deref()).await;
                }
            }
        }
        match outcome {
            Ok(()) => {
                applied.wrote[side] = true;
                applied.actions.push(action);
                let calendar = self.pair.calendar(side.other()).clone();
                let shown = || Proof {
                    calendar,
                    sign: FirstSign::Shown,
                    read: self.now,
                    answer: None,
                    searched: false,
                };
                applied.proved =
                    Some(self.proved(&mapping, Some(role), reason, proof.unwrap_or_else(shown)));
                applied.remember = Some((Some(mapping), None));
            }
            Err(providers::Error::HasGuests) if role == Role::Copy => {
                applied.actions.push(self.skip(
                    mapping.side,
                    &mapping.origin.id,
                    Some(mapping.times.clone()),
                    Reason::HasGuests,
                ));
                applied.remember = Some((Some(mapping), None));
            }
            Err(providers::Error::HasGuests) => {
                applied.actions.push(self.skip(
                    mapping.side,
                    &mapping.origin.id,
                    Some(mapping.times.clone()),
                    Reason::HasGuests,
                ));
                let now = Mapping {
                    guests: true,
                    state: MappingState::Suppressed,
                    leaving: None,
                    ..mapping.clone()
                };
                applied.remember = Some((Some(mapping), Some(now)));
            }
            Err(error) => {
                if let Some((why, retry)) =
                    self.not_written(error, side, None, &mut applied).await?
                {
                    applied.actions.push(Action {
                        action: Verb::Skip,
                        reason: Some(Reason::RefusedByServer),
                        ..action
                    });
                    let gone = matches!(reason, Reason::OriginDeleted | Reason::CopyDeleted)
                        .then(|| other_role(role));
                    applied.problem = Some((self.refused(&mapping, gone, &why), retry));
                }
            }
        }
        Ok(applied)
    }

    /// The row of a deletion and its proof.
    pub(super) fn proved(
        &self,
        mapping: &Mapping,
        deleted: Option<Role>,
        reason: Reason,
        proof: Proof,
    ) -> ProofRow {
        let (origin, copy) = (mapping.origin.id.to_string(), mapping.copy.id.to_string());
        ProofRow { at: self.scope.clock.now(), origin, copy, deleted, reason, proof }
    }
}
