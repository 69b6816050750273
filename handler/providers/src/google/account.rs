//! A Google account: its connection, and what was learned about its calendars.

use std::sync::Arc;

use engine::event::Zone;
use url::Url;

use super::address::Addresses;
use super::api::{Api, ApiCall, ApiReply};
use super::calendar_info::{CalendarInfo, CalendarInfos};
use super::wire;
use crate::http::Http;
use crate::oauth::AccessTokens;
use crate::{Answering, Error, Result};

/// A Google account.
pub struct GoogleCalendar {
    pub(super) api: Api,
    calendars: CalendarInfos,
}

impl GoogleCalendar {
    /// An account. No request is made. `root` is [`GOOGLE`](super::GOOGLE) except in
    /// tests. All clients of one `account`, an e-mail address, share its rate limit.
    ///
    /// # Errors
    /// [`crate::Error::Address`] for a root that may not be reached.
    pub fn new(
        http: &Arc<Http>,
        root: &Url,
        account: &str,
        tokens: Arc<dyn AccessTokens>,
    ) -> Result<Self> {
        http.access().check(root)?;
        Ok(Self {
            api: Api::new(http.clone(), Addresses::new(root.clone()), account, tokens),
            calendars: CalendarInfos::default(),
        })
    }
}

impl std::fmt::Debug for GoogleCalendar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GoogleCalendar").finish_non_exhaustive()
    }
}

impl GoogleCalendar {
    pub(super) fn learn(&self, calendar: &str, info: CalendarInfo) {
        self.calendars.learn(calendar, info);
    }

    /// What is known of a calendar; the default where it was not listed yet.
    pub(super) fn info(&self, calendar: &str) -> CalendarInfo {
        self.calendars.get(calendar)
    }

    /// The zone that gives floating times their meaning.
    pub(super) async fn zone(&self, calendar: &str) -> Result<Zone> {
        let mut info = self.info(calendar);
        if info.zone.is_none() {
            let entry: wire::CalendarListEntry = match self
                .api
                .call(&ApiCall::get(self.api.addresses.listed_calendar(calendar)?))
                .await?
            {
                ApiReply::Given(given) => given.json()?,
                ApiReply::Refused(refusal) if refusal.is_gone() => {
                    return Err(Error::CalendarMissing);
                }
                ApiReply::Refused(refusal) => return Err(refusal.error()),
            };
            info.zone = entry.time_zone;
            self.learn(calendar, info.clone());
        }
        Ok(info.zone.as_deref().and_then(engine::zone::resolve).unwrap_or(Zone::Utc))
    }

    /// Requests the calendar alone, and reads whether it may be written to.
    pub(super) async fn read_access(&self, calendar: &str) -> Result<Answering> {
        match self.api.call(&ApiCall::get(self.api.addresses.probe(calendar)?)).await? {
            ApiReply::Given(given) => {
                let page: wire::Events = given.json()?;
                self.learn(calendar, CalendarInfo::of(&page));
                Ok(Answering {
                    writable: matches!(
                        page.access_role.as_deref(),
                        None | Some("owner" | "writer")
                    ),
                })
            }
            ApiReply::Refused(refusal) if refusal.is_gone() => Err(Error::CalendarMissing),
            ApiReply::Refused(refusal) => Err(refusal.error()),
        }
    }

    /// The error for a missing event: the event or its calendar is gone.
    pub(super) async fn missing_error(&self, calendar: &str) -> Result<Error> {
        Ok(match self.api.call(&ApiCall::get(self.api.addresses.probe(calendar)?)).await? {
            ApiReply::Given(given) => {
                self.learn(calendar, CalendarInfo::of(&given.json()?));
                Error::Gone
            }
            ApiReply::Refused(refusal) if refusal.is_gone() => Error::CalendarMissing,
            ApiReply::Refused(refusal) => refusal.error(),
        })
    }
}
