//! The records of a pair's state.

use engine::change::Cursor;
use engine::fidelity::Fidelity;
use engine::guard;
use engine::marker::{MappingId, Role};
use engine::pair::{PerSide, Side};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::conflicts::ConflictLog;
use super::progress::PassProgress;
use super::quickness::Quickness;
use super::unlisted::Unlisted;
use crate::problem::{EventProblem, Held, HeldKind, PairStatus, Problem};

/// The state of a pair.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StateRecord {
    /// How far the calendar of `from` was read.
    #[serde(default)]
    pub from: Option<CursorRow>,
    /// How far the calendar of `to` was read.
    #[serde(default)]
    pub to: Option<CursorRow>,
    /// When the last pass began whose cursor covered everything, whether the pass saved the cursor
    /// or nothing had happened since. A change that was written before then is no news for the
    /// cursor.
    #[serde(rename = "current", default, skip_serializing_if = "is_unknown")]
    pub up_to_date_at: PerSide<Option<Timestamp>>,
    /// The number of copies.
    #[serde(default)]
    pub copies: u64,
    /// The number of copies that lie before the window.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub archived: u64,
    /// The day whose window was last listed completely.
    #[serde(rename = "listed_on", default)]
    pub window_listed_on: Option<Date>,
    /// The number of the last pass that ended. It orders events; clocks do not.
    #[serde(rename = "passes", default)]
    pub pass_count: u64,
    /// The number of the last pass that listed each calendar completely and left no question open.
    #[serde(rename = "whole", default)]
    pub last_complete_pass: PerSide<Option<u64>>,
    /// Events that were created in each calendar and not listed yet.
    #[serde(rename = "awaited", default, skip_serializing_if = "Unlisted::is_empty")]
    pub unlisted: Unlisted,
    /// When the last complete pass ended.
    #[serde(default)]
    pub last_sync: Option<Timestamp>,
    #[serde(default)]
    pub status: Option<PairStatus>,
    #[serde(default)]
    pub error: Option<Problem>,
    /// How often the pass has failed in a row, and when it last failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<FailureStreak>,
    #[serde(default)]
    pub held: Option<HeldRow>,
    /// When the first of the refused events is tried again.
    #[serde(rename = "retry", default, skip_serializing_if = "Option::is_none")]
    pub next_retry: Option<Timestamp>,
    /// Deletions made today, for the daily limit.
    #[serde(default)]
    pub deletions: Option<(Date, u64)>,
    /// The day of the oldest deletion whose proof is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proofs_since: Option<Date>,
    /// The conflicts that are kept.
    #[serde(default, skip_serializing_if = "ConflictLog::is_empty")]
    pub conflicts: ConflictLog,
    /// How long changes took.
    #[serde(default, skip_serializing_if = "Quickness::is_empty")]
    pub quickness: Quickness,
    /// Events that another installation has copied or created.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub copied_by_another: u64,
    /// The owner has said that events of another installation belong to this pair. Reset when a
    /// pass has processed both calendars.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub take_over: bool,
    /// Event ids are names within their calendars; in rows of the first release they are whole
    /// addresses (`jobs::first_release`).
    #[serde(rename = "by_name", default, skip_serializing_if = "std::ops::Not::not")]
    pub ids_are_names: bool,
    /// The addresses from which the first release derived the ids of this pair's mappings.
    #[serde(rename = "bases", default, skip_serializing_if = "Option::is_none")]
    pub legacy_bases: Option<PerSide<Option<String>>>,
    /// An origin has a mapping whose id is not derived from the origin's name.
    #[serde(rename = "aliased", default, skip_serializing_if = "std::ops::Not::not")]
    pub has_aliases: bool,
    /// A calendar was emptied and its owner left out its events: they may come back under other
    /// names.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left_out: bool,
    /// Series of this pair are shown by their occurrences
    /// ([`PairStore::expanded`](super::PairStore::expanded)).
    #[serde(rename = "expanded", default, skip_serializing_if = "std::ops::Not::not")]
    pub has_expanded: bool,
    /// What each calendar is known to store unchanged.
    #[serde(rename = "kept", default, skip_serializing_if = "is_unknown")]
    pub fidelity: PerSide<Option<Fidelity>>,
    /// The number of events that a long pass has still to process; `None` when the pass is done.
    #[serde(rename = "left", default, skip_serializing_if = "Option::is_none")]
    pub remaining: Option<u64>,
    /// How far the attempts of a long pass have come.
    #[serde(rename = "turns", default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<PassProgress>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

fn is_unknown<T>(sides: &PerSide<Option<T>>) -> bool {
    sides.values().all(Option::is_none)
}

/// Passes that failed in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureStreak {
    pub times: u32,
    pub at: Timestamp,
}

impl FailureStreak {
    /// The streak with one more failure.
    pub fn extend(before: Option<Self>, at: Timestamp) -> Self {
        Self { times: before.map_or(0, |before| before.times).saturating_add(1), at }
    }

    /// When the next background pass is due: one minute after the first failure, twice as long
    /// after each further failure, at most ten minutes.
    pub fn next_try(self) -> Timestamp {
        let minutes = 1_i64.checked_shl(self.times.saturating_sub(1)).unwrap_or(10).clamp(1, 10);
        self.at.saturating_add(SignedDuration::from_mins(minutes)).unwrap_or(Timestamp::MAX)
    }
}

/// How far a calendar was read, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CursorRow {
    pub cursor: Cursor,
    /// When the cursor was saved.
    pub at: Timestamp,
}

