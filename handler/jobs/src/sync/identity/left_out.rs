//! Events that the owner has left out of an emptied calendar, and that exist again under other
//! names.
//!
//! # Properties
//! * An event that was left out of an emptied calendar is recognised when it comes back (from a
//!   backup, for example), under any name: by the UID that it had.
//!
//! # Cost
//! None before a calendar was emptied and left so. After that, a pass with unknown events reads the
//! rows of the pair, and these events.

use std::collections::BTreeMap;

use engine::event::EventId;
use engine::mapping::{Mapping, MappingState};
use engine::marker::Role;
use engine::pair::{PerSide, Side};
use engine::uid::UidHash;

use super::identities::EventIdentities;
use crate::Result;
use crate::sync::change::{ChangedMapping, ListedAs};
use crate::sync::changes::Changes;
use crate::sync::context::Context;
use crate::sync::roles::side_of;

/// What was left out of each calendar, by UID.
type LeftOut = PerSide<BTreeMap<UidHash, Mapping>>;

impl Context<'_> {
    /// Joins unknown events to the mappings of events that were left out.
    pub(in crate::sync) async fn find_left_out(
        &self,
        identities: &mut EventIdentities,
        changes: &mut Changes,
    ) -> Result<()> {
        if changes.unknown.values().all(BTreeMap::is_empty) || !self.locked.has_left_out().await {
            return Ok(());
        }
        let left_out = self.left_out().await?;
        if left_out.values().all(BTreeMap::is_empty) {
            self.locked.set_left_out(false).await;
            return Ok(());
        }
        for side in Side::BOTH {
            let fresh = changes.unknown[side].iter().filter(|(_, unknown)| unknown.is_new);
            let ids: Vec<EventId> = fresh.map(|(id, _)| id.clone()).collect();
            if left_out[side].is_empty() {
                continue;
            }
            for ids in ids.chunks(self.ends[side].provider.batch().max(1)) {
                for (_, event) in self.read_again(identities, changes, side, ids).await? {
                    let known = UidHash::of(&event.uid).and_then(|uid| left_out[side].get(&uid));
                    let changed = known.map(|mapping| {
                        changes
                            .mappings
                            .entry(mapping.id)
                            .or_insert_with(|| ChangedMapping::new(mapping.clone()))
                    });
                    match changed
                        .filter(|changed| !matches!(changed.listed.copy, ListedAs::Present(_)))
                        .map(|changed| changed.mapping.id)
                    {
                        Some(mapping) => {
                            self.join_to_mapping(changes, side, (mapping, Role::Copy), event)
                        }
                        None => self.keep_unknown(identities, changes, side, event),
                    }
                }
            }
        }
        Ok(())
    }

    /// The mappings of events that were left out and have a UID that this installation did not
    /// give; otherwise the UID says what the event is.
    async fn left_out(&self) -> Result<LeftOut> {
        let (mut left_out, mut after) = (LeftOut::default(), None);
        loop {
            let (page, next) = self.store.page(after.as_deref()).await?;
            let suppressed =
                page.into_iter().filter(|mapping| mapping.state == MappingState::Suppressed);
            for mapping in suppressed.filter(|mapping| mapping.turned || mapping.has_servers_uid())
            {
                if let Some(uid) = mapping.copy.uid {
                    left_out[side_of(&mapping, Role::Copy)].insert(uid, mapping);
                }
            }
            after = next;
            if after.is_none() {
                return Ok(left_out);
            }
        }
    }
}
