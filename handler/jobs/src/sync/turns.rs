//! What the turns of one long pass settle: an event that was read and decided about in one of them
//! is not read again in the next.

use engine::change::Cursor;
use engine::pair::Side;

use super::decide::Candidate;
use super::identity::EventIdentities;
use super::pass::Pass;
use super::work::Tally;
use records::pair_state::Closeness;
use records::pair_state::EventPlace;
use records::pair_state::StateRecord;
use records::pair_state::Turns;

/// Where the turns of this pass stand.
#[derive(Default)]
pub(super) struct Settled {
    /// As an earlier turn has left it; none where that is of no use any more.
    before: Option<Turns>,
    look: Closeness,
    /// The last event up to which all are settled.
    upto: Option<EventPlace>,
}

impl Settled {
    /// What is left of these items, in their order.
    pub fn rest(&self, items: Vec<Candidate>) -> Vec<Candidate> {
        let Some(upto) = &self.upto else { return items };
        items.into_iter().filter(|item| item.place().is_none_or(|place| place > *upto)).collect()
    }

    /// So many events have been worked through in this order.
    pub fn went_through(&mut self, places: &[Option<EventPlace>], tally: &Tally) {
        let all = places.iter().take_while(|place| {
            place.as_ref().is_none_or(|place| !tally.unsettled.contains(&place.1))
        });
        self.upto = all.flatten().max().cloned().max(self.upto.take());
    }

    /// To be remembered where this turn is not the last.
    pub fn turns(self, pass: &Pass<'_>, cursors: [Option<Cursor>; 2]) -> Option<Turns> {
        let cursors = self.before.map_or(cursors, |before| before.cursors);
        self.upto.map(|upto| Turns { on: pass.today(), cursors, look: self.look, upto })
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
        let look = Closeness { full: self.options.full, take_over: self.takes_over, listed, read };
        let is_same = |turns: &Turns| (turns.on, turns.look) == (self.today(), look);
        let before = state.turns.clone().filter(|turns| self.options.background && is_same(turns));
        Settled { upto: before.as_ref().map(|turns| turns.upto.clone()), before, look }
    }
}
