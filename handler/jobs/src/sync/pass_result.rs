//! What a pass has done so far.

use std::collections::{BTreeMap, BTreeSet};

use engine::calendar::{CalendarId, PairId};
use engine::event::EventId;
use engine::marker::{MappingId, Role};
use engine::pair::{PerSide, Side};
use engine::plan::Delete;
use jiff::Timestamp;
use records::pair_state::conflicts::ConflictRow;
use records::pair_state::proofs::{Proof, ProofRow};
use records::pair_state::{Batch, ProblemRow};
use records::problem::PairStatus;

use super::marked_events::MarkedEvents;
use super::problems::Problems;
use crate::report::Run;

/// What another round has to do: events changed while they were written.
#[derive(Debug, Default)]
pub(super) struct RetryRound {
    /// Events that a write found gone.
    pub suspects: Vec<(MappingId, Role)>,
    /// Events to read although they did not change.
    pub unknown: Vec<(Side, EventId)>,
}

/// What a pass has done so far.
pub(super) struct PassResult {
    pub run: Run,
    /// What is to be stored with the next commit.
    pub batch: Batch,
    /// The calendars that were written to.
    pub wrote: PerSide<bool>,
    pub retry: Option<RetryRound>,
    /// A listed event was not found: no cursor is saved, so that the next pass lists it again.
    pub is_incomplete: bool,
    pub deletes: Vec<Delete>,
    pub problems: Problems,
    pub marked_events: MarkedEvents,
    /// Mappings that were dropped.
    pub ended: Vec<MappingId>,
    /// An event that may have to be taken over could not be read.
    pub is_take_over_incomplete: bool,
    /// By calendar: the origins that the owner wants created again, and that could not be created.
    pub not_recreated: PerSide<u64>,
    /// By mapping that a deletion ends: what proves that its other event is gone.
    pub proofs: BTreeMap<MappingId, Proof>,
    /// Proofs of deletions that were made, to be stored.
    pub proved: Vec<ProofRow>,
    /// How many rows of proofs this pass has stored.
    pub proof_rows: u32,
    /// Events that this attempt could not settle.
    pub unsettled: BTreeSet<EventId>,
    /// Conflicts that ended since the last commit.
    pub conflicts: Vec<ConflictRow>,
    /// Where the changes count that this pass finds: since when they can have been made.
    pub unseen_since: Option<PerSide<Timestamp>>,
    /// How many seconds changes took that were carried over since the last commit.
    pub seconds_taken: Vec<f64>,
}

impl PassResult {
    pub fn new(
        pair: &PairId,
        problems: &[ProblemRow],
        side: impl Fn(&CalendarId) -> Side + Copy,
    ) -> Self {
        let side_of = |row: &ProblemRow| side(&row.problem.calendar);
        Self {
            run: Run::new(pair.clone(), PairStatus::Ok),
            batch: Batch::default(),
            wrote: PerSide::default(),
            retry: None,
            is_incomplete: false,
            deletes: Vec::new(),
            problems: Problems::stored(problems, side_of),
            marked_events: MarkedEvents::stored(problems, side_of),
            ended: Vec::new(),
            is_take_over_incomplete: false,
            not_recreated: PerSide::default(),
            proofs: BTreeMap::new(),
            proved: Vec::new(),
            proof_rows: 0,
            unsettled: BTreeSet::new(),
            conflicts: Vec::new(),
            unseen_since: None,
            seconds_taken: Vec::new(),
        }
    }
}
