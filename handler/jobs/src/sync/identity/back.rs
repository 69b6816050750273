//! Events that their owner has left out and that are back under other names.
//!
//! # Properties
//! * An event that was left out of an emptied calendar is the same event when it comes back (from a
//!   backup, say), whatever its name is then: it is known by the UID that it had.
//!
//! # Cost
//! None before a calendar was emptied and left so. After that, where a pass meets unknown events,
//! the rows of the pair are read, and these events.

use std::collections::BTreeMap;

use engine::event::EventId;
use engine::mapping::{Mapping, MappingState};
use engine::marker::Role;
use engine::pair::Side;
use engine::uid::UidHash;

use super::EventIdentities;
use crate::Result;
use crate::sync::pass::Pass;
use crate::sync::pass::side_of;
use crate::sync::survey::ChangedMapping;
use crate::sync::survey::Changes;
use crate::sync::survey::ListedAs;

/// What was left out of each calendar, by UID.
type LeftOut = [BTreeMap<UidHash, Mapping>; 2];

impl Pass<'_> {
    /// Joins unknown events to the mappings of what was left out.
    pub(in crate::sync) async fn find_left_out(
        &self,
        identity: &mut EventIdentities,
        survey: &mut Changes,
    ) -> Result<()> {
        if survey.unknown.iter().all(BTreeMap::is_empty) || !self.head.has_left_out().await {
            return Ok(());
        }
        let left_out = self.left_out().await?;
        if left_out.iter().all(BTreeMap::is_empty) {
            self.head.set_left_out(false).await;
            return Ok(());
        }
        for side in Side::BOTH {
            let fresh = survey.unknown[side as usize].iter().filter(|(_, stranger)| stranger.fresh);
            let ids: Vec<EventId> = fresh.map(|(id, _)| id.clone()).collect();
            if left_out[side as usize].is_empty() {
                continue;
            }
            for ids in ids.chunks(self.ends[side as usize].provider.batch().max(1)) {
                for (_, event) in self.again(identity, survey, side, ids).await? {
                    let known =
                        UidHash::of(&event.uid).and_then(|uid| left_out[side as usize].get(&uid));
                    let unit = known.map(|mapping| {
                        survey
                            .units
                            .entry(mapping.id)
                            .or_insert_with(|| ChangedMapping::new(mapping.clone()))
                    });
                    match unit
                        .filter(|unit| !matches!(unit.copy, ListedAs::Present(_)))
                        .map(|unit| unit.mapping.id)
                    {
                        Some(mapping) => self.join_to(survey, side, (mapping, Role::Copy), event),
                        None => self.keep_stranger(identity, survey, side, event),
                    }
                }
            }
        }
        Ok(())
    }

    /// What has another UID than this installation gives, which would say what it is.
    async fn left_out(&self) -> Result<LeftOut> {
        let (mut left_out, mut after) = (LeftOut::default(), None);
        loop {
            let (page, next) = self.memory.page(after.as_deref()).await?;
            let suppressed =
                page.into_iter().filter(|mapping| mapping.state == MappingState::Suppressed);
            for mapping in suppressed.filter(|mapping| mapping.turned || mapping.has_servers_uid())
            {
                if let Some(uid) = mapping.copy.uid {
                    left_out[side_of(&mapping, Role::Copy) as usize].insert(uid, mapping);
                }
            }
            after = next;
            if after.is_none() {
                return Ok(left_out);
            }
        }
    }
}
