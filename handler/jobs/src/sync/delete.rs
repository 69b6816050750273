//! Deletions: each is noted before it is made, made, and remembered with what it rested on.

use engine::mapping::{Mapping, MappingState};
use engine::marker::Role;
use engine::plan::Delete;
use engine::reason::Reason;
use futures::{StreamExt, stream};
use providers::Found;

use super::apply::Applied;
use super::pass::{Pass, other_role, side_of};
use super::survey::{self, Changes, ListedAs};
use super::work::{REMEMBER_EVERY, Tally};
use crate::Result;
use crate::report::Action;
use crate::report::Verb;
use records::pair_state::Batch;
use records::pair_state::proofs::FirstSign;
use records::pair_state::proofs::Proof;
use records::pair_state::proofs::ProofRow;

impl Pass<'_> {
    /// Where an earlier pass was cut off at a deletion, or its answer was lost: each half is looked
    /// for by itself, whatever was listed.
    pub(super) fn suspect_what_was_leaving(&self, survey: &mut Changes) {
        for unit in survey.units.values_mut().filter(|unit| unit.mapping.leaving.is_some()) {
            for role in [Role::Origin, Role::Copy] {
                if matches!(unit.seen_as(role), ListedAs::None) {
                    unit.suspect(role, FirstSign::Earlier);
                }
            }
        }
    }

    /// Notes which events are about to be deleted: where the pass is cut off, or an answer is lost,
    /// the next one must not take that for a person's doing.
    async fn note_leaving(&self, deletes: &mut [Delete]) -> Result<()> {
        if self.options.dry_run {
            return Ok(());
        }
        let mut notes = Batch::default();
        for delete in deletes {
            let mut noted = Mapping { leaving: Some(delete.role), ..delete.mapping.clone() };
            // Without a version: should the other event be back, it is looked at.
            survey::half_mut(&mut noted, other_role(delete.role)).etag = None;
            self.memory.note(&mut notes, Some(&delete.mapping), &noted)?;
            delete.mapping = noted;
        }
        self.intend(notes).await
    }

    pub(super) async fn delete(&self, mut deletes: Vec<Delete>, tally: &mut Tally) -> Result<()> {
        self.note_leaving(&mut deletes).await?;
        self.progress.expect(deletes.len() as u64);
        let parallel =
            self.ends.iter().map(|end| end.provider.parallel_writes()).min().unwrap_or(1).max(1);
        let mut proofs = std::mem::take(&mut tally.proofs);
        let deletes = deletes.into_iter().map(|delete| (proofs.remove(&delete.mapping.id), delete));
        let mut work = Box::pin(
            stream::iter(deletes)
                .map(|(proof, delete)| self.apply_delete(delete, proof))
                .buffer_unordered(parallel),
        );
        let mut failure = None;
        while let Some(applied) = work.next().await {
            self.progress.step(1);
            match applied {
                Ok(applied) => self.count(applied, tally)?,
                Err(error) => failure = Some(error),
            }
            // One place is for what they rest on.
            if tally.notes.len() >= REMEMBER_EVERY - 1 || failure.is_some() {
                self.remember(tally).await?;
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
        let id = match role {
            Role::Origin => &mapping.origin.id,
            Role::Copy => &mapping.copy.id,
        };
        let end = &self.ends[side as usize];
        let calendar = &end.calendar.address;
        self.may_write()?;
        let mut outcome = end.provider.delete(calendar, id, etag.as_deref()).await;
        if matches!(outcome, Err(providers::Error::ChangedMeanwhile)) && !self.pair.two_way {
            // A copy that was edited at this moment goes with its origin all the same; but it must
            // still be our copy.
            for (_, found) in self.fetch(side, vec![id.clone()]).await? {
                let Found::Event(event) = found else { continue };
                if event.has_guests() {
                    // Its owner has just invited people to it: it is theirs from now on.
                    outcome = Err(providers::Error::HasGuests);
                } else if self.planner.is_copy_of(&event, mapping.id) {
                    self.may_write()?;
                    outcome = end.provider.delete(calendar, id, event.etag.as_deref()).await;
                }
            }
        }
        match outcome {
            Ok(()) => {
                applied.wrote[side as usize] = true;
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

    /// What a deletion rested on.
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
