//! What the other calendar holds of an event: earlier copies of it, copies that another
//! installation made, or the event that it began as.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use engine::event::{Event, EventId};
use engine::mapping::{Mapping, MappingState};
use engine::marker::{MappingId, Mark, Role};
use engine::pair::Side;
use engine::uid::UidHash;
use providers::{Found as Read, Since};

use super::{Class, EventIdentities, Living};
use crate::Result;
use crate::first_release;
use crate::sync::pass::Pass;
use crate::sync::pass::side_of;
use crate::sync::survey::Changes;
use crate::sync::survey::UnknownEvent;

/// What was found.
#[derive(Clone, Debug)]
pub(in crate::sync) enum BesideFound {
    /// Nothing, as far as is known.
    Nothing,
    /// An earlier copy, to be taken over: its name, its mapping if that is ours, and whether
    /// another key marked it.
    Copy { id: EventId, mapping: Option<MappingId>, foreign: bool },
    /// A copy that another installation made.
    Foreign(EventId),
    /// The event that it was made of, which takes it over in its own turn.
    Origin,
    /// The first origin, or another copy of it.
    AlreadyThere(EventId, UidHash),
    /// The server does not give something that may be it; what it said.
    Unknown(String),
}

/// By the UIDs of first origins, the events that show each.
pub(super) type Holdings = HashMap<UidHash, Vec<EventId>>;

