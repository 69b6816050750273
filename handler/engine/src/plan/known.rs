//! An origin and its copy, of which at least one has changed: the case table, case by case.

use super::{Answer, Conflict, Create, Decision, Delete, Observed, Planner, SlotPlace};
use crate::attendees;
use crate::copy::{BUSY, project};
use crate::event::{Content, Draft, Event, Field, Parts, Visibility};
use crate::mapping::{Mapping, MappingState, Times};
use crate::marker::Role;
use crate::reason::Reason;
use crate::uid::UidHash;

impl Planner<'_> {
    /// The decision for an event and its copy, of which at least one has changed.
    pub fn known(&self, mapping: &Mapping, origin: Observed, copy: Observed) -> Decision {
        if mapping.is_left_alone() {
            return self.left_alone(mapping, origin, copy);
        }
        if mapping.turned
            && mapping.state == MappingState::Suppressed
            && let Observed::Event(restored) = &copy
        {
            return self.turned_back(mapping, origin, restored);
        }
        // Where we were cut off in taking it over, its mark may be the former one still.
        if mapping.copy.intent.is_none()
            && matches!(&copy, Observed::Event(copy) if self.is_anothers(copy))
        {
            return self.claimed_by_another(mapping, origin, copy);
        }
        match origin {
            Observed::Gone => self.origin_gone(mapping, copy, Reason::OriginDeleted),
            Observed::Emptied(answer) => self.origin_emptied(mapping, copy, answer),
            Observed::Event(event) if event.cancelled => {
                self.origin_gone(mapping, copy, Reason::Cancelled)
            }
            Observed::Event(event) if event.declined => {
                self.origin_gone(mapping, copy, Reason::Declined)
            }
            Observed::Unreadable { etag, why } => {
                let mut remember = mapping.clone();
                remember.origin.etag = etag;
                Decision::Skip {
                    reason: Reason::Unreadable,
                    why: Some(why),
                    remember: Some(Box::new(remember)),
                }
            }
            Observed::Event(event) => self.origin_there(mapping, &event, copy),
            Observed::Unchanged => self.origin_unchanged(mapping, copy),
        }
    }

    pub(super) fn origin_gone(
        &self,
        mapping: &Mapping,
        copy: Observed,
        reason: Reason,
    ) -> Decision {
        let forget = || Decision::Forget(Box::new(mapping.clone()));
        let delete = |etag| {
            Decision::Delete(Box::new(Delete {
                mapping: mapping.clone(),
                role: Role::Copy,
                etag,
                reason,
            }))
        };
        let copy_guests = match &copy {
            Observed::Event(event) => event.has_guests(),
            _ => mapping.copy_guests,
        };
        match copy {
            Observed::Gone | Observed::Emptied(_) => forget(),
            _ if mapping.state == MappingState::Suppressed || copy_guests => forget(),
            Observed::Unchanged if mapping.state == MappingState::Creating => forget(),
            Observed::Unchanged => delete(mapping.copy.etag.clone()),
            Observed::Unreadable { etag, .. } => delete(etag),
            Observed::Event(event) => {
                if (mapping.leaving, reason) == (Some(Role::Origin), Reason::OriginDeleted)
                    && !event.cancelled
                {
                    // Its deletion made us delete the origin, and it is back.
                    return self.make_origin_again(mapping, &event);
                }
                let (edited, _) = self.edits(mapping, &event);
                let private = self.pair.private_towards(mapping.side.other());
                // A series whose creation was not answered may be half written, and its rule may
                // be spelled in another way there: no person has moved it.
                let half_written = mapping.state == MappingState::Creating
                    && event.series.is_some()
                    && self.kinds[mapping.side.other()].facts().events.series_by_occurrence;
                let is_edit = |field: &Field| match field {
                    Field::Time => !half_written,
                    _ => !private,
                };
                let counts = edited.fields.iter().any(is_edit)
                    || (!edited.exceptions.is_empty() && !half_written);
                let must_restore = self.pair.two_way
                    && !mapping.guests
                    && reason == Reason::OriginDeleted
                    && counts
                    && !event.cancelled;
                if must_restore {
                    self.make_origin_again(mapping, &event)
                } else {
                    delete(event.etag)
                }
            }
        }
    }

    /// Two-way: deleted here, edited there. The edit is kept, so the origin is created again from
    /// its copy.
    pub(super) fn make_origin_again(&self, mapping: &Mapping, copy: &Event) -> Decision {
        let draft = self.in_origin_terms(mapping.side, copy);
        let draft = Draft {
            content: Content {
                description: attendees::remove(&draft.content.description),
                ..draft.content
            },
            ..draft
        };
        let mut next = mapping.clone();
        next.generation += 1;
        next.state = MappingState::Live;
        (next.made, next.made_at) = (Some(self.pass), Some(self.now.as_second()));
        next.first = mapping.first();
        next.origin.uid = None;
        next.origin.base = self.prints.origin(&draft);
        (next.origin.etag, next.origin.shown, next.origin.intent) = (None, None, None);
        self.copy_seen(&mut next, copy);
        // What the copy should show follows from its origin as ever; a private one that was written
        // on is put right by a full pass.
        next.copy.agree(self.prints.copy(&project(&draft, self.style(mapping.side.other()))));
        if mapping.taken_over && mapping.copy.intent.is_some() {
            // Its mark is still to be written.
            next.copy.intent = Some(next.copy.base.clone());
        }
        next.drifted = next.copy.base != next.copy.meant(&self.prints.copy(&Draft::from(copy)));
        next.times = Times::from(&copy.content.span);
        let reason = Some(Reason::EditWins);
        Decision::Create(Box::new(Create {
            mapping: next,
            role: Role::Origin,
            draft,
            reason,
            mark_origin: false,
            conflict: Some(Conflict::edit_wins(&self.edits(mapping, copy).0)),
        }))
    }

    /// What a person has changed in a copy. One that shows that something is there, and no more,
    /// was not edited: another pair wrote that, one whose copies are private. The second value says
    /// so.
    pub(super) fn edits(&self, mapping: &Mapping, copy: &Event) -> (Parts, bool) {
        let meant = mapping.copy.meant(&self.prints.copy(&Draft::from(copy)));
        let mut edited = meant.changed_since(&mapping.copy.base, mapping.copy.intent.as_ref());
        let Content { title, description, location, .. } = &copy.content;
        let says_nothing = title == BUSY
            && description.is_empty()
            && location.is_empty()
            && copy.content.visibility == Visibility::Private;
        let busied = says_nothing
            && edited.fields.contains(&Field::Title)
            && !self.pair.private_towards(mapping.side.other());
        if busied {
            edited.fields.retain(|field| *field == Field::Time);
            edited.exceptions.clear();
        }
        (edited, busied)
    }

    fn origin_unchanged(&self, mapping: &Mapping, copy: Observed) -> Decision {
        match copy {
            Observed::Unchanged => Decision::Nothing,
            Observed::Emptied(Answer::LeaveOut) if mapping.is_live() => {
                self.suppress(mapping, None)
            }
            // Nothing can be made of what was not read.
            Observed::Emptied(_) => Decision::Nothing,
            // Ours, and whether the origin is back was not read.
            Observed::Gone if mapping.leaving == Some(Role::Copy) => Decision::Nothing,
            Observed::Gone => match mapping.state {
                MappingState::Suppressed
                | MappingState::Creating
                | MappingState::AlreadyThere
                | MappingState::CopiedByAnother => Decision::Nothing,
                MappingState::Live | MappingState::Archived
                    if self.pair.two_way && !mapping.guests =>
                {
                    Decision::Delete(Box::new(Delete {
                        mapping: mapping.clone(),
                        role: Role::Origin,
                        etag: mapping.origin.etag.clone(),
                        reason: Reason::CopyDeleted,
                    }))
                }
                MappingState::Live | MappingState::Archived => self.suppress(mapping, None),
            },
            Observed::Unreadable { etag, why } => {
                let mut remember = mapping.clone();
                remember.copy.etag = etag;
                remember.pristine = false;
                remember.drifted = true;
                Decision::Skip {
                    reason: Reason::Unreadable,
                    why: Some(why),
                    remember: Some(Box::new(remember)),
                }
            }
            Observed::Event(event) => {
                // The origin was not read, so nothing can flow back; the caller reads it where
                // something should.
                let mut next = mapping.clone();
                let (edited, busied) = self.edits(mapping, &event);
                self.copy_seen(&mut next, &event);
                next.state = if next.state == MappingState::Suppressed {
                    MappingState::Live
                } else {
                    next.state
                };
                if edited.is_empty() && !busied {
                    return Decision::Remember(Box::new(next));
                }
                next.drifted = true;
                Decision::Skip {
                    reason: Reason::CopyEdited,
                    why: None,
                    remember: Some(Box::new(next)),
                }
            }
        }
    }

    pub(super) fn suppress(&self, mapping: &Mapping, origin: Option<&Event>) -> Decision {
        let mut next = mapping.clone();
        next.state = MappingState::Suppressed;
        next.copy.etag = None;
        next.copy.intent = None;
        if let Some(origin) = origin {
            next.origin.etag.clone_from(&origin.etag);
            next.origin.sequence = origin.sequence;
        }
        Decision::Skip { reason: Reason::Suppressed, why: None, remember: Some(Box::new(next)) }
    }

    pub(super) fn copy_seen(&self, mapping: &mut Mapping, copy: &Event) {
        mapping.copy.id = copy.id.clone();
        mapping.copy.uid = UidHash::of(&copy.uid);
        mapping.copy.etag.clone_from(&copy.etag);
        mapping.copy.sequence = copy.sequence;
        mapping.pristine = false;
        mapping.unseen = mapping.unseen.filter(|role| *role != Role::Copy);
        mapping.copy_guests = copy.has_guests();
        mapping.leaving = None;
        if mapping.state == MappingState::Creating {
            mapping.state = MappingState::Live;
        }
    }

    pub(super) fn origin_there(
        &self,
        mapping: &Mapping,
        origin: &Event,
        copy: Observed,
    ) -> Decision {
        let now = mapping.origin.meant(&self.prints.origin(&Draft::from(origin)));
        let changed = now.changed_since(&mapping.origin.base, mapping.origin.intent.as_ref());
        match self.place(mapping.side, origin) {
            Err(reason) => {
                return Decision::Skip {
                    reason,
                    why: None,
                    remember: Some(Box::new(self.origin_seen(mapping, origin))),
                };
            }
            Ok(SlotPlace::After) if is_moved_out(mapping, &changed) => {
                return self.origin_gone(mapping, copy, Reason::OutsideWindow);
            }
            Ok(SlotPlace::Before)
                if changed.is_empty() && !self.is_brought_back(mapping, &copy) =>
            {
                let mut next = self.origin_seen(mapping, origin);
                if next.state == MappingState::Live {
                    next.state = MappingState::Archived;
                }
                return if next == *mapping {
                    Decision::Nothing
                } else {
                    Decision::Remember(Box::new(next))
                };
            }
            Ok(SlotPlace::Before | SlotPlace::Inside | SlotPlace::After) => {}
        }
        match copy {
            Observed::Gone => self.copy_gone(mapping, origin, &now, &changed),
            Observed::Emptied(answer) => match (answer, mapping.state) {
                (_, MappingState::Creating) => self.make_copy(mapping.clone(), origin, None),
                (Answer::MakeAgain, _) => self.make_copy_again(mapping, origin, None),
                // What its owner leaves out is the event as it is now.
                (Answer::LeaveOut, _) => {
                    let mut mapping = mapping.clone();
                    mapping.origin.agree(now);
                    self.suppress(&mapping, Some(origin))
                }
            },
            _ if mapping.state == MappingState::Suppressed
                && !matches!(copy, Observed::Event(_)) =>
            {
                let wanted =
                    [Field::Time, Field::Title].iter().any(|field| changed.fields.contains(field));
                if wanted {
                    self.make_copy_again(mapping, origin, Some(Reason::EditWins))
                } else {
                    self.suppress(mapping, Some(origin))
                }
            }
            Observed::Unchanged if mapping.state == MappingState::Creating => {
                self.make_copy(mapping.clone(), origin, None)
            }
            Observed::Unreadable { etag, why } => {
                let mut next = self.origin_seen(mapping, origin);
                next.copy.etag = etag;
                next.drifted = true;
                Decision::Skip {
                    reason: Reason::Unreadable,
                    why: Some(why),
                    remember: Some(Box::new(next)),
                }
            }
            Observed::Unchanged => self.write(mapping, origin, &changed, None),
            Observed::Event(copy) => self.write(mapping, origin, &changed, Some(&copy)),
        }
    }

    /// Whether a person has moved the copy of an event of the past into the window.
    fn is_brought_back(&self, mapping: &Mapping, copy: &Observed) -> bool {
        let Observed::Event(copy) = copy else { return false };
        let (edited, _) = self.edits(mapping, copy);
        self.pair.two_way
            && edited.fields.contains(&Field::Time)
            && self.is_inside(mapping.side.other(), copy)
    }

    pub(super) fn origin_seen(&self, mapping: &Mapping, origin: &Event) -> Mapping {
        let mut next = mapping.clone();
        let uid = UidHash::of(&origin.uid);
        if next.origin.uid.is_none() {
            next.first = self.first(origin).filter(|first| Some(*first) != uid);
        }
        next.unseen = next.unseen.filter(|role| *role != Role::Origin);
        next.origin.uid = uid;
        next.origin.id = origin.id.clone();
        next.origin.etag.clone_from(&origin.etag);
        next.origin.sequence = origin.sequence;
        next.guests = origin.has_guests();
        next.leaving = None;
        next.times = Times::from(&origin.content.span);
        next
    }
}

/// Whether an event that lies beyond the window was moved there by its own owner. Where its copy
/// was moved there, it has followed.
fn is_moved_out(mapping: &Mapping, changed: &Parts) -> bool {
    match mapping.state {
        MappingState::Archived => false,
        MappingState::Live | MappingState::Suppressed => changed.fields.contains(&Field::Time),
        _ => true,
    }
}
