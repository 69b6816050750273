//! Events that were created and are not listed: a server did not keep them, lists them late, or
//! keeps nothing by which they are known (neither name, UID nor mark).
//!
//! # Properties
//! * An event that this installation has created and no listing has shown was deleted by no person:
//!   nothing is deleted because it is missing.
//! * Changes of the other event of such a mapping are written to the known name, if a read finds an
//!   event there. Where it does not, that proves nothing for two days: the changes wait until the
//!   event is listed. After that a copy is created again once its origin changes, under the name
//!   that it had; and at once by a full pass.
//! * An unknown event that names no mapping may be such an event: the one with the version that the
//!   response to the write had, or where there was none, with its time and its title, if there is
//!   only one such event. The mapping has that name from then on.
//! * Where events keep their marks, an event without one is never what was written.
//! * An event that existed before a write is never what was written. Where only time and title
//!   match, the event's own stamps have to prove that it is not older; an event that is known to be
//!   older belongs to its owner, and is treated as such.
//! * An event that has the time or the title of what was written, and is not known to be it, is
//!   left alone and reported; with another version than that of the write, only an event that has
//!   both.
//! * Where a calendar shows nothing of what was created there, not even under the names that were
//!   given, and has at least as many unknown events, and at least two, the pair stops before
//!   anything is written.
//!
//! # Cost
//! No request where all is listed: the row of the pair, which is read at the beginning of a pass,
//! names what was created until it is listed. Where an event is not listed, the rows of the pair
//! and the unknown events of that calendar are read; and the event itself, once the other event of
//! its mapping has changed.

use std::collections::{BTreeMap, BTreeSet};

use engine::event::{Draft, EventId, Field, Stamps};
use engine::mapping::{Mapping, MappingState};
use engine::marker::{MappingId, Role};
use engine::pair::{PerSide, Side};
use engine::reason::Reason;
use engine::uid::UidHash;
use providers::Found;
use records::pair_state::ProblemRow;

use super::identities::EventIdentities;
use super::unlisted::{ShownEvent, UnlistedEvent, being_created};
use crate::sync::change::{ChangedMapping, ListedAs};
use crate::sync::changes::{AwaitedBefore, Changes};
use crate::sync::context::Context;
use crate::sync::pass_result::PassResult;
use crate::sync::roles::{mapped, other_role, role_at};
use crate::{Error, Result};

