//! Quotas: how many units in a minute, and how fast writes to one calendar may follow each other.
//!
//! A minute is any minute, not one of the clock's. A call costs one unit, a PATCH three (Google
//! says so in the reference of `events.patch`), and the calls of a batch what each of them costs.
//! Where Google publishes nothing, what is known to be borne is the limit: five writes a second to
//! one calendar, over ten seconds, with a little room for the line.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::reply::Refusal;
use crate::traffic::Kind;

/// What is allowed. `u32::MAX` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Units of one account in any minute.
    pub user: u32,
    /// Units of all accounts in any minute.
    pub project: u32,
    /// Writes to one calendar in any ten seconds. Google does not publish its own.
    pub calendar: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { user: 600, project: 10_000, calendar: 54 }
    }
}

impl Quotas {
    /// No limit at all.
    pub const NONE: Self = Self { user: u32::MAX, project: u32::MAX, calendar: u32::MAX };
}

/// The time and the user of each request.
#[derive(Debug, Default)]
pub(super) struct Usage {
    project: Window,
    users: BTreeMap<String, Window>,
    calendars: BTreeMap<String, Window>,
    /// How many calls were refused.
    pub refused: u64,
    /// The most units of one account in any minute so far, refused ones too.
    pub busiest: u32,
    /// The most writes to one calendar in any ten seconds so far, refused ones too.
    pub fastest: u32,
}

#[derive(Debug, Default)]
struct Window(VecDeque<Timestamp>);

impl Window {
    /// Counts so many units, and says how many there were in this time, these among them. A refused
    /// call counts as well.
    fn count(&mut self, units: u32, now: Timestamp, span: SignedDuration) -> u32 {
        // A clock that a test turned back must not keep what lies ahead.
        self.0.retain(|then| *then <= now && now.duration_since(*then) < span);
        (0..units).for_each(|_| self.0.push_back(now));
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }
}

impl Usage {
    /// Counts a call of this kind, and refuses it where it is one too many.
    pub fn call(
        &mut self,
        kind: Kind,
        account: &str,
        calendar: Option<&str>,
        quotas: &Quotas,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let (minute, units) =
            (SignedDuration::from_mins(1), if kind == Kind::Patch { 3 } else { 1 });
        let project = self.project.count(units, now, minute);
        let user = self.users.entry(account.to_owned()).or_default().count(units, now, minute);
        let written = calendar.filter(|_| kind.writes());
        let calendar = written.map_or(0, |id| {
            self.calendars.entry(id.to_owned()).or_default().count(
                1,
                now,
                SignedDuration::from_secs(10),
            )
        });
        self.busiest = self.busiest.max(user);
        self.fastest = self.fastest.max(calendar);
        let refusal = if project > quotas.project || calendar > quotas.calendar {
            Refusal::new(403, "rateLimitExceeded", "Rate Limit Exceeded")
        } else if user > quotas.user {
            Refusal::new(403, "userRateLimitExceeded", "User Rate Limit Exceeded")
        } else {
            return Ok(());
        };
        self.refused += 1;
        Err(refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_has_its_own_window() {
        let (mut usage, quotas) = (Usage::default(), Quotas { user: 2, project: 4, calendar: 1 });
        let start: Timestamp = "2026-03-10T12:00:00Z".parse().unwrap();
        let at = |seconds| start + SignedDuration::from_secs(seconds);
        let mut call = |kind, account, now| {
            usage.call(kind, account, Some("work"), &quotas, now).map_err(|refusal| refusal.reason)
        };
        assert_eq!(call(Kind::Insert, "anna", at(0)), Ok(()));
        assert_eq!(call(Kind::Insert, "anna", at(9)), Err("rateLimitExceeded".into()));
        assert_eq!(call(Kind::List, "anna", at(59)), Err("userRateLimitExceeded".into()));
        assert_eq!(call(Kind::List, "ben", at(59)), Ok(()));
        assert_eq!(
            call(Kind::List, "ben", at(59)),
            Err("rateLimitExceeded".into()),
            "of the project"
        );
        assert_eq!(call(Kind::Insert, "anna", at(200)), Ok(()));
        assert_eq!((usage.refused, usage.busiest, usage.fastest), (3, 3, 2));
    }

    #[test]
    fn a_patch_costs_three() {
        let (mut usage, quotas) = (Usage::default(), Quotas { user: 3, ..Quotas::NONE });
        let now: Timestamp = "2026-03-10T12:00:00Z".parse().unwrap();
        assert!(usage.call(Kind::Patch, "anna", Some("work"), &quotas, now).is_ok());
        assert!(usage.call(Kind::Get, "anna", None, &quotas, now).is_err());
        assert_eq!((usage.busiest, usage.fastest), (4, 1));
    }
}
