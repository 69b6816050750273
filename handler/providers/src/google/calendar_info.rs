//! What answers have shown about calendars; all of it can be learned again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::convert::{self, EventContext};
use super::wire;

/// The most calendars that are remembered; more than any account has.
const MAX_CALENDARS: usize = 10_000;

/// How a calendar shows its events.
#[derive(Clone, Debug, Default)]
pub(super) struct CalendarInfo {
    pub(super) zone: Option<String>,
    pub(super) outsider: bool,
}

impl CalendarInfo {
    /// From a page of its events.
    pub(super) fn of(page: &wire::Events) -> Self {
        Self {
            zone: page.time_zone.clone(),
            outsider: convert::is_withheld(page.access_role.as_deref()),
        }
    }

    pub(super) fn context(&self) -> EventContext<'_> {
        EventContext { zone: self.zone.as_deref(), outsider: self.outsider }
    }
}

/// The calendars of an account.
#[derive(Default)]
pub(super) struct CalendarInfos(Mutex<HashMap<String, CalendarInfo>>);

impl CalendarInfos {
    pub(super) fn learn(&self, calendar: &str, info: CalendarInfo) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MAX_CALENDARS || known.contains_key(calendar) {
            known.insert(calendar.to_owned(), info);
        }
    }

    /// What is known of a calendar; the default where it was not listed yet.
    pub(super) fn get(&self, calendar: &str) -> CalendarInfo {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(calendar).cloned().unwrap_or_default()
    }
}
