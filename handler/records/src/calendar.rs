//! Calendars as their providers listed them last.

use engine::calendar::{AccountId, CalendarId};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::directory::Directory;
use crate::kinds::{CALENDAR, calendar_key};

/// A calendar as it was last listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarRecord {
    /// Derived from the account and the first known address.
    pub id: CalendarId,
    pub account: AccountId,
    pub address: String,
    /// The owner's name of the calendar, unchanged.
    pub name: String,
    /// The account may write events.
    pub writable: bool,
    /// The IANA time zone for floating times, if the provider names one.
    #[serde(default)]
    pub zone: Option<String>,
    /// The address of the calendar at its owner, in the form of `address`, if the provider says
    /// that this calendar is a share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned_at: Option<String>,
    /// The first known address, where it is not `address`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_address: Option<String>,
}

impl CalendarRecord {
    /// The first known address. The id was derived from it, and the first release named the events
    /// by it.
    pub fn first_address(&self) -> &str {
        self.first_address.as_deref().unwrap_or(&self.address)
    }
}

impl Directory<'_> {
    /// A calendar as it was last listed; `None` where it was never listed.
    pub async fn calendar(&self, id: &CalendarId) -> Result<Option<CalendarRecord>> {
        Ok(self.get(&calendar_key(id)).await?.map(|(row, _)| row))
    }

    /// The calendars of an account as they were last listed.
    pub async fn calendars_of(&self, account: &AccountId) -> Result<Vec<CalendarRecord>> {
        let mut rows: Vec<CalendarRecord> = self.list(CALENDAR).await?;
        rows.retain(|row| row.account == *account);
        Ok(rows)
    }
}
