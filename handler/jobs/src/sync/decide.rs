//! Decides about one candidate: gives the planner what was read, and makes a step of its decision.

use std::collections::BTreeMap;

use engine::event::{Event, EventId};
use engine::marker::{MappingId, Role};
use engine::pair::Side;
use engine::plan::{Beside, Decision, Observed, Unknown};
use engine::reason::Reason;
use providers::Found;

use super::change::{ChangedMapping, ListedAs};
use super::context::Context;
use super::fetch::FoundEvents;
use super::identity::{BesideFound, EventIdentities, UnknownClass};
use super::problems::RetryAt;
use super::quickness::changed_at;
use super::roles::{ROLES, mapped, mapped_mut, other_role, role_at, side_of};
use super::step::{NOT_GIVEN, Step};
use crate::Result;

/// What its owner should know about an event, although it is copied.
pub(super) fn note(event: &Event) -> Option<Reason> {
    event.zone_guessed.then_some(Reason::ZoneUnknown)
}

impl Context<'_> {
    pub(super) fn decide_known(&self, changed: ChangedMapping, read: &FoundEvents) -> Step {
        let ChangedMapping {
            stored,
            mut mapping,
            listed,
            was_verified,
            is_replaced,
            freed_name,
            mut proofs,
            ..
        } = changed;
        if let Some(step) = self.decide_behind(&stored, &mapping, read) {
            return step;
        }
        for role in ROLES {
            let found = &read[side_of(&mapping, role)];
            if matches!(found.get(&mapped(&mapping, role).id), Some(Found::Event(_))) {
                mapped_mut(&mut mapping, role).former = None;
            }
        }
        let gone = ROLES.into_iter().find(|role| matches!(listed[*role], ListedAs::Suspect));
        let not_given = |reason, why, retry| {
            let step = Step::not_given(mapping.side, mapping.origin.id.clone(), reason, why, retry);
            Step { times: Some(mapping.times.clone()), gone, ..step }
        };
        for role in ROLES {
            let found = &read[side_of(&mapping, role)];
            if let Some(Found::Refused(why)) = found.get(&mapped(&mapping, role).id) {
                return not_given(Reason::RefusedByServer, why.clone(), RetryAt::Later);
            }
        }
        let observed = |role: Role, listed: ListedAs| -> Option<Observed> {
            let mapped = mapped(&mapping, role);
            let found = match &listed {
                // An event that the listing brought was not read. What was read under its name may
                // be another event.
                ListedAs::Present(Some(_)) => None,
                // It may have been read for another mapping, too.
                _ => read[side_of(&mapping, role)].get(&mapped.id),
            };
            Some(match (listed, found) {
                (ListedAs::Suspect, _) => Observed::Gone,
                (ListedAs::Emptied(answer), _) => Observed::Emptied(answer),
                (ListedAs::Present(Some(event)), _) => Observed::Event(event),
                (_, Some(Found::Event(event))) => Observed::Event(event.clone()),
                (_, Some(Found::Unreadable { etag, why })) => {
                    Observed::Unreadable { etag: etag.clone(), why: why.clone() }
                }
                // Listed and not found: that proves nothing. The side is listed again from the same
                // cursor.
                (ListedAs::Present(None), _)
                | (_, Some(Found::NotFound | Found::NoEvent | Found::Refused(_))) => return None,
                (ListedAs::None, None) => Observed::Unchanged,
            })
        };
        let (origin, copy) =
            match (observed(Role::Origin, listed.origin), observed(Role::Copy, listed.copy)) {
                (Some(origin), Some(copy)) => (origin, copy),
                (origin, _) => {
                    let role = if origin.is_none() { Role::Origin } else { Role::Copy };
                    // A read of this event alone has found it: only reads of many at once do not.
                    // Or each round has listed the event and has not found it: the server
                    // contradicts itself about this event, which is no reason to stop the others.
                    if (was_verified || self.is_last_round) && !self.options.dry_run {
                        return not_given(Reason::Unreadable, NOT_GIVEN.into(), RetryAt::Soon);
                    }
                    let suspect = Some((mapping.id, role)).filter(|_| !self.options.dry_run);
                    return Step::incomplete(mapping.side, mapping.origin.id.clone(), suspect);
                }
            };
        let changed_at = changed_at(&stored, &origin, &copy);
        let released = freed_name.map(|id| (mapping.side.other(), id)).into_iter().collect();
        let (note, is_unread) = match &origin {
            Observed::Event(origin) => (note(origin), false),
            _ => (None, matches!(origin, Observed::Unchanged)),
        };
        let origins = &self.ends[mapping.side].provider;
        let decision = if matches!(origin, Observed::Gone)
            && origins.is_shown_by_occurrence(&mapping.origin.id)
        {
            self.planner.replaced_by_occurrences(&mapping, copy)
        } else if is_replaced {
            self.planner.replaced(&mapping, origin)
        } else {
            self.planner.known(&mapping, origin, copy)
        };
        let step =
            Step { released, ..Step::new(mapping.side, mapping.origin.id.clone(), decision) };
        let renamed = ((&stored.origin.id, &stored.copy.id)
            != (&mapping.origin.id, &mapping.copy.id))
            .then(|| mapping.clone());
        let proof = gone.and_then(|role| proofs[role].take());
        Step {
            times: Some(mapping.times.clone()),
            stored: Some(stored),
            renamed,
            proof,
            note,
            is_unread,
            changed_at,
            ..step
        }
    }

    pub(super) async fn decide_unknown(
        &self,
        identities: &mut EventIdentities,
        side: Side,
        event: Box<Event>,
        taken: bool,
        class: UnknownClass,
    ) -> Result<Step> {
        let id = event.id.clone();
        let nothing = |id| Ok(Step::new(side, id, Decision::Nothing));
        if identities.is_claimed(side, &id) {
            return nothing(id);
        }
        let is_source = self.pair.copies_from(side);
        match &class {
            UnknownClass::Renamed(stored, mapping) => {
                let role = role_at(mapping, side);
                if identities.decided.contains(&mapping.id) {
                    // The decision about the mapping in this round depends on the former name.
                    return Ok(Step::incomplete(
                        side,
                        id,
                        Some((mapping.id, role)).filter(|_| !self.options.dry_run),
                    ));
                }
                let mut changed = ChangedMapping {
                    stored: (**stored).clone(),
                    ..ChangedMapping::new((**mapping).clone())
                };
                let other = other_role(role);
                let mapped = mapped(mapping, other).id.clone();
                let there = side_of(mapping, other);
                let mut read: FoundEvents = Default::default();
                if role == Role::Copy || stored.is_owed() {
                    read[there] = self.fetch(there, vec![mapped.clone()]).await?;
                    let is_missing = matches!(read[there].get(&mapped), Some(Found::NotFound));
                    if is_missing && stored.is_owed() {
                        // The change of the other event was put off until this event was found.
                        return Ok(Step::incomplete(
                            side,
                            id,
                            Some((mapping.id, other)).filter(|_| !self.options.dry_run),
                        ));
                    }
                    // Whether the other event is gone is decided by its own side.
                    if is_missing {
                        read[there].clear();
                    }
                }
                changed.listed[role] = ListedAs::Present(Some(event));
                return Ok(self.decide_known(changed, &read));
            }
            UnknownClass::Alone(
                reason @ (Reason::DuplicateOfCopy | Reason::MayBeCopy),
                mapping,
            ) => {
                let decision = Decision::Skip { reason: *reason, why: None, remember: None };
                return Ok(Step { mark_of: *mapping, ..Step::new(side, id, decision) });
            }
            _ if !is_source => return nothing(id),
            UnknownClass::Alone(reason, bears) => {
                let decision = Decision::Skip { reason: *reason, why: None, remember: None };
                return Ok(Step { mark_of: *bears, ..Step::new(side, id, decision) });
            }
            UnknownClass::Ordinary
            | UnknownClass::OutOfACopy
            | UnknownClass::Left(_)
            | UnknownClass::Foreign => {}
        }
        let copy_id = |mapping: MappingId| {
            let other = &self.ends[side.other()];
            let uid = mapping.copy_uid(0);
            other
                .provider
                .id_of_copy(&other.calendar.address, &uid)
                .unwrap_or_else(|| EventId::new(uid))
        };
        if matches!(class, UnknownClass::Foreign) {
            let mapping = self.new_mapping_id(identities, side, &id, taken).await?;
            return Ok(Step::new(
                side,
                id,
                self.planner.foreign(side, &event, mapping, copy_id(mapping)),
            ));
        }
        if matches!(class, UnknownClass::Left(_)) && self.may_find_series(identities) {
            return Ok(Step::incomplete(side, id, None));
        }
        let beside = self.find_beside(identities, side, &event, &class).await?;
        let found = match &beside {
            BesideFound::Copy { id, .. } | BesideFound::Foreign(id) => {
                match self.read_beside(identities, side.other(), id).await? {
                    Ok(found) => found,
                    // A copy that comes late is better than a second copy.
                    Err(why) => {
                        self.require_possible_copies(
                            identities,
                            side.other(),
                            &BTreeMap::from([(id.clone(), why.clone())]),
                        )
                        .await?;
                        return Ok(Step::not_given(
                            side,
                            event.id.clone(),
                            Reason::RefusedByServer,
                            why,
                            RetryAt::Later,
                        ));
                    }
                }
            }
            BesideFound::Origin => return nothing(id),
            BesideFound::Unknown(why) => {
                return Ok(Step::not_given(
                    side,
                    id,
                    Reason::RefusedByServer,
                    why.clone(),
                    RetryAt::Later,
                ));
            }
            BesideFound::Nothing => match self.left_by_another(identities, side, &event).await? {
                Some(left) => {
                    let unknown = vec![(side, id.clone()), (side.other(), left.origin.id.clone())];
                    return Ok(Step {
                        released: unknown,
                        ..Step::new(side, id, Decision::Forget(Box::new(left)))
                    });
                }
                None => None,
            },
            BesideFound::AlreadyThere(..) => None,
        };
        let adopted = match &beside {
            BesideFound::Copy { mapping, .. } => *mapping,
            _ => None,
        };
        let mapping = match adopted {
            Some(mapping) => mapping,
            None => self.new_mapping_id(identities, side, &id, taken).await?,
        };
        let beside = match (&beside, &found) {
            (BesideFound::Copy { foreign, .. }, Some(copy)) => {
                Beside::Copy { copy, foreign: *foreign }
            }
            (BesideFound::Foreign(_), Some(copy)) => Beside::Foreign(copy),
            (BesideFound::AlreadyThere(id, first), _) => {
                Beside::AlreadyThere(id.clone(), Some(*first))
            }
            _ => Beside::Nothing,
        };
        let marked_as_copy = matches!(class, UnknownClass::OutOfACopy);
        let first = if let UnknownClass::Left(first) = class { first } else { None };
        let unknown = Unknown {
            side,
            event: &event,
            id: mapping,
            copy_id: copy_id(mapping),
            beside,
            marked_as_copy,
            first,
        };
        let step = Step::new(side, id, self.planner.unknown(unknown));
        Ok(Step { note: note(&event), changed_at: event.changed_at(), ..step })
    }

    /// Reads a copy that may be beside an event; the error is what the server answers where it does
    /// not give that copy.
    async fn read_beside(
        &self,
        identities: &mut EventIdentities,
        side: Side,
        id: &EventId,
    ) -> Result<std::result::Result<Option<Box<Event>>, String>> {
        Ok(
            match self.read_unknown(identities, side, id, None, &mut FoundEvents::default()).await?
            {
                Some(Found::Event(event)) => Ok(Some(event)),
                Some(Found::Refused(why)) => Err(why),
                _ => Ok(None),
            },
        )
    }
}
