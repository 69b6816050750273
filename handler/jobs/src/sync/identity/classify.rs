//! What an unknown event is, by its mark.

use std::collections::BTreeMap;

use engine::etag;
use engine::event::{Event, EventId};
use engine::mapping::{Mapping, MappingState};
use engine::marker::{MappingId, Mark, Role};
use engine::pair::Side;
use engine::reason::Reason;
use engine::uid::UidHash;

use super::EventIdentities;
use super::resolve::rename;
use crate::Error;
use crate::Result;
use crate::sync::pass::Pass;
use crate::sync::pass::side_of;
use crate::sync::survey;

/// Where a mapping lives.
#[derive(Clone, Debug)]
pub(in crate::sync) enum Living {
    /// In this pair.
    Here(Box<Mapping>),
    /// In another pair of the owner.
    Elsewhere,
}

/// What an unknown event is.
#[derive(Debug)]
pub(in crate::sync) enum Class {
    /// A person's own.
    Ordinary,
    /// A person's own that was made out of a copy, whose mark it still bears.
    OutOfACopy,
    /// What is left of a mapping that has ended, or of another installation; with the UID of the
    /// first origin, as far as it is known.
    Left(Option<UidHash>),
    /// Made by another installation, or said to be.
    Foreign,
    /// One half of a mapping, under another name: the mapping as stored, and with that name.
    Half(Box<Mapping>, Box<Mapping>),
    /// To be left alone, and why; with the mapping of this pair whose mark it bears.
    Alone(Reason, Option<MappingId>),
}

