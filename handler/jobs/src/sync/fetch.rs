//! Reads events.

use std::collections::BTreeMap;

use engine::event::{Event, EventId};
use engine::pair::{PerSide, Side};
use providers::Found;

use super::context::Context;
use super::identity::EventIdentities;
use crate::Result;

pub(super) type FoundEvents = PerSide<BTreeMap<EventId, Found>>;

impl Context<'_> {
    pub(super) async fn fetch(
        &self,
        side: Side,
        ids: Vec<EventId>,
    ) -> Result<BTreeMap<EventId, Found>> {
        let end = &self.ends[side];
        let mut all = BTreeMap::new();
        for ids in ids.chunks(end.provider.batch().max(1)) {
            let found = end.provider.fetch(&end.calendar.address, ids).await?;
            all.extend(found.into_iter().map(|fetched| (fetched.id, fetched.found)));
        }
        Ok(all)
    }

    /// An unknown event, read if it was not read before. An event that was listed and not found
    /// among many is read once more, alone: what is not found then is no event (but a task, for
    /// example), or gone again.
    pub(super) async fn read_unknown(
        &self,
        identities: &mut EventIdentities,
        side: Side,
        id: &EventId,
        listed: Option<Box<Event>>,
        read: &mut FoundEvents,
    ) -> Result<Option<Found>> {
        let found = listed
            .map(Found::Event)
            .or_else(|| identities.take_read(side, id))
            .or_else(|| read[side].remove(id));
        match found {
            None | Some(Found::NotFound) => {
                Ok(self.fetch(side, vec![id.clone()]).await?.remove(id))
            }
            found => Ok(found),
        }
    }
}
