//! What the turns of a long pass have settled so far, where none of them has come to the pass's
//! end.

use engine::change::Cursor;
use engine::event::EventId;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The turns of one pass. They belong to one day: the window moves with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassProgress {
    /// The day.
    #[serde(rename = "on")]
    pub day: Date,
    /// How far each calendar was read when the first turn began. The last turn saves these: what
    /// happened since is the next pass's news.
    pub cursors: [Option<Cursor>; 2],
    /// How closely they look: where that differs, so may the events and their order.
    #[serde(rename = "look")]
    pub depth: ReadDepth,
    /// Events up to this one, in the order of the pass, are settled.
    #[serde(rename = "upto")]
    pub done_up_to: EventPosition,
}

/// How closely a turn looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadDepth {
    /// Everything is read.
    pub full: bool,
    /// What another installation has made was claimed.
    pub take_over: bool,
    /// The calendars that were listed as a whole.
    pub listed: [bool; 2],
    /// The calendars that were read for their marks.
    pub read: [bool; 2],
}

/// Where an event that no mapping knows comes in a pass: by its group, then by its id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EventPosition(pub u8, pub EventId);
