//! What the server's HTTP layer and the tests' [`Calendar`](super::Calendar)s both work on.

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use super::digest::Nonces;
use super::manners::Manners;
use super::paths::Paths;
use super::state::Records;
use crate::faults::Faults;
use crate::traffic::Meter;

/// One server.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(super) records: Mutex<Records>,
    pub(super) manners: Mutex<Manners>,
    pub(super) faults: Faults,
    pub(super) meter: Meter,
    pub(super) throttled: Mutex<u32>,
    pub(super) partition: OnceLock<SocketAddr>,
    pub(super) nonces: Mutex<Nonces>,
}

impl Shared {
    pub(crate) fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn manners(&self) -> Manners {
        self.manners.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn path_of(&self, user: &str, calendar: &str) -> String {
        let records = self.records();
        Paths { manners: &self.manners(), records: &records, prefix: "" }.calendar(user, calendar)
    }
}
