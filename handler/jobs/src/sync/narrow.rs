//! Which unknown events concern the pair.

use std::collections::{BTreeMap, BTreeSet};

use engine::change::Listed;
use engine::event::EventId;
use engine::marker::MappingId;
use engine::pair::Side;
use providers::{ChangeSet, Since};

use super::change::UnknownEvent;
use super::changes::Changes;
use super::context::Context;
use super::identity::EventIdentities;
use super::join::LOOKUP;
use crate::Result;

/// A calendar of fewer events is read as a whole for any window.
const SMALL: usize = 200;

impl Context<'_> {
    /// Leaves out the unknown events that do not concern the pair, and reads those that have to be
    /// read before anything is decided.
    pub(super) async fn narrow_unknown(
        &self,
        identities: &mut EventIdentities,
        changes: &mut Changes,
    ) -> Result<()> {
        for side in Side::BOTH {
            if changes.is_unbounded[side] && changes.unknown[side].len() > SMALL {
                self.leave_out_the_rest(identities, changes, side).await?;
            }
            if !self.pair.copies_from(side) && !changes.is_first[side] {
                let has_suspect = changes
                    .mappings
                    .values()
                    .any(|changed| changed.mapping.side != side && changed.has_suspect());
                if !has_suspect {
                    changes.unknown[side].retain(|_, unknown| unknown.is_new);
                    self.leave_out_other_copies(changes, side).await?;
                }
            }
        }
        for side in Side::BOTH {
            // An unknown event here may be a copy of an unknown event there; the first time, of an
            // event that lies outside the window there.
            let may_hold_copies = self.pair.copies_from(side.other())
                && (changes.is_first[side] || !changes.unknown[side.other()].is_empty());
            let is_any_new = changes.is_first[side]
                || changes.unknown[side].values().any(|unknown| unknown.is_new);
            if may_hold_copies && !changes.unknown[side].is_empty() && is_any_new {
                self.read_unknown_events(identities, changes, side, changes.is_first[side]).await?;
                if changes.is_first[side] && identities.has_copies(side, true) {
                    self.add_outside_window(changes, side.other()).await?;
                }
            }
        }
        Ok(())
    }

    /// Of a large calendar that was listed as a whole, keeps the events in the window, those that
    /// the listing brought, and those that have the name of a copy. Where an earlier copy has
    /// another name, keeps all.
    async fn leave_out_the_rest(
        &self,
        identities: &mut EventIdentities,
        changes: &mut Changes,
        side: Side,
    ) -> Result<()> {
        let end = &self.ends[side];
        let inside = end
            .provider
            .list_changes(&end.calendar.address, Since::Window(self.planner.window), None)
            .await?
            .listed;
        let inside: BTreeSet<EventId> = inside.iter().map(|line| line.id().clone()).collect();
        let all = std::mem::take(&mut changes.unknown[side]);
        let (near, far) = all.into_iter().partition(|(id, unknown)| {
            inside.contains(id)
                || unknown.event.is_some()
                || MappingId::of_copy_uid(id.as_str()).is_some()
        });
        changes.unknown[side] = near;
        self.read_unknown_events(identities, changes, side, true).await?;
        if identities.has_other_names(side) {
            changes.unknown[side].extend::<BTreeMap<_, _>>(far);
            identities.read_anew(side);
        }
        Ok(())
    }

    /// Leaves out the copies of other pairs of this owner.
    async fn leave_out_other_copies(&self, changes: &mut Changes, side: Side) -> Result<()> {
        let named = |id: &EventId| MappingId::of_copy_uid(id.as_str());
        let unknown = &mut changes.unknown[side];
        let ids: Vec<_> = unknown.keys().filter_map(named).collect();
        if !ids.is_empty() {
            let others =
                self.store.claimed_by_others(self.pair_ids, &ids.into_iter().collect()).await?;
            unknown.retain(|id, _| named(id).is_none_or(|mapping| !others.contains(&mapping)));
        }
        Ok(())
    }

    /// Adds the events outside the window: earlier copies may lie there, and so may their origins.
    async fn add_outside_window(&self, changes: &mut Changes, side: Side) -> Result<()> {
        if changes.is_unbounded[side] {
            return Ok(());
        }
        let end = &self.ends[side];
        let ChangeSet { listed, unmarked, .. } =
            end.provider.list_changes(&end.calendar.address, Since::Everything, None).await?;
        let mut more = BTreeMap::new();
        for line in listed {
            if let Listed::Present { id, etag, event } = line
                && !changes.unknown[side].contains_key(&id)
            {
                let event = event.filter(|_| !unmarked.contains(&id));
                more.insert(
                    id,
                    UnknownEvent {
                        etag,
                        event,
                        is_from_whole_listing: true,
                        ..UnknownEvent::default()
                    },
                );
            }
        }
        let ids: Vec<EventId> = more.keys().cloned().collect();
        for ids in ids.chunks(LOOKUP) {
            let found = self.store.lookup(side, ids).await?;
            more.retain(|id, _| !found.known.contains_key(id));
            for id in found.taken {
                more.entry(id).and_modify(|unknown| unknown.is_id_taken = true);
            }
        }
        changes.unknown[side].extend(more);
        Ok(())
    }
}
