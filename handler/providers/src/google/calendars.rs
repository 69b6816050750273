//! The user's calendars
//! (<https://developers.google.com/workspace/calendar/api/v3/reference/calendarList>).

use std::collections::HashSet;

use engine::calendar::RemoteCalendar;

use super::api::ApiCall;
use super::{GoogleCalendar, wire};
use crate::{Error, Result};

/// The most pages of 250: more calendars than Google allows.
const MAX_PAGES: usize = 100;

/// Calendars that are not synchronised: rooms and other resources, and those that Google fills
/// (holidays, birthdays of contacts). A person's own further calendars end in
/// `@group.calendar.google.com`, which is none of these.
const NOT_OFFERED: [&str; 2] = ["@resource.calendar.google.com", "@group.v.calendar.google.com"];

impl GoogleCalendar {
    /// The calendars that hold events of their owners.
    pub(super) async fn list_calendars(&self) -> Result<Vec<RemoteCalendar>> {
        let mut found = Vec::new();
        let mut next: Option<String> = None;
        let mut seen = HashSet::new();
        for _ in 0..MAX_PAGES {
            let mut url = self.api.addresses.calendars()?;
            if let Some(token) = &next {
                url.query_pairs_mut().append_pair("pageToken", token);
            }
            let page: wire::CalendarList =
                self.api.call(&ApiCall::get(url)).await?.given()?.json()?;
            found.extend(page.items.into_iter().filter(is_offered).map(calendar));
            match page.next_page_token {
                Some(token) if seen.insert(token.clone()) => next = Some(token),
                Some(_) => break,
                None => return Ok(found),
            }
        }
        Err(Error::BadAnswer("Google's list of calendars has no end".into()))
    }
}

fn is_offered(entry: &wire::CalendarListEntry) -> bool {
    !entry.id.is_empty() && !entry.deleted && !NOT_OFFERED.iter().any(|end| entry.id.ends_with(end))
}

fn calendar(entry: wire::CalendarListEntry) -> RemoteCalendar {
    let name = entry.summary_override.or(entry.summary).filter(|name| !name.trim().is_empty());
    RemoteCalendar {
        name: name.unwrap_or_else(|| entry.id.clone()),
        writable: matches!(entry.access_role.as_deref(), Some("owner" | "writer")),
        zone: entry.time_zone,
        address: entry.id,
        owned_at: None,
    }
}
