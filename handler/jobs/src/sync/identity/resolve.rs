//! Finds the missing events of mappings under other names.

use std::collections::BTreeMap;

use engine::event::{Event, EventId};
use engine::mapping::{Mapping, MappingState};
use engine::marker::{MappingId, Mark, Role};
use engine::pair::Side;
use engine::uid::UidHash;
use providers::Found;
use records::pair_state::ProblemRow;

use super::identities::EventIdentities;
use super::rename::{has_its_uid, rename};
use crate::Result;
use crate::sync::change::{ListedAs, UnknownEvent};
use crate::sync::changes::Changes;
use crate::sync::context::Context;
use crate::sync::roles::{ROLES, mapped, other_role, role_at, side_of};

/// A mapping of which an event is not under its name, or may be elsewhere.
struct MissingEvent {
    mapping: MappingId,
    role: Role,
    /// Nothing indicates that the event is not under its name: that name is read before another
    /// name is believed.
    may_be_present: bool,
}

impl Context<'_> {
    /// Joins unknown events to the mappings that miss them: events that are suspected to be gone,
    /// and copies that were being created or were deleted.
    pub(in crate::sync) async fn find_renamed_events(
        &self,
        identities: &mut EventIdentities,
        changes: &mut Changes,
    ) -> Result<()> {
        let problems = self.problems;
        for side in Side::BOTH {
            let mut missing = self.missing_events(changes, side);
            // A copy that was to be deleted, and may be deleted now, is only recognised by its
            // name: a duplicate belongs to its owner.
            missing.retain(|mapping, missing_event| {
                missing_event.role == Role::Origin
                    || !self.is_to_be_deleted(changes, *mapping, problems)
            });
            if missing.is_empty() {
                continue;
            }
            self.add_duplicates(changes, side, &missing, problems);
            if changes.unknown[side].is_empty() {
                continue;
            }
            self.read_unknown_events(identities, changes, side, true).await?;
            // Events that were read and not kept are read once more, and only where an event is
            // missing.
            let ids: Vec<EventId> = changes.unknown[side].keys().cloned().collect();
            let mut marked = Vec::new();
            for ids in ids.chunks(self.ends[side].provider.batch().max(1)) {
                let mut found = self.read_again(identities, changes, side, ids).await?;
                for id in ids {
                    let Some(event) = found.remove(id) else { continue };
                    match self.mapping_that_misses(changes, &missing, &event) {
                        Some((mapping, role))
                            if has_its_uid(&changes.mappings[&mapping].mapping, role, &event) =>
                        {
                            self.try_to_join(
                                identities,
                                changes,
                                side,
                                &missing,
                                (mapping, role),
                                event,
                            )
                            .await?;
                        }
                        // It only has the mark: another event may have the UID as well.
                        Some(sought) => marked.push((sought, event)),
                        None => self.keep_unknown(identities, changes, side, event),
                    }
                }
            }
            for ((mapping, role), event) in marked {
                if missing
                    .get(&mapping)
                    .is_some_and(|missing_event| is_found(changes, missing_event))
                {
                    self.keep_unknown(identities, changes, side, event);
                } else {
                    self.try_to_join(identities, changes, side, &missing, (mapping, role), event)
                        .await?;
                }
            }
            let origins = missing.values().filter(|missing_event| {
                missing_event.role == Role::Origin && !missing_event.may_be_present
            });
            let origins = origins.map(|missing_event| missing_event.mapping).collect();
            self.join_moved_series(identities, changes, side, &origins).await?;
        }
        Ok(())
    }

    async fn try_to_join(
        &self,
        identities: &mut EventIdentities,
        changes: &mut Changes,
        side: Side,
        missing: &BTreeMap<MappingId, MissingEvent>,
        sought: (MappingId, Role),
        event: Box<Event>,
    ) -> Result<()> {
        // A second event with the mark proves nothing about the first one, and a write may have
        // been wrong about it.
        let only_marked = !changes
            .mappings
            .get(&sought.0)
            .is_some_and(|changed| has_its_uid(&changed.mapping, sought.1, &event));
        let may_be_present = only_marked
            || missing.get(&sought.0).is_some_and(|missing_event| missing_event.may_be_present);
        if may_be_present && self.is_under_its_name(changes, side, sought.0).await? {
            self.keep_unknown(identities, changes, side, event);
        } else {
            self.join_to_mapping(changes, side, sought, event);
        }
        Ok(())
    }

    pub(super) fn keep_unknown(
        &self,
        identities: &mut EventIdentities,
        changes: &Changes,
        side: Side,
        event: Box<Event>,
    ) {
        if changes.unknown[side].get(&event.id).is_some_and(|unknown| unknown.event.is_none()) {
            identities.keep_event(side, event.id.clone(), Found::Event(event));
        }
    }

    async fn is_under_its_name(
        &self,
        changes: &Changes,
        side: Side,
        mapping: MappingId,
    ) -> Result<bool> {
        let Some(changed) = changes.mappings.get(&mapping) else { return Ok(true) };
        let end = &self.ends[side];
        let mapped = mapped(&changed.mapping, role_at(&changed.mapping, side));
        Ok(end.provider.exists(&end.calendar.address, &mapped.id).await?)
    }

    fn missing_events(&self, changes: &Changes, side: Side) -> BTreeMap<MappingId, MissingEvent> {
        let mut missing = BTreeMap::new();
        for changed in changes.mappings.values().filter(|changed| !changed.mapping.is_left_alone())
        {
            for role in ROLES {
                let (listed, other) = (&changed.listed[role], &changed.listed[other_role(role)]);
                let is_suspect = matches!(listed, ListedAs::Suspect);
                let may_be_back = role == Role::Copy
                    && matches!(
                        changed.mapping.state,
                        MappingState::Creating | MappingState::Suppressed
                    );
                // Where a deletion or a creation follows from the other event, this event must be
                // found under its name.
                let may_be_present = matches!(other, ListedAs::Suspect) && !may_be_back;
                let is_unlisted = matches!(listed, ListedAs::None);
                let may_be_present =
                    may_be_present || (changed.mapping.unseen == Some(role) && !may_be_back);
                if (is_suspect || (is_unlisted && (may_be_back || may_be_present)))
                    && side_of(&changed.mapping, role) == side
                {
                    let may_be_present = is_unlisted && may_be_present;
                    missing.insert(
                        changed.mapping.id,
                        MissingEvent { mapping: changed.mapping.id, role, may_be_present },
                    );
                }
            }
        }
        missing
    }

    /// Whether the origin of a mapping is gone, and the response to the deletion of its copy was
    /// lost.
    fn is_to_be_deleted(
        &self,
        changes: &Changes,
        mapping: MappingId,
        problems: &[ProblemRow],
    ) -> bool {
        let Some(Mapping { side, origin, .. }) =
            changes.mappings.get(&mapping).map(|changed| &changed.mapping)
        else {
            return false;
        };
        let is_it = |row: &ProblemRow| {
            row.problem.calendar == *self.pair.calendar(*side)
                && row.problem.event == origin.id.as_str()
        };
        problems.iter().any(|row| row.gone == Some(Role::Origin) && is_it(row))
    }

    /// Adds events that are known to have the mark of a copy that is missing now.
    fn add_duplicates(
        &self,
        changes: &mut Changes,
        side: Side,
        missing: &BTreeMap<MappingId, MissingEvent>,
        problems: &[ProblemRow],
    ) {
        for row in problems.iter().filter(|row| row.problem.calendar == *self.pair.calendar(side)) {
            if row.mapping.is_some_and(|mapping| missing.contains_key(&mapping)) {
                let id = EventId::new(row.problem.event.as_str());
                changes.unknown[side]
                    .entry(id)
                    .or_insert_with(|| UnknownEvent { is_new: true, ..UnknownEvent::default() });
            }
        }
    }

    /// The unknown events of these names, read where they were not read before.
    pub(super) async fn read_again(
        &self,
        identities: &mut EventIdentities,
        changes: &Changes,
        side: Side,
        ids: &[EventId],
    ) -> Result<BTreeMap<EventId, Box<Event>>> {
        let mut events = BTreeMap::new();
        let mut wanted = Vec::new();
        for id in ids {
            let listed = changes.unknown[side].get(id).and_then(|unknown| unknown.event.clone());
            match (listed, identities.take_read(side, id)) {
                (Some(event), _) | (None, Some(Found::Event(event))) => {
                    drop(events.insert(id.clone(), event))
                }
                (None, Some(_)) => {}
                (None, None) => wanted.push(id.clone()),
            }
        }
        for (id, found) in self.fetch(side, wanted).await? {
            if let Found::Event(event) = found {
                events.insert(id, event);
            }
        }
        Ok(events)
    }

    /// The mapping that misses this event.
    fn mapping_that_misses(
        &self,
        changes: &Changes,
        missing: &BTreeMap<MappingId, MissingEvent>,
        event: &Event,
    ) -> Option<(MappingId, Role)> {
        let uid = UidHash::of(&event.uid);
        match self.planner.mark(event) {
            Some(Mark::Ours { role, mapping, .. }) => {
                let missing_event = missing.get(&mapping)?;
                return (missing_event.role == role && !is_found(changes, missing_event))
                    .then_some((mapping, role));
            }
            // Its UID proves more than a mark that cannot be verified.
            Some(Mark::Foreign { .. }) | None => {}
        }
        let by_uid = |missing_event: &&MissingEvent| {
            let Some(changed) = changes.mappings.get(&missing_event.mapping) else { return false };
            let mapped = mapped(&changed.mapping, missing_event.role);
            // A row of the first release has no UID.
            let is_shown = missing_event.role == Role::Origin
                && mapped.uid.is_none()
                && self.shows(&changed.mapping, event);
            let named = is_shown
                || MappingId::of_uid(&event.uid)
                    == Some((missing_event.role, missing_event.mapping));
            !is_found(changes, missing_event) && (named || (uid.is_some() && mapped.uid == uid))
        };
        missing
            .values()
            .find(by_uid)
            .map(|missing_event| (missing_event.mapping, missing_event.role))
    }

    /// Whether an event shows exactly what an origin showed.
    fn shows(&self, mapping: &Mapping, event: &Event) -> bool {
        mapping.origin.meant(&self.keys.prints.origin(&engine::event::Draft::from(event)))
            == mapping.origin.base
    }

    pub(super) fn join_to_mapping(
        &self,
        changes: &mut Changes,
        side: Side,
        (mapping, role): (MappingId, Role),
        event: Box<Event>,
    ) {
        changes.unknown[side].remove(&event.id);
        let Some(changed) = changes.mappings.get_mut(&mapping) else { return };
        tracing::debug!(pair = %self.pair.id, ?mapping, ?role, "an event has another name by now");
        rename(&mut changed.mapping, role, &event);
        changed.listed[role] = ListedAs::Present(Some(event));
    }
}

fn is_found(changes: &Changes, missing_event: &MissingEvent) -> bool {
    let listed =
        changes.mappings.get(&missing_event.mapping).map(|changed| match missing_event.role {
            Role::Origin => &changed.listed.origin,
            Role::Copy => &changed.listed.copy,
        });
    matches!(listed, Some(ListedAs::Present(_)) | None)
}
