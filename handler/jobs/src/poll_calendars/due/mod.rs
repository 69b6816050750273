//! Whether a pair has something to do, by the states of its calendars and its last pass.

use engine::pair::{Pair, Side};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use providers::CollectionState;
use records::pair_state::StateRecord;
use records::problem::PairStatus;

use super::poll_account::PolledCalendar;
use crate::{Scope, sync};

/// The nightly pass lists the window of the day. From this hour (UTC) on, a poll nudges the pairs
/// that it missed.
const LISTING_HOUR: i8 = 6;

/// Held deletions are checked again after this time.
const HELD_RECHECK: SignedDuration = SignedDuration::from_mins(10);
/// The state of a calendar for one pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CalendarState {
    /// Nothing has changed since the last pass.
    Unchanged,
    /// Something has changed, or only a pass can find out.
    Changed,
    /// The provider sends notifications.
    Pushed,
    /// The calendar could not be read.
    Unreachable,
    /// The account needs its owner.
    Refused,
}

impl CalendarState {
    pub fn of(polled: Option<&PolledCalendar>, row: &StateRecord, side: Side) -> Self {
        match polled {
            Some(PolledCalendar::Refused) => Self::Refused,
            Some(PolledCalendar::Pushes) => Self::Pushed,
            Some(PolledCalendar::Unwatched) => Self::Changed,
            None
            | Some(
                PolledCalendar::Unreachable
                | PolledCalendar::Answered {
                    state: CollectionState::Missing | CollectionState::Closed,
                    ..
                },
            ) => Self::Unreachable,
            Some(PolledCalendar::PollRunning) => Self::Unchanged,
            Some(PolledCalendar::Answered { state: CollectionState::Untagged, .. }) => {
                Self::Changed
            }
            Some(PolledCalendar::Answered {
                state: CollectionState::Tagged(tip),
                provider,
                ..
            }) => {
                if row.cursor(side).is_some_and(|cursor| provider.is_current(cursor, tip)) {
                    Self::Unchanged
                } else {
                    Self::Changed
                }
            }
        }
    }
}

/// Whether a pair has something to do.
pub(super) fn is_due(row: &StateRecord, news: [CalendarState; 2], now: Timestamp) -> bool {
    if news.contains(&CalendarState::Refused) {
        return row.status != Some(PairStatus::NeedsReconnect);
    }
    if news.contains(&CalendarState::Unreachable) {
        return row.status != Some(PairStatus::Error);
    }
    if news.contains(&CalendarState::Changed)
        || !matches!(row.status, Some(PairStatus::Ok | PairStatus::Held))
    {
        return true;
    }
    if let Some(held) = &row.held {
        let long_ago = |then: Timestamp| now.duration_since(then) >= HELD_RECHECK;
        return long_ago(held.since) && row.last_sync.is_none_or(long_ago);
    }
    if row.next_retry.is_some_and(|at| sync::retry_is_due(at, now)) {
        return true;
    }
    let clock = now.to_zoned(TimeZone::UTC);
    row.window_is_due(now)
        && (row.window_listed_on != clock.date().yesterday().ok() || clock.hour() >= LISTING_HOUR)
}

/// Whether a pair that keeps failing has to wait. A server that is back is tried at once.
pub(super) fn is_backing_off(row: &StateRecord, is_back: bool, now: Timestamp) -> bool {
    !is_back && row.failing.is_some_and(|failing| now < failing.next_try())
}

/// No request shows whether a provider that is not polled works again: a pair that failed is tried
/// again, but not at every poll.
pub(super) fn is_too_soon(
    scope: &Scope,
    pair: &Pair,
    row: &StateRecord,
    news: [CalendarState; 2],
    now: Timestamp,
) -> bool {
    let due = || scope.work.schedule_once(pair.id.as_str(), now, HELD_RECHECK.unsigned_abs());
    row.status == Some(PairStatus::Error)
        && news.contains(&CalendarState::Pushed)
        && !news.contains(&CalendarState::Changed)
        && !due()
}

#[cfg(test)]
mod tests;
