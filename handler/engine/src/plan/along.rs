//! The events that have to be read, besides the changed ones, before a decision.
//!
//! # Properties
//! * The edits of a copy that drifted are not recorded and may have changed any part of it, so the
//!   copy is corrected from its current content. It is read before a decision about its origin, and
//!   only then.
//! * Where a write may have been interrupted, both events are read: the other event shows whether
//!   the cause of the write is still there.
//! * A change of a copy is decided together with its origin if the change may lead to a write.

use super::Planner;
use crate::mapping::{Mapping, MappingState};

/// The two events of a mapping, each with a yes or a no.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Halves {
    /// The event that a person made.
    pub origin: bool,
    /// The event that we made.
    pub copy: bool,
}

impl Planner<'_> {
    /// Which of two events have to be read before [`Planner::known`] is asked. `changed` are those
    /// that have news and are there, `gone` those that are not: these are never read.
    pub fn to_read(&self, mapping: &Mapping, changed: Halves, gone: Halves) -> Halves {
        if mapping.is_left_alone() {
            // What was beside it may be gone: then a copy is made.
            return Halves {
                origin: changed.origin || (!gone.origin && gone.copy),
                copy: changed.copy,
            };
        }
        let cut_off = mapping.origin.intent.is_some() || mapping.copy.intent.is_some();
        let copy_counts = changed.copy && (self.pair.two_way || self.full || cut_off);
        let to_be_put_right = self.full && mapping.drifted;
        // What was in the making and is gone is made of what its origin shows.
        let to_be_made = mapping.state == MappingState::Creating && gone.copy;
        let origin =
            changed.origin || (!gone.origin && (copy_counts || to_be_put_right || to_be_made));
        let drifted = mapping.drifted && mapping.is_live() && !mapping.copy_guests;
        Halves { origin, copy: changed.copy || (origin && (drifted || cut_off) && !gone.copy) }
    }
}
