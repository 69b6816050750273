//! The events of a pair that could not be synced, and when each is tried again.

use std::collections::{BTreeMap, BTreeSet};

use engine::pair::Side;
use engine::reason::Reason;
use jiff::{SignedDuration, Timestamp};
use records::pair_state::ProblemRow;

/// The number of passes that read an event that cannot be read yet, before it has to wait.
pub(super) const SOON: u32 = 4;

/// The first wait, in minutes; each is four times as long as the one before.
const FIRST: i64 = 2;

/// The longest wait, in minutes.
const LONGEST: i64 = 24 * 60;

/// Whether a stored time of the next try has come. A time that is farther away than the longest
/// wait was stored while the clock of this machine was wrong: it counts as due.
pub(crate) fn retry_is_due(at: Timestamp, now: Timestamp) -> bool {
    at <= now || at.duration_since(now) > SignedDuration::from_mins(LONGEST + 60)
}

/// When an event that could not be synced is tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum RetryAt {
    /// When the event changes.
    #[default]
    OnChange,
    /// In each of the next passes, and after some of them as [`RetryAt::Later`].
    Soon,
    /// After a wait.
    Later,
}

impl RetryAt {
    /// The time of the next try after `tries`.
    fn next(self, tries: u32, now: Timestamp) -> Option<Timestamp> {
        let before = match self {
            Self::OnChange => return None,
            Self::Soon if tries < SOON => return Some(now),
            Self::Soon => tries - SOON,
            Self::Later => tries.saturating_sub(1),
        };
        let minutes = FIRST.saturating_mul(4_i64.saturating_pow(before)).min(LONGEST);
        Some(now.saturating_add(SignedDuration::from_mins(minutes)).unwrap_or(Timestamp::MAX))
    }
}

/// The events of a pair that could not be synced.
#[derive(Debug, Default)]
pub(super) struct Problems {
    /// By side and event: the time of the next try.
    open: BTreeMap<(Side, String), Option<Timestamp>>,
    /// How often each was tried before this pass.
    tried: BTreeMap<(Side, String), u32>,
    /// Events that are copied and have a note for their owner.
    notes: BTreeSet<(Side, String)>,
}

impl Problems {
    /// As they are stored.
    pub fn stored(rows: &[ProblemRow], side: impl Fn(&ProblemRow) -> Side) -> Self {
        let mut problems = Self::default();
        for row in rows {
            let key = (side(row), row.problem.event.clone());
            if row.problem.reason == Reason::ZoneUnknown {
                problems.notes.insert(key.clone());
            }
            problems.tried.insert(key.clone(), row.problem.tries);
            problems.open.insert(key, row.problem.next_try);
        }
        problems
    }

    /// Adds the problem of a row, and sets the number of tries and the next try of the row.
    pub fn add(&mut self, side: Side, row: &mut ProblemRow, retry: RetryAt, now: Timestamp) {
        let key = (side, row.problem.event.clone());
        if retry != RetryAt::OnChange {
            row.problem.tries = self.tried.get(&key).copied().unwrap_or(0).saturating_add(1);
        }
        row.problem.next_try = retry.next(row.problem.tries, now);
        self.open.insert(key, row.problem.next_try);
    }

    /// Returns whether there was one.
    pub fn remove(&mut self, side: Side, event: &str) -> bool {
        self.open.remove(&(side, event.to_owned())).is_some()
    }

    /// Whether the event is copied and has a note.
    pub fn is_note(&self, side: Side, event: &str) -> bool {
        self.notes.contains(&(side, event.to_owned()))
    }

    /// The earliest next try.
    pub fn next(&self) -> Option<Timestamp> {
        self.open.values().flatten().min().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(retry: RetryAt, tries: u32) -> Option<i64> {
        let now = Timestamp::UNIX_EPOCH;
        retry.next(tries, now).map(|next| next.as_second() / 60)
    }

    #[test]
    fn waits_grow_from_minutes_to_a_day() {
        let waits: Vec<_> = (1..=8).map(|tries| minutes(RetryAt::Later, tries).unwrap()).collect();
        assert_eq!(waits, [2, 8, 32, 128, 512, 1440, 1440, 1440]);
        assert_eq!(minutes(RetryAt::Later, u32::MAX), Some(1440));
    }

    #[test]
    fn a_time_that_no_wait_leads_to_has_come() {
        let now = Timestamp::UNIX_EPOCH;
        let comes = |minutes| retry_is_due(now + SignedDuration::from_mins(minutes), now);
        assert_eq!(
            [-1, 0, 1, LONGEST, LONGEST + 60, LONGEST + 61].map(comes),
            [true, true, false, false, false, true]
        );
    }

    #[test]
    fn what_cannot_be_read_yet_is_asked_for_in_the_next_passes() {
        let waits: Vec<_> = (1..=6).map(|tries| minutes(RetryAt::Soon, tries).unwrap()).collect();
        assert_eq!(waits, [0, 0, 0, 2, 8, 32]);
        assert_eq!(minutes(RetryAt::OnChange, 7), None);
    }
}
