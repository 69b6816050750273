//! What is looked at once more before a mapping is decided about: a copy under whose name another
//! event is, and one that another installation has made.
//!
//! A copy is known by its name first, then by its UID. A UID is evidence only as the server shows
//! it: one that gives events UIDs of its own shows another than was sent, and an edit of such a
//! copy is an edit.

use engine::event::{Event, EventId};
use engine::mapping::{Mapping, MappingState};
use engine::marker::{MappingId, Role};
use engine::pair::Side;
use engine::plan::{Beside, Decision, Unknown};
use engine::uid::UidHash;
use providers::Found;

use super::decide::FoundEvents;
use super::identity::{EventIdentities, NamesNow, rename};
use super::pass::{Pass, side_of};
use super::survey::{ChangedMapping, Changes, ListedAs};
use crate::Result;

/// So many other copies are asked whether they have kept their UIDs.
const WITNESSES: usize = 5;

impl Pass<'_> {
    /// A copy under whose name another event is by now, another copy of this pair or any other: it
    /// is looked for among what has news, and by its UID.
    pub(super) async fn set_right(
        &self,
        identity: &mut EventIdentities,
        unit: &mut ChangedMapping,
        read: &mut FoundEvents,
    ) -> Result<()> {
        let side = side_of(&unit.mapping, Role::Copy);
        let there = match (&unit.copy, read[side as usize].get(&unit.mapping.copy.id)) {
            (ListedAs::Present(Some(event)), _) | (_, Some(Found::Event(event))) => event,
            _ => return Ok(()),
        };
        // What is under the name of a copy in the making and says nothing of itself is that copy,
        // where the server gives events UIDs of its own.
        if unit.mapping.state == MappingState::Creating
            && there.marker.is_none()
            && !self.is_ours(there, Role::Copy, unit.mapping.id)
        {
            if self.keeps_uids(identity, &unit.mapping).await? {
                read[side as usize].remove(&unit.mapping.copy.id);
                unit.copy = ListedAs::None;
            }
            return Ok(());
        }
        let (is_another_copy, has_other_uid) =
            (self.is_another_copy(&unit.mapping, there), has_other_uid(&unit.mapping, there));
        let is_another = is_another_copy || self.planner.is_another(&unit.mapping, there);
        if !unit.mapping.is_live() || !(is_another || has_other_uid) {
            return Ok(());
        }
        let found = match self.where_it_is(identity, &unit.mapping, is_another_copy).await? {
            Some(id) => self.fetch(side, vec![id.clone()]).await?.remove(&id),
            None => None,
        };
        match found {
            Some(Found::Event(event)) if self.is_the_copy(&unit.mapping, &event) => {
                identity.claim(side, event.id.clone());
                unit.freed = (!is_another_copy).then(|| unit.mapping.copy.id.clone());
                rename(&mut unit.mapping, Role::Copy, &event);
                unit.copy = ListedAs::Present(Some(event));
            }
            _ => {
                unit.replaced = is_another
                    && (is_another_copy
                        || unit.mapping.has_servers_uid()
                        || self.keeps_uids(identity, &unit.mapping).await?);
                unit.freed = unit.replaced.then(|| unit.mapping.copy.id.clone());
            }
        }
        Ok(())
    }

    /// Copies that are said to be gone, of which the UID is known that the server gave them, and
    /// that have the name of another copy by now.
    pub(super) async fn find_under_other_names(
        &self,
        identity: &mut EventIdentities,
        survey: &mut Changes,
    ) -> Result<()> {
        let is_sought = |unit: &&ChangedMapping| {
            matches!(unit.copy, ListedAs::Suspect)
                && unit.mapping.is_live()
                && unit.mapping.has_servers_uid()
        };
        let sought: Vec<Mapping> =
            survey.units.values().filter(is_sought).map(|unit| unit.mapping.clone()).collect();
        if sought.is_empty() {
            return Ok(());
        }
        identity.note_names(survey);
        for mapping in sought {
            let side = side_of(&mapping, Role::Copy);
            let Some(id) = self.where_it_is(identity, &mapping, false).await? else { continue };
            if let Some(Found::Event(event)) = self.fetch(side, vec![id.clone()]).await?.remove(&id)
                && let Some(unit) = survey.units.get_mut(&mapping.id)
            {
                identity.claim(side, id);
                rename(&mut unit.mapping, Role::Copy, &event);
                unit.copy = ListedAs::Present(Some(event));
            }
        }
        Ok(())
    }

    fn is_another_copy(&self, mapping: &Mapping, there: &Event) -> bool {
        MappingId::of_copy_uid(&there.uid)
            .is_some_and(|named| named != mapping.id && self.planner.is_copy_of(there, named))
    }

    /// Whether an event is the copy: by what it says of itself, or by the UID that the server gave
    /// it.
    fn is_the_copy(&self, mapping: &Mapping, event: &Event) -> bool {
        let by_uid = mapping.has_servers_uid()
            && event.marker.is_none()
            && UidHash::of(&event.uid) == mapping.copy.uid;
        by_uid || self.planner.is_copy_of(event, mapping.id)
    }

    /// Under what name a copy is by now that is not where it was. `has_own_uid`: it kept the UID
    /// that it was sent with, as others did.
    async fn where_it_is(
        &self,
        identity: &mut EventIdentities,
        mapping: &Mapping,
        has_own_uid: bool,
    ) -> Result<Option<EventId>> {
        let side = side_of(mapping, Role::Copy);
        let names = self.names_now(identity, side).await?;
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
        let end = &self.ends[side as usize];
        let uid = mapping.id.copy_uid(mapping.generation);
        if has_own_uid {
            Ok(end.provider.find_uid(&end.calendar.address, &uid).await?)
        } else {
            Ok(None)
        }
    }

    /// The names of what has news, by what it says of itself.
    async fn names_now<'i>(
        &self,
        identity: &'i mut EventIdentities,
        side: Side,
    ) -> Result<&'i NamesNow> {
        let i = side as usize;
        if identity.names_now[i].is_none() {
            let mut names = NamesNow::default();
            for (id, found) in self.fetch(side, identity.renewed[i].clone()).await? {
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
            identity.names_now[i] = Some(names);
        }
        Ok(identity.names_now[i].get_or_insert_default())
    }

    /// Whether the server of a copy keeps the UIDs that copies are sent with, as others say that
    /// were made about when this one was. Where there is none, its name alone says what the copy
    /// is.
    async fn keeps_uids(&self, identity: &mut EventIdentities, mapping: &Mapping) -> Result<bool> {
        let side = side_of(mapping, Role::Copy);
        if let Some(keeps) = identity.keeps_uids[side as usize] {
            return Ok(keeps);
        }
        let (mut others, _) = self.memory.page(None).await?;
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
        identity.keeps_uids[side as usize] = Some(keeps);
        Ok(keeps)
    }

    /// A copy that was to be made when a pass was cut off: another installation may have made one
    /// since.
    pub(super) async fn made_by_another(
        &self,
        identity: &EventIdentities,
        unit: &ChangedMapping,
        read: &FoundEvents,
    ) -> Result<Option<Decision>> {
        let ChangedMapping { mapping, origin, copy, .. } = unit;
        if mapping.state != MappingState::Creating
            || matches!(copy, ListedAs::Present(_))
            || self.takes_over
        {
            return Ok(None);
        }
        let event = match (origin, read[mapping.side as usize].get(&mapping.origin.id)) {
            (ListedAs::Present(Some(event)), _) | (_, Some(Found::Event(event))) => event,
            _ => return Ok(None),
        };
        let other = mapping.side.other();
        let Some(id) = identity.foreign_copy(other, self.planner.first(event)) else {
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

/// Whether an event that says nothing of itself has another UID than the one that the server gave
/// the copy.
fn has_other_uid(mapping: &Mapping, there: &Event) -> bool {
    let is_named = MappingId::of_copy_uid(&there.uid).is_some();
    mapping.has_servers_uid()
        && there.marker.is_none()
        && !is_named
        && UidHash::of(&there.uid) != mapping.copy.uid
}
