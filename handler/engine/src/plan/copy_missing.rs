//! A missing copy: it is made again, or its deletion is carried over to the origin, or it stays
//! away.

use super::{Conflict, Create, Decision, Delete, Planner};
use crate::copy::project;
use crate::event::{Draft, Event, Field, Parts};
use crate::fingerprint::Fingerprint;
use crate::mapping::{Mapping, MappingState};
use crate::marker::Role;
use crate::reason::Reason;

impl Planner<'_> {
    pub(super) fn copy_gone(
        &self,
        mapping: &Mapping,
        origin: &Event,
        now: &Fingerprint,
        changed: &Parts,
    ) -> Decision {
        if mapping.leaving == Some(Role::Copy) && mapping.is_live() {
            return self.make_copy_again(mapping, origin, None);
        }
        match mapping.state {
            MappingState::Suppressed
            | MappingState::Creating
            | MappingState::AlreadyThere
            | MappingState::CopiedByAnother => {}
            MappingState::Live | MappingState::Archived
                if self.pair.two_way && !origin.has_guests() =>
            {
                if !changed.is_empty() {
                    return self.keep_edit(mapping, origin, changed);
                }
                let mut last = self.origin_seen(mapping, origin);
                last.origin.agree(now.clone());
                let (role, reason) = (Role::Origin, Reason::CopyDeleted);
                return Decision::Delete(Box::new(Delete {
                    etag: origin.etag.clone(),
                    mapping: last,
                    role,
                    reason,
                }));
            }
            MappingState::Live | MappingState::Archived => {}
        }
        if mapping.state == MappingState::Creating {
            return self.make_copy(mapping.clone(), origin, None);
        }
        let wanted = [Field::Time, Field::Title].iter().any(|field| changed.fields.contains(field));
        if wanted {
            self.keep_edit(mapping, origin, changed)
        } else {
            self.suppress(mapping, Some(origin))
        }
    }

    /// Makes a copy again whose origin was edited.
    fn keep_edit(&self, mapping: &Mapping, origin: &Event, changed: &Parts) -> Decision {
        let mut decision = self.make_copy_again(mapping, origin, Some(Reason::EditWins));
        // A copy that was deleted long ago comes back: nothing met.
        if let (Decision::Create(create), true) = (&mut decision, mapping.is_live()) {
            create.conflict = Some(Conflict::edit_wins(changed));
        }
        decision
    }

    pub(super) fn make_copy_again(
        &self,
        mapping: &Mapping,
        origin: &Event,
        reason: Option<Reason>,
    ) -> Decision {
        let mut next = mapping.clone();
        next.generation += 1;
        self.make_copy(next, origin, reason)
    }

    pub(super) fn make_copy(
        &self,
        mapping: Mapping,
        origin: &Event,
        reason: Option<Reason>,
    ) -> Decision {
        let draft = project(&Draft::from(origin), self.style(mapping.side.other()));
        let mut next = self.origin_seen(&mapping, origin);
        next.origin.base = self.prints.origin(&Draft::from(origin));
        (next.origin.shown, next.origin.intent) = (None, None);
        next.copy.uid = None;
        next.copy.etag = None;
        next.copy.sequence = 0;
        next.copy.base = self.prints.copy(&draft);
        (next.copy.shown, next.copy.intent) = (None, None);
        next.state = MappingState::Creating;
        (next.made, next.made_at) = (Some(self.pass), Some(self.now.as_second()));
        (next.taken_over, next.turned, next.unseen) = (false, false, None);
        next.pristine = true;
        next.drifted = false;
        Decision::Create(Box::new(Create {
            mapping: next,
            role: Role::Copy,
            draft,
            reason,
            mark_origin: false,
            conflict: None,
        }))
    }
}
