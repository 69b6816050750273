//! How quick a pair is: notes how long changes took that a background pass has found.
//!
//! Only what was waited for counts: a pass of the service that follows a poll or a notification,
//! and an event that has changed since the last pass. A first listing, the first pass of a day
//! (which lists the window as a whole), a full pass and a command count nothing. The time of a
//! change is the provider's; where an event has none, it is not counted.

use engine::etag;
use engine::mapping::{MappedEvent, Mapping};
use engine::pair::{PerSide, Side};
use engine::plan::Observed;
use jiff::Timestamp;
use records::pair_state::StateRecord;
use records::pair_state::quickness::seconds_taken;

use super::context::Context;
use super::pass_result::PassResult;
use super::step::Applied;
use crate::report::Verb;

impl Context<'_> {
    /// By calendar, when the last pass began that had seen everything; `None` where this pass finds
    /// more than what has changed since.
    pub(super) fn unseen_since(&self, state: &StateRecord) -> Option<PerSide<Timestamp>> {
        let follows_changes =
            self.options.background && !self.options.full && !state.window_is_due(self.now);
        let begun = |side: Side| state.cursor(side).and(state.up_to_date_at[side]);
        let begun = PerSide { from: begun(Side::From)?, to: begun(Side::To)? };
        follows_changes.then_some(begun)
    }

    /// Notes how long the change took that a step has carried over.
    pub(super) fn record_quickness(&self, applied: &Applied, result: &mut PassResult) {
        let is_written = applied.wrote.values().any(|wrote| *wrote)
            && applied.actions.iter().all(|action| action.action != Verb::Skip);
        if let (Some(changed), Some(since), true) =
            (applied.changed_at, result.unseen_since, is_written)
        {
            result.seconds_taken.extend(seconds_taken(changed, self.scope.clock.now(), since));
        }
    }

    /// Adds what was noted since the last commit to the next one.
    pub(super) async fn note_quickness(&self, result: &mut PassResult) {
        let seconds = std::mem::take(&mut result.seconds_taken);
        if !seconds.is_empty() {
            self.locked.note_quickness(self.today(), &seconds).await;
        }
    }
}

/// When the event of a mapping changed that has another version than the one that is stored.
pub(super) fn changed_at(
    stored: &Mapping,
    origin: &Observed,
    copy: &Observed,
) -> Option<Timestamp> {
    let of = |observed: &Observed, stored: &MappedEvent| match observed {
        Observed::Event(event)
            if !etag::are_same(event.etag.as_deref(), stored.etag.as_deref()) =>
        {
            event.changed_at()
        }
        _ => None,
    };
    of(origin, &stored.origin).max(of(copy, &stored.copy))
}
