//! What a calendar holds of marked events, by mapping and by the UID of the first origin. Small: no
//! event is kept in it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use engine::event::{Event, EventId};
use engine::fingerprint::Appearance;
use engine::marker::{MappingId, Mark, Role};
use engine::pair::Side;
use engine::reason::Reason;
use engine::uid::UidHash;
use providers::Found;

use super::{EventIdentities, Living};
use crate::Error;
use crate::Result;
use crate::sync::pass::Pass;
use crate::sync::survey::Changes;
use records::pair_state::Batch;

/// So many passes are made anew where the server does not give an event that has the name of a
/// copy.
const PASSES_FOR_A_COPY: u32 = 4;

/// One calendar's unknown events.
#[derive(Default)]
pub(super) struct Index {
    /// Copies that no mapping claims, by the mapping that made them.
    pub copies: BTreeMap<MappingId, Vec<EventId>>,
    /// The mapping that made each of them.
    pub made_by: HashMap<EventId, MappingId>,
    /// Copies that have the UID with which they were made.
    pub whole: BTreeSet<EventId>,
    /// The same by the UID of the first origin.
    pub copies_by_first: HashMap<UidHash, Vec<EventId>>,
    /// Those that have a UID of their own, by that: a person may have made an event out of a copy,
    /// which was copied in its turn.
    pub out_of_copies: HashMap<UidHash, EventId>,
    /// Copies that another installation made, by the UID of the first origin.
    pub foreign: HashMap<UidHash, Vec<EventId>>,
    /// The mappings that the names of these events make.
    pub derived: HashMap<MappingId, EventId>,
    /// All of these.
    pub foreign_ids: BTreeSet<EventId>,
    /// The same where the mark does not tell the UID: by what is shown.
    pub foreign_by_look: HashMap<Appearance, Vec<EventId>>,
    /// What these copies show, where not all of them need be copies of the other calendar's events.
    pub looks: HashMap<EventId, Appearance>,
    /// Events that bear the mark of a mapping that lives in this pair.
    pub of_this_pair: BTreeSet<EventId>,
}

impl Index {
    /// Whether there may be earlier copies of events that are not in the window.
    pub fn has_copies(&self, foreign: bool) -> bool {
        !self.copies.is_empty()
            || (foreign && !(self.foreign.is_empty() && self.foreign_by_look.is_empty()))
    }

    /// Events that say that they are copies: decided about last, when all origins have found
    /// theirs.
    pub fn is_copy(&self, id: &EventId) -> bool {
        self.made_by.contains_key(id) || self.foreign_ids.contains(id)
    }

    /// Whether an earlier copy has a name that is not one of ours.
    pub fn has_other_names(&self) -> bool {
        self.made_by.keys().any(|id| MappingId::of_copy_uid(id.as_str()).is_none())
    }
}