impl Pass<'_> {
    /// What the other calendar holds of an event of that side. What is found is claimed, so that no
    /// other event gets it.
    pub(in crate::sync) async fn beside(
        &self,
        identity: &mut EventIdentities,
        side: Side,
        event: &Event,
        class: &Class,
    ) -> Result<BesideFound> {
        if let Class::Left(first) = class {
            let other = identity.index[side.other() as usize].as_ref();
            let made_of = self.names(event).and_then(|mapping| other?.derived.get(&mapping));
            let is_taken =
                self.names(event).is_some_and(|mapping| identity.used.contains(&mapping));
            let made_of =
                made_of.filter(|_| !is_taken).or_else(|| other?.out_of_copies.get(first.as_ref()?));
            if made_of.is_some_and(|id| self.pair.two_way && !identity.is_claimed(side.other(), id))
            {
                return Ok(BesideFound::Origin);
            }
            if let copy @ BesideFound::Copy { .. } = self.earlier_copy(identity, side, event, true)
            {
                return Ok(copy);
            }
            let Some(first) = *first else { return Ok(BesideFound::Nothing) };
            let there = self
                .holdings(identity, side.other())
                .await?
                .get(&first)
                .cloned()
                .unwrap_or_default();
            for id in &there {
                if !self.is_of_its_twin(side, event, id).await? {
                    return Ok(BesideFound::AlreadyThere(id.clone(), first));
                }
            }
            let withheld =
                identity.withheld[side.other() as usize].clone().filter(|_| there.is_empty());
            return Ok(withheld.map_or(BesideFound::Nothing, BesideFound::Unknown));
        }
        // A pair that ended may have copied what a person made out of a copy.
        Ok(self.earlier_copy(identity, side, event, matches!(class, Class::OutOfACopy)))
    }

    /// Whether an event of the other calendar is the copy of another event of this one that bears
    /// the same mark: then a person has duplicated or cut what a pair that ended has left, and both
    /// parts are that person's own.
    async fn is_of_its_twin(&self, side: Side, event: &Event, there: &EventId) -> Result<bool> {
        let known = self.memory.lookup(side.other(), std::slice::from_ref(there)).await?.known;
        let Some(mapping) = known
            .into_values()
            .find(|mapping| mapping.side == side && mapping.origin.id != event.id)
        else {
            return Ok(false);
        };
        let twin =
            self.fetch(side, vec![mapping.origin.id.clone()]).await?.remove(&mapping.origin.id);
        Ok(matches!(twin, Some(Read::Event(twin)) if self.names(&twin) == self.names(event)))
    }

    /// The mappings that the name of an event makes: now, and in the first release, of its address.
    pub(super) fn made_of(&self, side: Side, id: &EventId) -> Vec<MappingId> {
        let end = &self.ends[side as usize];
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
        identity: &mut EventIdentities,
        side: Side,
        event: &Event,
        left: bool,
    ) -> BesideFound {
        let first = self.planner.first(event);
        let EventIdentities { index, claimed, used, adopted, whole, .. } = identity;
        let other = side.other() as usize;
        let (Some(index), claimed) = (&index[other], &mut claimed[other]) else {
            return BesideFound::Nothing;
        };
        let remade = match self.planner.mark(event) {
            Some(Mark::Ours { role: Role::Origin, mapping, .. }) => Some(mapping),
            _ => None,
        };
        let by_mapping = self.made_of(side, &event.id).into_iter().chain(remade);
        let named = by_mapping.filter_map(|mapping| index.copies.get(&mapping)).flatten();
        // What is left of a mapping has no right to what was made of its own origin, only to what
        // was made of itself.
        let first = if left { UidHash::of(&event.uid) } else { first };
        // The UID alone does not say out of which calendar a copy came: what it shows has to be
        // what is here.
        let looks = self.mixed[other].then(|| self.planner.appearances(side, event));
        let is_like = |id: &&EventId| {
            looks.is_none_or(|looks| index.looks.get(*id).is_some_and(|look| looks.contains(look)))
        };
        let of_first: Vec<&EventId> =
            first.iter().filter_map(|first| index.copies_by_first.get(first)).flatten().collect();
        let other_calendars = of_first.iter().find(|id| !is_like(id)).map(|id| (*id).clone());
        let of_first = of_first.into_iter().filter(is_like);
        // Of several events with one mark one alone is the copy; the others are duplicates that a
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

    /// Where an event is read later than what else was there: a copy of it that another
    /// installation made and that was remembered by itself. Both are looked at once more, together.
    pub(in crate::sync) async fn left_by_another(
        &self,
        identity: &mut EventIdentities,
        side: Side,
        event: &Event,
    ) -> Result<Option<Mapping>> {
        if !identity.anew[side.other() as usize] || !self.pair.two_way || self.options.dry_run {
            return Ok(None);
        }
        let Some(first) = self.planner.first(event) else { return Ok(None) };
        if identity.left_by_another[side as usize].is_none() {
            let is_left = |mapping: &Mapping| {
                (mapping.state, mapping.side) == (MappingState::CopiedByAnother, side.other())
                    && !mapping.is_beside()
                    && mapping.first().is_some()
            };
            let (mut left, mut after) = (HashMap::new(), None);
            loop {
                let (page, next) = self.memory.page(after.as_deref()).await?;
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
            identity.left_by_another[side as usize] = Some(left);
        }
        Ok(identity.left_by_another[side as usize].as_mut().and_then(|left| left.remove(&first)))
    }

    /// What a calendar holds, by the UIDs of first origins. Read once in a pass, and only where an
    /// event needs it that began as a copy.
    async fn holdings<'i>(
        &self,
        identity: &'i mut EventIdentities,
        side: Side,
    ) -> Result<&'i Holdings> {
        let i = side as usize;
        if identity.holdings[i].is_none() {
            let mut holdings = self.remembered(side).await?;
            identity.withheld[i] = self.add_strangers(side, &mut holdings).await?;
            identity.holdings[i] = Some(holdings);
        }
        Ok(identity.holdings[i].get_or_insert_default())
    }

    /// What the rows of this pair say. Rows of the first release do not know UIDs: their events are
    /// read.
    async fn remembered(&self, side: Side) -> Result<Holdings> {
        let mut holdings = Holdings::new();
        let mut unnamed: BTreeMap<EventId, Mapping> = BTreeMap::new();
        let mut after = None;
        loop {
            let (page, next) = self.memory.page(after.as_deref()).await?;
            // An origin is there also where its copy is gone.
            for mapping in
                page.into_iter().filter(|mapping| mapping.side == side || mapping.is_live())
            {
                let half = if mapping.side == side { &mapping.origin } else { &mapping.copy };
                match mapping.first() {
                    Some(first) => holdings.entry(first).or_default().push(half.id.clone()),
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
                if let (Read::Event(event), Some(mapping)) = (read, unnamed.get(&id))
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

    /// What else the calendar holds. The answer is what the server says of what it does not give.
    async fn add_strangers(&self, side: Side, holdings: &mut Holdings) -> Result<Option<String>> {
        let end = &self.ends[side as usize];
        let listed =
            end.provider.list_changes(&end.calendar.address, Since::Everything, None).await?.listed;
        let mut survey = Changes::default();
        for line in listed {
            if let engine::change::Listed::Present { id, etag, event } = line {
                survey.unknown[side as usize]
                    .insert(id, UnknownEvent { etag, event, ..UnknownEvent::default() });
            }
        }
        let ids: Vec<EventId> = survey.unknown[side as usize].keys().cloned().collect();
        for ids in ids.chunks(50) {
            for (id, _) in self.memory.lookup(side, ids).await?.known {
                survey.unknown[side as usize].remove(&id);
            }
        }
        let strangers = std::mem::take(&mut survey.unknown[side as usize]);
        let unread = strangers
            .iter()
            .filter(|(_, stranger)| stranger.event.is_none())
            .map(|(id, _)| id.clone())
            .collect::<Vec<_>>();
        for (id, stranger) in &strangers {
            if let Some(event) = &stranger.event {
                self.add_holding(holdings, id, event);
            }
        }
        let mut withheld = None;
        for ids in unread.chunks(end.provider.batch().max(1)) {
            for (id, read) in self.fetch(side, ids.to_vec()).await? {
                match read {
                    Read::Event(event) => self.add_holding(holdings, &id, &event),
                    Read::Refused(why) => withheld = Some(why),
                    Read::Unreadable { .. } | Read::NotFound | Read::NoEvent => {}
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

    /// The mappings that unknown events name, as far as they live.
    pub(in crate::sync) async fn named_by<'e>(
        &self,
        events: impl Iterator<Item = &'e Event>,
    ) -> Result<BTreeMap<MappingId, Living>> {
        let named: BTreeSet<MappingId> = events.filter_map(|event| self.names(event)).collect();
        if named.is_empty() { Ok(BTreeMap::new()) } else { self.living(named).await }
    }
}
