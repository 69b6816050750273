//! The events that bear the mark of a mapping when that mapping ends: a copy that a person moved
//! into the calendar of its origin spares the origin, and all others become ordinary events.

use engine::mapping::{Mapping, MappingState};
use engine::marker::Role;
use engine::plan::Delete;
use engine::reason::Reason;

use super::context::Context;
use super::pass_result::PassResult;
use crate::Result;
use crate::report::Verb;

impl Context<'_> {
    /// Takes out the deletions of origins whose copy was moved into their own calendar: a person
    /// wants that copy to be missing.
    pub(super) async fn spare_moved(
        &self,
        deletes: Vec<Delete>,
        result: &mut PassResult,
    ) -> Result<Vec<Delete>> {
        let mut rest = Vec::with_capacity(deletes.len());
        for delete in deletes {
            let mapping = &delete.mapping;
            if delete.role != Role::Origin || !self.is_in_its_own_calendar(mapping, result).await? {
                rest.push(delete);
                continue;
            }
            let reason = Some(Reason::Suppressed);
            result.run.push(self.action(Verb::Skip, mapping, Role::Origin, reason));
            if !self.options.dry_run {
                let mut now = mapping.clone();
                (now.state, now.copy.etag, now.copy.intent) =
                    (MappingState::Suppressed, None, None);
                self.store.note(&mut result.batch, Some(mapping), &now)?;
            }
        }
        Ok(rest)
    }

    async fn is_in_its_own_calendar(&self, mapping: &Mapping, result: &PassResult) -> Result<bool> {
        let end = &self.ends[mapping.side];
        let marked_events = result.marked_events.of(mapping.id).iter();
        for (_, id) in marked_events.filter(|(side, _)| *side == mapping.side) {
            if end.provider.exists(&end.calendar.address, id).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Leaves the events that bear the mark of a mapping that has ended to another round.
    pub(super) fn retry_bearers(&self, result: &mut PassResult) {
        let ended = std::mem::take(&mut result.ended);
        if self.options.dry_run {
            return;
        }
        for (side, id) in ended.iter().flat_map(|mapping| result.marked_events.of(*mapping)) {
            if self.pair.copies_from(*side) {
                result.retry.get_or_insert_default().unknown.push((*side, id.clone()));
            }
        }
    }
}
