//! Applies one step: writes to the provider, unless the lease may be lost, and returns what is to
//! be stored.

use engine::mapping::Mapping;
use engine::marker::{MappingId, Role};
use engine::pair::Side;
use engine::plan::{Change, Decision, Write};
use engine::reason::Reason;
use providers::{Edit, NewCopy, Version, Written};
use records::pair_state::ProblemRow;

use super::behind::BEHIND;
use super::context::Context;
use super::problems::RetryAt;
use super::roles::side_of;
use super::step::{Applied, Step};
use crate::Result;
use crate::report::Verb;

impl Context<'_> {
    /// Applies a step. In a dry run, only returns what would be done.
    pub(super) async fn apply(&self, step: Step) -> Result<Applied> {
        let Step {
            side,
            event,
            etag,
            times,
            stored,
            decision,
            is_incomplete,
            suspect,
            mark_of,
            released,
            retry,
            gone,
            proof,
            note,
            is_unread,
            shown,
            changed_at,
            ..
        } = step;
        let mut applied = Applied {
            is_incomplete,
            suspect,
            released,
            is_unread,
            is_deferred: suspect.is_some(),
            conflict: self.conflict_of(&decision),
            changed_at,
            ..Applied::nothing(side, event.clone())
        };
        if let Some(reason) = note
            && matches!(
                decision,
                Decision::Nothing
                    | Decision::Remember(_)
                    | Decision::Create(_)
                    | Decision::Write(_)
            )
        {
            applied.problem =
                Some((self.problem(side, &event, None, reason, None), RetryAt::OnChange));
        }
        match decision {
            Decision::Nothing => {}
            Decision::Skip { reason, why, remember } => {
                applied.actions.push(self.skip(side, &event, times, reason));
                if matches!(
                    reason,
                    Reason::Unreadable | Reason::UnsupportedRule | Reason::RefusedByServer
                ) || mark_of.is_some()
                {
                    let problem = self.problem(side, &event, etag, reason, why.as_deref());
                    applied.problem =
                        Some((ProblemRow { mapping: mark_of, gone, ..problem }, retry));
                }
                applied.remember = remember.map(|now| (stored, Some(*now)));
            }
            Decision::Remember(now) => applied.remember = Some((stored, Some(*now))),
            Decision::Forget(now) => {
                applied.proved =
                    proof.map(|proof| self.proved(&now, None, Reason::OriginDeleted, proof));
                applied.remember = Some((Some(*now), None));
            }
            Decision::Delete(delete) => (applied.delete, applied.proof) = (Some(delete), proof),
            Decision::Create(create) => self.create(*create, stored, &mut applied).await?,
            Decision::Write(write) => self.write(*write, shown, &mut applied).await?,
        }
        Ok(applied)
    }

    /// Writes to both events. `shown`: the version of the copy that was read, where our own write
    /// has replaced that one as far as is known.
    async fn write(
        &self,
        write: Write,
        shown: Option<String>,
        applied: &mut Applied,
    ) -> Result<()> {
        let stored = write.intent();
        let Write { before, mut mapping, copy, origin, reason, .. } = write;
        let (mut actions, mut refused) = (Vec::new(), None);
        if origin.is_some() {
            let reason = reason.filter(|reason| *reason != Reason::OriginWins);
            actions.push(self.action(Verb::Change, &mapping, Role::Copy, reason));
        }
        if copy.is_some() {
            actions.push(self.action(Verb::Change, &mapping, Role::Origin, reason));
        }
        if self.options.dry_run {
            applied.actions = actions;
            return Ok(());
        }
        let asked = origin.as_ref().map(|change| change.parts.clone()).unwrap_or_default();
        if let Some(change) = origin {
            let version =
                Version { etag: mapping.origin.etag.clone(), sequence: mapping.origin.sequence };
            self.may_write()?;
            match self.change(&mapping, Role::Origin, &change, &version).await {
                Ok(written) => {
                    applied.wrote[mapping.side] = true;
                    self.record_written(&mut mapping, Role::Origin, written, Some(&change.parts));
                }
                Err(providers::Error::HasGuests) => {
                    return self
                        .refused_or_not_written(
                            providers::Error::HasGuests,
                            Role::Origin,
                            before,
                            stored,
                            &mapping,
                            applied,
                        )
                        .await;
                }
                Err(error) => {
                    let what = Some((mapping.id, Role::Origin));
                    let Some(why) = self.not_written(error, mapping.side, what, applied).await?
                    else {
                        return Ok(());
                    };
                    refused = Some(why);
                    actions.remove(0);
                }
            }
        }
        // What a person wrote on the copy does not reach the origin yet. The changes of the origin
        // are written to the copy nevertheless.
        let mut written = copy.as_ref().map(|change| change.parts.clone()).unwrap_or_default();
        if let Some(change) = copy {
            let etag = shown.clone().or_else(|| mapping.copy.etag.clone());
            let version = Version { etag, sequence: mapping.copy.sequence };
            self.may_write()?;
            let written = match self.change(&mapping, Role::Copy, &change, &version).await {
                // Nothing was written, and so nothing proves that the server is not behind.
                Ok(written) if shown.is_some() && written.etag == shown => {
                    Err(providers::Error::Refused(BEHIND.into()))
                }
                Err(providers::Error::Refused(_)) if shown.is_some() => {
                    Err(providers::Error::Refused(BEHIND.into()))
                }
                written => written,
            };
            match written {
                Ok(written) => {
                    applied.wrote[mapping.side.other()] = true;
                    mapping.pristine &= !written.rewritten;
                    let parts = (!change.whole).then_some(&change.parts);
                    self.record_written(&mut mapping, Role::Copy, written, parts);
                    if shown.is_some() && !change.whole {
                        // The next pass reads what it shows besides.
                        (mapping.copy.etag, mapping.copy.is_seen) = (None, false);
                    }
                }
                Err(error) => {
                    return self
                        .refused_or_not_written(
                            error,
                            Role::Copy,
                            before,
                            stored,
                            &mapping,
                            applied,
                        )
                        .await;
                }
            }
        }
        applied.actions = actions;
        if let Some((why, retry)) = refused {
            let reason = Reason::RefusedByServer;
            applied.actions.push(self.skip(
                mapping.side,
                &mapping.origin.id,
                Some(before.times.clone()),
                reason,
            ));
            applied.problem = Some((self.refused(&mapping, None, &why), retry));
            // The base and the intent of what was refused stay: the write may have succeeded
            // nevertheless, and is then no person's edit. The title of a private copy is corrected
            // even while its times wait to be written to the origin: the base of the times stays.
            written.fields.retain(|field| !asked.fields.contains(field));
            written.exceptions.retain(|key| !asked.exceptions.contains(key));
            mapping.copy.agree(before.copy.base.overlaid(&mapping.copy.base, &written));
            (mapping.origin.base, mapping.origin.shown) = (before.origin.base, before.origin.shown);
            (mapping.origin.intent, mapping.copy.intent) =
                (stored.origin.intent.clone(), before.copy.intent);
            (mapping.times, mapping.pristine, mapping.drifted) =
                (before.times, false, before.drifted);
        }
        applied.remember = Some((Some(stored), Some(mapping)));
        Ok(())
    }

    async fn change(
        &self,
        mapping: &Mapping,
        role: Role,
        change: &Change,
        version: &Version,
    ) -> providers::Result<Written> {
        let side = side_of(mapping, role);
        let end = &self.ends[side];
        let calendar = &end.calendar.address;
        let (id, marker) = match role {
            Role::Copy => {
                (&mapping.copy.id, Some(self.keys.marks.mint(role, mapping.id, mapping.first())))
            }
            Role::Origin => (&mapping.origin.id, None),
        };
        match (&marker, change.whole) {
            (Some(marker), true) => {
                let uid = mapping.id.copy_uid(mapping.generation);
                let copy = NewCopy { uid: &uid, marker, draft: &change.draft, now: self.now };
                end.provider.rewrite_parts(calendar, id, version, &copy, &change.parts).await
            }
            _ => {
                let edit = Edit {
                    parts: &change.parts,
                    draft: &change.draft,
                    marker: marker.as_deref(),
                    now: self.now,
                };
                end.provider.edit(calendar, id, version, &edit).await
            }
        }
    }

    /// Notes a write that the server refuses, to be tried again after a wait. Where the provider
    /// sees guests that the planner did not see, the event is left alone. For other failures see
    /// [`Self::not_written`].
    async fn refused_or_not_written(
        &self,
        error: providers::Error,
        role: Role,
        before: Mapping,
        stored: Mapping,
        mapping: &Mapping,
        applied: &mut Applied,
    ) -> Result<()> {
        let (side, event) = (mapping.side, &mapping.origin.id);
        let (reason, now) = match error {
            providers::Error::HasGuests => {
                // The copy is corrected with the next change of the origin, from what it shows
                // then.
                let mut now = Mapping { drifted: true, pristine: false, ..before };
                now.origin.etag.clone_from(&mapping.origin.etag);
                now.copy.etag.clone_from(&mapping.copy.etag);
                match role {
                    Role::Origin => {
                        now.guests = true;
                        // The other changes of the origin reach the copy with the next listing.
                        now.origin.etag = stored.origin.etag.clone();
                    }
                    // The provider says that the copy belongs to another person now: it is left
                    // alone, like an event with guests.
                    Role::Copy => now.copy_guests = true,
                }
                (Reason::HasGuests, now)
            }
            providers::Error::NotRepresentable(_) if self.may_expand(role, event) => {
                Box::pin(self.expand(mapping)).await?;
                applied.is_deferred = true;
                return Ok(());
            }
            error => {
                let Some((why, retry)) = self
                    .not_written(error, side_of(mapping, role), Some((mapping.id, role)), applied)
                    .await?
                else {
                    return Ok(());
                };
                applied.problem = Some((self.refused(mapping, None, &why), retry));
                // The intent stays: the write may have succeeded nevertheless, and is then no
                // person's edit.
                let mut now = Mapping { pristine: false, ..stored.clone() };
                if let (Some(intent), Some(shown)) = (&mut now.origin.intent, &mapping.origin.shown)
                {
                    *intent = shown.of_written(intent);
                }
                now.origin.etag.clone_from(&mapping.origin.etag);
                now.copy.etag.clone_from(&mapping.copy.etag);
                (Reason::RefusedByServer, now)
            }
        };
        applied.actions.push(self.skip(side, event, Some(mapping.times.clone()), reason));
        applied.remember = Some((Some(stored), Some(now)));
        Ok(())
    }

    /// Handles a failed write. Where the event changed meanwhile, another round reads it again. An
    /// event that a write found gone may never be listed as removed (created and deleted between
    /// two listings), so it becomes a suspect. Returns what the server answers about this event
    /// alone. Any other failure ends the pass; the stored intent keeps the event safe.
    pub(super) async fn not_written(
        &self,
        error: providers::Error,
        side: Side,
        what: Option<(MappingId, Role)>,
        applied: &mut Applied,
    ) -> Result<Option<(String, RetryAt)>> {
        match error {
            providers::Error::ChangedMeanwhile if self.is_last_round => {
                return Ok(Some((CHANGED_EACH_TIME.to_owned(), RetryAt::Later)));
            }
            providers::Error::ChangedMeanwhile => applied.is_deferred = true,
            providers::Error::Gone => {
                applied.is_deferred = true;
                applied.suspect = what;
            }
            error => return self.cause_of(side, error).await.map(Some),
        }
        Ok(None)
    }
}

/// The reason for an event that had changed in each round before it was written.
const CHANGED_EACH_TIME: &str =
    "it was changed at the same moment, each time that it was to be written";
