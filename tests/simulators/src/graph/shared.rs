//! What the server's HTTP layer and the hands of the tests both work on.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};

use url::Url;

use super::keys::Keys;
use super::lock::held;
use super::manners::Manners;
use super::notices;
use super::push::Pushes;
use super::registration::CLIENT_SECRET;
use super::state::Records;
use crate::faults::Faults;
use crate::google::Clock;
use crate::traffic::{Kind, Meter};

/// One server.
#[derive(Debug)]
pub(super) struct Shared {
    pub records: Mutex<Records>,
    pub manners: Mutex<Manners>,
    pub redirects: Mutex<Vec<String>>,
    pub faults: Faults,
    pub meter: Meter,
    pub clock: Clock,
    pub pushes: Pushes,
    pub keys: Keys,
    pub base: OnceLock<String>,
    pub secret: Mutex<Secret>,
    pub flights: Flights,
    pub hooks: Hooks,
}

/// The client's secret as it is now.
pub(super) struct Secret {
    pub text: String,
    pub over: bool,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Default for Secret {
    fn default() -> Self {
        Self { text: CLIENT_SECRET.to_owned(), over: false }
    }
}

impl Shared {
    /// Works on the records, and sends off what there is to tell afterwards.
    pub fn write<T>(&self, work: impl FnOnce(&mut Records) -> T) -> T {
        let mut records = held(&self.records);
        let done = work(&mut records);
        let manners = self.manners();
        let deliveries = notices::announcements(&mut records, &manners, self.clock.now());
        drop(records);
        self.pushes.post(deliveries);
        done
    }

    pub fn manners(&self) -> Manners {
        held(&self.manners).clone()
    }

    pub fn base(&self) -> String {
        self.base.get().cloned().unwrap_or_default()
    }

    pub fn secret(&self) -> String {
        held(&self.secret).text.clone()
    }

    pub fn secret_is_over(&self) -> bool {
        held(&self.secret).over
    }

    pub fn redirects_to(&self, address: &str) -> bool {
        let loopback = Url::parse(address).is_ok_and(|url| {
            url.scheme() == "http" && matches!(url.host_str(), Some("127.0.0.1" | "localhost"))
        });
        loopback || held(&self.redirects).iter().any(|known| known == address)
    }
}

/// Requests under way, by mailbox.
#[derive(Clone, Debug, Default)]
pub(super) struct Flights(Arc<Mutex<HashMap<usize, Flight>>>);

#[derive(Debug, Default)]
struct Flight {
    now: usize,
    peak: usize,
}

/// A request to a mailbox that has not been answered.
#[derive(Debug)]
pub(super) struct InFlight(Flights, usize);

impl Flights {
    /// Lets a request in, where there is room.
    pub fn enter(&self, mailbox: usize, most: usize) -> Option<InFlight> {
        let mut flights = held(&self.0);
        let flight = flights.entry(mailbox).or_default();
        if flight.now >= most {
            return None;
        }
        flight.now += 1;
        flight.peak = flight.peak.max(flight.now);
        Some(InFlight(self.clone(), mailbox))
    }

    /// The most requests at once to any mailbox.
    pub fn peak(&self) -> usize {
        held(&self.0).values().map(|flight| flight.peak).max().unwrap_or(0)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(flight) = held(&self.0.0).get_mut(&self.1) {
            flight.now -= 1;
        }
    }
}

type Hook = Box<dyn FnOnce() + Send>;

/// What happens right before the next request of a kind is worked on.
#[derive(Default)]
pub(super) struct Hooks(Mutex<Vec<(Kind, Hook)>>);

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hooks({})", held(&self.0).len())
    }
}

impl Hooks {
    pub fn add(&self, kind: Kind, hook: Hook) {
        held(&self.0).push((kind, hook));
    }

    pub fn waiting(&self) -> bool {
        !held(&self.0).is_empty()
    }

    pub fn run(&self, kind: Kind) {
        let hook = {
            let mut hooks = held(&self.0);
            let place = hooks.iter().position(|(wanted, _)| *wanted == kind);
            place.map(|place| hooks.remove(place).1)
        };
        if let Some(hook) = hook {
            hook();
        }
    }
}
