//! Google Calendar in memory, strict: a request that Google's own description of its API does not
//! allow is refused and recorded as a violation.
//!
//! `state.rs` is the accounts of record and `collection.rs` one calendar with verbs; `account.rs`
//! and `calendar.rs` are a person's hand on them; `http.rs` and the files beside it are the skin
//! that speaks OAuth and the Calendar API; `push.rs` delivers notifications; `manners.rs` is what a
//! test may choose.
//!
//! Properties:
//! - Every request and every response is checked against Google's discovery document. Deviations are
//!   in [`Server::violations`], which must stay empty and quotes no content of events.
//! - A write is applied whole or not at all, at one moment, in the order of its ETags.
//! - Everything that a test does through [`Account`] and [`Calendar`] bypasses HTTP: it is
//!   neither counted nor hit by a fault, and costs no quota. Notifications are sent as for any change.
//! - No attendee is mailed; what Google would have sent is counted in [`Server::mails`] and
//!   [`Server::propagated`]. Both must stay 0.
//! - All times come from one [`Clock`] that the test may move.
//!
//! Google's own reference says what Google does; where the reference is silent, the choice is noted
//! beside the code.

mod account;
mod api;
mod asking;
mod batch;
mod calendar;
mod calendar_list;
mod call;
mod channels;
mod clock;
mod collection;
mod discovery;
mod event;
mod faults;
mod fields;
mod grants;
mod guests;
mod http;
mod ical;
mod listing;
mod manners;
mod oauth;
mod paths;
mod push;
mod quota;
mod registration;
mod reply;
mod saved;
mod series;
mod shared;
mod state;
mod times;
mod view;
mod write;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use url::Url;

use crate::faults::Faults;
use crate::traffic::{Counts, Meter};
use crate::wire::Listener;
use discovery::Discovery;
use shared::Shared;
use state::Records;

pub use account::{Account, Consent};
pub use calendar::Calendar;
pub use clock::Clock;
pub use collection::Sort;
pub use manners::Manners;
pub use push::{Push, Pushes, Way};
pub use quota::Quotas;
pub use registration::{CALENDAR_LIST_READONLY, CLIENT_ID, CLIENT_SECRET, EVENTS, SCOPES};
pub use saved::Saved;
pub use state::Role;

/// Google, running. Dropping it ends it.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    front: Listener,
}

impl Server {
    /// Starts Google on a free port of the loopback. The first in a machine fetches the discovery
    /// document (`tests/setup/discovery.sh`).
    ///
    /// # Errors
    /// Where no port can be had, or the document cannot be.
    pub async fn start() -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            records: Mutex::default(),
            manners: Mutex::default(),
            redirects: Mutex::default(),
            faults: Faults::default(),
            meter: Meter::default(),
            clock: Clock::default(),
            pushes: Pushes::new(tokio::runtime::Handle::current()),
            discovery: Discovery::get().await?,
            base: OnceLock::new(),
        });
        let answering = Arc::clone(&shared);
        let front = Listener::start(move |request| {
            let shared = Arc::clone(&answering);
            async move { http::answer(&shared, request).await }
        })
        .await?;
        shared.base.get_or_init(|| front.url().as_str().trim_end_matches('/').to_owned());
        Ok(Self { shared, front })
    }

    /// Scheme, host and port.
    pub fn url(&self) -> Url {
        self.front.url()
    }

    /// The settings under which the product finds this server instead of Google, its client's id
    /// and secret among them.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let base = self.shared.base();
        vec![
            ("GOOGLE_CLIENT_ID", CLIENT_ID.to_owned()),
            ("GOOGLE_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
            ("GOOGLE_AUTH_URL", format!("{base}{}", paths::AUTHORIZE)),
            ("GOOGLE_TOKEN_URL", format!("{base}{}", paths::TOKEN)),
            ("GOOGLE_REVOKE_URL", format!("{base}{}", paths::REVOKE)),
            ("GOOGLE_API_URL", base),
        ]
    }

    /// A person's account, made with its primary calendar where there is none of this address.
    pub fn account(&self, address: &str) -> Account {
        let now = self.shared.clock.now();
        self.shared.write(|records| records.account(address, now));
        Account { shared: Arc::clone(&self.shared), address: address.to_owned() }
    }

    /// Registers an address to which the page of consent may lead back. Addresses on the loopback
    /// need no registration, as those of installed apps.
    pub fn register_redirect(&self, address: &str) {
        self.shared
            .redirects
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(address.to_owned());
    }

    /// The clock.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// Notifications, and what goes wrong with them.
    pub fn pushes(&self) -> &Pushes {
        &self.shared.pushes
    }

    /// Changes manners while the server runs.
    pub fn manners(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut self.shared.manners.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// What goes wrong.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// What was asked since the last reset.
    pub fn counts(&self) -> Counts {
        self.shared.meter.counts()
    }

    /// Counts from zero.
    pub fn reset_counts(&self) {
        self.shared.meter.reset();
    }

    /// How often an access token was asked for with a refresh token.
    pub fn refreshes(&self) -> u64 {
        self.shared.write(|records| records.grants.refreshes)
    }

    /// How many calls were refused because of a quota.
    pub fn refused_by_quota(&self) -> u64 {
        self.shared.write(|records| records.usage.refused)
    }

    /// The most units that one account has used in any minute: a call is one, a PATCH three.
    pub fn busiest_minute(&self) -> u32 {
        self.shared.write(|records| records.usage.busiest)
    }

    /// The most writes to one calendar in any ten seconds.
    pub fn fastest_ten_seconds(&self) -> u32 {
        self.shared.write(|records| records.usage.fastest)
    }

    /// The ids of the channels that live, each with its calendar's.
    pub fn channels(&self) -> Vec<(String, String)> {
        let now = self.shared.clock.now();
        let living = |records: &mut Records| {
            records
                .channels
                .values()
                .filter(|channel| now < channel.expires)
                .map(|c| (c.id.clone(), c.calendar.clone()))
                .collect()
        };
        self.shared.write(living)
    }

    /// How many mails to guests there would have been. Must be 0.
    pub fn mails(&self) -> u64 {
        self.shared.write(|records| records.mails)
    }

    /// How many times a guest's calendar was changed. Must be 0.
    pub fn propagated(&self) -> u64 {
        self.shared.write(|records| records.propagated)
    }

    /// Requests that Google's API does not have, or that no client should make. Must be empty.
    /// Quotes no content.
    pub fn violations(&self) -> Vec<String> {
        self.shared.write(|records| records.violations.clone())
    }
}

#[cfg(test)]
mod tests;
