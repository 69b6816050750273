//! What an owner asks for when a pair is added.

use engine::calendar::{CalendarId, PairId};
use engine::pair::{Pair, Reach};

/// A pair to be made.
#[derive(Clone, Debug)]
pub struct NewPair {
    /// Events of this calendar are copied…
    pub from: CalendarId,
    /// …to this one.
    pub to: CalendarId,
    /// And the other way.
    pub two_way: bool,
    /// What is written to `to` shows only "Busy".
    pub private: bool,
    /// What is written to `from` shows only "Busy".
    pub private_back: bool,
    /// How far back events are looked at.
    pub window_past: Reach,
    /// How far ahead.
    pub window_future: Reach,
    /// Copies that another installation has made belong to this pair.
    pub take_over: bool,
}

impl NewPair {
    pub(crate) fn into_pair(self, id: PairId) -> Pair {
        let Self {
            from,
            to,
            two_way,
            private,
            private_back,
            window_past,
            window_future,
            take_over: _,
        } = self;
        Pair {
            id,
            from,
            to,
            two_way,
            private,
            private_back,
            window_past,
            window_future,
            paused: false,
        }
    }
}
