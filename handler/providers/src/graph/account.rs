//! An account: its connection, and what its answers have shown; all of it can be learned again.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::event::EventId;
use engine::pair::Window;
use jiff::{Timestamp, ToSpan};
use url::Url;

use super::address::Addresses;
use super::api::{Api, ApiCall, ApiReply};
use super::convert::EventContext;
use super::wire;
use crate::http::Http;
use crate::oauth::AccessTokens;
use crate::{Answering, Error, Result};

/// The most calendars, series and copies that are remembered; more than any account has.
const MAX_REMEMBERED: usize = 10_000;
/// The most occurrences of which the series is remembered.
const MAX_OCCURRENCES: usize = 50_000;
/// The most names of zones that a mailbox is remembered to refuse; more than there are.
const MAX_ZONES: usize = 1_000;

/// How far a window reaches where no listing has said one: in days, back and ahead.
const ASSUMED: (i64, i64) = (400, 800);

/// A Microsoft account.
pub struct GraphCalendar {
    pub(super) api: Api,
    learned: Mutex<Learned>,
}

/// What answers have shown.
#[derive(Default)]
struct Learned {
    /// The address of the owner of the mailbox, in small letters. What the owner signed in with may
    /// be another one, so the default calendar says it.
    owner: Option<String>,
    calendars: HashMap<String, CalendarFacts>,
    /// Names of zones that the mailbox has refused.
    refused_zones: BTreeSet<String>,
    /// Series that this program did not write. A mark is set when a series is created and never
    /// later, so a series without one stays so.
    foreign: HashSet<String>,
    /// The series of occurrences, by the hashes of their ids: a deleted series may be named by the
    /// ids of its occurrences alone, which do not say whose they are.
    occurrences: HashMap<u64, Arc<str>>,
    hasher: RandomState,
    /// Events that were found under the transaction id of a copy.
    copies: HashMap<String, EventId>,
}

/// What is known of a calendar.
#[derive(Clone, Copy, Default)]
struct CalendarFacts {
    /// The window that was listed last.
    window: Option<Window>,
    /// Its private events show no details.
    outsider: bool,
}

impl GraphCalendar {
    /// An account. No request is made. `root` is [`GRAPH`](super::GRAPH) except in tests. `mailbox`
    /// names the mailbox: all clients with this name share its rate limit. `owner` is the address
    /// that the owner signed in with.
    ///
    /// # Errors
    /// [`crate::Error::Address`] for a root that may not be reached.
    pub fn new(
        http: &Arc<Http>,
        root: &Url,
        mailbox: &str,
        owner: &str,
        tokens: Arc<dyn AccessTokens>,
    ) -> Result<Self> {
        http.access().check(root)?;
        let owner = Some(owner.to_lowercase()).filter(|owner| !owner.is_empty());
        Ok(Self {
            api: Api::new(http.clone(), Addresses::new(root.clone()), mailbox, tokens),
            learned: Mutex::new(Learned { owner, ..Learned::default() }),
        })
    }

    fn learned(&self) -> MutexGuard<'_, Learned> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address of the mailbox's owner.
    pub(super) fn owner(&self) -> Option<String> {
        self.learned().owner.clone()
    }

    pub(super) fn learn_owner(&self, address: &str) {
        if !address.is_empty() {
            self.learned().owner = Some(address.to_lowercase());
        }
    }

    fn change_calendar(&self, calendar: &str, change: impl FnOnce(&mut CalendarFacts)) {
        let mut learned = self.learned();
        if learned.calendars.len() < MAX_REMEMBERED || learned.calendars.contains_key(calendar) {
            change(learned.calendars.entry(calendar.to_owned()).or_default());
        }
    }

    pub(super) fn learn_calendar(&self, calendar: &wire::WireCalendar) {
        let outsider = calendar.can_view_private_items == Some(false);
        self.change_calendar(&calendar.id, |facts| facts.outsider = outsider);
    }

    pub(super) fn learn_window(&self, calendar: &str, window: Window) {
        self.change_calendar(calendar, |facts| facts.window = Some(window));
    }

    /// Whether private events of a calendar show no details.
    pub(super) fn is_outsider(&self, calendar: &str) -> bool {
        self.learned().calendars.get(calendar).is_some_and(|facts| facts.outsider)
    }

    /// The window that was listed last, or one around this time.
    pub(super) fn window(&self, calendar: &str, now: Timestamp) -> Window {
        let known = self.learned().calendars.get(calendar).and_then(|facts| facts.window);
        known.unwrap_or_else(|| {
            let today = jiff::tz::TimeZone::UTC.to_datetime(now).date();
            let (back, ahead) = ASSUMED;
            Window {
                start: today.saturating_sub(back.days()),
                end: today.saturating_add(ahead.days()),
            }
        })
    }

