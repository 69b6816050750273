//! Positive evidence: every event that is suspected to be gone is looked for, under its name and
//! under other names, unless there are so many that the owner is asked first.
//!
//! An event that is only missing in a listing is first read in a batch: most of these events have
//! left the window, and are found. An event that is not found may have another name
//! ([`super::identity`]). The deletions that would follow from the rest are weighed, and each of
//! the events is read alone.

use std::collections::{BTreeMap, BTreeSet};

use engine::change::Absence;
use engine::event::EventId;
use engine::guard::Evidence;
use engine::marker::{MappingId, Role};
use engine::pair::Side;
use engine::plan::Answer;
use engine::reason::Reason;
use engine::uid::UidHash;
use futures::{StreamExt, TryStreamExt, stream};
use providers::Found;
use records::pair_state::StateRecord;
use records::pair_state::proofs::{FirstSign, Proof};

use super::change::ListedAs;
use super::changes::Changes;
use super::context::Context;
use super::emptied::Emptied;
use super::guard::DeletionGuard;
use super::held::{EmptiedCalendars, HeldInPass};
use super::identity::EventIdentities;
use super::pass_result::PassResult;
use super::problems::RetryAt;
use super::roles::{ROLES, mapped, mapped_mut, other_role, side_of};
use super::series_groups::SeriesGroups;
use super::suspect::{Suspect, deletions, read_together, suspects};
use crate::report::Verb;
use crate::{Error, Result};

/// The most reads that verify deletions at once.
const AT_ONCE: usize = 8;
/// The most missing events that are read in batches; where more are missing, the owner is asked
/// first.
const MOST_SOUGHT: usize = 2_000;

/// What a read of one suspect has found.
enum FoundState {
    /// The event exists under this name.
    Present(EventId),
    Gone {
        absence: Absence,
        searched_uid: bool,
    },
    /// What the server answers instead, and when the event is read again.
    Unknown(String, RetryAt),
}