/// Deletions that wait, and since when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldRow {
    pub held: Held,
    /// A second check is due ten minutes later.
    pub since: Timestamp,
    /// Only the owner's confirmation releases the deletions.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_owner: bool,
    /// The calendars that were emptied. Events that are missing there wait for the owner's answer,
    /// even if events are created there meanwhile.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emptied: Vec<Side>,
}

impl HeldRow {
    /// The hold as it is reported.
    pub fn shown(&self) -> Held {
        Held { second_look: self.second_look(), ..self.held.clone() }
    }

    /// From when on a sync may release the deletions without their owner.
    pub fn second_look(&self) -> Option<Timestamp> {
        let may_be = self.held.kind == HeldKind::Deletions
            && !self.by_owner
            && self.held.deletions <= guard::SECOND_LOOK_CAP;
        let later = SignedDuration::from_secs(guard::SECOND_LOOK_SECONDS);
        may_be.then(|| self.since.saturating_add(later).unwrap_or(Timestamp::MAX))
    }
}

impl StateRecord {
    /// The cursor of the calendar on this side.
    pub fn cursor(&self, side: Side) -> Option<&Cursor> {
        match side {
            Side::From => self.from.as_ref(),
            Side::To => self.to.as_ref(),
        }
        .map(|row| &row.cursor)
    }

    /// The state without the cursors of the given sides, so that these calendars are read
    /// completely.
    pub fn without_cursors(&self, sides: PerSide<bool>) -> Self {
        let mut anew = self.clone();
        anew.from = anew.from.filter(|_| !sides.from);
        anew.to = anew.to.filter(|_| !sides.to);
        anew
    }

    /// Whether the window of the day (UTC) was not listed completely yet.
    pub fn window_is_due(&self, now: Timestamp) -> bool {
        self.window_listed_on != Some(now.to_zoned(TimeZone::UTC).date())
    }

    /// Sets the cursor of the calendar on this side.
    pub fn set_cursor(&mut self, side: Side, cursor: Cursor, at: Timestamp) {
        let row = Some(CursorRow { cursor, at });
        match side {
            Side::From => self.from = row,
            Side::To => self.to = row,
        }
    }

    /// The number of deletions made on that day.
    pub fn deletions_on(&self, day: Date) -> u64 {
        self.deletions.filter(|(date, _)| *date == day).map_or(0, |(_, count)| count)
    }
}

/// An event that could not be copied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProblemRow {
    #[serde(flatten)]
    pub problem: EventProblem,
    /// The version of the event that could not be copied.
    #[serde(default)]
    pub etag: Option<String>,
    /// The mapping whose mark the event bears, where that is the problem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mapping: Option<MappingId>,
    /// The event of its own mapping that is gone, where the server did not allow the program to
    /// delete its counterpart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<Role>,
}

#[cfg(test)]
mod tests {
    use engine::calendar::PairId;

    use super::*;

    #[test]
    fn a_hold_says_whether_a_second_look_may_end_it() {
        let (pair, at) =
            (PairId::new("p1"), |minute: i64| Timestamp::from_second(minute * 60).unwrap());
        let look = |held: Held, by_owner| {
            let row = HeldRow { held, since: at(5), by_owner, emptied: Vec::new() };
            assert_eq!(row.shown().second_look, row.second_look());
            row.second_look()
        };
        assert_eq!(look(Held::new(&pair, 50, 60), false), Some(at(15)));
        assert_eq!(look(Held::new(&pair, 51, 60), false), None, "too many");
        assert_eq!(look(Held::new(&pair, 3, 3), true), None, "only the owner ends it");
        assert_eq!(look(Held::emptied(&pair, 6, 6), false), None);
        let row = HeldRow {
            held: Held::new(&pair, 3, 3),
            since: at(5),
            by_owner: false,
            emptied: Vec::new(),
        };
        let document = serde_json::to_value(row.shown()).unwrap();
        assert_eq!(document.get("second_look"), None, "the time of a dry run is another");
    }

    /// Rows of earlier versions have these names.
    #[test]
    fn fields_keep_their_stored_names() {
        let text = r#"{
            "listed_on": "2026-03-10", "passes": 7, "whole": [5, null], "by_name": true,
            "bases": ["/a/", null], "aliased": true, "left": 3, "retry": "2026-03-10T09:00:00Z",
            "current": ["2026-03-10T08:00:00Z", null],
            "awaited": {"mappings": [[], []], "since": [4, null], "unseen": [true, false]},
            "turns": {
                "on": "2026-03-10", "cursors": [null, null], "upto": [1, {"key": "e1"}],
                "look": {
                    "full": true, "take_over": false, "listed": [true, false], "read": [false, false]
                }
            }
        }"#;
        let row: StateRecord = serde_json::from_str(text).unwrap();
        assert_eq!(
            (row.pass_count, row.remaining, row.last_complete_pass[Side::From]),
            (7, Some(3), Some(5))
        );
        assert!(row.window_listed_on.is_some() && row.next_retry.is_some() && row.ids_are_names);
        assert!(
            row.has_aliases
                && row.up_to_date_at[Side::From].is_some()
                && row.legacy_bases.is_some()
        );
        assert_eq!(row.unlisted.since_pass, PerSide::from([Some(4), None]));
        assert!(row.progress.as_ref().is_some_and(|progress| progress.depth.full));
        let written = serde_json::to_value(&row).unwrap();
        for (name, value) in
            serde_json::from_str::<serde_json::Value>(text).unwrap().as_object().unwrap()
        {
            assert_eq!(written[name], *value, "{name}");
        }
    }
}
