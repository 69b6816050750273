//! An account on a CalDAV server: its homes, its URLs, and what was learned about its calendars.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::event::EventId;
use engine::fidelity::Fidelity;
use secrecy::SecretString;
use url::Url;

use super::address::{self, with_slash};
use super::dav::Dav;
use super::endpoint::{self, Endpoint};
use super::flavour::Flavour;
use super::icloud::{self, PartitionRoute};
use super::name;
use super::trusted_hosts::{Origin, TrustedHosts};
use crate::http::{Credentials, Http};
use crate::{Error, Result};

/// An account on a CalDAV server.
pub struct CalDav {
    pub(super) flavour: Flavour,
    pub(super) dav: Dav,
    pub(super) homes: Vec<HomePlace>,
    /// Digests of the user's own addresses.
    pub(super) me: HashSet<String>,
    pub(super) known: Mutex<HashMap<String, LearnedCalendar>>,
    /// A GET has shown another ETag than the listings.
    pub(super) tags_differ: AtomicBool,
    /// Held while a written event is read again to check what the server has stored.
    pub(super) verifies: tokio::sync::Mutex<()>,
}

/// A home, ready for use.
pub(super) struct HomePlace {
    pub(super) url: Url,
    pub(super) key: String,
    pub(super) is_calendar: bool,
}

/// What requests have shown about a calendar; all of it can be learned again.
#[derive(Clone, Default)]
pub(super) struct LearnedCalendar {
    /// The server's own spelling of its path.
    pub(super) path: Option<String>,
    /// Its zone, once it was requested.
    pub(super) zone: Option<Option<String>>,
    /// What the server stores as it is sent.
    pub(super) fidelity: Fidelity,
}

impl CalDav {
    /// An account whose endpoint [`discover`](super::discover) has found. No request is made.
    ///
    /// # Errors
    /// [`Error::Credentials`] for a password of the wrong form, [`Error::Address`] for an endpoint
    /// that cannot be used.
    pub fn new(
        http: &Arc<Http>,
        flavour: Flavour,
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
        let (scope, route, password) = match flavour {
            Flavour::Generic => {
                let named = std::iter::once(&base).chain(homes.iter().map(|home| &home.url));
                (TrustedHosts::Sites(named.map(Origin::of).collect()), None, password.clone())
            }
            Flavour::ICloud => {
                let partition = Some(address::at(&first.url, "/"))
                    .filter(|partition| partition.origin() != base.origin());
                (
                    TrustedHosts::icloud(&base),
                    Some(PartitionRoute::new(address::at(&base, "/"), partition)),
                    icloud::app_password(password)?,
                )
            }
        };
        let dav = Dav {
            http: http.clone(),
            limit: http.rate_limit(&account_key(flavour, &base, user), flavour.limits()),
            credentials: Credentials::basic(user, &password)?,
            scope,
            route,
        };
        Ok(Self {
            flavour,
            dav,
            homes,
            me: endpoint.me.iter().cloned().collect(),
            known: Mutex::default(),
            tags_differ: AtomicBool::new(false),
            verifies: tokio::sync::Mutex::default(),
        })
    }

    /// The calendar's URL, on the server of the home that holds it: in the server's spelling where
    /// a listing has shown it, and in that of the home always.
    pub(super) fn url(&self, calendar: &str) -> Result<Url> {
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
    pub(super) fn home(&self, key: &str) -> Option<&HomePlace> {
        self.homes
            .iter()
            .filter(|home| key.starts_with(&home.key))
            .max_by_key(|home| home.key.len())
    }

    /// The URL of an event.
    ///
    /// # Errors
    /// [`Error::Gone`] for an id that no event can have.
    pub(super) fn event_url(&self, calendar: &str, id: &EventId) -> Result<Url> {
        let url = self.url(calendar)?;
        let path = name::request_path(url.path(), id).ok_or(Error::Gone)?;
        Ok(address::at(&url, &path))
    }

    pub(super) fn is_me(&self, address: &str) -> bool {
        self.me.contains(&endpoint::digest(address))
    }

    pub(super) fn known(&self) -> MutexGuard<'_, HashMap<String, LearnedCalendar>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn learn(&self, key: &str, learn: impl FnOnce(&mut LearnedCalendar)) {
        learn(self.known().entry(key.to_owned()).or_default());
    }
}

impl std::fmt::Debug for CalDav {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CalDav").field("flavour", &self.flavour).finish_non_exhaustive()
    }
}

/// The key of the rate limit that all connections of one account share.
pub(super) fn account_key(flavour: Flavour, base: &Url, user: &str) -> String {
    format!("{} {} {user}", flavour.name(), base.origin().ascii_serialization())
}
