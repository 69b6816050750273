//! A CalDAV server in memory, strict where it may be, with the manners of the servers that people
//! use.
//!
//! `state.rs` is the calendars of record with verbs, `calendar.rs` a person's hand on them,
//! `http.rs` and the files beside it the skin that speaks CalDAV (RFC 4791, RFC 6578), `manners.rs`
//! what differs from server to server.
//!
//! Properties:
//! - A write is applied whole or not at all, at one moment, in the order of its ETags.
//! - Everything that a test does through [`Calendar`] bypasses HTTP: it is neither counted nor
//!   hit by a fault.
//! - Implicit scheduling (RFC 6638) is counted in [`CalDav::mails_sent`] and sends no mail. The count
//!   must stay 0.
//! - A time-range matches too much rather than too little (`time_range.rs`), which clients must
//!   accept.

mod alters;
mod asking;
mod bases;
mod calendar;
mod digest;
mod http;
mod manners;
mod paths;
mod propfind;
mod reply;
mod report;
mod saved;
mod scheduling;
mod shared;
mod shares;
mod state;
mod sync;
mod time_range;
mod write;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use url::Url;

use crate::faults::Faults;
use crate::traffic::{Counts, Meter};
use crate::wire::Listener;
use shared::Shared;

pub use alters::Alters;
pub use calendar::{Calendar, crlf};
pub use digest::SignIn;
pub use manners::{
    AnyVersion, Etags, Late, Limit, LostToken, LostWrite, Manners, Missing, Names, OldBase,
    Redirect, Rewrite, Throttle, UidScope,
};
pub use saved::{Object, Saved};

/// A running CalDAV server. Dropping it ends it.
#[derive(Debug)]
pub struct CalDav {
    shared: Arc<Shared>,
    front: Listener,
    partition: Listener,
}

impl CalDav {
    /// Starts a server with these manners on free ports of the loopback.
    ///
    /// # Errors
    /// Where no port can be had.
    pub async fn start(manners: Manners) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            records: Mutex::default(),
            manners: Mutex::new(manners),
            faults: Faults::default(),
            meter: Meter::default(),
            throttled: Mutex::default(),
            partition: OnceLock::new(),
            nonces: Mutex::default(),
        });
        let listen = |shared: Arc<Shared>| {
            Listener::start(move |request| {
                let shared = Arc::clone(&shared);
                async move { http::answer(&shared, request).await }
            })
        };
        let front = listen(Arc::clone(&shared)).await?;
        let partition = listen(Arc::clone(&shared)).await?;
        shared.partition.get_or_init(|| partition.address());
        Ok(Self { shared, front, partition })
    }

    /// The address to give to a client.
    pub fn url(&self) -> Url {
        self.front.url()
    }

    /// The other address, which hrefs lead to where there are partitions.
    pub fn partition_url(&self) -> Url {
        self.partition.url()
    }

    /// The address with `localhost` as its host.
    pub fn name_url(&self) -> Url {
        let mut url = self.url();
        url.set_host(Some("localhost")).expect("a name is a host");
        url
    }

    /// The address of the server under a path prefix such as `/cloud`, as behind a reverse proxy.
    /// The server also answers without the prefix.
    pub fn url_below(&self, prefix: &str) -> Url {
        self.manners(|manners| {
            if !manners.prefixes.iter().any(|known| known == prefix) {
                manners.prefixes.push(prefix.to_owned());
            }
        });
        self.url().join(&format!("{prefix}/")).expect("a prefix is a path")
    }

    /// Changes the base of all paths, for example to `/dav2`: all hrefs have it, and discovery
    /// leads there. `old` sets how the server answers under the old base.
    pub fn move_base(&self, new: &str, old: OldBase) {
        self.manners(|manners| {
            let before = std::mem::replace(&mut manners.base, new.to_owned());
            manners.left.retain(|(base, _)| *base != before && base != new);
            if before != new {
                manners.left.push((before, old));
            }
        });
    }

    /// Makes an account, or gives an account another password: the old one is refused from now on.
    pub fn account(&self, user: &str, password: &str) -> &Self {
        let mut records = self.shared.records();
        match records.accounts.get_mut(user) {
            Some(account) => password.clone_into(&mut account.password),
            None => records.new_account(user, password),
        }
        drop(records);
        self
    }

    /// A calendar of an account, made where it is not there yet.
    ///
    /// # Panics
    /// Where there is no such account.
    pub fn calendar(&self, user: &str, name: &str) -> Calendar {
        let mut records = self.shared.records();
        assert!(
            records.accounts.contains_key(user),
            "the account {user} is made before its calendars"
        );
        records.new_calendar(user, name);
        drop(records);
        Calendar { shared: Arc::clone(&self.shared), user: user.to_owned(), name: name.to_owned() }
    }

    /// Changes manners while the server runs.
    pub fn manners(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut self.shared.manners.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Looks at the manners.
    pub fn manner<T>(&self, look: impl FnOnce(&Manners) -> T) -> T {
        look(&self.shared.manners.lock().unwrap_or_else(PoisonError::into_inner))
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

    /// How many mails to other people scheduling would have sent. Must be 0.
    pub fn mails_sent(&self) -> u64 {
        self.shared.records().mails_sent
    }

    /// What no server refuses and no good client does, such as a SEQUENCE that falls. Quotes no
    /// content.
    pub fn complaints(&self) -> Vec<String> {
        self.shared.records().complaints.clone()
    }
}

#[cfg(test)]
mod tests;
