//! Entra and Microsoft Graph's calendars in memory, strict: a request that Microsoft's own
//! description does not allow is refused and recorded as a violation.
//!
//! `state.rs` and `item.rs` are the record, `store.rs` and `apply.rs` its changes; `account.rs` and
//! `calendar.rs` are a person's hand on it; `http.rs` and the files beside it are the skin that
//! speaks OAuth and Graph; `push.rs` delivers notifications; `manners.rs` is what a test may
//! choose, one switch for each thing that is not known about the service (the README names them).
//!
//! Properties:
//! - Every request and every response is checked against `graph-schema.json`. Deviations are in
//!   [`Graph::violations`], which must stay empty and quotes no content of events.
//! - A write is applied whole or not at all, at one moment.
//! - Everything that a test does through [`Account`] and [`Calendar`] bypasses HTTP: it is neither
//!   counted nor hit by a fault, and is not throttled. Notifications are sent as for any change.
//! - No attendee is mailed; what Graph would have sent is counted in [`Graph::mails`], which must
//!   stay 0.
//! - All times come from one [`Clock`] that the test may move.

mod account;
mod admin;
mod api;
mod apply;
mod asking;
mod calendar;
mod call;
mod change;
mod delta;
mod entra;
mod faults;
mod grants;
mod http;
mod ids;
mod item;
mod keys;
mod listing;
mod lock;
mod manners;
mod mistakes;
mod notices;
mod oauth;
mod pages;
mod paths;
mod prefer;
mod push;
mod query;
mod recurrence;
mod registration;
mod render;
mod reply;
mod round;
mod saved;
mod schema;
mod shared;
mod sign_in;
mod state;
mod store;
mod subscription;
mod subscriptions;
mod text;
mod token;
mod write;
mod zones;

use std::sync::{Arc, Mutex, OnceLock};

use url::Url;

use crate::faults::Faults;
use crate::traffic::{Counts, Kind, Meter};
use crate::wire::Listener;
use keys::Keys;
use lock::held;
use shared::{Flights, Hooks, Shared};

pub use crate::google::Clock;
pub use account::{Account, Consent, Tenant};
pub use calendar::Calendar;
pub use entra::numbers;
pub use manners::{IdToken, LostState, Manners, Repeated, ScopeForm, ZoneNames};
pub use push::{Push, Pushes, Way};
pub use registration::{
    CALENDARS, CLIENT_ID, CLIENT_SECRET, EXCHANGE_TENANT, PERSONAL_TENANT, SCOPES,
};
pub use saved::Saved;
pub use schema::SCHEMA;
pub use state::{Mailbox, Policy};
pub use subscription::Lifecycle;

/// The domain of the tenant whose people consent for themselves.
const USUAL: &str = "example.org";

/// Entra and Graph, running. Dropping it ends them.
#[derive(Debug)]
pub struct Graph {
    shared: Arc<Shared>,
    front: Listener,
}

impl Graph {
    /// Starts Entra and Graph on one free port of the loopback.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn start() -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            records: Mutex::default(),
            manners: Mutex::default(),
            redirects: Mutex::default(),
            faults: Faults::default(),
            meter: Meter::default(),
            clock: Clock::default(),
            pushes: Pushes::new(tokio::runtime::Handle::current()),
            keys: Keys::default(),
            base: OnceLock::new(),
            secret: Mutex::default(),
            flights: Flights::default(),
            hooks: Hooks::default(),
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

    /// What replaces `https://login.microsoftonline.com`.
    pub fn login_url(&self) -> String {
        self.shared.base()
    }

    /// What replaces `https://graph.microsoft.com/v1.0`.
    pub fn graph_url(&self) -> String {
        format!("{}{}", self.shared.base(), paths::BASE)
    }

