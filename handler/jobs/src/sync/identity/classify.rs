//! Classifies an unknown event by its mark.

use std::collections::BTreeMap;

use engine::etag;
use engine::event::{Event, EventId};
use engine::mapping::{Mapping, MappingState};
use engine::marker::{MappingId, Mark, Role};
use engine::pair::Side;
use engine::reason::Reason;
use engine::uid::UidHash;

use super::class::{LiveMapping, UnknownClass};
use super::identities::EventIdentities;
use super::rename::{has_its_uid, rename};
use crate::sync::context::Context;
use crate::sync::roles::{mapped, side_of};
use crate::{Error, Result};

impl Context<'_> {
    /// Classifies an unknown event. `live` has those mappings named by unknown events that are
    /// live.
    pub(in crate::sync) async fn classify(
        &self,
        identities: &mut EventIdentities,
        live: &BTreeMap<MappingId, LiveMapping>,
        side: Side,
        event: &Event,
    ) -> Result<UnknownClass> {
        if let Some(mapping) = identities.alike.get(&(side, event.id.clone())) {
            return Ok(UnknownClass::Alone(Reason::MayBeCopy, Some(*mapping)));
        }
        let mark = self.planner.mark(event);
        let (role, mapping) = match mark {
            Some(Mark::Ours { role, mapping, .. }) => (role, mapping),
            Some(Mark::Foreign { role: Role::Origin, first })
                if self.takes_over || self.was_taken_over(identities, side, event, first) =>
            {
                return Ok(UnknownClass::Ordinary);
            }
            Some(Mark::Foreign { first, .. }) if self.takes_over => {
                return Ok(UnknownClass::Left(first));
            }
            Some(Mark::Foreign { .. }) => return Ok(UnknownClass::Foreign),
            None => match MappingId::of_uid(&event.uid).filter(|(_, id)| live.contains_key(id)) {
                Some(named) => named,
                None => return Ok(UnknownClass::Ordinary),
            },
        };
        match (live.get(&mapping), role) {
            (None, Role::Copy)
                if self.pair.two_way
                    && identities.whole.contains(&mapping)
                    && MappingId::of_copy_uid(&event.uid) != Some(mapping) =>
            {
                Ok(UnknownClass::OutOfACopy)
            }
            (None, Role::Copy) => Ok(UnknownClass::Left(
                mark.and_then(Mark::first)
                    .or_else(|| identities.adopted.get(&mapping).copied().flatten()),
            )),
            // It is a person's event, whichever pair it was created again for.
            (None | Some(LiveMapping::Elsewhere), Role::Origin) => Ok(UnknownClass::Ordinary),
            (Some(LiveMapping::Elsewhere), Role::Copy) => {
                Ok(UnknownClass::Alone(Reason::OwnCopy, None))
            }
            (Some(LiveMapping::Here(stored)), role) => {
                match self.classify_of_this_pair(identities, stored, role, side, event).await? {
                    // In the first pass over a calendar it is older than this pair, like the copy
                    // that was taken over.
                    UnknownClass::OutOfACopy
                        if identities.is_first[side]
                            && stored.taken_over
                            && !has_made_uid(stored) =>
                    {
                        Ok(UnknownClass::Left(stored.first()))
                    }
                    class => Ok(class),
                }
            }
        }
    }

    /// Whether this installation has copied an origin that another installation created again, as
    /// the copy in the other calendar shows.
    fn was_taken_over(
        &self,
        identities: &EventIdentities,
        side: Side,
        event: &Event,
        first: Option<UidHash>,
    ) -> bool {
        let index = identities.index[side.other()].as_ref();
        let known =
            |uid: &UidHash| index.is_some_and(|index| index.copies_by_first.contains_key(uid));
        [UidHash::of(&event.uid), first].iter().flatten().any(known)
    }

    /// Classifies an event with the mark of a mapping of this pair, under a name that the mapping
    /// does not know.
    async fn classify_of_this_pair(
        &self,
        identities: &mut EventIdentities,
        stored: &Mapping,
        role: Role,
        side: Side,
        event: &Event,
    ) -> Result<UnknownClass> {
        let mapped = mapped(stored, role);
        if side_of(stored, role) != side {
            // The copy itself is seen in the calendar of its origin, under one name and in one
            // version: both ends are one calendar.
            let is_the_copy = role == Role::Copy
                && mapped.id == event.id
                && etag::are_same(mapped.etag.as_deref(), event.etag.as_deref());
            // A person may have put one object into both calendars; the origin is in both only
            // where they are one calendar.
            let there = side_of(stored, role);
            if is_the_copy
                && self.exists(there, &mapped.id).await?
                && self.exists(there, &stored.origin.id).await?
            {
                return Err(Error::SameCalendar);
            }
            return Ok(match role {
                Role::Copy => UnknownClass::Alone(Reason::OwnCopy, Some(stored.id)),
                Role::Origin => UnknownClass::Ordinary,
            });
        }
        let gone = match (role, stored.state) {
            // A person has deleted the copy, and it exists again.
            (Role::Copy, MappingState::Suppressed) => true,
            _ => !self.exists(side, &mapped.id).await?,
        };
        if gone && !self.is_elsewhere(identities, stored, role, side, event).await? {
            identities.joined.insert(stored.id);
            let mut mapping = stored.clone();
            rename(&mut mapping, role, event);
            return Ok(UnknownClass::Renamed(Box::new(stored.clone()), Box::new(mapping)));
        }
        Ok(match role {
            Role::Origin => UnknownClass::Ordinary,
            Role::Copy if self.pair.two_way => UnknownClass::OutOfACopy,
            Role::Copy => UnknownClass::Alone(Reason::DuplicateOfCopy, Some(stored.id)),
        })
    }

    /// Whether another event is the missing event of the mapping: one with the UID of the copy, or
    /// else the first one.
    async fn is_elsewhere(
        &self,
        identities: &EventIdentities,
        stored: &Mapping,
        role: Role,
        side: Side,
        event: &Event,
    ) -> Result<bool> {
        if identities.joined.contains(&stored.id) {
            return Ok(true);
        }
        if role == Role::Origin || has_its_uid(stored, role, event) {
            return Ok(false);
        }
        let end = &self.ends[side];
        let uid = stored.id.copy_uid(stored.generation);
        Ok(end
            .provider
            .find_uid(&end.calendar.address, &uid)
            .await?
            .is_some_and(|id| id != event.id))
    }

    async fn exists(&self, side: Side, id: &EventId) -> Result<bool> {
        let end = &self.ends[side];
        Ok(end.provider.exists(&end.calendar.address, id).await?)
    }
}

/// Whether the copy has a UID that this installation gave: then another event with its mark is a
/// duplicate.
fn has_made_uid(mapping: &Mapping) -> bool {
    // A copy that was taken over may have been created more than once. More often than this is
    // rare, and costs a report.
    (0..=8)
        .chain([mapping.generation])
        .any(|generation| mapping.copy.uid == UidHash::of(&mapping.id.copy_uid(generation)))
}
