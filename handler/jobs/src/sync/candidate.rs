//! What a pass has to decide about, in its order.

use engine::event::EventId;
use engine::pair::Side;
use records::pair_state::EventPosition;

use super::change::{ChangedMapping, UnknownEvent};
use super::changes::Changes;
use super::context::Context;
use super::identity::EventIdentities;

/// Something to decide about.
pub(super) enum Candidate {
    Known(Box<ChangedMapping>),
    Unknown { side: Side, id: EventId, unknown: UnknownEvent, is_copy: bool },
}

impl Candidate {
    /// The place in the order of a pass of an event that no mapping knows.
    pub fn place(&self) -> Option<EventPosition> {
        match self {
            Self::Known(_) => None,
            Self::Unknown { side, id, is_copy, .. } => {
                Some(EventPosition(u8::from(*is_copy) * 2 + *side as u8, id.clone()))
            }
        }
    }
}

impl Context<'_> {
    /// All candidates: mappings first, then events that no mapping knows, and of these the copies
    /// last, after all origins have found their copies.
    pub(super) fn candidates(
        &self,
        changes: Changes,
        identities: &mut EventIdentities,
    ) -> Vec<Candidate> {
        identities.decided = changes.mappings.keys().copied().collect();
        identities.note_names(&changes);
        let mut candidates: Vec<Candidate> = changes
            .mappings
            .into_values()
            .map(|changed| Candidate::Known(Box::new(changed)))
            .collect();
        let mut copies = Vec::new();
        for (side, unknown) in changes.unknown {
            for (id, unknown) in unknown {
                if !self.pair.copies_from(side) && !identities.matters(side, &id) {
                    continue;
                }
                let is_copy = identities.is_copy(side, &id);
                let candidate = Candidate::Unknown { side, id, unknown, is_copy };
                if is_copy { copies.push(candidate) } else { candidates.push(candidate) }
            }
        }
        candidates.extend(copies);
        candidates
    }
}
