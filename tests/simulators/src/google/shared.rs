//! What the server's HTTP layer and the hands of the tests both work on.

use std::sync::{Mutex, OnceLock, PoisonError};

use url::Url;

use super::channels;
use super::clock::Clock;
use super::discovery::Discovery;
use super::manners::Manners;
use super::push::Pushes;
use super::state::Records;
use crate::faults::Faults;
use crate::traffic::Meter;

/// One server.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) records: Mutex<Records>,
    pub(super) manners: Mutex<Manners>,
    pub(super) redirects: Mutex<Vec<String>>,
    pub(super) faults: Faults,
    pub(super) meter: Meter,
    pub(super) clock: Clock,
    pub(super) pushes: Pushes,
    pub(super) discovery: &'static Discovery,
    pub(super) base: OnceLock<String>,
}

impl Shared {
    /// Works on the records, and sends off what there is to tell afterwards.
    pub(super) fn write<T>(&self, work: impl FnOnce(&mut Records) -> T) -> T {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let done = work(&mut records);
        let deliveries = channels::announcements(&mut records, self.clock.now());
        drop(records);
        self.pushes.post(deliveries);
        done
    }

    pub(super) fn manners(&self) -> Manners {
        self.manners.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn base(&self) -> String {
        self.base.get().cloned().unwrap_or_default()
    }

    pub(super) fn redirects_to(&self, address: &str) -> bool {
        let loopback = Url::parse(address).is_ok_and(|url| {
            url.scheme() == "http" && matches!(url.host_str(), Some("127.0.0.1" | "localhost"))
        });
        loopback
            || self
                .redirects
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .iter()
                .any(|known| known == address)
    }
}
