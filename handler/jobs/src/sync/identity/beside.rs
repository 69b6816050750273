//! Finds what the other calendar has of an event: earlier copies of it, copies that another
//! installation created, or the event that it was made of.

use std::collections::{BTreeMap, HashMap};

use engine::event::{Event, EventId};
use engine::mapping::{Mapping, MappingState};
use engine::marker::{MappingId, Mark, Role};
use engine::pair::Side;
use engine::uid::UidHash;
use providers::{ChangeSet, Found, Since};

use super::class::UnknownClass;
use super::identities::EventIdentities;
use super::index::Holdings;
use crate::Result;
use crate::first_release;
use crate::sync::change::UnknownEvent;
use crate::sync::changes::Changes;
use crate::sync::context::Context;
use crate::sync::roles::side_of;

#[derive(Clone, Debug)]
pub(in crate::sync) enum BesideFound {
    /// Nothing, as far as is known.
    Nothing,
    /// An earlier copy, to be taken over: its name, its mapping if that is ours, and whether
    /// another key marked it.
    Copy { id: EventId, mapping: Option<MappingId>, foreign: bool },
    /// A copy that another installation created.
    Foreign(EventId),
    /// The event that it was made of, which takes it over when it is decided about.
    Origin,
    /// The first origin, or another copy of it.
    AlreadyThere(EventId, UidHash),
    /// The server does not give an event that may be it; what the server answers.
    Unknown(String),
}

