//! The identity of an occurrence within its series.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};

/// The start that the rule gave an occurrence: its identity within the series, compared as an
/// instant, independent of the zone it was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum OriginalStart {
    /// Of an all-day series.
    Day(Date),
    /// Of a series in a zone or in UTC.
    At(Timestamp),
    /// Of a floating series.
    Floating(DateTime),
}
