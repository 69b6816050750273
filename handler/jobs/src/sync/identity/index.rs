//! The marked events of a calendar, by mapping and by the UID of the first origin. Small: it keeps
//! no event.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use engine::event::EventId;
use engine::fingerprint::Appearance;
use engine::marker::MappingId;
use engine::uid::UidHash;

/// The marked events among the unknown events of one calendar.
#[derive(Default)]
pub(super) struct Index {
    /// Copies that belong to no mapping, by the mapping that created them.
    pub copies: BTreeMap<MappingId, Vec<EventId>>,
    /// The mapping that created each of these copies.
    pub made_by: HashMap<EventId, MappingId>,
    /// Copies that have a UID that this installation gave.
    pub whole: BTreeSet<EventId>,
    /// Copies that belong to no mapping, by the UID of the first origin.
    pub copies_by_first: HashMap<UidHash, Vec<EventId>>,
    /// Copies with a UID of their own, by that UID: a person may have made an event out of a copy,
    /// which was copied again.
    pub out_of_copies: HashMap<UidHash, EventId>,
    /// Copies that another installation created, by the UID of the first origin.
    pub foreign: HashMap<UidHash, Vec<EventId>>,
    /// The mapping ids that follow from the names of these events.
    pub derived: HashMap<MappingId, EventId>,
    /// All copies that another installation created.
    pub foreign_ids: BTreeSet<EventId>,
    /// Copies of another installation whose mark does not tell the UID: by what they show.
    pub foreign_by_look: HashMap<Appearance, Vec<EventId>>,
    /// What the copies show, where some of them may be copies of a third calendar's events.
    pub looks: HashMap<EventId, Appearance>,
    /// Events with the mark of a live mapping of this pair.
    pub of_this_pair: BTreeSet<EventId>,
}

impl Index {
    /// Whether there may be earlier copies of events outside the window.
    pub fn has_copies(&self, foreign: bool) -> bool {
        !self.copies.is_empty()
            || (foreign && !(self.foreign.is_empty() && self.foreign_by_look.is_empty()))
    }

    /// Whether an event is marked as a copy: copies are decided about last, after all origins have
    /// found their copies.
    pub fn is_copy(&self, id: &EventId) -> bool {
        self.made_by.contains_key(id) || self.foreign_ids.contains(id)
    }

    /// Whether an earlier copy has a name that is not one of ours.
    pub fn has_other_names(&self) -> bool {
        self.made_by.keys().any(|id| MappingId::of_copy_uid(id.as_str()).is_none())
    }
}

/// By the UID of the first origin: the events that show it.
pub(super) type Holdings = HashMap<UidHash, Vec<EventId>>;
