//! The kinds of rows in the directory of an owner, by the prefix of their keys.

use engine::calendar::{AccountId, CalendarId, PairId};

pub(crate) const ACCOUNT: &str = "account:";
pub(crate) const CALENDAR: &str = "calendar:";
pub(crate) const WATCH: &str = "channel:";
pub(crate) const PAIR: &str = "pair:";
pub(crate) const ENDED: &str = "ended:";

/// The key of an account.
pub fn account_key(id: &AccountId) -> String {
    format!("{ACCOUNT}{id}")
}

/// The key of a calendar.
pub fn calendar_key(id: &CalendarId) -> String {
    format!("{CALENDAR}{id}")
}

/// The key of a pair.
pub fn pair_key(id: &PairId) -> String {
    format!("{PAIR}{id}")
}

/// The key of a watch.
pub fn watch_key(id: &str) -> String {
    format!("{WATCH}{id}")
}

/// The key of the row that says that an ended pair copied from one calendar to another.
pub fn ended_key(from: &CalendarId, to: &CalendarId) -> String {
    format!("{ENDED}{from}:{to}")
}
