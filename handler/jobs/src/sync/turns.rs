//! What the turns of one long pass settle: an event that was read and decided about in one of them
//! is not read again in the next.

use engine::change::Cursor;
use engine::pair::Side;

use super::decide::Candidate;
use super::identity::EventIdentities;
use super::pass::Pass;
use super::work::Tally;
use records::pair_state::EventPosition;
use records::pair_state::PassProgress;
use records::pair_state::ReadDepth;
use records::pair_state::StateRecord;

/// Where the turns of this pass stand.
#[derive(Default)]
pub(super) struct Settled {
    /// As an earlier turn has left it; none where that is of no use any more.
    before: Option<PassProgress>,
    look: ReadDepth,
    /// The last event up to which all are settled.
    done_up_to: Option<EventPosition>,
}

impl Settled {
    /// What is left of these items, in their order.
    pub fn rest(&self, items: Vec<Candidate>) -> Vec<Candidate> {
        let Some(done_up_to) = &self.done_up_to else { return items };
        items
            .into_iter()
            .filter(|item| item.place().is_none_or(|place| place > *done_up_to))
            .collect()
    }

    /// So many events have been worked through in this order.
    pub fn went_through(&mut self, places: &[Option<EventPosition>], tally: &Tally) {
        let all = places.iter().take_while(|place| {
            place.as_ref().is_none_or(|place| !tally.unsettled.contains(&place.1))
        });
        self.done_up_to = all.flatten().max().cloned().max(self.done_up_to.take());
    }

    /// To be remembered where this turn is not the last.
    pub fn turns(self, pass: &Pass<'_>, cursors: [Option<Cursor>; 2]) -> Option<PassProgress> {
        let cursors = self.before.map_or(cursors, |before| before.cursors);
        self.done_up_to.map(|done_up_to| PassProgress {
            day: pass.today(),
            cursors,
            depth: self.look,
            done_up_to,
        })
    }

    /// How far each calendar was read when the first turn began, where there were several.
    pub fn began_at(self) -> Option<[Option<Cursor>; 2]> {
        self.before.map(|before| before.cursors)
    }
}

impl Pass<'_> {
    /// What earlier turns of this pass have settled.
    pub(super) fn settled(
        &self,
        state: &StateRecord,
        identity: &EventIdentities,
        listed: [bool; 2],
    ) -> Settled {
        let read = Side::BOTH.map(|side| identity.has_read(side));
        let look = ReadDepth { full: self.options.full, take_over: self.takes_over, listed, read };
        let is_same = |turns: &PassProgress| (turns.day, turns.depth) == (self.today(), look);
        let before =
            state.progress.clone().filter(|turns| self.options.background && is_same(turns));
        Settled { done_up_to: before.as_ref().map(|turns| turns.done_up_to.clone()), before, look }
    }
}
