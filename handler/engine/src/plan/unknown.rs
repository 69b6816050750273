//! An event that no mapping knows: copied, joined to a copy that is there already, or left alone.
//!
//! # Properties
//! * What says of itself that it is a copy is dealt with before this is asked
//!   ([`Unknown::beside`]): here the event is a person's own.
//! * A copy that is there already is taken over: the origin's word counts, and nothing is made
//!   beside it. Outside the window it is left as it is, unless it shows what a private pair must
//!   not show.

use super::{Change, Create, Decision, Planner, Write};
use crate::copy::{CopyStyle, project};
use crate::event::{Draft, Event, EventId};
use crate::fingerprint::Appearance;
use crate::mapping::{MappedEvent, Mapping, MappingState, Times};
use crate::marker::{MappingId, Mark, Role};
use crate::pair::Side;
use crate::reason::Reason;
use crate::uid::UidHash;

/// An event that no mapping knows.
pub struct Unknown<'a> {
    /// Where it is.
    pub side: Side,
    /// The event.
    pub event: &'a Event,
    /// Its mapping's id to be.
    pub id: MappingId,
    /// The name that its copy would get.
    pub copy_id: EventId,
    /// What the other calendar holds of it.
    pub beside: Beside<'a>,
    /// It has the mark of a copy that is elsewhere, and is marked as an event of its own.
    pub marked_as_copy: bool,
    /// The UID of the first origin, where more is known of it than the event says.
    pub first: Option<UidHash>,
}

/// What the other calendar holds of an event.
pub enum Beside<'a> {
    /// Nothing, as far as is known.
    Nothing,
    /// An earlier copy, which belongs to no mapping any more. `foreign`: another key marked it, and
    /// its owner has said that it may be taken over.
    Copy {
        /// The copy.
        copy: &'a Event,
        /// It is to be marked again.
        foreign: bool,
    },
    /// A copy that another installation made.
    Foreign(&'a Event),
    /// The first origin itself, or a copy that belongs to something else.
    AlreadyThere(EventId, Option<UidHash>),
}