impl Pass<'_> {
    /// What an unknown event is. `living` holds the mappings that live, of those that unknown
    /// events name.
    pub(in crate::sync) async fn classify(
        &self,
        identity: &mut EventIdentities,
        living: &BTreeMap<MappingId, Living>,
        side: Side,
        event: &Event,
    ) -> Result<Class> {
        if let Some(mapping) = identity.alike.get(&(side, event.id.clone())) {
            return Ok(Class::Alone(Reason::MayBeCopy, Some(*mapping)));
        }
        let mark = self.planner.mark(event);
        let (role, mapping) = match mark {
            Some(Mark::Ours { role, mapping, .. }) => (role, mapping),
            Some(Mark::Foreign { role: Role::Origin, first })
                if self.takes_over || self.was_taken_over(identity, side, event, first) =>
            {
                return Ok(Class::Ordinary);
            }
            Some(Mark::Foreign { first, .. }) if self.takes_over => return Ok(Class::Left(first)),
            Some(Mark::Foreign { .. }) => return Ok(Class::Foreign),
            None => match MappingId::of_uid(&event.uid).filter(|(_, id)| living.contains_key(id)) {
                Some(named) => named,
                None => return Ok(Class::Ordinary),
            },
        };
        match (living.get(&mapping), role) {
            (None, Role::Copy)
                if self.pair.two_way
                    && identity.whole.contains(&mapping)
                    && MappingId::of_copy_uid(&event.uid) != Some(mapping) =>
            {
                Ok(Class::OutOfACopy)
            }
            (None, Role::Copy) => Ok(Class::Left(
                mark.and_then(Mark::first)
                    .or_else(|| identity.adopted.get(&mapping).copied().flatten()),
            )),
            // It belongs to a person, whatever pair it was made again for.
            (None | Some(Living::Elsewhere), Role::Origin) => Ok(Class::Ordinary),
            (Some(Living::Elsewhere), Role::Copy) => Ok(Class::Alone(Reason::OwnCopy, None)),
            (Some(Living::Here(stored)), role) => {
                match self.of_this_pair(identity, stored, role, side, event).await? {
                    // In the first pass over a calendar it is older than this pair, like the copy
                    // that was taken over.
                    Class::OutOfACopy
                        if identity.first[side as usize]
                            && stored.taken_over
                            && !has_made_uid(stored) =>
                    {
                        Ok(Class::Left(stored.first()))
                    }
                    class => Ok(class),
                }
            }
        }
    }

    /// Whether this installation has copied an origin that another one made again, as its own copy
    /// in the other calendar says.
    fn was_taken_over(
        &self,
        identity: &EventIdentities,
        side: Side,
        event: &Event,
        first: Option<UidHash>,
    ) -> bool {
        let index = identity.index[side.other() as usize].as_ref();
        let known =
            |uid: &UidHash| index.is_some_and(|index| index.copies_by_first.contains_key(uid));
        [UidHash::of(&event.uid), first].iter().flatten().any(known)
    }

    /// An event with the mark of a mapping of this pair, under a name that the mapping does not
    /// know.
    async fn of_this_pair(
        &self,
        identity: &mut EventIdentities,
        stored: &Mapping,
        role: Role,
        side: Side,
        event: &Event,
    ) -> Result<Class> {
        let half = survey::half(stored, role);
        if side_of(stored, role) != side {
            // The copy itself, seen in the calendar of its origin under the same name and in the
            // same version: both ends are one calendar.
            let is_the_copy = role == Role::Copy
                && half.id == event.id
                && etag::are_same(half.etag.as_deref(), event.etag.as_deref());
            // One object may have been put in both; the origin is in both only where they are one.
            let there = side_of(stored, role);
            if is_the_copy
                && self.is_there(there, &half.id).await?
                && self.is_there(there, &stored.origin.id).await?
            {
                return Err(Error::SameCalendar);
            }
            return Ok(match role {
                Role::Copy => Class::Alone(Reason::OwnCopy, Some(stored.id)),
                Role::Origin => Class::Ordinary,
            });
        }
        let gone = match (role, stored.state) {
            // Deleted by a person, and back again.
            (Role::Copy, MappingState::Suppressed) => true,
            _ => !self.is_there(side, &half.id).await?,
        };
        if gone && !self.is_elsewhere(identity, stored, role, side, event).await? {
            identity.joined.insert(stored.id);
            let mut mapping = stored.clone();
            rename(&mut mapping, role, event);
            return Ok(Class::Half(Box::new(stored.clone()), Box::new(mapping)));
        }
        Ok(match role {
            Role::Origin => Class::Ordinary,
            Role::Copy if self.pair.two_way => Class::OutOfACopy,
            Role::Copy => Class::Alone(Reason::DuplicateOfCopy, Some(stored.id)),
        })
    }

    /// Whether another event is the one that the mapping has lost sight of. One that has the UID of
    /// the copy is; of others the first.
    async fn is_elsewhere(
        &self,
        identity: &EventIdentities,
        stored: &Mapping,
        role: Role,
        side: Side,
        event: &Event,
    ) -> Result<bool> {
        if identity.joined.contains(&stored.id) {
            return Ok(true);
        }
        if role == Role::Origin || has_its_uid(stored, role, event) {
            return Ok(false);
        }
        let end = &self.ends[side as usize];
        let uid = stored.id.copy_uid(stored.generation);
        Ok(end
            .provider
            .find_uid(&end.calendar.address, &uid)
            .await?
            .is_some_and(|id| id != event.id))
    }

    async fn is_there(&self, side: Side, id: &EventId) -> Result<bool> {
        let end = &self.ends[side as usize];
        Ok(end.provider.exists(&end.calendar.address, id).await?)
    }
}

/// Whether an event has the UID that one half of a mapping had.
pub(super) fn has_its_uid(mapping: &Mapping, role: Role, event: &Event) -> bool {
    let uid = UidHash::of(&event.uid);
    MappingId::of_uid(&event.uid) == Some((role, mapping.id))
        || (uid.is_some() && survey::half(mapping, role).uid == uid)
}

/// Whether the copy has the UID with which it was made: then another event with its mark is a
/// duplicate.
fn has_made_uid(mapping: &Mapping) -> bool {
    // What was taken over may have been made more than once; more often than this is rare, and
    // costs a report.
    (0..=8)
        .chain([mapping.generation])
        .any(|generation| mapping.copy.uid == UidHash::of(&mapping.id.copy_uid(generation)))
}
