//! A mapping whose two events are no origin and copy in step: its calendar was emptied, another
//! event or another installation has the place of one, or nothing is made of the event.

use super::{Answer, Create, Decision, Delete, Observed, Planner};
use crate::copy::project;
use crate::event::{Draft, Event, EventId, Field};
use crate::mapping::{MappedEvent, Mapping, MappingState, Times};
use crate::marker::{MappingId, Mark, Role};
use crate::reason::Reason;
use crate::uid::UidHash;

impl Planner<'_> {
    /// The calendar of the origin was emptied. Its copy was read.
    pub(super) fn origin_emptied(
        &self,
        mapping: &Mapping,
        copy: Observed,
        answer: Answer,
    ) -> Decision {
        match (copy, answer) {
            (Observed::Event(copy), Answer::MakeAgain) if mapping.is_live() && !copy.cancelled => {
                match self.make_origin_again(mapping, &copy) {
                    Decision::Create(create) => {
                        Decision::Create(Box::new(Create { reason: None, ..*create }))
                    }
                    other => other,
                }
            }
            // From now on the copy is the event, and what it was made of is its copy that is left
            // out.
            (Observed::Event(copy), Answer::LeaveOut) if mapping.is_live() => {
                Decision::Remember(Box::new(self.turned_round(mapping, &copy)))
            }
            (Observed::Unchanged | Observed::Unreadable { .. }, _) if mapping.is_live() => {
                Decision::Nothing
            }
            _ => Decision::Forget(Box::new(mapping.clone())),
        }
    }

    fn turned_round(&self, mapping: &Mapping, copy: &Event) -> Mapping {
        let draft = Draft::from(copy);
        let shown = project(&draft, self.style(mapping.side));
        let mut next = mapping.clone();
        next.side = mapping.side.other();
        next.state = MappingState::Suppressed;
        next.origin = MappedEvent {
            id: copy.id.clone(),
            uid: UidHash::of(&copy.uid),
            etag: copy.etag.clone(),
            sequence: copy.sequence,
            base: self.prints.origin(&draft),
            shown: None,
            intent: None,
            former: None,
            is_seen: false,
        };
        next.copy = MappedEvent {
            etag: None,
            sequence: 0,
            base: self.prints.copy(&shown),
            shown: None,
            intent: None,
            is_seen: false,
            ..mapping.origin.clone()
        };
        next.first = mapping.first();
        next.guests = copy.has_guests();
        (next.copy_guests, next.pristine, next.drifted) = (false, false, false);
        (next.turned, next.unseen) = (true, None);
        next.times = Times::from(&copy.content.span);
        next
    }

    /// An origin whose calendar had been emptied and left so is back. What its copy shows by now,
    /// as far as a copy may say it, is newer.
    pub(super) fn turned_back(
        &self,
        mapping: &Mapping,
        copy: Observed,
        restored: &Event,
    ) -> Decision {
        let back = Mapping {
            state: MappingState::Live,
            turned: false,
            ..self.turned_round(mapping, restored)
        };
        match copy {
            Observed::Event(copy) if !copy.cancelled => {
                self.origin_there(&back, restored, Observed::Event(copy))
            }
            Observed::Unchanged | Observed::Unreadable { .. } => Decision::Nothing,
            Observed::Event(_) | Observed::Gone | Observed::Emptied(_) => {
                self.make_copy_again(&back, restored, None)
            }
        }
    }

    /// Another installation has taken the copy over: what becomes of it is no longer for this one
    /// to say.
    pub(super) fn claimed_by_another(
        &self,
        mapping: &Mapping,
        origin: Observed,
        copy: Observed,
    ) -> Decision {
        let left =
            Mapping { state: MappingState::CopiedByAnother, pristine: false, ..mapping.clone() };
        match self.left_alone(&left, origin, copy) {
            Decision::Nothing => Decision::Skip {
                reason: Reason::CopiedByAnother,
                why: None,
                remember: Some(Box::new(left)),
            },
            Decision::Remember(next) => {
                Decision::Skip { reason: Reason::CopiedByAnother, why: None, remember: Some(next) }
            }
            other => other,
        }
    }

    /// Nothing is made of the event, because of what another calendar holds or of what made it:
    /// until that is gone.
    pub(super) fn left_alone(
        &self,
        mapping: &Mapping,
        origin: Observed,
        copy: Observed,
    ) -> Decision {
        let beside_is_gone =
            mapping.is_beside() && matches!(copy, Observed::Gone | Observed::Emptied(_));
        let mut next = mapping.clone();
        match &copy {
            Observed::Event(copy) => self.copy_seen(&mut next, copy),
            Observed::Unreadable { etag, .. } => next.copy.etag.clone_from(etag),
            Observed::Unchanged | Observed::Gone | Observed::Emptied(_) => {}
        }
        match origin {
            Observed::Gone | Observed::Emptied(_) => {
                return Decision::Forget(Box::new(mapping.clone()));
            }
            Observed::Event(event) if event.cancelled || event.declined => {
                return Decision::Forget(Box::new(mapping.clone()));
            }
            Observed::Event(event) => {
                let unmarked = mapping.state == MappingState::CopiedByAnother
                    && !mapping.is_beside()
                    && event.marker.is_none();
                if beside_is_gone || unmarked {
                    return match self.why_not(mapping.side, &event) {
                        None => {
                            // Two events may have been beside a third one, whose name belongs to
                            // neither. What another installation's mark says was believed when it
                            // was taken over.
                            let marked = self
                                .mark(&event)
                                .and_then(Mark::first)
                                .filter(|marked| mapping.first == Some(*marked));
                            let first = marked
                                .or_else(|| self.first(&event))
                                .filter(|first| Some(*first) != mapping.origin.uid);
                            let mut mapping = Mapping { first, ..mapping.clone() };
                            mapping.copy.id = EventId::new(mapping.id.copy_uid(mapping.generation));
                            self.make_copy(mapping, &event, None)
                        }
                        Some(_) => Decision::Forget(Box::new(mapping.clone())),
                    };
                }
                next = self.origin_seen(&next, &event);
                next.origin.base = self.prints.origin(&Draft::from(&*event));
                next.origin.shown = None;
            }
            Observed::Unreadable { etag, .. } => next.origin.etag = etag,
            Observed::Unchanged => {}
        }
        if next == *mapping { Decision::Nothing } else { Decision::Remember(Box::new(next)) }
    }

    /// Whether an event under the name of a copy is another one: it has no mark, and neither its
    /// UID, its time nor its title is the copy's.
    pub fn is_another(&self, mapping: &Mapping, copy: &Event) -> bool {
        let uid = UidHash::of(&copy.uid);
        let other_uid = mapping.copy.uid.is_some()
            && uid != mapping.copy.uid
            && MappingId::of_copy_uid(&copy.uid).is_none();
        let meant = || mapping.copy.meant(&self.prints.copy(&Draft::from(copy)));
        let differ =
            || meant().changed_since(&mapping.copy.base, mapping.copy.intent.as_ref()).fields;
        let is_kept = mapping.is_live() && !mapping.turned;
        is_kept
            && copy.marker.is_none()
            && other_uid
            && [Field::Time, Field::Title].iter().all(|field| differ().contains(field))
    }

    /// The origin is a series that is shown by its occurrences from now on, each of which has a
    /// copy of its own: the copy of the whole is deleted. That it shows something else is no reason
    /// to keep it, because a write of it may have been left half done.
    pub fn replaced_by_occurrences(&self, mapping: &Mapping, copy: Observed) -> Decision {
        match copy {
            Observed::Event(copy)
                if mapping.is_live() && !copy.has_guests() && !self.is_anothers(&copy) =>
            {
                Decision::Delete(Box::new(Delete {
                    mapping: mapping.clone(),
                    role: Role::Copy,
                    etag: copy.etag.clone(),
                    reason: Reason::OriginDeleted,
                }))
            }
            copy => self.known(mapping, Observed::Gone, copy),
        }
    }

    /// The name of a copy belongs to another event by now. Nothing is deleted for that.
    pub fn replaced(&self, mapping: &Mapping, origin: Observed) -> Decision {
        let mut freed = Mapping {
            state: MappingState::Suppressed,
            pristine: false,
            drifted: false,
            ..mapping.clone()
        };
        freed.copy.id = EventId::new(mapping.id.copy_uid(mapping.generation));
        (freed.copy.etag, freed.copy.intent) = (None, None);
        match self.known(&freed, origin, Observed::Gone) {
            Decision::Nothing => Decision::Skip {
                reason: Reason::Suppressed,
                why: None,
                remember: Some(Box::new(freed)),
            },
            Decision::Forget(_) => Decision::Forget(Box::new(mapping.clone())),
            other => other,
        }
    }
}
