//! Lists that are complete: every page of a view, or none of it.

use std::collections::HashSet;

use serde_json::value::RawValue;
use url::Url;

use engine::pair::Window;
use jiff::{SignedDuration, Timestamp};

use super::address::TimeRange;
use super::api::{ApiCall, ApiReply};
use super::errors::GraphRefusal;
use super::{GraphCalendar, wire};
use crate::{Error, Result};

/// The most pages of one list: more events than any calendar has.
const MAX_PAGES: usize = 1_000;
/// A view of a longer range is refused (1,825 days).
const LONGEST_RANGE: SignedDuration = SignedDuration::from_hours(24 * 1_800);
/// All-day events are matched as if they began and ended at midnight in UTC, and times are cut
/// here: what is asked for is that much wider.
const MARGIN: SignedDuration = SignedDuration::from_hours(24);

/// A list was read to its end, or it was refused.
pub(super) enum Walk {
    Read,
    Refused(GraphRefusal),
}

impl Walk {
    /// The list as one about a calendar.
    pub(super) fn of_calendar(self) -> Result<()> {
        match self {
            Self::Read => Ok(()),
            Self::Refused(refusal) => Err(refusal.calendar_error()),
        }
    }
}

impl GraphCalendar {
    /// Reads a list to its end. An incomplete one is an error.
    pub(super) async fn walk(
        &self,
        first: Url,
        each: &mut (dyn FnMut(&RawValue) + Send),
    ) -> Result<Walk> {
        let mut call = ApiCall::list(first);
        let mut seen = HashSet::new();
        for _ in 0..MAX_PAGES {
            let page: wire::Page = match self.api.call(&call).await? {
                ApiReply::Given(given) => given.json()?,
                ApiReply::Refused(refusal) => return Ok(Walk::Refused(refusal)),
            };
            page.value.iter().for_each(|item| each(item));
            match page.next_link {
                // A page that has been read leads nowhere new.
                Some(link) if !seen.insert(link.clone()) => break,
                Some(link) => call = ApiCall::list(self.api.addresses.link(&link)?),
                None => return Ok(Walk::Read),
            }
        }
        Err(Error::BadAnswer("Microsoft's list of this calendar has no end".into()))
    }
}

/// The ranges whose views together show a window, each a day wider than its part.
pub(super) fn ranges(start: Timestamp, end: Timestamp) -> Vec<TimeRange> {
    let mut ranges = Vec::new();
    let mut from = start;
    while from < end {
        let to = from.checked_add(LONGEST_RANGE).unwrap_or(Timestamp::MAX).min(end);
        ranges.push(wider(from, to));
        from = to;
    }
    ranges
}

/// A range that is a day wider on both sides.
pub(super) fn wider(start: Timestamp, end: Timestamp) -> TimeRange {
    TimeRange {
        start: start.checked_sub(MARGIN).unwrap_or(start),
        end: end.checked_add(MARGIN).unwrap_or(end),
    }
}

/// The range of a round of changes in a window; `None` for a window that is too long for one.
pub(super) fn range_of_round(window: Window) -> Option<TimeRange> {
    match ranges(window.start_instant(), window.end_instant()).as_slice() {
        [range] => Some(range.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn window(start: (i16, i8, i8), end: (i16, i8, i8)) -> Window {
        Window { start: date(start.0, start.1, start.2), end: date(end.0, end.1, end.2) }
    }

    #[test]
    fn a_window_is_asked_for_a_day_wider_and_in_parts_where_it_is_long() {
        let year = window((2026, 3, 1), (2027, 3, 1));
        let range = range_of_round(year).unwrap();
        assert_eq!(range.start, "2026-02-28T00:00:00Z".parse().unwrap());
        assert_eq!(range.end, "2027-03-02T00:00:00Z".parse().unwrap());
        let long = window((2016, 3, 1), (2036, 3, 1));
        assert!(range_of_round(long).is_none());
        let parts = ranges(long.start_instant(), long.end_instant());
        assert_eq!(parts.len(), 5);
        for part in &parts {
            assert!(part.end.duration_since(part.start) <= SignedDuration::from_hours(24 * 1_825));
        }
        for pair in parts.windows(2) {
            assert!(pair[1].start < pair[0].end, "nothing lies between two parts");
        }
        assert!(ranges(long.end_instant(), long.start_instant()).is_empty());
    }
}
