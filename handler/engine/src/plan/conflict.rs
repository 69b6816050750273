//! What both sides have done to one event since they last agreed, and which of it was kept.

use serde::{Deserialize, Serialize};

use crate::event::Parts;
use crate::pair::Side;
use crate::reason::Reason;

/// How a conflict ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Each side had changed other parts: both are kept.
    Merged,
    /// Both sides had changed the same part: that of the pair's first calendar is kept.
    FromWins,
    /// As [`Outcome::FromWins`], that of the second calendar.
    ToWins,
    /// Edited on one side and deleted on the other: the edit is kept.
    EditWins,
}

/// Changes of both sides that met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The parts that met: of a merge all that were changed, otherwise those of which one side's
    /// change is lost, or of which the edit is kept.
    pub parts: Parts,
    pub outcome: Outcome,
}

impl Conflict {
    /// An edit that is kept although the other side deleted its event.
    pub(super) fn edit_wins(edited: &Parts) -> Self {
        Self { parts: edited.clone(), outcome: Outcome::EditWins }
    }

    /// The conflict of a write, if it is one. `origin` is the side of the origin, `merged` whether
    /// the write brings each side the changes of the other one.
    pub(super) fn of_write(
        origin: Side,
        reason: Option<Reason>,
        [changed, edited, overruled]: [&Parts; 3],
        merged: bool,
    ) -> Option<Self> {
        if reason == Some(Reason::OriginWins) {
            let outcome = match origin {
                Side::From => Outcome::FromWins,
                Side::To => Outcome::ToWins,
            };
            return Some(Self { parts: overruled.clone(), outcome });
        }
        let is_both = merged && !changed.is_empty() && !edited.is_empty();
        is_both.then(|| {
            let mut parts = changed.clone();
            parts.fields.extend(&edited.fields);
            parts.exceptions.extend(&edited.exceptions);
            Self { parts, outcome: Outcome::Merged }
        })
    }
}
