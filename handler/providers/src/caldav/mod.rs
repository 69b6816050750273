//! Any CalDAV server (RFC 4791), Apple's included.
//!
//! # Properties
//! * The password goes only where `address.rs` says; every address is checked by `http` before it
//!   is connected to.
//! * A calendar that cannot be read is an error, never an empty one; an answer that was cut off is
//!   never taken for a whole one.
//! * A write is conditional on the version that its caller has seen (`If-Match`, `If-None-Match`);
//!   nothing is overwritten unseen.
//! * No request can mail a guest: copies carry neither organizer nor attendee, and what has guests
//!   is neither edited nor deleted.
//! * An event is identified by its name within its calendar, however the calendar is reached; a
//!   name that the server gives it is learned.
//!
//! `dav` sends, `multistatus` reads, `discovery` finds the homes, `name` names events, `calendars`,
//! `survey`, `fetch`, `search` and `write` are the provider's verbs.

mod address;
mod attachments;
mod bodies;
mod calendars;
mod dav;
mod discovery;
mod endpoint;
mod fetch;
pub mod icloud;
mod kept;
mod multistatus;
mod name;
mod search;
#[cfg(test)]
mod stub;
mod survey;
mod version;
mod write;

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use engine::calendar::RemoteCalendar;
use engine::change::{Cursor, StateTag};
use engine::event::EventId;
use engine::fidelity::Fidelity;
use engine::provider::ProviderKind;
use secrecy::SecretString;
use url::Url;

use crate::http::{Credentials, Http, LONG_WAIT, RateLimits};
use crate::{
    Answering, ChangeSet, CollectionState, Edit, Error, Fetched, NewCopy, Provider, Result, Since,
    Version, Written,
};
use address::{Origin, TrustedHosts};
use dav::Dav;
use engine::change::Absence;
use ical::ObjectStyle;
use icloud::PartitionRoute;

pub use discovery::discover;
pub use endpoint::{Endpoint, Home};
pub use name::name_in_collection;

/// Events in one multiget.
const BATCH: usize = 50;

/// What a server bears that we know nothing about.
const LIMITS: RateLimits = RateLimits {
    parallel: 8,
    spacing: Duration::ZERO,
    doubling: false,
    patience: LONG_WAIT,
    persistent: true,
};

/// An account on a CalDAV server.
pub struct CalDav {
    kind: ProviderKind,
    dav: Dav,
    homes: Vec<HomePlace>,
    /// Digests of the user's own addresses.
    me: HashSet<String>,
    known: Mutex<HashMap<String, LearnedCalendar>>,
    /// A GET was seen to have another ETag than listings.
    tags_differ: AtomicBool,
    /// Held while a written event is read again, to see whether the server kept it.
    verifies: tokio::sync::Mutex<()>,
}

/// A home, ready for use.
struct HomePlace {
    url: Url,
    key: String,
    is_calendar: bool,
}

/// What was learnt about a calendar on the way; all of it can be learnt again.
#[derive(Clone, Default)]
struct LearnedCalendar {
    /// The server's own spelling of its path.
    path: Option<String>,
    /// Its zone, once it was asked for.
    zone: Option<Option<String>>,
    /// What it keeps as it is written.
    fidelity: Fidelity,
}

impl CalDav {
    /// An account whose endpoint [`discover`] has found. No request is made.
    ///
    /// # Errors
    /// [`Error::Credentials`] for a password of the wrong form, [`Error::Address`] for an endpoint
    /// that cannot be used.
    pub fn new(
        http: &Arc<Http>,
        kind: ProviderKind,
        endpoint: &Endpoint,
        user: &str,
        password: &SecretString,
    ) -> Result<Self> {
        let user = user.trim();
        let base = address::parse(&endpoint.base)?;
        http.access().check(&base)?;
        let mut homes = Vec::new();
        for home in &endpoint.homes {
            let url = address::parse(&home.url)?;
            homes.push(HomePlace {
                key: address::collection_key(url.path()),
                url,
                is_calendar: home.is_calendar,
            });
        }
        let first = homes.first().ok_or_else(|| {
            Error::Address("this account has no calendar home; connect it again".into())
        })?;
        let (scope, route, password) = match kind {
            ProviderKind::Caldav => {
                let named = std::iter::once(&base).chain(homes.iter().map(|home| &home.url));
                (TrustedHosts::Sites(named.map(Origin::of).collect()), None, password.clone())
            }
            ProviderKind::Icloud => {
                let partition = Some(address::at(&first.url, "/"))
                    .filter(|partition| partition.origin() != base.origin());
                (
                    icloud::scope(&base),
                    Some(PartitionRoute::new(address::at(&base, "/"), partition)),
                    icloud::app_password(password)?,
                )
            }
            ProviderKind::Google => return Err(Error::Address(NOT_GOOGLE.into())),
        };
        let dav = Dav {
            http: http.clone(),
            pace: http.pace(&account_key(kind, &base, user), limits(kind)),
            credentials: Credentials::basic(user, &password)?,
            scope,
            route,
        };
        Ok(Self {
            kind,
            dav,
            homes,
            me: endpoint.me.iter().cloned().collect(),
            known: Mutex::default(),
            tags_differ: AtomicBool::new(false),
            verifies: tokio::sync::Mutex::default(),
        })
    }