    /// The settings under which the product finds this server instead of Microsoft's, its client's
    /// id and secret among them.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        vec![
            ("MICROSOFT_CLIENT_ID", CLIENT_ID.to_owned()),
            ("MICROSOFT_CLIENT_SECRET", CLIENT_SECRET.to_owned()),
            ("MICROSOFT_LOGIN_URL", self.login_url()),
            ("GRAPH_URL", self.graph_url()),
        ]
    }

    /// A tenant of this domain, made where there is none. Its users consent for themselves.
    pub fn tenant(&self, domain: &str) -> Tenant {
        let id = self.shared.write(|records| records.tenant(domain));
        Tenant { shared: Arc::clone(&self.shared), id }
    }

    /// A work account in a tenant whose users consent for themselves, made with its mailbox and its
    /// calendar where there is none of this address.
    pub fn account(&self, address: &str) -> Account {
        self.tenant(USUAL).account(address)
    }

    /// A personal account, made with its mailbox where there is none.
    pub fn personal(&self, address: &str) -> Account {
        let shared = Arc::clone(&self.shared);
        Tenant { shared, id: PERSONAL_TENANT.to_owned() }.account(address)
    }

    /// Registers an address to which the page of consent may lead back. Addresses on the loopback
    /// need no registration.
    pub fn register_redirect(&self, address: &str) {
        held(&self.shared.redirects).push(address.to_owned());
    }

    /// The client's secret is another one from now on.
    pub fn change_secret(&self, secret: &str) {
        secret.clone_into(&mut held(&self.shared.secret).text);
    }

    /// The client's secret is over (7000222), or good again.
    pub fn expire_secret(&self, over: bool) {
        held(&self.shared.secret).over = over;
    }

    /// Another key signs id_tokens. The one before stays published, unless it is dropped.
    pub fn rotate_keys(&self, drops_old: bool) {
        self.shared.keys.rotate(drops_old);
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
        change(&mut held(&self.shared.manners));
    }

    /// What goes wrong.
    pub fn faults(&self) -> &Faults {
        &self.shared.faults
    }

    /// Something happens right before the next request of a kind is worked on, as when another
    /// client writes between a read and the PATCH that follows it.
    pub fn before(&self, kind: Kind, hook: impl FnOnce() + Send + 'static) {
        self.shared.hooks.add(kind, Box::new(hook));
    }

    /// Whether one of these still waits for its request.
    pub fn waits(&self) -> bool {
        self.shared.hooks.waiting()
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

    /// How many requests were throttled.
    pub fn throttled(&self) -> u64 {
        self.shared.write(|records| records.throttled)
    }

    /// The most requests to one mailbox at once.
    pub fn busiest(&self) -> usize {
        self.shared.flights.peak()
    }

    /// Requests without `Prefer: IdType="ImmutableId"`. Must be 0.
    pub fn without_id_type(&self) -> u64 {
        self.shared.write(|records| records.without_id_type)
    }

    /// PATCH and DELETE of events without `If-Match`.
    pub fn unconditional(&self) -> u64 {
        self.shared.write(|records| records.unconditional)
    }

    /// Changed and deleted occurrences that were restored by a write to their series.
    pub fn restored(&self) -> u64 {
        self.shared.write(|records| records.restored)
    }

    /// How many mails to guests there would have been. Must be 0.
    pub fn mails(&self) -> u64 {
        self.shared.write(|records| records.mails)
    }

    /// The subscriptions that live: id and resource.
    pub fn subscriptions(&self) -> Vec<(String, String)> {
        let now = self.shared.clock.now();
        self.shared.write(|records| {
            let living = records.subscriptions.values().filter(|there| now < there.expires);
            living.map(|there| (there.id.clone(), there.resource.clone())).collect()
        })
    }

    /// The ids of an account's subscriptions that live.
    pub fn subscriptions_of(&self, account: &Account) -> Vec<String> {
        let now = self.shared.clock.now();
        self.shared.write(|records| {
            let own = |there: &&subscription::Subscription| {
                there.person == account.place && now < there.expires
            };
            records.subscriptions.values().filter(own).map(|there| there.id.clone()).collect()
        })
    }

    /// When a subscription ends.
    pub fn subscription_expires(&self, id: &str) -> Option<jiff::Timestamp> {
        self.shared.write(|records| records.subscriptions.get(id).map(|there| there.expires))
    }

    /// Something happens to a subscription, and is sent to its lifecycle URL. Says whether it was
    /// there.
    pub fn lifecycle(&self, id: &str, event: Lifecycle) -> bool {
        account::lifecycle(&self.shared, id, event)
    }

    /// A subscription is away without a word.
    pub fn lose_subscription(&self, id: &str) -> bool {
        self.shared.write(|records| records.subscriptions.remove(id).is_some())
    }

    /// Pages of delta that were not read yet are forgotten: 410 in the middle of a round.
    pub fn forget_pages(&self) {
        self.shared.write(|records| records.rounds.clear());
    }

    /// Requests that Graph or Entra does not have, or that no client should make. Must be empty.
    /// Quotes no content.
    pub fn violations(&self) -> Vec<String> {
        self.shared.write(|records| records.violations.clone())
    }
}

#[cfg(test)]
mod tests;
