//! What an event is that no mapping knows by its name: by its mark, its UID, and what the other
//! calendar holds.
//!
//! # Properties
//! * An event that a mapping has lost sight of is found under its new name, by its mark or its UID,
//!   before anything is decided about that mapping: a new name is never a deletion and a creation.
//! * The mark of a mapping that lives, in whatever pair, makes an event no source. A second event
//!   with that mark is its maker's own: in the calendar of the copy, two-way, it becomes an origin;
//!   elsewhere it is left alone and reported.
//! * What is left of a mapping that has ended is an ordinary event, of which no second copy is
//!   made: an origin takes its earlier copies over, and what began as a copy is not copied to where
//!   its first origin, or another copy of it, is.
//! * A mark that this installation's key does not verify is never copied on, and nothing is made
//!   beside it.
//!
//! # Cost
//! A calendar is read for this when a pair sees it for the first time, and where something is
//! missing from it: then what is unknown there is read. Otherwise only what has happened to unknown
//! events is read, and the rows of the mappings that their marks name.

mod back;
mod beside;
mod classify;
mod index;
mod resolve;
mod unseen;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use engine::event::EventId;
use engine::mapping::Mapping;
use engine::marker::{MappingId, Mark, Role};
use engine::pair::Side;
use engine::uid::UidHash;
use providers::Found;

pub(super) use self::beside::BesideFound;
pub(super) use self::classify::{Class, Living};
use self::index::Index;
pub(super) use self::resolve::rename;
pub(super) use self::unseen::NOT_SHOWN;
use super::pass::{Pass, side_of};
use super::survey::{Changes, ListedAs};
use crate::Result;

/// Unknown events that are kept in memory between their first reading and the decision about them.
const KEPT: usize = 500;

/// What is known of unknown events in one pass.
#[derive(Default)]
pub(super) struct EventIdentities {
    /// What was read of each calendar.
    index: [Option<Index>; 2],
    /// Events that were read, and are not to be read again.
    kept: [BTreeMap<EventId, Found>; 2],
    /// Events that were joined to an origin of the other calendar.
    claimed: [BTreeSet<EventId>; 2],
    /// The names of copies that have news, and of unknown events to which something has happened.
    pub renewed: [Vec<EventId>; 2],
    /// The same by what they say of themselves, once that was needed.
    pub names_now: [Option<NamesNow>; 2],
    /// Whether copies keep the UIDs that they are sent with, once that was needed.
    pub keeps_uids: [Option<bool>; 2],
    /// Unknown events that may be what a mapping has lost sight of.
    alike: BTreeMap<(Side, EventId), MappingId>,
    /// Mapping ids that were given out in this pass.
    used: HashSet<MappingId>,
    /// Mappings of earlier copies that were taken over in this pass, with the UIDs of their first
    /// origins.
    adopted: HashMap<MappingId, Option<UidHash>>,
    /// Those of them whose copy has the UID that it was made with: another event with its mark is a
    /// duplicate.
    whole: HashSet<MappingId>,
    /// Mappings whose missing event was found under another name.
    joined: HashSet<MappingId>,
    /// Sides that are listed for the first time.
    pub first: [bool; 2],
    /// Sides that are looked at as if they were.
    pub anew: [bool; 2],
    /// Events that were refused before, and how often: after some passes nothing waits for them,
    /// also where one of them may be a copy.
    pub refused: BTreeMap<(Side, EventId), u32>,
    /// Mappings that are decided about because of what their own events show.
    pub units: BTreeSet<MappingId>,
    /// The UIDs of first origins that a calendar holds, as origins or as copies, with an event that
    /// shows it.
    holdings: [Option<beside::Holdings>; 2],
    /// Copies that another installation made and that are remembered by themselves, by the first
    /// origin's UID and the side of that.
    left_by_another: [Option<HashMap<UidHash, Mapping>>; 2],
    /// What the server of a calendar says of an event that it does not give, and that would be one
    /// of these.
    withheld: [Option<String>; 2],
}

/// Names of events that have news.
#[derive(Default)]
pub(super) struct NamesNow {
    /// Of those that say which copy they are.
    pub by_mapping: BTreeMap<MappingId, EventId>,
    /// Of those that bear no mark.
    pub by_uid: BTreeMap<UidHash, EventId>,
}

impl EventIdentities {
    /// Notes what has news by its name.
    pub fn note_names(&mut self, survey: &Changes) {
        for side in Side::BOTH {
            let units =
                survey.units.values().filter(|unit| side_of(&unit.mapping, Role::Copy) == side);
            let copies = units
                .filter(|unit| matches!(unit.copy, ListedAs::Present(_)))
                .map(|unit| &unit.mapping.copy.id);
            let strangers = survey.unknown[side as usize]
                .iter()
                .filter(|(_, stranger)| stranger.fresh)
                .map(|(id, _)| id);
            self.renewed[side as usize] = copies.chain(strangers).cloned().collect();
        }
    }

