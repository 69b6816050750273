//! The options of a new pair.

use engine::calendar::{CalendarId, PairId};
use engine::pair::{Pair, Reach};

/// A pair to be added.
#[derive(Clone, Debug)]
pub struct NewPair {
    /// Events of this calendar are copied to `to`.
    pub from: CalendarId,
    pub to: CalendarId,
    /// Events of `to` are also copied to `from`.
    pub two_way: bool,
    /// Copies in `to` show only "Busy".
    pub private: bool,
    /// Copies in `from` show only "Busy".
    pub private_back: bool,
    /// How far back events are copied.
    pub window_past: Reach,
    /// How far ahead events are copied.
    pub window_future: Reach,
    /// Copies that another installation has made belong to this pair.
    pub take_over: bool,
    /// The pair is not switched on: [`start_pair`](super::start_pair) does that.
    pub draft: bool,
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
            draft,
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
            draft,
        }
    }
}
