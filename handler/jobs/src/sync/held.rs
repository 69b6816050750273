//! Deletions that wait for the owner.

use std::collections::BTreeSet;

use engine::marker::MappingId;
use engine::pair::Side;

use super::series_groups::SeriesGroups;

/// Deletions that wait for the owner.
#[derive(Default)]
pub(super) struct HeldInPass {
    /// Held by the deletion guard.
    pub mappings: BTreeSet<MappingId>,
    /// The series to which the suspects of this pass belong.
    pub series: SeriesGroups,
    /// Only the owner's confirmation releases them.
    pub by_owner: bool,
    /// Held because a calendar was emptied.
    pub emptied: EmptiedCalendars,
}

/// Events that wait because their calendars were emptied.
#[derive(Default)]
pub(super) struct EmptiedCalendars {
    pub held: u64,
    /// How many events the pair had there.
    pub of: u64,
    pub sides: Vec<Side>,
}
