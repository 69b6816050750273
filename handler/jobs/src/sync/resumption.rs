//! What earlier attempts at a long pass have settled: an event that was read and decided about in
//! one attempt is not read again in the next.

use engine::change::Cursor;
use engine::pair::PerSide;
use jiff::civil::Date;
use records::pair_state::{EventPosition, PassProgress, ReadDepth, StateRecord};

use super::candidate::Candidate;
use super::context::Context;
use super::identity::EventIdentities;
use super::pass_result::PassResult;

/// How far the attempts at this pass have come.
#[derive(Default)]
pub(super) struct Resumption {
    /// What an earlier attempt has stored; `None` where that cannot be used any more.
    before: Option<PassProgress>,
    look: ReadDepth,
    /// The last event up to which all are settled.
    upto: Option<EventPosition>,
}

impl Resumption {
    /// The candidates that are not settled yet, in their order.
    pub fn remaining(&self, candidates: Vec<Candidate>) -> Vec<Candidate> {
        let Some(upto) = &self.upto else { return candidates };
        let is_open = |candidate: &Candidate| candidate.place().is_none_or(|place| place > *upto);
        candidates.into_iter().filter(is_open).collect()
    }

    /// Notes that these events, in this order, have been processed.
    pub fn advance(&mut self, places: &[Option<EventPosition>], result: &PassResult) {
        let all = places.iter().take_while(|place| {
            place.as_ref().is_none_or(|place| !result.unsettled.contains(&place.1))
        });
        self.upto = all.flatten().max().cloned().max(self.upto.take());
    }

    /// What is stored where another attempt is needed.
    pub fn into_turns(self, today: Date, cursors: PerSide<Option<Cursor>>) -> Option<PassProgress> {
        let cursors = self.before.map_or(cursors, |before| before.cursors);
        self.upto.map(|upto| PassProgress {
            day: today,
            cursors,
            depth: self.look,
            done_up_to: upto,
        })
    }

    /// The cursors of the first attempt, where this is not the first.
    pub fn first_cursors(self) -> Option<PerSide<Option<Cursor>>> {
        self.before.map(|before| before.cursors)
    }
}

impl Context<'_> {
    /// What earlier attempts at this pass have settled. A later round settles all of its events.
    pub(super) fn resumption(
        &self,
        state: &StateRecord,
        identities: &EventIdentities,
        listed: PerSide<bool>,
    ) -> Resumption {
        if self.retry.is_some() {
            return Resumption::default();
        }
        let read = PerSide::from_fn(|side| identities.has_read(side));
        let look = ReadDepth { full: self.options.full, take_over: self.takes_over, listed, read };
        let is_same = |turns: &PassProgress| (turns.day, turns.depth) == (self.today(), look);
        let before =
            state.progress.clone().filter(|turns| self.options.background && is_same(turns));
        Resumption { upto: before.as_ref().map(|turns| turns.done_up_to.clone()), before, look }
    }
}
