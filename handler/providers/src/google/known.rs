//! What was learnt about calendars on the way; all of it can be learnt again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use engine::event::Zone;

use super::api::{ApiCall, ApiReply};
use super::convert::{self, EventContext};
use super::{OAuthClientSlot, wire};
use crate::{Answering, Error, Result};

/// So many calendars are remembered; more than any account has.
const MOST: usize = 10_000;

/// How a calendar shows its events.
#[derive(Clone, Debug, Default)]
pub(super) struct CalendarInfo {
    zone: Option<String>,
    outsider: bool,
}

impl CalendarInfo {
    /// By the head of a list of it.
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

/// The manners of an account's calendars.
#[derive(Default)]
pub(super) struct CalendarInfos(Mutex<HashMap<String, CalendarInfo>>);

impl OAuthClientSlot {
    pub(super) fn learn(&self, calendar: &str, manner: CalendarInfo) {
        let mut known = self.known.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MOST || known.contains_key(calendar) {
            known.insert(calendar.to_owned(), manner);
        }
    }

    /// What is known; nothing where the calendar was not listed yet.
    pub(super) fn manner(&self, calendar: &str) -> CalendarInfo {
        self.known
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(calendar)
            .cloned()
            .unwrap_or_default()
    }

    /// The zone in which floating times are meant.
    pub(super) async fn zone(&self, calendar: &str) -> Result<Zone> {
        let mut manner = self.manner(calendar);
        if manner.zone.is_none() {
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
            manner.zone = entry.time_zone;
            self.learn(calendar, manner.clone());
        }
        Ok(manner.zone.as_deref().and_then(engine::zone::resolve).unwrap_or(Zone::Utc))
    }

    /// Whether the calendar answers, and may be written to.
    pub(super) async fn access(&self, calendar: &str) -> Result<Answering> {
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

    /// What a missing event means.
    pub(super) async fn gone(&self, calendar: &str) -> Result<Error> {
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