    /// Names of zones that the mailbox has refused.
    pub(super) fn refused_zones(&self) -> BTreeSet<String> {
        self.learned().refused_zones.clone()
    }

    /// Remembers a refused name.
    pub(super) fn refuse_zone(&self, name: &str) {
        let mut learned = self.learned();
        if learned.refused_zones.len() < MAX_ZONES {
            learned.refused_zones.insert(name.to_owned());
        }
    }

    pub(super) fn is_foreign(&self, series: &str) -> bool {
        self.learned().foreign.contains(series)
    }

    /// Remembers that this program did not write a series.
    pub(super) fn learn_foreign(&self, series: &str) {
        let mut learned = self.learned();
        if learned.foreign.len() < MAX_REMEMBERED {
            learned.foreign.insert(series.to_owned());
        }
    }

    /// Remembers to which series occurrences belong.
    pub(super) fn learn_occurrences<'a>(&self, series: &str, ids: impl Iterator<Item = &'a str>) {
        let (mut learned, series) = (self.learned(), Arc::<str>::from(series));
        for id in ids.filter(|id| **id != *series) {
            let key = learned.hasher.hash_one(id);
            if learned.occurrences.len() < MAX_OCCURRENCES {
                learned.occurrences.insert(key, series.clone());
            }
        }
    }

    /// The series of an occurrence, if it was seen before.
    pub(super) fn series_of(&self, occurrence: &str) -> Option<String> {
        let learned = self.learned();
        let key = learned.hasher.hash_one(occurrence);
        learned.occurrences.get(&key).map(|series| series.to_string())
    }

    pub(super) fn learn_copy(&self, transaction: &str, id: EventId) {
        let mut learned = self.learned();
        if learned.copies.len() < MAX_REMEMBERED {
            learned.copies.insert(transaction.to_owned(), id);
        }
    }

    pub(super) fn known_copy(&self, transaction: &str) -> Option<EventId> {
        self.learned().copies.get(transaction).cloned()
    }

    /// What is needed to understand the events of a calendar. `owner` is
    /// [`GraphCalendar::owner`].
    pub(super) fn context<'a>(
        &self,
        calendar: &str,
        owner: &'a Option<String>,
    ) -> EventContext<'a> {
        EventContext {
            me: owner.as_deref(),
            outsider: self.is_outsider(calendar),
            ..EventContext::default()
        }
    }

    /// The time by Microsoft's clock, after a request where none was made yet.
    pub(super) async fn now(&self) -> Result<Timestamp> {
        if let Some(now) = self.api.server_time() {
            return Ok(now);
        }
        self.api.call(&ApiCall::get(self.api.addresses.calendars()?)).await?.given()?;
        self.api
            .server_time()
            .ok_or_else(|| Error::BadAnswer("Microsoft's answer has no date".into()))
    }

    /// Requests the calendar alone, and reads whether it may be written to.
    pub(super) async fn read_access(&self, calendar: &str) -> Result<Answering> {
        match self.api.call(&ApiCall::get(self.api.addresses.calendar(calendar)?)).await? {
            ApiReply::Given(given) => {
                let entry: wire::WireCalendar = given.json()?;
                self.learn_calendar(&entry);
                Ok(Answering { writable: self.is_writable(&entry) })
            }
            ApiReply::Refused(refusal) if refusal.is_gone() => {
                Err(self.missing_calendar(calendar).await?)
            }
            ApiReply::Refused(refusal) => Err(refusal.error()),
        }
    }

    /// The error for a missing event: the event or its calendar is gone.
    pub(super) async fn missing_error(&self, calendar: &str) -> Result<Error> {
        match self.read_access(calendar).await {
            Ok(_) => Ok(Error::Gone),
            Err(error @ Error::CalendarMissing) => Ok(error),
            Err(error) => Err(error),
        }
    }

    /// The error for a calendar that answers 404. Ids of calendars have been seen to change, so the
    /// list is what counts.
    ///
    /// A calendar that is listed under another id is missing under this one all the same:
    /// [`crate::Provider::calendars`] shows it. The caller, which knows what the calendar was
    /// called, recognises it by its owner and name, or as the default calendar, and gives the
    /// account's calendar its new address; its events keep their ids.
    async fn missing_calendar(&self, calendar: &str) -> Result<Error> {
        let listed = self.list_calendars().await?;
        Ok(if listed.iter().any(|listed| listed.address == calendar) {
            Error::Unreachable("Microsoft lists this calendar, and does not find it".into())
        } else {
            Error::CalendarMissing
        })
    }
}

impl std::fmt::Debug for GraphCalendar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GraphCalendar").finish_non_exhaustive()
    }
}