impl Context<'_> {
    /// Finds what the other calendar has of an event. What is found is claimed, so that no other
    /// event gets it.
    pub(in crate::sync) async fn find_beside(
        &self,
        identities: &mut EventIdentities,
        side: Side,
        event: &Event,
        class: &UnknownClass,
    ) -> Result<BesideFound> {
        if let UnknownClass::Left(first) = class {
            let other = identities.index[side.other()].as_ref();
            let made_of =
                self.named_mapping(event).and_then(|mapping| other?.derived.get(&mapping));
            let is_taken =
                self.named_mapping(event).is_some_and(|mapping| identities.used.contains(&mapping));
            let made_of =
                made_of.filter(|_| !is_taken).or_else(|| other?.out_of_copies.get(first.as_ref()?));
            if made_of
                .is_some_and(|id| self.pair.two_way && !identities.is_claimed(side.other(), id))
            {
                return Ok(BesideFound::Origin);
            }
            if let copy @ BesideFound::Copy { .. } =
                self.earlier_copy(identities, side, event, true)
            {
                return Ok(copy);
            }
            let Some(first) = *first else { return Ok(BesideFound::Nothing) };
            let there = self
                .holdings(identities, side.other())
                .await?
                .get(&first)
                .cloned()
                .unwrap_or_default();
            for id in &there {
                if !self.is_of_its_twin(side, event, id).await? {
                    return Ok(BesideFound::AlreadyThere(id.clone(), first));
                }
            }
            let withheld = identities.withheld[side.other()].clone().filter(|_| there.is_empty());
            return Ok(withheld.map_or(BesideFound::Nothing, BesideFound::Unknown));
        }
        // A pair that has ended may have copied an event that a person made out of a copy.
        Ok(self.earlier_copy(identities, side, event, matches!(class, UnknownClass::OutOfACopy)))
    }

    /// Whether an event of the other calendar is the copy of another event of this calendar with an
    /// equal mark: then a person has duplicated or cut an event that an ended pair has left, and
    /// both parts are that person's own.
    async fn is_of_its_twin(&self, side: Side, event: &Event, there: &EventId) -> Result<bool> {
        let known = self.store.lookup(side.other(), std::slice::from_ref(there)).await?.known;
        let Some(mapping) = known
            .into_values()
            .find(|mapping| mapping.side == side && mapping.origin.id != event.id)
        else {
            return Ok(false);
        };
        let named = self.named_mapping(event);
        let twin =
            self.fetch(side, vec![mapping.origin.id.clone()]).await?.remove(&mapping.origin.id);
        Ok(matches!(twin, Some(Found::Event(twin)) if self.named_mapping(&twin) == named))
    }

    /// The mapping ids that follow from the name of an event: now, and from its address in the
    /// first release.
    pub(super) fn made_of(&self, side: Side, id: &EventId) -> Vec<MappingId> {
        let end = &self.ends[side];
        let whole = first_release::base(&end.account, &end.calendar)
            .map(|base| EventId::new(format!("{base}{id}")));
        [Some(id), whole.as_ref()]
            .into_iter()
            .flatten()
            .map(|id| self.planner.mapping_id(side, id, 0))
            .collect()
    }

    fn earlier_copy(
        &self,
        identities: &mut EventIdentities,
        side: Side,
        event: &Event,
        left: bool,
    ) -> BesideFound {
        let first = self.planner.first(event);
        let EventIdentities { index, claimed, used, adopted, whole, .. } = identities;
        let other = side.other();
        let (Some(index), claimed) = (&index[other], &mut claimed[other]) else {
            return BesideFound::Nothing;
        };
        let remade = match self.planner.mark(event) {
            Some(Mark::Ours { role: Role::Origin, mapping, .. }) => Some(mapping),
            _ => None,
        };
        let by_mapping = self.made_of(side, &event.id).into_iter().chain(remade);
        let named = by_mapping.filter_map(|mapping| index.copies.get(&mapping)).flatten();
        // An event that is left of a mapping takes over only copies of itself, no copies of its own
        // origin.
        let first = if left { UidHash::of(&event.uid) } else { first };
        // The UID alone does not prove out of which calendar a copy came: it has to show what the
        // event shows.
        let looks = self.is_mixed[other].then(|| self.planner.appearances(side, event));
        let is_like = |id: &&EventId| {
            looks.is_none_or(|looks| index.looks.get(*id).is_some_and(|look| looks.contains(look)))
        };
        let of_first: Vec<&EventId> =
            first.iter().filter_map(|first| index.copies_by_first.get(first)).flatten().collect();
        let other_calendars = of_first.iter().find(|id| !is_like(id)).map(|id| (*id).clone());
        let of_first = of_first.into_iter().filter(is_like);
        // Of several events with one mark only one is the copy; the others are duplicates that a
        // person made.
        let is_free = |id: &&EventId| {
            index.made_by.get(*id).is_none_or(|mapping| !used.contains(mapping))
                && !claimed.contains(*id)
        };
        if let Some(id) = named.chain(of_first).find(is_free).cloned() {
            claimed.insert(id.clone());
            let mapping = index.made_by.get(&id).copied().filter(|mapping| used.insert(*mapping));
            if let Some(mapping) = mapping {
                adopted.insert(mapping, first);
                if index.whole.contains(&id) {
                    whole.insert(mapping);
                }
            }
            return BesideFound::Copy { id, mapping, foreign: mapping.is_none() };
        }
        if let (Some(id), Some(first)) = (other_calendars, first) {
            return BesideFound::AlreadyThere(id, first);
        }
        let of_first = first.iter().filter_map(|first| index.foreign.get(first)).flatten();
        let looks = self.planner.appearances(side, event);
        let alike = looks
            .iter()
            .filter(|_| !left)
            .filter_map(|look| index.foreign_by_look.get(look))
            .flatten();
        match of_first.chain(alike).find(|id| !claimed.contains(*id)).cloned() {
            Some(id) => {
                claimed.insert(id.clone());
                if self.takes_over {
                    BesideFound::Copy { id, mapping: None, foreign: true }
                } else {
                    BesideFound::Foreign(id)
                }
            }
            None => BesideFound::Nothing,
        }
    }

    /// Finds a mapping that an earlier pass stored for a copy of this event that another
    /// installation created, where this event could not be read then. Both are decided about once
    /// more, together.
    pub(in crate::sync) async fn left_by_another(
        &self,
        identities: &mut EventIdentities,
        side: Side,
        event: &Event,
    ) -> Result<Option<Mapping>> {
        if !identities.is_anew[side.other()] || !self.pair.two_way || self.options.dry_run {
            return Ok(None);
        }
        let Some(first) = self.planner.first(event) else { return Ok(None) };
        if identities.left_by_another[side].is_none() {
            let is_left = |mapping: &Mapping| {
                (mapping.state, mapping.side) == (MappingState::CopiedByAnother, side.other())
                    && !mapping.is_beside()
                    && mapping.first().is_some()
            };
            let (mut left, mut after) = (HashMap::new(), None);
            loop {
                let (page, next) = self.store.page(after.as_deref()).await?;
                left.extend(
                    page.into_iter()
                        .filter(is_left)
                        .filter_map(|mapping| Some((mapping.first()?, mapping))),
                );
                after = next;
                if after.is_none() {
                    break;
                }
            }
            identities.left_by_another[side] = Some(left);
        }
        Ok(identities.left_by_another[side].as_mut().and_then(|left| left.remove(&first)))
    }

    /// What a calendar has, by the UIDs of first origins. It is read once in a pass, and only where
    /// an event needs it that was made out of a copy.
    async fn holdings<'i>(
        &self,
        identities: &'i mut EventIdentities,
        side: Side,
    ) -> Result<&'i Holdings> {
        if identities.holdings[side].is_none() {
            let mut holdings = self.remembered(side).await?;
            identities.withheld[side] = self.add_unknown_holdings(side, &mut holdings).await?;
            identities.holdings[side] = Some(holdings);
        }
        Ok(identities.holdings[side].get_or_insert_default())
    }

    /// What the rows of this pair know. Rows of the first release have no UIDs: their events are
    /// read.
    async fn remembered(&self, side: Side) -> Result<Holdings> {
        let mut holdings = Holdings::new();
        let mut unnamed: BTreeMap<EventId, Mapping> = BTreeMap::new();
        let mut after = None;
        loop {
            let (page, next) = self.store.page(after.as_deref()).await?;
            // An origin exists also where its copy is gone.
            for mapping in
                page.into_iter().filter(|mapping| mapping.side == side || mapping.is_live())
            {
                let mapped = if mapping.side == side { &mapping.origin } else { &mapping.copy };
                match mapping.first() {
                    Some(first) => holdings.entry(first).or_default().push(mapped.id.clone()),
                    None => drop(unnamed.insert(mapping.origin.id.clone(), mapping)),
                }
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        for origins in Side::BOTH {
            let ids = unnamed
                .values()
                .filter(|mapping| mapping.side == origins)
                .map(|mapping| mapping.origin.id.clone())
                .collect();
            for (id, read) in self.fetch(origins, ids).await? {
                if let (Found::Event(event), Some(mapping)) = (read, unnamed.get(&id))
                    && let Some(first) = self.planner.first(&event)
                {
                    let here = if side_of(mapping, Role::Origin) == side {
                        &mapping.origin.id
                    } else {
                        &mapping.copy.id
                    };
                    holdings.entry(first).or_default().push(here.clone());
                }
            }
        }
        Ok(holdings)
    }

    /// Adds what else the calendar has. Returns what the server answers about an event that it does
    /// not give.
    async fn add_unknown_holdings(
        &self,
        side: Side,
        holdings: &mut Holdings,
    ) -> Result<Option<String>> {
        let end = &self.ends[side];
        let ChangeSet { listed, unmarked, .. } =
            end.provider.list_changes(&end.calendar.address, Since::Everything, None).await?;
        let mut changes = Changes::default();
        for line in listed {
            if let engine::change::Listed::Present { id, etag, event } = line {
                let event = event.filter(|_| !unmarked.contains(&id));
                changes.unknown[side]
                    .insert(id, UnknownEvent { etag, event, ..UnknownEvent::default() });
            }
        }
        let ids: Vec<EventId> = changes.unknown[side].keys().cloned().collect();
        for ids in ids.chunks(50) {
            for (id, _) in self.store.lookup(side, ids).await?.known {
                changes.unknown[side].remove(&id);
            }
        }
        let unknown = std::mem::take(&mut changes.unknown[side]);
        let unread = unknown
            .iter()
            .filter(|(_, unknown)| unknown.event.is_none())
            .map(|(id, _)| id.clone())
            .collect::<Vec<_>>();
        for (id, unknown) in &unknown {
            if let Some(event) = &unknown.event {
                self.add_holding(holdings, id, event);
            }
        }
        let mut withheld = None;
        for ids in unread.chunks(end.provider.batch().max(1)) {
            for (id, read) in self.fetch(side, ids.to_vec()).await? {
                match read {
                    Found::Event(event) => self.add_holding(holdings, &id, &event),
                    Found::Refused(why) => withheld = Some(why),
                    Found::Unreadable { .. } | Found::NotFound | Found::NoEvent => {}
                }
            }
        }
        Ok(withheld)
    }

    fn add_holding(&self, holdings: &mut Holdings, id: &EventId, event: &Event) {
        let claimed = self.planner.mark(event).and_then(Mark::first);
        for first in [UidHash::of(&event.uid), claimed].into_iter().flatten() {
            holdings.entry(first).or_default().push(id.clone());
        }
    }
}
