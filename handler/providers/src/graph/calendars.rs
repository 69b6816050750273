//! The calendars of the mailbox
//! (<https://learn.microsoft.com/en-us/graph/api/user-list-calendars>).

use std::collections::HashSet;

use engine::calendar::RemoteCalendar;

use super::GraphCalendar;
use super::api::{ApiCall, ApiReply};
use super::wire::{self, WireCalendar};
use crate::{Error, Result};

/// The most pages of calendars that are read.
const MAX_PAGES: usize = 100;

impl GraphCalendar {
    /// The calendars that hold events. A calendar of another person, which is only shared with this
    /// account, is never writable: the scope of the consent does not cover it.
    pub(super) async fn list_calendars(&self) -> Result<Vec<RemoteCalendar>> {
        let mut found: Vec<WireCalendar> = Vec::new();
        let mut call = ApiCall::list(self.api.addresses.calendars()?);
        let mut seen = HashSet::new();
        for _ in 0..MAX_PAGES {
            let page: wire::CalendarPage = match self.api.call(&call).await? {
                ApiReply::Given(given) => given.json()?,
                ApiReply::Refused(refusal) => return Err(refusal.listing_error()),
            };
            found.extend(page.value.into_iter().filter(|calendar| !calendar.id.is_empty()));
            match page.next_link {
                Some(link) if seen.insert(link.clone()) => {
                    call = ApiCall::list(self.api.addresses.link(&link)?);
                }
                Some(_) => break,
                None => return Ok(self.offered(&found)),
            }
        }
        Err(Error::BadAnswer("Microsoft's list of calendars has no end".into()))
    }

    fn offered(&self, found: &[WireCalendar]) -> Vec<RemoteCalendar> {
        let default = found.iter().find(|calendar| calendar.is_default_calendar);
        if let Some(address) = default.and_then(owner) {
            self.learn_owner(address);
        }
        found
            .iter()
            .map(|calendar| {
                self.learn_calendar(calendar);
                let name = calendar.name.trim();
                RemoteCalendar {
                    name: if name.is_empty() { &calendar.id } else { name }.to_owned(),
                    writable: self.is_writable(calendar),
                    // Only the settings of the mailbox say it, which this program may not read.
                    zone: None,
                    address: calendar.id.clone(),
                    owned_at: None,
                }
            })
            .collect()
    }

    /// Whether this account may write to a calendar and owns it.
    pub(super) fn is_writable(&self, calendar: &WireCalendar) -> bool {
        let is_own = match (owner(calendar), self.owner()) {
            (Some(theirs), Some(ours)) => theirs.to_lowercase() == ours,
            _ => true,
        };
        calendar.can_edit && (is_own || calendar.is_default_calendar)
    }
}

fn owner(calendar: &WireCalendar) -> Option<&str> {
    let address = calendar.owner.as_ref()?.address.as_deref()?;
    (!address.is_empty()).then_some(address)
}
