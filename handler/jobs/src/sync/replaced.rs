//! Reads again before a mapping is decided about: a copy under whose name another event is, and a
//! copy that another installation has created.
//!
//! A copy is known by its name first, then by its UID. A UID is evidence only as the server shows
//! it: a server that gives events UIDs of its own shows another UID than was sent, and an edit of
//! such a copy is an edit.

use engine::event::{Event, EventId};
use engine::mapping::{Mapping, MappingState};
use engine::marker::{MappingId, Role};
use engine::pair::Side;
use engine::plan::{Beside, Decision, Unknown};
use engine::uid::UidHash;
use providers::Found;

use super::change::{ChangedMapping, ListedAs};
use super::changes::Changes;
use super::context::Context;
use super::fetch::FoundEvents;
use super::identity::{EventIdentities, NewNames, rename};
use super::roles::side_of;
use crate::Result;

/// The most other copies that are read to find out whether they have kept their UIDs.
const WITNESSES: usize = 5;

impl Context<'_> {
    /// Where another event is under the name of a copy, another copy of this pair or any other
    /// event: looks for the copy among the events that changed, and by its UID.
    pub(super) async fn find_replaced_copy(
        &self,
        identities: &mut EventIdentities,
        changed: &mut ChangedMapping,
        read: &mut FoundEvents,
    ) -> Result<()> {
        let side = side_of(&changed.mapping, Role::Copy);
        let there = match (&changed.listed.copy, read[side].get(&changed.mapping.copy.id)) {
            (ListedAs::Present(Some(event)), _) | (_, Some(Found::Event(event))) => event,
            _ => return Ok(()),
        };
        // An event without a mark under the name of a copy that is being created is that copy,
        // where the server gives events UIDs of its own.
        if changed.mapping.state == MappingState::Creating
            && there.marker.is_none()
            && !self.is_ours(there, Role::Copy, changed.mapping.id)
        {
            if self.keeps_uids(identities, &changed.mapping).await? {
                read[side].remove(&changed.mapping.copy.id);
                changed.listed.copy = ListedAs::None;
            }
            return Ok(());
        }
        let (is_another_copy, has_other_uid) =
            (self.is_another_copy(&changed.mapping, there), has_other_uid(&changed.mapping, there));
        let is_another = is_another_copy || self.planner.is_another(&changed.mapping, there);
        if !changed.mapping.is_live() || !(is_another || has_other_uid) {
            return Ok(());
        }
        let found = match self.new_name_of(identities, &changed.mapping, is_another_copy).await? {
            Some(id) => self.fetch(side, vec![id.clone()]).await?.remove(&id),
            None => None,
        };
        match found {
            Some(Found::Event(event)) if self.is_the_copy(&changed.mapping, &event) => {
                identities.claim(side, event.id.clone());
                changed.freed_name = (!is_another_copy).then(|| changed.mapping.copy.id.clone());
                rename(&mut changed.mapping, Role::Copy, &event);
                changed.listed.copy = ListedAs::Present(Some(event));
            }
            _ => {
                changed.is_replaced = is_another
                    && (is_another_copy
                        || changed.mapping.has_servers_uid()
                        || self.keeps_uids(identities, &changed.mapping).await?);
                changed.freed_name = changed.is_replaced.then(|| changed.mapping.copy.id.clone());
            }
        }
        Ok(())
    }

    /// Finds copies that are suspected to be gone, whose UID was given by the server, and that have
    /// the name of another copy now.
    pub(super) async fn find_renamed_copies(
        &self,
        identities: &mut EventIdentities,
        changes: &mut Changes,
    ) -> Result<()> {
        let is_sought = |changed: &&ChangedMapping| {
            matches!(changed.listed.copy, ListedAs::Suspect)
                && changed.mapping.is_live()
                && changed.mapping.has_servers_uid()
        };
        let sought: Vec<Mapping> = changes
            .mappings
            .values()
            .filter(is_sought)
            .map(|changed| changed.mapping.clone())
            .collect();
        if sought.is_empty() {
            return Ok(());
        }
        identities.note_names(changes);
        for mapping in sought {
            let side = side_of(&mapping, Role::Copy);
            let Some(id) = self.new_name_of(identities, &mapping, false).await? else { continue };
            if let Some(Found::Event(event)) = self.fetch(side, vec![id.clone()]).await?.remove(&id)
                && let Some(changed) = changes.mappings.get_mut(&mapping.id)
            {
                identities.claim(side, id);
                rename(&mut changed.mapping, Role::Copy, &event);
                changed.listed.copy = ListedAs::Present(Some(event));
            }
        }
        Ok(())
    }

    fn is_another_copy(&self, mapping: &Mapping, there: &Event) -> bool {
        MappingId::of_copy_uid(&there.uid)
            .is_some_and(|named| named != mapping.id && self.planner.is_copy_of(there, named))
    }

    /// Whether an event is the copy: by its mark or UID, or by the UID that the server gave it.
    fn is_the_copy(&self, mapping: &Mapping, event: &Event) -> bool {
        let by_uid = mapping.has_servers_uid()
            && event.marker.is_none()
            && UidHash::of(&event.uid) == mapping.copy.uid;
        by_uid || self.planner.is_copy_of(event, mapping.id)
    }

    /// The current name of a copy that is not under its former name. `has_own_uid`: the copy kept
    /// the UID that was sent, as other copies did.
    async fn new_name_of(
        &self,
        identities: &mut EventIdentities,
        mapping: &Mapping,
        has_own_uid: bool,
    ) -> Result<Option<EventId>> {
        let side = side_of(mapping, Role::Copy);
        let names = self.names_now(identities, side).await?;
        let by_uid = || {
            mapping
                .copy
                .uid
                .filter(|_| mapping.has_servers_uid())
                .and_then(|uid| names.by_uid.get(&uid))
        };
        if let Some(id) = names.by_mapping.get(&mapping.id).or_else(by_uid) {
            return Ok(Some(id.clone()));
        }
        let end = &self.ends[side];
        let uid = mapping.id.copy_uid(mapping.generation);
        if has_own_uid {
            Ok(end.provider.find_uid(&end.calendar.address, &uid).await?)
        } else {
            Ok(None)
        }
    }

    /// The names of the events that changed, by their marks and UIDs.
    async fn names_now<'i>(
        &self,
        identities: &'i mut EventIdentities,
        side: Side,
    ) -> Result<&'i NewNames> {
        if identities.new_names[side].is_none() {
            let mut names = NewNames::default();
            for (id, found) in self.fetch(side, identities.renewed[side].clone()).await? {
                let Found::Event(event) = found else { continue };
                if let Some(mapping) = MappingId::of_copy_uid(&event.uid)
                    .filter(|mapping| self.planner.is_copy_of(&event, *mapping))
                {
                    names.by_mapping.insert(mapping, id);
                } else if let Some(uid) = UidHash::of(&event.uid).filter(|_| event.marker.is_none())
                {
                    names.by_uid.insert(uid, id);
                }
            }
            identities.new_names[side] = Some(names);
        }
        Ok(identities.new_names[side].get_or_insert_default())
    }

    /// Whether the server of a copy keeps the UIDs that copies are sent with, as other copies show
    /// that were created at about the same time. Where there is no such copy, only the name says
    /// what the copy is.
    async fn keeps_uids(
        &self,
        identities: &mut EventIdentities,
        mapping: &Mapping,
    ) -> Result<bool> {
        let side = side_of(mapping, Role::Copy);
        if let Some(keeps) = identities.keeps_uids[side] {
            return Ok(keeps);
        }
        let (mut others, _) = self.store.page(None).await?;
        others.retain(|other| {
            other.side == mapping.side
                && other.id != mapping.id
                && other.state == MappingState::Live
                && other.unseen.is_none()
        });
        others.sort_by_key(|other| other.made.unwrap_or(0).abs_diff(mapping.made.unwrap_or(0)));
        others.truncate(WITNESSES);
        let read =
            self.fetch(side, others.iter().map(|other| other.copy.id.clone()).collect()).await?;
        let keeps = others.iter().any(|other| match read.get(&other.copy.id) {
            Some(Found::Event(event)) => MappingId::of_copy_uid(&event.uid) == Some(other.id),
            _ => false,
        });
        identities.keeps_uids[side] = Some(keeps);
        Ok(keeps)
    }

    /// Finds a copy that another installation has created of the origin, where a pass was
    /// interrupted before it created its own.
    pub(super) async fn created_by_another(
        &self,
        identities: &EventIdentities,
        changed: &ChangedMapping,
        read: &FoundEvents,
    ) -> Result<Option<Decision>> {
        let ChangedMapping { mapping, listed, .. } = changed;
        if mapping.state != MappingState::Creating
            || matches!(listed.copy, ListedAs::Present(_))
            || self.takes_over
        {
            return Ok(None);
        }
        let event = match (&listed.origin, read[mapping.side].get(&mapping.origin.id)) {
            (ListedAs::Present(Some(event)), _) | (_, Some(Found::Event(event))) => event,
            _ => return Ok(None),
        };
        let other = mapping.side.other();
        let Some(id) = identities.foreign_copy(other, self.planner.first(event)) else {
            return Ok(None);
        };
        let Some(Found::Event(foreign)) = self.fetch(other, vec![id.clone()]).await?.remove(&id)
        else {
            return Ok(None);
        };
        Ok(Some(self.planner.unknown(Unknown {
            side: mapping.side,
            event,
            id: mapping.id,
            copy_id: mapping.copy.id.clone(),
            beside: Beside::Foreign(&foreign),
            marked_as_copy: false,
            first: mapping.first,
        })))
    }
}

/// Whether an event without a mark has another UID than the one that the server gave the copy.
fn has_other_uid(mapping: &Mapping, there: &Event) -> bool {
    let is_named = MappingId::of_copy_uid(&there.uid).is_some();
    mapping.has_servers_uid()
        && there.marker.is_none()
        && !is_named
        && UidHash::of(&there.uid) != mapping.copy.uid
}