    /// The calendar's URL, on the server of the home that holds it: in the server's spelling where
    /// we have seen it, and of the home's part always.
    fn url(&self, calendar: &str) -> Result<Url> {
        let key = with_slash(calendar);
        let home = self.home(&key).or(self.homes.first()).ok_or(Error::CalendarMissing)?;
        if home.key == key {
            return Ok(address::at(&home.url, home.url.path()));
        }
        let known = self.known().get(&key).and_then(|known| known.path.clone());
        let path = known.unwrap_or_else(|| match key.strip_prefix(&home.key) {
            Some(rest) => with_slash(home.url.path()) + &address::spelling(rest),
            None => address::spelling(&key),
        });
        Ok(address::at(&home.url, &path))
    }

    /// The home that holds a calendar: the innermost, should they be nested.
    fn home(&self, key: &str) -> Option<&HomePlace> {
        self.homes
            .iter()
            .filter(|home| key.starts_with(&home.key))
            .max_by_key(|home| home.key.len())
    }

    /// The URL of an event.
    ///
    /// # Errors
    /// [`Error::Gone`] for an id that no event can have.
    fn event_url(&self, calendar: &str, id: &EventId) -> Result<Url> {
        let url = self.url(calendar)?;
        let path = name::request_path(url.path(), id).ok_or(Error::Gone)?;
        Ok(address::at(&url, &path))
    }

    fn is_me(&self, address: &str) -> bool {
        self.me.contains(&endpoint::digest(address))
    }

    fn manners(&self) -> ObjectStyle {
        match self.kind {
            ProviderKind::Caldav | ProviderKind::Google => ObjectStyle::default(),
            ProviderKind::Icloud => icloud::MANNERS,
        }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, LearnedCalendar>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, key: &str, learn: impl FnOnce(&mut LearnedCalendar)) {
        learn(self.known().entry(key.to_owned()).or_default());
    }
}

impl std::fmt::Debug for CalDav {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CalDav").field("kind", &self.kind).finish_non_exhaustive()
    }
}

#[async_trait]
impl Provider for CalDav {
    async fn calendars(&self) -> Result<Vec<RemoteCalendar>> {
        self.list_calendars().await
    }

    async fn collection_states(&self, calendars: &[String]) -> Result<Vec<CollectionState>> {
        self.look(calendars).await
    }

    async fn list_changes(
        &self,
        calendar: &str,
        since: Since<'_>,
        tip: Option<&StateTag>,
    ) -> Result<ChangeSet> {
        match since {
            Since::Cursor(cursor) => self.changes(calendar, cursor, tip).await,
            Since::Window(window) => self.listing(calendar, Some(window), tip).await,
            Since::Everything => self.listing(calendar, None, tip).await,
        }
    }

    fn is_current(&self, cursor: &Cursor, tip: &StateTag) -> bool {
        survey::is_current(cursor, tip)
    }

    async fn ask(&self, calendar: &str) -> Result<Answering> {
        self.access(calendar).await
    }

    async fn fetch(&self, calendar: &str, ids: &[EventId]) -> Result<Vec<Fetched>> {
        self.read(calendar, ids).await
    }

    fn batch(&self) -> usize {
        BATCH
    }

    fn parallel_writes(&self) -> usize {
        match self.kind {
            ProviderKind::Caldav | ProviderKind::Google => LIMITS.parallel,
            ProviderKind::Icloud => icloud::PARALLEL_WRITES,
        }
    }

    async fn absence(&self, calendar: &str, id: &EventId) -> Result<Option<Absence>> {
        self.is_gone(calendar, id).await
    }

    fn id_of_copy(&self, _calendar: &str, uid: &str) -> Option<EventId> {
        Some(EventId::new(format!("{uid}.ics")))
    }

    async fn find_uid(&self, calendar: &str, uid: &str) -> Result<Option<EventId>> {
        Ok(self.search(calendar, uid).await?.map(|event| event.id))
    }

    async fn create(&self, calendar: &str, copy: &NewCopy<'_>) -> Result<Written> {
        self.make(calendar, copy).await
    }

    async fn rewrite(
        &self,
        calendar: &str,
        id: &EventId,
        version: &Version,
        copy: &NewCopy<'_>,
    ) -> Result<Written> {
        self.write_anew(calendar, id, version, copy).await
    }

    async fn edit(
        &self,
        calendar: &str,
        id: &EventId,
        version: &Version,
        edit: &Edit<'_>,
    ) -> Result<Written> {
        self.change(calendar, id, version, edit).await
    }

    async fn delete(&self, calendar: &str, id: &EventId, etag: Option<&str>) -> Result<()> {
        self.remove(calendar, id, etag).await
    }

    fn fidelity(&self, calendar: &str) -> Option<Fidelity> {
        Some(
            self.known()
                .get(&with_slash(calendar))
                .map(|known| known.fidelity.clone())
                .unwrap_or_default(),
        )
    }

    fn recall(&self, calendar: &str, fidelity: &Fidelity) {
        self.learn(&with_slash(calendar), |known| known.fidelity.add(fidelity));
    }
}

/// Google has an API of its own, and its CalDAV takes no passwords.
const NOT_GOOGLE: &str =
    "a Google account is not reached over CalDAV; connect it with `calrelay account add google`";

fn with_slash(calendar: &str) -> String {
    let closing = if calendar.ends_with('/') { "" } else { "/" };
    format!("{calendar}{closing}")
}

fn limits(kind: ProviderKind) -> RateLimits {
    match kind {
        ProviderKind::Caldav | ProviderKind::Google => LIMITS,
        ProviderKind::Icloud => icloud::LIMITS,
    }
}

/// What makes two connections the same account to its server.
fn account_key(kind: ProviderKind, base: &Url, user: &str) -> String {
    format!("{kind} {} {user}", base.origin().ascii_serialization())
}
