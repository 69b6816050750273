//! Events that bear the mark of a mapping of this pair and are not its copy: a copy that a person
//! moved into the calendar of its origin, and duplicates.
//!
//! # Properties
//! * While such an event exists in the calendar of an origin, that origin is not deleted because
//!   its copy is gone: the copy was moved, not deleted.
//! * When the mapping ends, the events that bear its mark are ordinary events from then on, and are
//!   read again.

use std::collections::BTreeMap;

use engine::event::EventId;
use engine::marker::MappingId;
use engine::pair::Side;
use records::pair_state::ProblemRow;

/// By mapping: the side and the id of each event that bears its mark.
#[derive(Debug, Default)]
pub(super) struct MarkedEvents(BTreeMap<MappingId, Vec<(Side, EventId)>>);

impl MarkedEvents {
    /// As they are stored.
    pub fn stored(problems: &[ProblemRow], side: impl Fn(&ProblemRow) -> Side) -> Self {
        let mut marked_events = Self::default();
        for row in problems {
            marked_events.add(row, side(row));
        }
        marked_events
    }

    /// Adds the event of a row that names a mapping.
    pub fn add(&mut self, row: &ProblemRow, side: Side) {
        if let Some(mapping) = row.mapping {
            self.0
                .entry(mapping)
                .or_default()
                .push((side, EventId::new(row.problem.event.as_str())));
        }
    }

    pub fn of(&self, mapping: MappingId) -> &[(Side, EventId)] {
        self.0.get(&mapping).map_or(&[], Vec::as_slice)
    }
}
