//! The progress of a long pass: what its attempts have processed so far, until an attempt reaches
//! the end of the pass.

use engine::change::Cursor;
use engine::event::EventId;
use engine::pair::PerSide;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The progress of one pass. It is valid for one day, because the window moves every day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PassProgress {
    #[serde(rename = "on")]
    pub day: Date,
    /// How far each calendar was read when the first attempt began. The last attempt saves these
    /// cursors: later changes are left to the next pass.
    pub cursors: PerSide<Option<Cursor>>,
    /// With another depth, the events and their order may differ.
    #[serde(rename = "look")]
    pub depth: ReadDepth,
    /// The last processed event, in the order of the pass.
    #[serde(rename = "upto")]
    pub done_up_to: EventPosition,
}

/// How much an attempt reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadDepth {
    /// Every event is read.
    pub full: bool,
    /// Events of another installation were claimed.
    pub take_over: bool,
    /// The calendars that were listed completely.
    pub listed: PerSide<bool>,
    /// The calendars whose events were read for their marks.
    pub read: PerSide<bool>,
}

/// The position in a pass of an event that no mapping knows: its group, then its id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EventPosition(pub u8, pub EventId);
