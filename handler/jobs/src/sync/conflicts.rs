//! Records changes of both sides that met: by time and names of fields, never values. The rows are
//! part of the commits that a pass makes anyway.

use engine::plan::Decision;
use engine::reason::Reason;
use records::pair_state::conflicts::{ConflictRow, field_names};

use super::context::Context;
use super::pass_result::PassResult;
use super::step::Applied;
use crate::Result;
use crate::report::Verb;

impl Context<'_> {
    /// The conflict that a decision ends.
    pub(super) fn conflict_of(&self, decision: &Decision) -> Option<ConflictRow> {
        let (conflict, mapping) = match decision {
            Decision::Write(write) => (write.conflict.as_ref()?, &write.mapping),
            Decision::Create(create) => (create.conflict.as_ref()?, &create.mapping),
            _ => return None,
        };
        Some(ConflictRow {
            event: mapping.origin.id.to_string(),
            calendar: self.pair.calendar(mapping.side).clone(),
            at: self.now,
            start: Some(mapping.times.start.clone()),
            fields: field_names(&conflict.parts),
            outcome: conflict.outcome,
        })
    }

    /// Adds the conflicts since the last commit, and how long changes took, to the next one.
    pub(super) async fn note_facts(&self, result: &mut PassResult) -> Result<()> {
        self.note_quickness(result).await;
        let rows = std::mem::take(&mut result.conflicts);
        if rows.is_empty() {
            return Ok(());
        }
        Ok(self.locked.note_conflicts(&mut result.batch, self.today(), &rows).await?)
    }
}

/// The conflict that a step has ended: what was refused is still open.
pub(super) fn ended_conflict(applied: &mut Applied) -> Option<ConflictRow> {
    let mut row = applied.conflict.take()?;
    let is_refused = |reason| matches!(reason, Reason::RefusedByServer | Reason::HasGuests);
    let is_open = applied
        .actions
        .iter()
        .any(|action| action.action == Verb::Skip && action.reason.is_some_and(is_refused));
    // An origin that was created again has another name.
    if let Some((_, Some(now))) = &applied.remember {
        row.event = now.origin.id.to_string();
    }
    (!is_open && !applied.actions.is_empty()).then_some(row)
}
