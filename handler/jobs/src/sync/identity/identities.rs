//! What a pass knows about the events that no mapping knows.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use engine::event::EventId;
use engine::mapping::Mapping;
use engine::marker::{MappingId, Role};
use engine::pair::{PerSide, Side};
use engine::uid::UidHash;
use providers::Found;

use super::index::{Holdings, Index};
use crate::sync::change::ListedAs;
use crate::sync::changes::Changes;
use crate::sync::roles::side_of;

/// The most unknown events that are kept in memory between the first reading and the decision.
const KEPT: usize = 500;

/// What a pass knows about the events that no mapping knows.
#[derive(Default)]
pub(in crate::sync) struct EventIdentities {
    /// The marked events of each calendar that was read for its marks.
    pub(super) index: PerSide<Option<Index>>,
    /// Events that were read, and are not read again.
    pub(super) events: PerSide<BTreeMap<EventId, Found>>,
    /// Events that were joined to an origin of the other calendar.
    pub(super) claimed: PerSide<BTreeSet<EventId>>,
    /// The names of copies that changed, and of unknown events that changed.
    pub renewed: PerSide<Vec<EventId>>,
    /// These names by mark and UID, where they were needed.
    pub new_names: PerSide<Option<NewNames>>,
    /// Whether copies keep the UIDs that they are sent with, where that was needed.
    pub keeps_uids: PerSide<Option<bool>>,
    /// Unknown events that may be the missing event of a mapping.
    pub(super) alike: BTreeMap<(Side, EventId), MappingId>,
    /// Mapping ids that this pass has given to events.
    pub(super) used: HashSet<MappingId>,
    /// Mappings of earlier copies that were taken over in this pass, with the UIDs of their first
    /// origins.
    pub(super) adopted: HashMap<MappingId, Option<UidHash>>,
    /// Those whose copy has a UID that this installation gave: another event with such a mark is a
    /// duplicate.
    pub(super) whole: HashSet<MappingId>,
    /// Mappings whose missing event was found under another name.
    pub(super) joined: HashSet<MappingId>,
    /// Sides that are listed for the first time.
    pub is_first: PerSide<bool>,
    /// Sides that are treated as if they were listed for the first time.
    pub is_anew: PerSide<bool>,
    /// Events that were refused before, and how often: after some passes the others are no longer
    /// held up, even if a refused event may be a copy.
    pub refused: BTreeMap<(Side, EventId), u32>,
    /// Mappings that are decided about because their own events changed.
    pub decided: BTreeSet<MappingId>,
    /// The UIDs of first origins of which a calendar has the origin or a copy, with that event.
    pub(super) holdings: PerSide<Option<Holdings>>,
    /// Copies that another installation created and that have mappings of their own, by the UID and
    /// the side of the first origin.
    pub(super) left_by_another: PerSide<Option<HashMap<UidHash, Mapping>>>,
    /// What the server answers about an event that it does not give and that may be such an origin
    /// or copy.
    pub(super) withheld: PerSide<Option<String>>,
}

/// The current names of events that changed.
#[derive(Default)]
pub(in crate::sync) struct NewNames {
    /// Of events that name the mapping of which they are the copy.
    pub by_mapping: BTreeMap<MappingId, EventId>,
    /// Of events without a mark.
    pub by_uid: BTreeMap<UidHash, EventId>,
}

impl EventIdentities {
    /// Notes the names of the events that changed.
    pub fn note_names(&mut self, changes: &Changes) {
        for side in Side::BOTH {
            let mappings = changes
                .mappings
                .values()
                .filter(|changed| side_of(&changed.mapping, Role::Copy) == side);
            let copies = mappings
                .filter(|changed| matches!(changed.listed.copy, ListedAs::Present(_)))
                .map(|changed| &changed.mapping.copy.id);
            let unknown = changes.unknown[side]
                .iter()
                .filter(|(_, unknown)| unknown.is_new)
                .map(|(id, _)| id);
            self.renewed[side] = copies.chain(unknown).cloned().collect();
        }
    }

    /// Takes an event that was read before.
    pub fn take_read(&mut self, side: Side, id: &EventId) -> Option<Found> {
        self.events[side].remove(id)
    }

    /// Whether an event was read before.
    pub fn has_event(&self, side: Side, id: &EventId) -> bool {
        self.events[side].contains_key(id)
    }

    /// Whether a calendar was read for its marks.
    pub fn has_read(&self, side: Side) -> bool {
        self.index[side].is_some()
    }

    /// Whether an event is marked as a copy, as far as its calendar was read for marks.
    pub fn is_copy(&self, side: Side, id: &EventId) -> bool {
        self.index[side].as_ref().is_some_and(|index| index.is_copy(id))
    }

    /// Whether a calendar that was read has copies that belong to no mapping; with `foreign` also
    /// copies of another installation.
    pub fn has_copies(&self, side: Side, foreign: bool) -> bool {
        self.index[side].as_ref().is_some_and(|index| index.has_copies(foreign))
    }

    /// Whether such a copy has a name that is not one of ours.
    pub fn has_other_names(&self, side: Side) -> bool {
        self.index[side].as_ref().is_some_and(Index::has_other_names)
    }

    /// A copy that another installation has created of an event with this UID, as far as the
    /// calendar was read.
    pub fn foreign_copy(&self, side: Side, first: Option<UidHash>) -> Option<EventId> {
        self.index[side].as_ref()?.foreign.get(&first?)?.first().cloned()
    }

    /// Lets the calendar be read for its marks again: there is more to read.
    pub fn read_anew(&mut self, side: Side) {
        self.index[side] = None;
    }

    /// Whether an event of a calendar that nothing is copied from may concern a mapping of this
    /// pair. If the calendar was not read for marks, any event may.
    pub fn matters(&self, side: Side, id: &EventId) -> bool {
        self.index[side].as_ref().is_none_or(|index| index.of_this_pair.contains(id))
    }

    /// Notes that an event belongs to a mapping that did not know its name.
    pub fn claim(&mut self, side: Side, id: EventId) {
        self.claimed[side].insert(id);
    }

    pub fn is_claimed(&self, side: Side, id: &EventId) -> bool {
        self.claimed[side].contains(id)
    }

    pub(super) fn keep_event(&mut self, side: Side, id: EventId, found: Found) {
        let kept = &mut self.events[side];
        if kept.len() < KEPT {
            kept.insert(id, found);
        }
    }
}
