//! One end of a pair: its calendar with its provider, and what is known of it before it is listed.

use std::sync::Arc;

use engine::change::{Cursor, StateTag};
use providers::Provider;
use records::account::Account;
use records::calendar::CalendarRecord;

use crate::Error;

/// One end of a pair, with its provider opened.
#[derive(Clone)]
pub(crate) struct End {
    pub calendar: CalendarRecord,
    pub account: Account,
    pub provider: Arc<dyn Provider>,
}

/// The account or the calendar that an error at this end is about, in words.
pub(super) fn place(calendar: &CalendarRecord, account: &Account, error: &Error) -> String {
    let Account { id, name, .. } = account;
    match error {
        Error::Provider(providers::Error::CalendarMissing) => {
            format!("the calendar {} ({}) of the account {name} ({id})", calendar.name, calendar.id)
        }
        _ => format!("the account {name} ({id})"),
    }
}

/// What is known of one end before it is listed.
pub(super) struct EndState {
    pub end: End,
    /// The state of the calendar, where its provider has a tag for it.
    pub tag: Option<StateTag>,
    /// Nothing is to be read at this end: its provider sends notifications, and the notification
    /// that caused this pass is about the other end.
    pub is_quiet: bool,
    /// The changes, where they were read to find out whether there are any.
    pub prefetched: Option<Prefetched>,
}

/// Changes that were listed before the leases were taken. They are used if the cursor is unchanged
/// under the leases.
pub(super) struct Prefetched {
    pub cursor: Cursor,
    pub changes: providers::ChangeSet,
}
