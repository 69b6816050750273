//! The rows that say where a pair stands.

use engine::change::Cursor;
use engine::fidelity::Fidelity;
use engine::marker::{MappingId, Role};
use engine::pair::Side;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::progress::PassProgress;
use super::unlisted::Unlisted;
use crate::problem::{EventProblem, Held, PairStatus, Problem};

/// Where a pair stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StateRecord {
    /// How far each calendar was read.
    #[serde(default)]
    pub from: Option<CursorRow>,
    /// The same for the other.
    #[serde(default)]
    pub to: Option<CursorRow>,
    /// The last pass that began when a cursor told of everything, be it that it saved it or that
    /// nothing had happened since: what was written by then had replaced what the cursor knew.
    #[serde(rename = "current", default, skip_serializing_if = "is_unknown")]
    pub up_to_date_at: [Option<Timestamp>; 2],
    /// How many copies are kept.
    #[serde(default)]
    pub copies: u64,
    /// How many of them lie before the window.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub archived: u64,
    /// The day whose window was last listed as a whole.
    #[serde(rename = "listed_on", default)]
    pub window_listed_on: Option<Date>,
    /// The number of the last pass that came to its end. It tells what was before what; clocks do
    /// not.
    #[serde(rename = "passes", default)]
    pub pass_count: u64,
    /// The last pass that listed each calendar as a whole and left no question open.
    #[serde(rename = "whole", default)]
    pub last_complete_pass: [Option<u64>; 2],
    /// What was made in each calendar and not listed there yet.
    #[serde(rename = "awaited", default, skip_serializing_if = "Unlisted::is_empty")]
    pub unlisted: Unlisted,
    /// The end of the last complete pass.
    #[serde(default)]
    pub last_sync: Option<Timestamp>,
    /// How the last pass ended.
    #[serde(default)]
    pub status: Option<PairStatus>,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<Problem>,
    /// How often the pass has failed in a row, and when it did last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<FailureStreak>,
    /// Deletions that wait.
    #[serde(default)]
    pub held: Option<HeldRow>,
    /// When the first of the events that were refused is tried again.
    #[serde(rename = "retry", default, skip_serializing_if = "Option::is_none")]
    pub next_retry: Option<Timestamp>,
    /// Deletions made today, for the daily cap.
    #[serde(default)]
    pub deletions: Option<(Date, u64)>,
    /// The day of the oldest deletion whose proof is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proofs_since: Option<Date>,
    /// Events that another installation has copied, or made.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub copied_by_another: u64,
    /// The owner has said that what another installation made belongs to this pair; until a pass
    /// has been through both calendars.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub take_over: bool,
    /// Event ids are names within their calendars where the first release had whole addresses
    /// ([`super::migrate`]).
    #[serde(rename = "by_name", default, skip_serializing_if = "std::ops::Not::not")]
    pub ids_are_names: bool,
    /// Of what addresses the first release made the ids of this pair's mappings.
    #[serde(rename = "bases", default, skip_serializing_if = "Option::is_none")]
    pub legacy_bases: Option<[Option<String>; 2]>,
    /// An origin has a mapping whose id is not made of its name.
    #[serde(rename = "aliased", default, skip_serializing_if = "std::ops::Not::not")]
    pub has_aliases: bool,
    /// A calendar was emptied, and its owner has left out what was in it: it may come back under
    /// other names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_out: bool,
    /// What each calendar is known to keep as it is written.
    #[serde(rename = "kept", default, skip_serializing_if = "is_unknown")]
    pub fidelity: [Option<Fidelity>; 2],
    /// Events that a pass of many has still to go through, as far as it is written down; none once
    /// it is done.
    #[serde(rename = "left", default, skip_serializing_if = "Option::is_none")]
    pub remaining: Option<u64>,
    /// How far its turns have come.
    #[serde(rename = "turns", default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<PassProgress>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

fn is_unknown<T>(sides: &[Option<T>; 2]) -> bool {
    sides.iter().all(Option::is_none)
}

/// Passes that failed one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureStreak {
    /// How many.
    pub times: u32,
    /// The last one.
    pub at: Timestamp,
}

impl FailureStreak {
    /// One more than before.
    pub fn extend(before: Option<Self>, at: Timestamp) -> Self {
        Self { times: before.map_or(0, |before| before.times).saturating_add(1), at }
    }

    /// When the next background pass is due: a minute later at first, twice as long each time, ten
    /// minutes at the most.
    pub fn next_try(self) -> Timestamp {
        let minutes = 1_i64.checked_shl(self.times.saturating_sub(1)).unwrap_or(10).clamp(1, 10);
        self.at.saturating_add(SignedDuration::from_mins(minutes)).unwrap_or(Timestamp::MAX)
    }
}

/// How far a calendar was read, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CursorRow {
    /// The provider's word.
    pub cursor: Cursor,
    /// When it was saved.
    pub at: Timestamp,
}

/// Deletions that wait, and since when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldRow {
    /// As it is shown.
    pub held: Held,
    /// Since then; a second look is due ten minutes later.
    pub since: Timestamp,
    /// Only the owner's word releases it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_owner: bool,
    /// The calendars that were emptied: what is missing there waits for the owner's answer,
    /// whatever is made there meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emptied: Vec<Side>,
}

impl StateRecord {
    /// The cursor of that end.
    pub fn cursor(&self, side: Side) -> Option<&Cursor> {
        match side {
            Side::From => self.from.as_ref(),
            Side::To => self.to.as_ref(),
        }
        .map(|row| &row.cursor)
    }

    /// The same, where some calendars are to be seen as if they had not been read.
    pub fn without_cursors(&self, sides: [bool; 2]) -> Self {
        let mut anew = self.clone();
        anew.from = anew.from.filter(|_| !sides[0]);
        anew.to = anew.to.filter(|_| !sides[1]);
        anew
    }

    /// Notes a cursor.
    pub fn set_cursor(&mut self, side: Side, cursor: Cursor, at: Timestamp) {
        let row = Some(CursorRow { cursor, at });
        match side {
            Side::From => self.from = row,
            Side::To => self.to = row,
        }
    }

    /// Deletions made on that day.
    pub fn deletions_on(&self, day: Date) -> u64 {
        self.deletions.filter(|(date, _)| *date == day).map_or(0, |(_, count)| count)
    }
}

/// An event that could not be copied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProblemRow {
    /// As it is shown.
    #[serde(flatten)]
    pub problem: EventProblem,
    /// The version that could not be copied.
    #[serde(default)]
    pub etag: Option<String>,
    /// The mapping of which it bears the mark, where that is the problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<MappingId>,
    /// The event of its own mapping that is gone, where the server did not let us follow that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<Role>,
}