impl Planner<'_> {
    /// An event that no mapping knows.
    pub fn unknown(&self, unknown: Unknown<'_>) -> Decision {
        let Unknown { side, event, id, copy_id, beside, marked_as_copy, first } = unknown;
        let why_not = self.why_not(side, event);
        if let Some(reason) = why_not
            && (reason != Reason::OutsideWindow
                || !matches!(beside, Beside::Copy { .. } | Beside::Foreign(_)))
        {
            return Decision::Skip { reason, why: None, remember: None };
        }
        let draft = project(&Draft::from(event), self.style(side.other()));
        let print = self.prints.copy(&draft);
        let uid = UidHash::of(&event.uid);
        let first = if marked_as_copy { uid } else { first.or_else(|| self.first(event)) };
        let mapping = Mapping {
            made: Some(self.pass),
            made_at: Some(self.now.as_second()),
            id,
            side,
            origin: MappedEvent {
                id: event.id.clone(),
                uid,
                etag: event.etag.clone(),
                sequence: event.sequence,
                base: self.prints.origin(&Draft::from(event)),
                shown: None,
                intent: None,
                former: None,
                is_seen: false,
            },
            copy: MappedEvent {
                id: copy_id,
                uid: None,
                etag: None,
                sequence: 0,
                base: print.clone(),
                shown: None,
                intent: None,
                former: None,
                is_seen: false,
            },
            state: MappingState::Creating,
            generation: 0,
            pristine: true,
            drifted: false,
            guests: event.has_guests(),
            copy_guests: false,
            unseen: None,
            missed_on: None,
            turned: false,
            taken_over: false,
            leaving: None,
            times: Times::from(&event.content.span),
            first: first.filter(|_| first != uid),
            recent: Vec::new(),
        };
        match beside {
            Beside::Nothing => Decision::Create(Box::new(Create {
                mapping,
                role: Role::Copy,
                draft,
                reason: None,
                mark_origin: marked_as_copy,
                conflict: None,
            })),
            Beside::Copy { copy, foreign } => {
                self.take_over(mapping, draft, copy, foreign, why_not.is_some())
            }
            Beside::Foreign(found) => {
                let copy = MappedEvent {
                    id: found.id.clone(),
                    uid: UidHash::of(&found.uid),
                    etag: found.etag.clone(),
                    ..mapping.copy
                };
                left_alone(
                    Mapping { copy, ..mapping },
                    MappingState::CopiedByAnother,
                    Reason::CopiedByAnother,
                )
            }
            Beside::AlreadyThere(id, uid) => {
                let copy = MappedEvent { id, uid, ..mapping.copy };
                left_alone(
                    Mapping { copy, ..mapping },
                    MappingState::AlreadyThere,
                    Reason::AlreadyThere,
                )
            }
        }
    }

    /// An event that another installation made as a copy: it is remembered, so that it is counted,
    /// and nothing is made of it.
    pub fn foreign(&self, side: Side, event: &Event, id: MappingId, copy_id: EventId) -> Decision {
        // The calendar holds what it began as, as far as its mark may be believed.
        let first = self.mark(event).and_then(Mark::first);
        let unknown = Unknown {
            side,
            event,
            id,
            copy_id,
            beside: Beside::Nothing,
            marked_as_copy: false,
            first,
        };
        match self.unknown(unknown) {
            Decision::Create(create) => {
                left_alone(create.mapping, MappingState::CopiedByAnother, Reason::CopiedByAnother)
            }
            other => other,
        }
    }

    /// What an event shows, as [`Planner::appearances`] says it of copies.
    pub fn appearance(&self, event: &Event) -> Appearance {
        self.prints.copy(&Draft::from(event)).appearance()
    }

    /// What copies of an event of that side may show: everything, or only that it is there.
    pub fn appearances(&self, side: Side, event: &Event) -> [Appearance; 2] {
        [false, true].map(|private| {
            let look = CopyStyle { private, ..self.style(side.other()) };
            self.prints.copy(&project(&Draft::from(event), look)).appearance()
        })
    }

    /// A copy from an earlier pair between the same calendars: the origin counts.
    fn take_over(
        &self,
        mut mapping: Mapping,
        draft: Draft,
        copy: &Event,
        foreign: bool,
        outside: bool,
    ) -> Decision {
        let print = mapping.copy.base.clone();
        mapping.state = if outside { MappingState::Archived } else { MappingState::Live };
        mapping.pristine = false;
        mapping.taken_over = true;
        mapping.copy_guests = copy.has_guests();
        mapping.copy = MappedEvent {
            id: copy.id.clone(),
            uid: UidHash::of(&copy.uid),
            etag: copy.etag.clone(),
            sequence: copy.sequence,
            base: self.prints.copy(&Draft::from(copy)),
            shown: None,
            intent: None,
            former: None,
            is_seen: false,
        };
        let parts = print.differences(&mapping.copy.base);
        let shows_too_much = self.pair.private_towards(mapping.side.other());
        let as_it_is = (parts.is_empty() || (outside && !shows_too_much)) && !foreign;
        if as_it_is || mapping.copy_guests {
            mapping.drifted = !parts.is_empty();
            return Decision::Skip {
                reason: Reason::Adopted,
                why: None,
                remember: Some(Box::new(mapping)),
            };
        }
        let before = mapping.clone();
        mapping.copy.base = print;
        let change = Change { draft, parts, whole: false };
        Decision::Write(Box::new(Write {
            before,
            mapping,
            copy: Some(change),
            origin: None,
            reason: Some(Reason::Adopted),
            conflict: None,
        }))
    }
}

fn left_alone(mapping: Mapping, state: MappingState, reason: Reason) -> Decision {
    let mapping = Mapping { state, pristine: false, ..mapping };
    Decision::Skip { reason, why: None, remember: Some(Box::new(mapping)) }
}