impl Context<'_> {
    /// Finds events that were created and are not listed, or stores that they were not listed.
    ///
    /// # Errors
    /// [`Error::CopiesUnrecognised`].
    pub(in crate::sync) async fn find_unseen(
        &self,
        identities: &mut EventIdentities,
        changes: &mut Changes,
        result: &mut PassResult,
    ) -> Result<()> {
        for side in Side::BOTH {
            if changes.cursors[side].is_none() {
                let unlisted = self.unlisted_with_changes(changes, side);
                self.note_unseen(changes, result, side, unlisted).await?;
                continue;
            }
            let (unlisted, others) = self.unlisted_events(changes, side).await?;
            let left = if unlisted.is_empty() {
                unlisted
            } else {
                self.find_unlisted(identities, changes, side, unlisted, others).await?
            };
            let is_unseen = left.iter().any(|unlisted| unlisted.mapping.is_live());
            self.note_unseen(changes, result, side, left).await?;
            let before = self.locked.unlisted().mappings[side].clone();
            changes.awaited[side] = Some(AwaitedBefore { mappings: before, is_unseen });
        }
        Ok(())
    }

    /// Events that were left alone because of a copy that is listed now.
    pub(in crate::sync) fn freed_by_recognition(&self, changes: &Changes) -> Vec<(Side, EventId)> {
        let shows = |mapping: &MappingId| {
            let changed = changes.mappings.get(mapping);
            changed.is_some_and(|changed| {
                changed
                    .stored
                    .unseen
                    .is_some_and(|role| matches!(changed.listed[role], ListedAs::Present(_)))
            })
        };
        let is_free = |row: &&ProblemRow| {
            row.problem.reason == Reason::MayBeCopy && row.mapping.as_ref().is_some_and(shows)
        };
        let free = self.problems.iter().filter(is_free);
        free.map(|row| {
            (self.side_of_calendar(&row.problem.calendar), EventId::new(row.problem.event.as_str()))
        })
        .collect()
    }

    /// At the end of a complete pass: what was awaited when the pass began has been listed since,
    /// or is stored as unseen.
    pub(in crate::sync) fn clear_awaited(&self, before: &PerSide<Option<AwaitedBefore>>) {
        for (side, before) in before.iter() {
            let Some(AwaitedBefore { mappings, is_unseen }) = before else { continue };
            self.locked.change_unlisted(|awaited| {
                let fresh = &awaited.added_now[side];
                awaited.mappings[side]
                    .retain(|mapping| !mappings.contains(mapping) || fresh.contains(mapping));
                (awaited.since_pass[side], awaited.unseen[side]) = (None, *is_unseen);
            });
        }
    }

    /// The events that this calendar should list and does not: those that were awaited, those that
    /// were unseen before, and those that an interrupted pass may have created. Also returns
    /// whether it lists any other event that was created there.
    async fn unlisted_events(
        &self,
        changes: &Changes,
        side: Side,
    ) -> Result<(Vec<UnlistedEvent>, bool)> {
        let awaited = self.locked.unlisted();
        let is_shown = |mapping: &MappingId| changes.listed[side].contains(mapping);
        let is_expected = |mapping: &Mapping| {
            let role = role_at(mapping, side);
            let is_new = awaited.mappings[side].contains(&mapping.id)
                || awaited.since_pass[side].is_some_and(|pass| mapping.made >= Some(pass));
            let is_unseen = mapping.is_live() && (is_new || mapping.unseen == Some(role));
            (is_unseen || (mapping.state == MappingState::Creating && role == Role::Copy))
                && !is_shown(&mapping.id)
        };
        let (mut unlisted, mut others) = (Vec::new(), false);
        let mut add = |mapping: Mapping| {
            let role = role_at(&mapping, side);
            match is_expected(&mapping) {
                true => unlisted.push(UnlistedEvent { mapping, role }),
                false => others |= mapping.is_live() && role == Role::Copy,
            }
        };
        if awaited.since_pass[side].is_none() && !awaited.unseen[side] {
            let missing: Vec<MappingId> = awaited.mappings[side]
                .iter()
                .copied()
                .filter(|mapping| !is_shown(mapping))
                .collect();
            if missing.is_empty() {
                return Ok((being_created(changes, side), true));
            }
        }
        let mut after = None;
        loop {
            let (page, next) = self.store.page(after.as_deref()).await?;
            page.into_iter().for_each(&mut add);
            after = next;
            if after.is_none() {
                return Ok((unlisted, others));
            }
        }
    }

    /// The unlisted events of a calendar that was not listed because it did not change, where the
    /// other calendar has changes. A provider that sends notifications may not have sent one yet.
    fn unlisted_with_changes(&self, changes: &Changes, side: Side) -> Vec<UnlistedEvent> {
        let awaited = self.locked.unlisted();
        let is_unlisted = |mapping: &Mapping, role: Role| {
            let is_awaited = self.is_caldav(side) && awaited.mappings[side].contains(&mapping.id);
            mapping.is_live() && (mapping.unseen == Some(role) || is_awaited)
        };
        let with_changes = changes.mappings.values().filter_map(|changed| {
            let role = role_at(&changed.mapping, side);
            let has_changes = !matches!(changed.listed[other_role(role)], ListedAs::None)
                && !matches!(changed.listed[role], ListedAs::Present(_));
            (has_changes && is_unlisted(&changed.mapping, role))
                .then(|| UnlistedEvent { mapping: changed.mapping.clone(), role })
        });
        with_changes.collect()
    }

    /// Joins the unlisted events that are found. Returns the others, which do not exist, or cannot
    /// be distinguished from other events.
    async fn find_unlisted(
        &self,
        identities: &mut EventIdentities,
        changes: &mut Changes,
        side: Side,
        unlisted: Vec<UnlistedEvent>,
        others: bool,
    ) -> Result<Vec<UnlistedEvent>> {
        if changes.unknown[side].is_empty() {
            return Ok(unlisted);
        }
        self.read_unknown_events(identities, changes, side, true).await?;
        let (mut unmarked, named) = self.unmarked(identities, changes, side).await?;
        if self.planner.kinds[side].facts().events.keeps_marks {
            // What has no mark there was not created here.
            unmarked.clear();
        }
        // Events with the mark or the UID are found by that.
        let (marked, unlisted): (Vec<UnlistedEvent>, Vec<UnlistedEvent>) =
            unlisted.into_iter().partition(|unlisted| named.contains(&unlisted.mapping.id));
        let by_mark = !marked.is_empty();
        for UnlistedEvent { mapping, role } in marked {
            if let Some(changed) =
                changes.mappings.get_mut(&mapping.id).filter(|_| mapping.is_live())
            {
                changed.mapping.unseen = Some(role);
            }
        }
        let unknown = unmarked.len();
        let (left, rest) = self.join_by_appearance(changes, side, unlisted, unmarked);
        let joined = unknown > rest.len();
        let mut alike = false;
        for shown in rest {
            alike |= left.iter().any(|unlisted| {
                [Field::Time, Field::Title].iter().any(|field| unlisted.is_like(&shown, *field))
            });
            if let Some(like) = left.iter().find(|unlisted| unlisted.may_be_altered(&shown)) {
                identities.alike.insert((side, shown.id), like.mapping.id);
            }
        }
        let unseen = left.iter().filter(|unlisted| unlisted.mapping.is_live()).count();
        if unseen >= SEVERAL
            && !joined
            && !alike
            && !others
            && !by_mark
            && unknown >= unseen
            && !self.is_any_under_its_name(side, &left).await?
        {
            return Err(Error::CopiesUnrecognised);
        }
        Ok(left)
    }

    /// Whether one of these events is under its known name, with its mark or its UID.
    async fn is_any_under_its_name(&self, side: Side, left: &[UnlistedEvent]) -> Result<bool> {
        let asked: Vec<&UnlistedEvent> =
            left.iter().filter(|unlisted| unlisted.mapping.is_live()).take(ASKED).collect();
        let names = asked
            .iter()
            .map(|unlisted| mapped(&unlisted.mapping, unlisted.role).id.clone())
            .collect();
        let found = self.fetch(side, names).await?;
        Ok(asked.iter().any(|unlisted| {
            let mapped = mapped(&unlisted.mapping, unlisted.role);
            let Some(Found::Event(event)) = found.get(&mapped.id) else { return false };
            let uid = UidHash::of(&event.uid);
            self.named_mapping(event) == Some(unlisted.mapping.id)
                || (uid.is_some() && uid == mapped.uid)
        }))
    }

    /// The unknown events of this calendar that name no mapping, and the mappings that the others
    /// name.
    async fn unmarked(
        &self,
        identities: &mut EventIdentities,
        changes: &Changes,
        side: Side,
    ) -> Result<(Vec<ShownEvent>, BTreeSet<MappingId>)> {
        let (mut unmarked, mut named) = (Vec::new(), BTreeSet::new());
        let ids: Vec<EventId> = changes.unknown[side].keys().cloned().collect();
        for ids in ids.chunks(self.ends[side].provider.batch().max(1)) {
            for (id, event) in self.read_again(identities, changes, side, ids).await? {
                if let Some(mapping) = self.named_mapping(&event) {
                    named.insert(mapping);
                } else if event.marker.is_none() {
                    let (uid, etag) = (UidHash::of(&event.uid), event.etag.clone());
                    let print = self.keys.prints.copy(&Draft::from(&*event));
                    unmarked.push(ShownEvent { id, uid, etag, print, stamps: event.stamps });
                }
                self.keep_unknown(identities, changes, side, event);
            }
        }
        Ok((unmarked, named))
    }

    /// Joins each unlisted event to the event that it must be. Returns what is left of both.
    fn join_by_appearance(
        &self,
        changes: &mut Changes,
        side: Side,
        unlisted: Vec<UnlistedEvent>,
        unmarked: Vec<ShownEvent>,
    ) -> (Vec<UnlistedEvent>, Vec<ShownEvent>) {
        let mut free: BTreeMap<EventId, ShownEvent> =
            unmarked.into_iter().map(|shown| (shown.id.clone(), shown)).collect();
        let mut found: Vec<Option<EventId>> = Vec::with_capacity(unlisted.len());
        for one in &unlisted {
            let like: Vec<&ShownEvent> =
                free.values().filter(|shown| one.role == Role::Copy && one.may_be(shown)).collect();
            let is_exact = |shown: &&&ShownEvent| {
                one.has_version_of(shown)
                    && (one.is_younger(shown) || shown.stamps == Stamps::default())
            };
            let exact: Vec<&&ShownEvent> = like.iter().filter(is_exact).collect();
            let is_rival = |shown: &ShownEvent| {
                unlisted.iter().filter(|unlisted| unlisted.may_be(shown)).count() > 1
            };
            let id = match (exact.as_slice(), like.as_slice(), one.etag()) {
                ([exact], ..) => Some(exact.id.clone()),
                ([], [only], None) if one.is_younger(only) && !is_rival(only) => {
                    Some(only.id.clone())
                }
                _ => None,
            };
            found.push(id);
        }
        let mut left = Vec::new();
        for (one, id) in unlisted.into_iter().zip(found) {
            match id.and_then(|id| free.remove(&id)) {
                Some(shown) => self.join_as(changes, side, one.mapping, shown),
                None => left.push(one),
            }
        }
        (left, free.into_values().collect())
    }

    fn join_as(&self, changes: &mut Changes, side: Side, mapping: Mapping, shown: ShownEvent) {
        tracing::debug!(pair = %self.pair.id, mapping = ?mapping.id, "a copy has neither the name \
        nor the UID that it was given");
        changes.unknown[side].remove(&shown.id);
        let changed =
            changes.mappings.entry(mapping.id).or_insert_with(|| ChangedMapping::new(mapping));
        let copy = &mut changed.mapping.copy;
        // What the server has altered is no person's edit.
        (copy.id, copy.uid) = (shown.id, shown.uid);
        copy.agree(shown.print);
        (changed.mapping.pristine, changed.mapping.unseen) = (false, None);
        changed.listed.copy = ListedAs::Present(None);
        if changed.mapping.origin.etag.is_none() && matches!(changed.listed.origin, ListedAs::None)
        {
            changed.listed.origin = ListedAs::Present(None);
        }
    }
}

/// A person may have deleted one event before it was listed.
const SEVERAL: usize = 2;
/// The most events that are read by name before none counts as recognised; each that is not found
/// among many costs a request of its own.
const ASKED: usize = 10;
