//! A decision about an event, and what became of it.

use engine::event::EventId;
use engine::mapping::{Mapping, Times};
use engine::marker::{MappingId, Role};
use engine::pair::{PerSide, Side};
use engine::plan::{Decision, Delete};
use engine::reason::Reason;
use jiff::Timestamp;
use records::pair_state::ProblemRow;
use records::pair_state::conflicts::ConflictRow;
use records::pair_state::proofs::{Proof, ProofRow};

use super::problems::RetryAt;
use crate::report::Action;

/// The reason for an event that a listing has, and a read does not.
pub(super) const NOT_GIVEN: &str = "the server lists it, and answers that it is not there";

/// A decision about an event.
pub(super) struct Step {
    pub side: Side,
    pub event: EventId,
    pub etag: Option<String>,
    /// `None` where they are not known.
    pub times: Option<Times>,
    /// The mapping as it is stored.
    pub stored: Option<Mapping>,
    /// The mapping with the current names of its events, where they have changed.
    pub renamed: Option<Mapping>,
    /// The mapping whose mark the event has without being its copy.
    pub mark_of: Option<MappingId>,
    pub decision: Decision,
    /// The event was listed and could not be read: the side has to be listed again.
    pub is_incomplete: bool,
    /// This event of a mapping was not found: it has to be read alone.
    pub suspect: Option<(MappingId, Role)>,
    /// Events that no mapping knows from now on.
    pub released: Vec<(Side, EventId)>,
    /// When an event that is skipped is tried again.
    pub retry: RetryAt,
    /// The event of its mapping that is gone.
    pub gone: Option<Role>,
    /// The proof that the event in `gone` is gone.
    pub proof: Option<Proof>,
    /// What its owner should know about the event, although it is copied.
    pub note: Option<Reason>,
    /// The event itself was not read: its stored problem stays.
    pub is_unread: bool,
    /// The version of the copy that a write is conditional on, where the mapping has another one.
    pub shown: Option<String>,
    /// When the event changed that the step is about, as its provider says.
    pub changed_at: Option<Timestamp>,
}

impl Step {
    pub fn new(side: Side, event: EventId, decision: Decision) -> Self {
        Self {
            side,
            event,
            etag: None,
            times: None,
            stored: None,
            renamed: None,
            mark_of: None,
            decision,
            is_incomplete: false,
            suspect: None,
            released: Vec::new(),
            retry: RetryAt::OnChange,
            gone: None,
            proof: None,
            note: None,
            is_unread: false,
            shown: None,
            changed_at: None,
        }
    }

    /// Skips an event that the server does not give, or not yet.
    pub fn not_given(
        side: Side,
        event: EventId,
        reason: Reason,
        why: String,
        retry: RetryAt,
    ) -> Self {
        Self {
            retry,
            ..Self::new(side, event, Decision::Skip { reason, why: Some(why), remember: None })
        }
    }

    /// Leaves an event that was listed and not found.
    pub fn incomplete(side: Side, event: EventId, suspect: Option<(MappingId, Role)>) -> Self {
        Self { is_incomplete: true, suspect, ..Self::new(side, event, Decision::Nothing) }
    }
}

/// The result of a step.
pub(super) struct Applied {
    pub side: Side,
    pub event: EventId,
    pub actions: Vec<Action>,
    /// The mapping as it was stored, and as it is to be stored: `None` to drop it.
    pub remember: Option<(Option<Mapping>, Option<Mapping>)>,
    pub problem: Option<(ProblemRow, RetryAt)>,
    /// A deletion, to be made when all deletions of the pass are known.
    pub delete: Option<Box<Delete>>,
    /// What proves that the other event is gone.
    pub proof: Option<Proof>,
    /// The row of a deletion that was made.
    pub proved: Option<ProofRow>,
    /// The event changed while it was written: another round is needed.
    pub is_deferred: bool,
    /// A write found that this event is gone, although no listing named it as removed.
    pub suspect: Option<(MappingId, Role)>,
    pub is_incomplete: bool,
    pub wrote: PerSide<bool>,
    /// Events that no mapping knows from now on.
    pub released: Vec<(Side, EventId)>,
    /// The owner's answer could not be carried out, so the owner is asked again.
    pub is_answer_open: bool,
    /// The stored problem of the event stays.
    pub is_unread: bool,
    /// Changes of both sides that the step was to bring together.
    pub conflict: Option<ConflictRow>,
    /// When the event changed that was carried over, as its provider says.
    pub changed_at: Option<Timestamp>,
}

impl Applied {
    pub fn nothing(side: Side, event: EventId) -> Self {
        Self {
            side,
            event,
            actions: Vec::new(),
            remember: None,
            problem: None,
            delete: None,
            proof: None,
            proved: None,
            is_deferred: false,
            suspect: None,
            is_incomplete: false,
            wrote: PerSide::default(),
            released: Vec::new(),
            is_answer_open: false,
            is_unread: false,
            conflict: None,
            changed_at: None,
        }
    }
}
