//! What changed at both ends of a pair, joined by mapping.

use std::collections::{BTreeMap, BTreeSet};

use engine::change::Cursor;
use engine::event::EventId;
use engine::guard::Evidence;
use engine::mapping::Mapping;
use engine::marker::{MappingId, Role};
use engine::pair::{PerSide, Side};
use records::pair_state::proofs::FirstSign;
use records::pair_state::{Batch, LockedState, PairStore};

use super::change::{ChangedMapping, ListedAs, UnknownEvent};
use super::mapping_counts::MappingCounts;
use super::roles::{ROLES, mapped, mapped_mut, side_of};
use crate::Result;

/// What was awaited in a calendar when a pass began.
pub(super) struct AwaitedBefore {
    pub mappings: BTreeSet<MappingId>,
    /// Whether an event of them is still not listed.
    pub is_unseen: bool,
}

/// What changed at both ends.
#[derive(Default)]
pub(super) struct Changes {
    pub mappings: BTreeMap<MappingId, ChangedMapping>,
    /// Events that no mapping knows.
    pub unknown: PerSide<BTreeMap<EventId, UnknownEvent>>,
    /// Removed events that no mapping knows.
    pub removed: PerSide<BTreeSet<EventId>>,
    /// The new cursors of the sides that were listed.
    pub cursors: PerSide<Option<Cursor>>,
    /// Sides that were listed as a whole.
    pub is_whole: PerSide<bool>,
    /// Sides that were listed for the first time.
    pub is_first: PerSide<bool>,
    /// Sides that were listed without a window.
    pub is_unbounded: PerSide<bool>,
    /// Mappings whose event at that side was listed, also as removed.
    pub listed: PerSide<BTreeSet<MappingId>>,
    /// By side that was listed: what had been created there before and not been listed yet.
    pub awaited: PerSide<Option<AwaitedBefore>>,
    /// Mappings of which an event was created and is not listed.
    pub unseen: BTreeSet<MappingId>,
    /// Mappings that are tried again, and whose copy may have been created.
    pub in_doubt: Vec<MappingId>,
    /// An event is suspected because it is missing in a listing, not because the provider named it.
    pub by_absence: bool,
    /// All that is missing was found gone by writes before, and is missing in a whole listing too.
    pub found_by_writes: bool,
    /// The listing of a calendar that had events of this pair was empty.
    pub suddenly_empty: bool,
    /// The number of mappings with copies, of those before the window, and of those that another
    /// installation has copied, where all mappings were read.
    pub counts: Option<[u64; 3]>,
    /// Where all mappings were read.
    pub mapping_counts: Option<MappingCounts>,
    /// Mappings, as they are stored, whose last write a whole listing shows: the listing is not
    /// behind any more.
    pub caught_up: BTreeMap<MappingId, Mapping>,
}

impl Changes {
    pub fn evidence(&self) -> Evidence {
        if self.by_absence { Evidence::Missing } else { Evidence::Named }
    }

    /// Forgets the versions that our writes have replaced, where a listing does not show them any
    /// more: from now on a person has restored such a version.
    pub async fn forget_former(
        &mut self,
        store: &PairStore<'_>,
        locked: &LockedState,
    ) -> Result<()> {
        let mut batch = Batch::default();
        for (id, now) in std::mem::take(&mut self.caught_up) {
            if let Some(changed) = self.mappings.get_mut(&id) {
                for role in ROLES {
                    let former = &mapped(&now, role).former;
                    mapped_mut(&mut changed.stored, role).former.clone_from(former);
                    if former.is_none() {
                        mapped_mut(&mut changed.mapping, role).former = None;
                    }
                }
            }
            store.note(&mut batch, Some(&now), &now)?;
        }
        Ok(store.commit(locked, batch).await?)
    }

    /// Whether nothing is missing but these.
    pub fn is_missing_only(&self, suspects: &[(MappingId, Role)]) -> bool {
        let is_known = |changed: &ChangedMapping, role: Role| {
            !matches!(changed.listed[role], ListedAs::Suspect)
                || changed.mapping.unseen == Some(role)
                || suspects.contains(&(changed.mapping.id, role))
        };
        self.mappings.values().all(|changed| ROLES.iter().all(|role| is_known(changed, *role)))
    }

    /// Adds events that did not change, as far as no mapping knows them.
    pub async fn add_unknown(
        &mut self,
        store: &PairStore<'_>,
        unknown: &[(Side, EventId)],
    ) -> Result<()> {
        for (side, id) in unknown {
            if store.lookup(*side, std::slice::from_ref(id)).await?.known.is_empty() {
                self.unknown[*side].entry(id.clone()).or_default().is_new = true;
            }
        }
        Ok(())
    }

    /// Adds what an earlier round found gone.
    pub async fn add_suspects(
        &mut self,
        store: &PairStore<'_>,
        suspects: &[(MappingId, Role)],
    ) -> Result<()> {
        for (id, role) in suspects {
            if !self.mappings.contains_key(id) {
                let Some(mapping) = store.mapping(*id).await? else { continue };
                self.mappings.insert(*id, ChangedMapping::new(mapping));
            }
            let Some(changed) = self.mappings.get_mut(id) else { continue };
            if !matches!(changed.listed[*role], ListedAs::None) {
                continue;
            }
            let side = side_of(&changed.mapping, *role);
            if self.is_whole[side] && self.listed[side].contains(id) {
                // A whole listing has it: there is no evidence that it is gone.
                changed.listed[*role] = ListedAs::Present(None);
                changed.was_verified = true;
            } else {
                changed.suspect(*role, FirstSign::Earlier);
            }
        }
        Ok(())
    }
}
