//! What is looked at once more before a mapping is decided about: a copy under another copy's name, and one that another installation has made.

use std::collections::BTreeMap;

use engine::event::EventId;
use engine::mapping::State;
use engine::marker::{MappingId, Role};
use engine::pair::Side;
use engine::plan::{Beside, Decision, Unknown};
use providers::Found;

use super::decide::Read;
use super::identity::{Identity, rename};
use super::pass::{Pass, side_of};
use super::survey::{News, Unit};
use crate::Result;

impl Pass<'_> {
    /// A copy under whose name another copy of this pair is by now: it is looked for among the copies that have news, and by its UID.
    pub(super) async fn set_right(&self, identity: &mut Identity, unit: &mut Unit, read: &mut Read) -> Result<()> {
        let side = side_of(&unit.mapping, Role::Copy);
        let there = match (&unit.copy, read[side as usize].get(&unit.mapping.copy.id)) {
            (News::Present(Some(event)), _) | (_, Some(Found::Event(event))) => event,
            _ => return Ok(()),
        };
        let named = MappingId::of_copy_uid(&there.uid).filter(|named| *named != unit.mapping.id && self.planner.is_copy_of(there, *named));
        if named.is_none() || !unit.mapping.is_live() {
            return Ok(());
        }
        let end = &self.ends[side as usize];
        let uid = unit.mapping.id.copy_uid(unit.mapping.generation);
        let listed = self.names_now(identity, side).await?.get(&unit.mapping.id).cloned();
        let id = match listed {
            None => end.provider.find_uid(&end.calendar.address, &uid).await?,
            listed => listed,
        };
        let found = match id {
            Some(id) => self.fetch(side, vec![id.clone()]).await?.remove(&id),
            None => None,
        };
        match found {
            Some(Found::Event(event)) if self.planner.is_copy_of(&event, unit.mapping.id) => {
                rename(&mut unit.mapping, Role::Copy, &event);
                unit.copy = News::Present(Some(event));
            }
            _ => unit.replaced = true,
        }
        Ok(())
    }

    /// The names of the copies that have news, by what they say of themselves.
    async fn names_now<'i>(&self, identity: &'i mut Identity, side: Side) -> Result<&'i BTreeMap<MappingId, EventId>> {
        let i = side as usize;
        if identity.names_now[i].is_none() {
            let mut names = BTreeMap::new();
            for (id, found) in self.fetch(side, identity.renewed[i].clone()).await? {
                if let Found::Event(event) = found
                    && let Some(mapping) = MappingId::of_copy_uid(&event.uid).filter(|mapping| self.planner.is_copy_of(&event, *mapping))
                {
                    names.insert(mapping, id);
                }
            }
            identity.names_now[i] = Some(names);
        }
        Ok(identity.names_now[i].get_or_insert_default())
    }

    /// A copy that was to be made when a pass was cut off: another installation may have made one since.
    pub(super) async fn made_by_another(&self, identity: &Identity, unit: &Unit, read: &Read) -> Result<Option<Decision>> {
        let Unit { mapping, origin, copy, .. } = unit;
        if mapping.state != State::Creating || matches!(copy, News::Present(_)) || self.takes_over {
            return Ok(None);
        }
        let event = match (origin, read[mapping.side as usize].get(&mapping.origin.id)) {
            (News::Present(Some(event)), _) | (_, Some(Found::Event(event))) => event,
            _ => return Ok(None),
        };
        let other = mapping.side.other();
        let Some(id) = identity.foreign_copy(other, self.planner.first(event)) else { return Ok(None) };
        let Some(Found::Event(foreign)) = self.fetch(other, vec![id.clone()]).await?.remove(&id) else { return Ok(None) };
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
