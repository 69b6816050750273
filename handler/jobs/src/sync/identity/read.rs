//! Reads the unknown events of a calendar for their marks.

use std::collections::BTreeMap;

use engine::event::{Event, EventId};
use engine::marker::{MappingId, Mark, Role};
use engine::pair::Side;
use engine::reason::Reason;
use engine::uid::UidHash;
use providers::Found;
use records::pair_state::Batch;

use super::class::LiveMapping;
use super::identities::EventIdentities;
use super::index::Index;
use crate::sync::changes::Changes;
use crate::sync::context::Context;
use crate::{Error, Result};

/// The number of passes that are repeated where the server does not give an event that has the name
/// of a copy.
const PASSES_FOR_A_COPY: u32 = 4;

impl Context<'_> {
    /// Reads unknown events of a calendar, where its marks matter and have not been read yet: all,
    /// or only those that changed.
    pub(in crate::sync) async fn read_unknown_events(
        &self,
        identities: &mut EventIdentities,
        changes: &Changes,
        side: Side,
        all: bool,
    ) -> Result<()> {
        if identities.index[side].is_some() {
            return Ok(());
        }
        let mut index = Index::default();
        let unknown = &changes.unknown[side];
        let batch = self.ends[side].provider.batch().max(1);
        let ids: Vec<&EventId> =
            unknown.iter().filter(|(_, unknown)| all || unknown.is_new).map(|(id, _)| id).collect();
        let mut refused = BTreeMap::new();
        for ids in ids.chunks(batch) {
            let listed =
                |id: &EventId| unknown.get(id).and_then(|unknown| unknown.event.as_deref());
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
            let named = events.iter().filter_map(|(_, event)| self.named_mapping(event)).collect();
            let live = self.live_mappings(named).await?;
            for (id, event) in events {
                for mapping in self.made_of(side, id) {
                    index.derived.insert(mapping, id.clone());
                }
                self.add_event(&mut index, &live, id, event);
                if self.is_mixed[side] && index.made_by.contains_key(id) {
                    index.looks.insert(id.clone(), self.planner.appearance(event));
                }
            }
            for (id, found) in read {
                identities.keep_event(side, id, found);
            }
        }
        identities.index[side] = Some(index);
        self.require_possible_copies(identities, side, &refused).await
    }

    /// In the first listing of a calendar that is written to, an event that the server does not
    /// give may be an earlier copy, and a second copy would be created beside it: the pass is
    /// repeated once, and several times where the event has the name of a copy, or copies there
    /// have other names. An event that is refused again then is passed over.
    pub(in crate::sync) async fn require_possible_copies(
        &self,
        identities: &EventIdentities,
        side: Side,
        refused: &BTreeMap<EventId, String>,
    ) -> Result<()> {
        if !(identities.is_anew[side] || self.takes_over)
            || !self.pair.copies_from(side.other())
            || self.options.dry_run
        {
            return Ok(());
        }
        let mut notes = Batch::default();
        let mut first = None;
        for (id, why) in refused {
            let tries = identities.refused.get(&(side, id.clone())).copied().unwrap_or(0);
            let may_be_copy =
                MappingId::of_copy_uid(id.as_str()).is_some() || identities.has_other_names(side);
            let most = if may_be_copy { PASSES_FOR_A_COPY } else { 1 };
            if tries >= most {
                continue;
            }
            let mut row = self.problem(side, id, None, Reason::RefusedByServer, Some(why));
            (row.problem.tries, row.problem.next_try) = (tries + 1, Some(self.now));
            self.store.note_problem(&mut notes, id, &row)?;
            first
                .get_or_insert_with(|| Error::Withheld { event: id.to_string(), why: why.clone() });
        }
        match first {
            None => Ok(()),
            Some(withheld) => {
                self.store.commit(self.locked, notes).await?;
                Err(withheld)
            }
        }
    }

    fn add_event(
        &self,
        index: &mut Index,
        live: &BTreeMap<MappingId, LiveMapping>,
        id: &EventId,
        event: &Event,
    ) {
        let own = self.named_mapping(event);
        if let Some(named) = own.and_then(|mapping| live.get(&mapping)) {
            if matches!(named, LiveMapping::Here(_)) {
                index.of_this_pair.insert(id.clone());
            }
            return;
        }
        match self.planner.mark(event) {
            Some(Mark::Ours { role: Role::Copy, mapping, first }) => {
                // An event with the UID of the copy has the better claim to be the copy.
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
            // An origin that was created again.
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
                // A server that removes marks keeps the UID.
                if let Some(mapping) = MappingId::of_copy_uid(&event.uid) {
                    index.copies.entry(mapping).or_default().push(id.clone());
                    index.made_by.insert(id.clone(), mapping);
                }
            }
        }
    }
}