impl Pass<'_> {
    /// Reads what is unknown in a calendar, where its marks matter and have not been read yet: all
    /// of it, or what has just come.
    pub(in crate::sync) async fn read_strangers(
        &self,
        identity: &mut EventIdentities,
        survey: &Changes,
        side: Side,
        all: bool,
    ) -> Result<()> {
        let i = side as usize;
        if identity.index[i].is_some() {
            return Ok(());
        }
        let mut index = Index::default();
        let strangers = &survey.unknown[i];
        let batch = self.ends[i].provider.batch().max(1);
        let ids: Vec<&EventId> = strangers
            .iter()
            .filter(|(_, stranger)| all || stranger.fresh)
            .map(|(id, _)| id)
            .collect();
        let mut refused = BTreeMap::new();
        for ids in ids.chunks(batch) {
            let listed =
                |id: &EventId| strangers.get(id).and_then(|stranger| stranger.event.as_deref());
            let unread: Vec<EventId> =
                ids.iter().filter(|id| listed(id).is_none()).map(|id| (*id).clone()).collect();
            let read = self.fetch(side, unread).await?;
            refused.extend(read.iter().filter_map(|(id, found)| match found {
                Found::Refused(why) => Some((id.clone(), why.clone())),
                _ => None,
            }));
            let events: Vec<(&EventId, &Event)> = ids
                .iter()
                .filter_map(|id| {
                    let event = listed(id).or_else(|| match read.get(*id) {
                        Some(Found::Event(event)) => Some(&**event),
                        _ => None,
                    });
                    event.map(|event| (*id, event))
                })
                .collect();
            let named = events.iter().filter_map(|(_, event)| self.names(event)).collect();
            let living = self.living(named).await?;
            for (id, event) in events {
                for mapping in self.made_of(side, id) {
                    index.derived.insert(mapping, id.clone());
                }
                self.enter(&mut index, &living, id, event);
                if self.mixed[i] && index.made_by.contains_key(id) {
                    index.looks.insert(id.clone(), self.planner.appearance(event));
                }
            }
            for (id, found) in read {
                identity.keep(side, id, found);
            }
        }
        identity.index[i] = Some(index);
        self.miss_no_copy(identity, side, &refused).await
    }

    /// In the first listing of a calendar that is written to, an event that the server does not
    /// give may be an earlier copy, and another one would be made beside it: the pass is made once
    /// more, and some times more where its name is that of a copy, or copies there have other
    /// names. What is refused again then is passed over.
    pub(in crate::sync) async fn miss_no_copy(
        &self,
        identity: &EventIdentities,
        side: Side,
        refused: &BTreeMap<EventId, String>,
    ) -> Result<()> {
        if !(identity.anew[side as usize] || self.takes_over)
            || !self.pair.copies_from(side.other())
            || self.options.dry_run
        {
            return Ok(());
        }
        let mut notes = Batch::default();
        let mut first = None;
        for (id, why) in refused {
            let tries = identity.refused.get(&(side, id.clone())).copied().unwrap_or(0);
            let may_be_copy =
                MappingId::of_copy_uid(id.as_str()).is_some() || identity.has_other_names(side);
            let most = if may_be_copy { PASSES_FOR_A_COPY } else { 1 };
            if tries >= most {
                continue;
            }
            let mut row = self.problem(side, id, None, Reason::RefusedByServer, Some(why));
            (row.problem.tries, row.problem.next_try) = (tries + 1, Some(self.now));
            self.memory.note_problem(&mut notes, id, &row)?;
            first
                .get_or_insert_with(|| Error::Withheld { event: id.to_string(), why: why.clone() });
        }
        match first {
            None => Ok(()),
            Some(withheld) => {
                self.memory.commit(self.head, notes).await?;
                Err(withheld)
            }
        }
    }

    fn enter(
        &self,
        index: &mut Index,
        living: &BTreeMap<MappingId, Living>,
        id: &EventId,
        event: &Event,
    ) {
        let own = self.names(event);
        if let Some(named) = own.and_then(|mapping| living.get(&mapping)) {
            if matches!(named, Living::Here(_)) {
                index.of_this_pair.insert(id.clone());
            }
            return;
        }
        match self.planner.mark(event) {
            Some(Mark::Ours { role: Role::Copy, mapping, first }) => {
                // What has the UID of the copy has the better claim to be it.
                let is_whole = MappingId::of_copy_uid(&event.uid) == Some(mapping);
                let rank = if is_whole { 0 } else { usize::MAX };
                if is_whole {
                    index.whole.insert(id.clone());
                } else if let Some(uid) = UidHash::of(&event.uid) {
                    index.out_of_copies.insert(uid, id.clone());
                }
                let insert =
                    |copies: &mut Vec<EventId>| copies.insert(rank.min(copies.len()), id.clone());
                insert(index.copies.entry(mapping).or_default());
                index.made_by.insert(id.clone(), mapping);
                if let Some(first) = first {
                    insert(index.copies_by_first.entry(first).or_default());
                }
            }
            // An origin that was made again.
            Some(Mark::Ours { role: Role::Origin, .. }) => {}
            Some(Mark::Foreign { role: Role::Origin, .. }) => {}
            Some(Mark::Foreign { first, .. }) => {
                index.foreign_ids.insert(id.clone());
                match first {
                    Some(first) => index.foreign.entry(first).or_default().push(id.clone()),
                    None => index
                        .foreign_by_look
                        .entry(self.planner.appearance(event))
                        .or_default()
                        .push(id.clone()),
                }
            }
            None => {
                // A server that takes marks away leaves the UID.
                if let Some(mapping) = MappingId::of_copy_uid(&event.uid) {
                    index.copies.entry(mapping).or_default().push(id.clone());
                    index.made_by.insert(id.clone(), mapping);
                }
            }
        }
    }
}
