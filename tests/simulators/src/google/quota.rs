//! Quotas: how many calls in a minute, and how fast writes to one calendar may follow each other.

use std::collections::{BTreeMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::reply::Refusal;

/// What is allowed. `u32::MAX` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Calls of one account in any minute.
    pub user: u32,
    /// Calls of all accounts in any minute.
    pub project: u32,
    /// Writes to one calendar in any ten seconds. Google does not publish its own.
    pub calendar: u32,
}

impl Default for Quotas {
    fn default() -> Self {
        Self { user: 600, project: 10_000, calendar: 100 }
    }
}

impl Quotas {
    /// No limit at all.
    pub const NONE: Self = Self { user: u32::MAX, project: u32::MAX, calendar: u32::MAX };
}

/// Who has asked when.
#[derive(Debug, Default)]
pub(super) struct Usage {
    project: Window,
    users: BTreeMap<String, Window>,
    calendars: BTreeMap<String, Window>,
    /// How many calls were refused.
    pub refused: u64,
    /// The most calls of one account in any minute so far, refused ones too.
    pub busiest: u32,
}

#[derive(Debug, Default)]
struct Window(VecDeque<Timestamp>);

impl Window {
    /// Counts a call, and says how many there were in this time, this one among them. A refused call counts as well.
    fn count(&mut self, now: Timestamp, span: SignedDuration) -> u32 {
        // A clock that a test turned back must not keep what lies ahead.
        self.0.retain(|then| *then <= now && now.duration_since(*then) < span);
        self.0.push_back(now);
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }
}

impl Usage {
    /// Counts a call, and refuses it where it is one too many.
    pub fn call(&mut self, account: &str, writes_to: Option<&str>, quotas: &Quotas, now: Timestamp) -> Result<(), Refusal> {
        let minute = SignedDuration::from_mins(1);
        let project = self.project.count(now, minute);
        let user = self.users.entry(account.to_owned()).or_default().count(now, minute);
        let calendar = writes_to.map_or(0, |id| self.calendars.entry(id.to_owned()).or_default().count(now, SignedDuration::from_secs(10)));
        self.busiest = self.busiest.max(user);
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
        let mut call = |account, calendar, now| usage.call(account, calendar, &quotas, now).map_err(|refusal| refusal.reason);
        assert_eq!(call("anna", Some("work"), at(0)), Ok(()));
        assert_eq!(call("anna", Some("work"), at(9)), Err("rateLimitExceeded".into()));
        assert_eq!(call("anna", None, at(59)), Err("userRateLimitExceeded".into()));
        assert_eq!(call("ben", None, at(59)), Ok(()));
        assert_eq!(call("ben", None, at(59)), Err("rateLimitExceeded".into()), "of the project");
        assert_eq!(call("anna", Some("work"), at(200)), Ok(()));
        assert_eq!((usage.refused, usage.busiest), (3, 3));
    }
}
