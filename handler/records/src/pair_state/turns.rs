//! What the turns of a long pass have settled so far, where none of them has come to the pass's
//! end.

use engine::change::Cursor;
use engine::event::EventId;
use engine::pair::PerSide;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The turns of one pass. They belong to one day: the window moves with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turns {
    /// The day.
    pub on: Date,
    /// How far each calendar was read when the first turn began. The last turn saves these: what
    /// happened since is the next pass's news.
    pub cursors: PerSide<Option<Cursor>>,
    /// How closely they look: where that differs, so may the events and their order.
    pub look: Closeness,
    /// Events up to this one, in the order of the pass, are settled.
    pub upto: EventPlace,
}

/// How closely a turn looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closeness {
    /// Everything is read.
    pub full: bool,
    /// What another installation has made was claimed.
    pub take_over: bool,
    /// The calendars that were listed as a whole.
    pub listed: PerSide<bool>,
    /// The calendars that were read for their marks.
    pub read: PerSide<bool>,
}

/// Where an event that no mapping knows comes in a pass: by its group, then by its id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EventPlace(pub u8, pub EventId);
