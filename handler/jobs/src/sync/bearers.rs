//! Events that bear the mark of a mapping of this pair and are not its copy: a copy that a person
//! moved into the calendar of its origin, and duplicates.
//!
//! # Properties
//! * While such an event lives in the calendar of an origin, that origin is not deleted because its
//!   copy is gone: the copy was moved, not deleted.
//! * When the mapping ends, what bears its mark is an ordinary event from then on, and is looked at
//!   again.

use std::collections::BTreeMap;

use engine::event::EventId;
use engine::mapping::{Mapping, MappingState};
use engine::marker::{MappingId, Role};
use engine::pair::Side;
use engine::plan::Delete;
use engine::reason::Reason;

use super::pass::Pass;
use super::work::{RetryRound, Tally};
use crate::Result;
use crate::report::Verb;
use records::pair_state::ProblemRow;

/// By the mapping whose mark they bear: the calendar and the id of each.
#[derive(Debug, Default)]
pub(super) struct Bearers(BTreeMap<MappingId, Vec<(Side, EventId)>>);

impl Bearers {
    /// As they are remembered.
    pub fn remembered(problems: &[ProblemRow], side: impl Fn(&ProblemRow) -> Side) -> Self {
        let mut bearers = Self::default();
        for row in problems {
            bearers.add(row, side(row));
        }
        bearers
    }

    /// One more, where that is what the row says.
    pub fn add(&mut self, row: &ProblemRow, side: Side) {
        if let Some(mapping) = row.mapping {
            self.0
                .entry(mapping)
                .or_default()
                .push((side, EventId::new(row.problem.event.as_str())));
        }
    }

    fn of(&self, mapping: MappingId) -> &[(Side, EventId)] {
        self.0.get(&mapping).map_or(&[], Vec::as_slice)
    }
}

impl Pass<'_> {
    /// Takes out the deletions of origins whose copy was moved into their own calendar. Such a copy
    /// is missing by its owner's wish.
    pub(super) async fn spare_moved(
        &self,
        deletes: Vec<Delete>,
        tally: &mut Tally,
    ) -> Result<Vec<Delete>> {
        let mut left = Vec::with_capacity(deletes.len());
        for delete in deletes {
            if delete.role != Role::Origin
                || !self.is_in_its_own_calendar(&delete.mapping, tally).await?
            {
                left.push(delete);
                continue;
            }
            tally.run.push(self.action(
                Verb::Skip,
                &delete.mapping,
                Role::Origin,
                Some(Reason::Suppressed),
            ));
            if !self.options.dry_run {
                let mut now = delete.mapping.clone();
                (now.state, now.copy.etag, now.copy.intent) =
                    (MappingState::Suppressed, None, None);
                self.memory.note(&mut tally.notes, Some(&delete.mapping), &now)?;
            }
        }
        Ok(left)
    }

    async fn is_in_its_own_calendar(&self, mapping: &Mapping, tally: &Tally) -> Result<bool> {
        let end = &self.ends[mapping.side as usize];
        for (_, id) in tally.bearers.of(mapping.id).iter().filter(|(side, _)| *side == mapping.side)
        {
            if end.provider.exists(&end.calendar.address, id).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Asks for another round for what bears the mark of a mapping that has ended.
    pub(super) fn look_again_at_bearers(&self, tally: &mut Tally) {
        let ended = std::mem::take(&mut tally.ended);
        let source = |(side, _): &&(Side, EventId)| self.pair.copies_from(*side);
        let strangers: Vec<(Side, EventId)> = ended
            .iter()
            .flat_map(|mapping| tally.bearers.of(*mapping))
            .filter(source)
            .cloned()
            .collect();
        if !strangers.is_empty() && !self.options.dry_run {
            let again: &mut RetryRound = tally.again.get_or_insert_default();
            again.strangers.extend(strangers);
        }
    }
}
