//! Events of which a read gives a version that our own write has replaced.
//!
//! # Properties
//! * The server may be behind, for a day and longer: then what it shows is no edit. Nothing is
//!   decided, and the next pass reads both events again.
//! * Or the version was put back with the ETag that it had, on a server whose ETags follow from the
//!   content. Where its tags of calendars do so as well, no listing names the event as changed. Such
//!   a server takes that ETag as the condition of a write, and a server that is behind does not.
//! * So what waits to be written to a copy is written after ten minutes on that condition. What the
//!   copy shows besides is read after that, as any change of it.

use engine::event::Event;
use engine::mapping::{Mapping, MappingState};
use engine::marker::Role;
use engine::plan::{Decision, Observed};
use engine::reason::Reason;
use jiff::SignedDuration;
use providers::Found;

use super::context::Context;
use super::decide::note;
use super::fetch::FoundEvents;
use super::problems::RetryAt;
use super::roles::{ROLES, mapped, side_of};
use super::step::Step;

/// The reason for an event of which a read gives a version that our own write has replaced.
pub(super) const BEHIND: &str = "the server still shows what stood there before the last change \
was written; it is decided about once that shows";

/// How long after our write nothing else is tried.
const PATIENCE: SignedDuration = SignedDuration::from_mins(10);

impl Context<'_> {
    /// The step for a mapping of which a read gave a version that our own write has replaced.
    pub(super) fn decide_behind(
        &self,
        stored: &Mapping,
        mapping: &Mapping,
        read: &FoundEvents,
    ) -> Option<Step> {
        let [origin, copy] = ROLES.map(|role| self.former(mapping, role, read));
        if origin.is_none() && copy.is_none() {
            return None;
        }
        let on_condition = match (origin, copy) {
            (None, Some(copy)) => self.write_to_former(stored, mapping, copy, read),
            _ => None,
        };
        Some(on_condition.unwrap_or_else(|| {
            // No cursor is saved, and `status` names the reason.
            let step = Step::not_given(
                mapping.side,
                mapping.origin.id.clone(),
                Reason::RefusedByServer,
                BEHIND.into(),
                RetryAt::OnChange,
            );
            Step { is_incomplete: true, times: Some(mapping.times.clone()), ..step }
        }))
    }

    /// An event that was read in a version that our own write has replaced.
    fn former<'a>(
        &self,
        mapping: &Mapping,
        role: Role,
        read: &'a FoundEvents,
    ) -> Option<&'a Event> {
        let mapped = mapped(mapping, role);
        match read[side_of(mapping, role)].get(&mapped.id) {
            Some(Found::Event(event)) if mapped.is_former(event.etag.as_deref(), self.today()) => {
                Some(event)
            }
            _ => None,
        }
    }

    /// Writes what its origin has changed to a copy, on the condition that the copy has the version
    /// that was read.
    fn write_to_former(
        &self,
        stored: &Mapping,
        mapping: &Mapping,
        copy: &Event,
        read: &FoundEvents,
    ) -> Option<Step> {
        let written_at = mapping.copy.former.as_ref()?.at?;
        if mapping.state != MappingState::Live || self.now.duration_since(written_at) < PATIENCE {
            return None;
        }
        let Some(Found::Event(origin)) = read[mapping.side].get(&mapping.origin.id) else {
            return None;
        };
        // A whole write would undo what the copy's owner has put back.
        let pristine = mapping.pristine && !self.pair.two_way;
        let planned = Mapping { pristine, ..mapping.clone() };
        let note = note(origin);
        let origin = Observed::Event(origin.clone());
        let decision = self.planner.known(&planned, origin, Observed::Unchanged);
        if !matches!(&decision, Decision::Write(write) if write.origin.is_none()) {
            return None;
        }
        Some(Step {
            stored: Some(stored.clone()),
            times: Some(mapping.times.clone()),
            shown: copy.etag.clone(),
            note,
            ..Step::new(mapping.side, mapping.origin.id.clone(), decision)
        })
    }
}
