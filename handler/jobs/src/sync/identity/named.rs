//! The mappings that events name by their marks and UIDs.

use std::collections::{BTreeMap, BTreeSet};

use engine::event::{Event, EventId};
use engine::mapping::Mapping;
use engine::marker::{MappingId, Mark, Role};
use engine::pair::Side;

use super::class::LiveMapping;
use super::identities::EventIdentities;
use crate::Result;
use crate::sync::context::Context;

impl Context<'_> {
    /// Those of these mappings that are live, in this pair or in another one.
    pub(in crate::sync) async fn live_mappings(
        &self,
        ids: BTreeSet<MappingId>,
    ) -> Result<BTreeMap<MappingId, LiveMapping>> {
        let here: BTreeMap<MappingId, Mapping> = self.store.mappings(ids.iter().copied()).await?;
        let rest: BTreeSet<MappingId> =
            ids.into_iter().filter(|id| !here.contains_key(id)).collect();
        let elsewhere = if rest.is_empty() {
            BTreeSet::new()
        } else {
            self.store.claimed_by_others(self.pair_ids, &rest).await?
        };
        let here = here.into_iter().map(|(id, mapping)| (id, LiveMapping::Here(Box::new(mapping))));
        Ok(here.chain(elsewhere.into_iter().map(|id| (id, LiveMapping::Elsewhere))).collect())
    }

    /// The mapping that an event names by its mark, or where a server removes marks, by its UID.
    pub(in crate::sync) fn named_mapping(&self, event: &engine::event::Event) -> Option<MappingId> {
        match self.planner.mark(event) {
            Some(Mark::Ours { mapping, .. }) => Some(mapping),
            Some(Mark::Foreign { .. }) => None,
            None => MappingId::of_uid(&event.uid).map(|(_, mapping)| mapping),
        }
    }

    /// Whether an event is marked as a copy, by any installation.
    pub(in crate::sync) fn is_marked_as_copy(&self, event: &engine::event::Event) -> bool {
        match self.planner.mark(event) {
            Some(Mark::Ours { role, .. } | Mark::Foreign { role, .. }) => role == Role::Copy,
            None => MappingId::of_copy_uid(&event.uid).is_some(),
        }
    }

    /// An id for the mapping of an event: it follows from the event's name, unless that id belongs
    /// to another event.
    pub(in crate::sync) async fn new_mapping_id(
        &self,
        identities: &mut EventIdentities,
        side: Side,
        id: &EventId,
        taken: bool,
    ) -> Result<MappingId> {
        let mut again = 0;
        loop {
            let candidate = self.planner.mapping_id(side, id, again);
            let free = match again {
                0 => !taken,
                _ => self.store.mapping(candidate).await?.is_none(),
            };
            if free && !identities.used.contains(&candidate) {
                identities.used.insert(candidate);
                return Ok(candidate);
            }
            again += 1;
        }
    }

    /// The live mappings that unknown events name.
    pub(in crate::sync) async fn mappings_named_by<'e>(
        &self,
        events: impl Iterator<Item = &'e Event>,
    ) -> Result<BTreeMap<MappingId, LiveMapping>> {
        let named: BTreeSet<MappingId> =
            events.filter_map(|event| self.named_mapping(event)).collect();
        if named.is_empty() { Ok(BTreeMap::new()) } else { self.live_mappings(named).await }
    }
}