    /// An event that was read before.
    pub fn kept(&mut self, side: Side, id: &EventId) -> Option<Found> {
        self.kept[side as usize].remove(id)
    }

    /// Whether an event was read before.
    pub fn has(&self, side: Side, id: &EventId) -> bool {
        self.kept[side as usize].contains_key(id)
    }

    /// Whether a calendar was read for its marks.
    pub fn has_read(&self, side: Side) -> bool {
        self.index[side as usize].is_some()
    }

    /// Whether an event says that it is a copy, as far as its calendar was read for that.
    pub fn is_copy(&self, side: Side, id: &EventId) -> bool {
        self.index[side as usize].as_ref().is_some_and(|index| index.is_copy(id))
    }

    /// Whether a calendar that was read holds copies that belong to no mapping; `foreign` counts
    /// those of another installation too.
    pub fn has_copies(&self, side: Side, foreign: bool) -> bool {
        self.index[side as usize].as_ref().is_some_and(|index| index.has_copies(foreign))
    }

    /// Whether such a copy has a name that is not one of ours.
    pub fn has_other_names(&self, side: Side) -> bool {
        self.index[side as usize].as_ref().is_some_and(Index::has_other_names)
    }

    /// A copy that another installation has made of an event with this UID, as far as the calendar
    /// was read.
    pub fn foreign_copy(&self, side: Side, first: Option<UidHash>) -> Option<EventId> {
        self.index[side as usize].as_ref()?.foreign.get(&first?)?.first().cloned()
    }

    /// There is more to read in this calendar.
    pub fn read_anew(&mut self, side: Side) {
        self.index[side as usize] = None;
    }

    /// Whether an event of a calendar that nothing is copied from may concern a mapping of this
    /// pair. Where that was not read, it may.
    pub fn matters(&self, side: Side, id: &EventId) -> bool {
        self.index[side as usize].as_ref().is_none_or(|index| index.of_this_pair.contains(id))
    }

    /// An event belongs to a mapping that did not know it by its name.
    pub fn claim(&mut self, side: Side, id: EventId) {
        self.claimed[side as usize].insert(id);
    }

    pub fn is_claimed(&self, side: Side, id: &EventId) -> bool {
        self.claimed[side as usize].contains(id)
    }

    fn keep(&mut self, side: Side, id: EventId, found: Found) {
        let kept = &mut self.kept[side as usize];
        if kept.len() < KEPT {
            kept.insert(id, found);
        }
    }
}

impl Pass<'_> {
    /// The mappings that live, of these: in this pair, or in another one.
    pub(super) async fn living(
        &self,
        ids: BTreeSet<MappingId>,
    ) -> Result<BTreeMap<MappingId, Living>> {
        let here: BTreeMap<MappingId, Mapping> = self.memory.mappings(ids.iter().copied()).await?;
        let rest: BTreeSet<MappingId> =
            ids.into_iter().filter(|id| !here.contains_key(id)).collect();
        let elsewhere = if rest.is_empty() {
            BTreeSet::new()
        } else {
            self.memory.claimed_by_others(self.pairs, &rest).await?
        };
        let here = here.into_iter().map(|(id, mapping)| (id, Living::Here(Box::new(mapping))));
        Ok(here.chain(elsewhere.into_iter().map(|id| (id, Living::Elsewhere))).collect())
    }

    /// The mapping that an event names by its mark, or where a server takes marks away, by its UID.
    pub(super) fn names(&self, event: &engine::event::Event) -> Option<MappingId> {
        match self.planner.mark(event) {
            Some(Mark::Ours { mapping, .. }) => Some(mapping),
            Some(Mark::Foreign { .. }) => None,
            None => MappingId::of_uid(&event.uid).map(|(_, mapping)| mapping),
        }
    }

    /// Whether an event says that it is a copy, whoever made it.
    pub(super) fn is_marked_as_copy(&self, event: &engine::event::Event) -> bool {
        match self.planner.mark(event) {
            Some(Mark::Ours { role, .. } | Mark::Foreign { role, .. }) => role == Role::Copy,
            None => MappingId::of_copy_uid(&event.uid).is_some(),
        }
    }

    /// An id for the mapping of an event: made of its name, unless that one belongs to another
    /// event.
    pub(super) async fn new_mapping_id(
        &self,
        identity: &mut EventIdentities,
        side: Side,
        id: &EventId,
        taken: bool,
    ) -> Result<MappingId> {
        let mut again = 0;
        loop {
            let candidate = self.planner.mapping_id(side, id, again);
            let free = match again {
                0 => !taken,
                _ => self.memory.mapping(candidate).await?.is_none(),
            };
            if free && !identity.used.contains(&candidate) {
                identity.used.insert(candidate);
                return Ok(candidate);
            }
            again += 1;
        }
    }
}
