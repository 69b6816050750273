//! Calendars as their providers listed them last.

use engine::calendar::{AccountId, CalendarId};
use serde::{Deserialize, Serialize};

use crate::Result;
use crate::directory::Directory;
use crate::kinds::{CALENDAR, calendar_key};

/// A calendar as it was last seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarRecord {
    /// Its id: derived from the account and the address at which it was seen first.
    pub id: CalendarId,
    /// Its account.
    pub account: AccountId,
    /// Its address at the provider.
    pub address: String,
    /// What its owner calls it, unchanged.
    pub name: String,
    /// We may write events to it.
    pub writable: bool,
    /// The IANA zone in which its floating times are meant, if the provider says.
    #[serde(default)]
    pub zone: Option<String>,
    /// Where the same calendar stands at its owner, in the form of `address`, if the provider says
    /// that this one is a share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned_at: Option<String>,
    /// The address at which it was seen first, where that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_address: Option<String>,
}

impl CalendarRecord {
    /// The address at which it was seen first: what its id was derived from, and what the first
    /// release has named its events by.
    pub fn first_address(&self) -> &str {
        self.first_address.as_deref().unwrap_or(&self.address)
    }
}

impl Directory<'_> {
    /// A calendar as it was listed last; `None` where it never was.
    pub async fn calendar(&self, id: &CalendarId) -> Result<Option<CalendarRecord>> {
        Ok(self.get(&calendar_key(id)).await?.map(|(row, _)| row))
    }

    /// The calendars of an account as they were listed last.
    pub async fn calendars_of(&self, account: &AccountId) -> Result<Vec<CalendarRecord>> {
        let mut rows: Vec<CalendarRecord> = self.list(CALENDAR).await?;
        rows.retain(|row| row.account == *account);
        Ok(rows)
    }
}