impl Context<'_> {
    /// Looks for every suspect, unless there are so many that the owner is asked first.
    pub(super) async fn verify(
        &self,
        identities: &mut EventIdentities,
        changes: &mut Changes,
        result: &mut PassResult,
        state: &StateRecord,
        guard: &DeletionGuard,
    ) -> Result<HeldInPass> {
        let mut suspects = suspects(changes);
        let mut refused = Vec::new();
        if changes.by_absence && suspects.len() <= MOST_SOUGHT {
            refused = self.find_missing(changes, suspects).await?;
        }
        self.suspect_interrupted_deletions(changes);
        self.find_renamed_events(identities, changes).await?;
        self.find_renamed_copies(identities, changes).await?;
        self.forget_joined(changes, result);
        suspects = self::suspects(changes);
        let mut evidence = changes.evidence();
        let mut emptied = EmptiedCalendars::default();
        let mut only_origins = false;
        for side in Side::BOTH {
            let of = match self.emptied(changes, &suspects, side, evidence, state).await? {
                Emptied::No => continue,
                Emptied::OfOrigins => {
                    only_origins = true;
                    continue;
                }
                Emptied::NothingLeft => {
                    evidence = Evidence::Missing;
                    continue;
                }
                Emptied::Of(of) => of,
            };
            let (here, rest): (Vec<Suspect>, Vec<Suspect>) = suspects
                .into_iter()
                .partition(|suspect| self.is_gone_with_calendar(changes, suspect, side));
            suspects = rest;
            // With an answer of the owner, each is read, and what is gone is treated as answered.
            // For those whose state the server does not give, the question stays. A confirmation
            // of deletions is no answer to this question.
            let waiting = match self.options.answer {
                Some(answer) => self.answer_emptied(changes, here, answer).await?,
                None => here,
            };
            if self.options.answer.is_none() || !waiting.is_empty() {
                emptied.held += waiting.len() as u64;
                emptied.of += of;
                emptied.sides.push(side);
                self.hold(changes, result, &waiting, None);
            }
        }
        for (suspect, why) in refused {
            let is_it = |one: &Suspect| (one.mapping, one.role) == (suspect.mapping, suspect.role);
            if suspects.iter().any(is_it) {
                suspects.retain(|one| one.mapping != suspect.mapping);
                self.put_off_deletion(changes, result, &suspect, (&why, RetryAt::Later))?;
            }
        }
        let deletions = deletions(changes, &suspects);
        let emptied_source = changes.suddenly_empty && !deletions.is_empty();
        let by_owner = emptied_source || only_origins;
        let series = SeriesGroups::of(changes.mappings.values().map(|changed| &changed.mapping));
        let weighed = guard.weigh(self.now, evidence, &deletions, &series, by_owner);
        // Where deletions wait, so do all suspects that were not released.
        let (waiting, rest): (Vec<Suspect>, Vec<Suspect>) =
            suspects.into_iter().partition(|suspect| {
                !weighed.held.is_empty() && !weighed.released.contains(&suspect.mapping)
            });
        self.hold(changes, result, &waiting, Some(&weighed.held));
        for (suspect, (why, retry)) in self.verify_each(changes, rest).await? {
            self.put_off_deletion(changes, result, &suspect, (&why, retry))?;
        }
        Ok(HeldInPass { mappings: weighed.held, series, by_owner, emptied })
    }

    /// Forgets the problems of events that turned out to be events of mappings.
    fn forget_joined(&self, changes: &Changes, result: &mut PassResult) {
        for changed in changes.mappings.values() {
            for role in ROLES {
                let id = &mapped(&changed.mapping, role).id;
                if *id != mapped(&changed.stored, role).id {
                    self.forget_problem(result, side_of(&changed.mapping, role), id);
                }
            }
        }
    }

    /// Reads each suspect alone. Those that exist become changes. Returns those whose state the
    /// server does not give.
    async fn verify_each(
        &self,
        changes: &mut Changes,
        suspects: Vec<Suspect>,
    ) -> Result<Vec<(Suspect, (String, RetryAt))>> {
        self.progress.expect(suspects.len() as u64);
        let uids: BTreeMap<MappingId, String> = suspects
            .iter()
            .filter_map(|suspect| Some((suspect.mapping, self.uid_sought(changes, suspect)?)))
            .collect();
        let uids = &uids;
        let found: Vec<(Suspect, FoundState)> = stream::iter(read_together(suspects, uids))
            .map(|suspects| async move {
                let found = self.find_together(&suspects, uids).await;
                self.progress.step(suspects.len() as u64);
                match found {
                    Ok(found) => Ok::<_, Error>(suspects.into_iter().zip(found).collect()),
                    Err(error) => {
                        let (why, retry) = self.cause_of(suspects[0].side, error).await?;
                        let unknown = |suspect| (suspect, FoundState::Unknown(why.clone(), retry));
                        Ok(suspects.into_iter().map(unknown).collect::<Vec<_>>())
                    }
                }
            })
            .buffer_unordered(AT_ONCE)
            .try_concat()
            .await?;
        let mut unknown = Vec::new();
        for (suspect, found) in found {
            let Some(changed) = changes.mappings.get_mut(&suspect.mapping) else { continue };
            match found {
                FoundState::Present(id) => {
                    mapped_mut(&mut changed.mapping, suspect.role).id = id;
                    changed.listed[suspect.role] = ListedAs::Present(None);
                    changed.was_verified = true;
                }
                FoundState::Gone { absence, searched_uid: searched } => {
                    let sign = changed.signs[suspect.role].unwrap_or(FirstSign::Earlier);
                    let calendar = self.pair.calendar(suspect.side).clone();
                    let (read, answer) = (self.scope.clock.now(), Some(absence));
                    changed.proofs[suspect.role] =
                        Some(Proof { calendar, sign, read, answer, searched });
                }
                FoundState::Unknown(why, retry) => unknown.push((suspect, (why, retry))),
            }
        }
        Ok(unknown)
    }

    /// The UID by which a copy is searched for before its origin is deleted because of it.
    fn uid_sought(&self, changes: &Changes, suspect: &Suspect) -> Option<String> {
        let keeps_uid = self.ends[suspect.side].account.kind.facts().events.keeps_uid;
        let changed = changes
            .mappings
            .get(&suspect.mapping)
            .filter(|_| keeps_uid && suspect.role == Role::Copy && self.pair.two_way)?;
        Some(changed.mapping.id.copy_uid(changed.mapping.generation))
            .filter(|uid| UidHash::of(uid) == changed.mapping.copy.uid)
    }

    /// Reads occurrences of one series together, and any other event alone.
    async fn find_together(
        &self,
        suspects: &[Suspect],
        uids: &BTreeMap<MappingId, String>,
    ) -> providers::Result<Vec<FoundState>> {
        if let [suspect] = suspects {
            let uid = uids.get(&suspect.mapping).map(String::as_str);
            return Ok(vec![self.find_one(suspect, uid).await?]);
        }
        let Some(first) = suspects.first() else { return Ok(Vec::new()) };
        let end = &self.ends[first.side];
        let ids: Vec<EventId> = suspects.iter().map(|suspect| suspect.event.clone()).collect();
        let absences = end.provider.absences(&end.calendar.address, &ids).await?;
        let state = |(suspect, absence): (&Suspect, Option<Absence>)| match absence {
            Some(absence) => FoundState::Gone { absence, searched_uid: false },
            None => FoundState::Present(suspect.event.clone()),
        };
        Ok(suspects.iter().zip(absences).map(state).collect())
    }

    /// Reads an event by its name, and searches for its UID where that name is gone.
    async fn find_one(
        &self,
        suspect: &Suspect,
        uid: Option<&str>,
    ) -> providers::Result<FoundState> {
        let end = &self.ends[suspect.side];
        let calendar = &end.calendar.address;
        let Some(absence) = end.provider.absence(calendar, &suspect.event).await? else {
            return Ok(FoundState::Present(suspect.event.clone()));
        };
        let Some(uid) = uid else { return Ok(FoundState::Gone { absence, searched_uid: false }) };
        let elsewhere = end.provider.find_uid(calendar, uid).await?;
        let gone = FoundState::Gone { absence, searched_uid: true };
        Ok(elsewhere.map_or(gone, FoundState::Present))
    }

    /// Takes suspects that wait for the owner out of this pass. Those of `named` are reported, or
    /// all where that is `None`.
    fn hold(
        &self,
        changes: &mut Changes,
        result: &mut PassResult,
        suspects: &[Suspect],
        named: Option<&BTreeSet<MappingId>>,
    ) {
        for suspect in suspects {
            if let Some(changed) = changes.mappings.remove(&suspect.mapping)
                && named.is_none_or(|named| named.contains(&suspect.mapping))
            {
                let reason = if suspect.role == Role::Origin {
                    Reason::OriginDeleted
                } else {
                    Reason::CopyDeleted
                };
                result.run.push(self.action(
                    Verb::Hold,
                    &changed.mapping,
                    suspect.role,
                    Some(reason),
                ));
            }
        }
    }

    /// Applies the owner's answer to those that are gone. Returns those whose state the server does
    /// not give.
    async fn answer_emptied(
        &self,
        changes: &mut Changes,
        suspects: Vec<Suspect>,
        answer: Answer,
    ) -> Result<Vec<Suspect>> {
        let unknown: Vec<Suspect> = self
            .verify_each(changes, suspects.clone())
            .await?
            .into_iter()
            .map(|(suspect, _)| suspect)
            .collect();
        for suspect in suspects {
            if unknown.iter().any(|one| (one.mapping, one.role) == (suspect.mapping, suspect.role))
            {
                continue;
            }
            let Some(changed) = changes.mappings.get_mut(&suspect.mapping) else { continue };
            if !matches!(changed.listed[suspect.role], ListedAs::Suspect) {
                continue;
            }
            changed.listed[suspect.role] = ListedAs::Emptied(answer);
            let other = &mut changed.listed[other_role(suspect.role)];
            if matches!(other, ListedAs::None) {
                // The event is created again from what its counterpart shows now.
                *other = ListedAs::Present(None);
            }
        }
        Ok(unknown)
    }

    /// Whether an event that was read by its id is not in the calendar nevertheless.
    async fn is_not_here(&self, suspect: &Suspect) -> Result<bool> {
        let end = &self.ends[suspect.side];
        if end.provider.answers_prove_presence() {
            return Ok(false);
        }
        // What the provider does not say counts as a suspect, which is asked for again by itself.
        Ok(match end.provider.absence(&end.calendar.address, &suspect.event).await {
            Ok(absence) => absence.is_some(),
            Err(error) => self.cause_of(suspect.side, error).await.map(|_| true)?,
        })
    }

    /// Reads missing events in batches. Those that are not found stay suspects. So do those that
    /// the server refuses to give, which are returned: a calendar counts as emptied although one
    /// event of it cannot be read.
    async fn find_missing(
        &self,
        changes: &mut Changes,
        suspects: Vec<Suspect>,
    ) -> Result<Vec<(Suspect, String)>> {
        let mut refused = Vec::new();
        for side in Side::BOTH {
            let mut here: Vec<&Suspect> =
                suspects.iter().filter(|suspect| suspect.side == side).collect();
            here.sort_by(|a, b| a.event.cmp(&b.event));
            let found = self
                .fetch(side, here.iter().map(|suspect| suspect.event.clone()).collect())
                .await?;
            for suspect in here {
                let listed = match found.get(&suspect.event) {
                    Some(Found::Event(_)) if self.is_not_here(suspect).await? => continue,
                    Some(Found::Event(event)) => {
                        if changes.suddenly_empty && self.planner.is_inside(side, event) {
                            return Err(Error::SuspiciousEmpty);
                        }
                        ListedAs::Present(Some(event.clone()))
                    }
                    // It exists and cannot be read: no change.
                    Some(Found::Unreadable { .. }) => ListedAs::None,
                    Some(Found::Refused(why)) => {
                        refused.push((suspect.clone(), why.clone()));
                        continue;
                    }
                    // Another object may have its name now.
                    Some(Found::NotFound | Found::NoEvent) | None => continue,
                };
                if let Some(changed) = changes.mappings.get_mut(&suspect.mapping) {
                    changed.listed[suspect.role] = listed;
                }
            }
        }
        Ok(refused)
    }
}
