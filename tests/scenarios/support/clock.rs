//! The clocks that scenarios move.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use jobs::Clock;
use simulators::google;

/// The time at which a manual clock starts.
pub const START: &str = "2026-03-10T12:00:00Z";

/// A clock that moves only when the scenario moves it.
pub struct ManualClock {
    now: AtomicI64,
    /// By how many seconds the servers' clocks are ahead; `None` where servers do not send a time.
    servers_ahead: Mutex<Option<i64>>,
}

impl ManualClock {
    pub fn start() -> anyhow::Result<Self> {
        Ok(Self {
            now: AtomicI64::new(START.parse::<Timestamp>()?.as_second()),
            servers_ahead: Mutex::new(None),
        })
    }

    fn server_time(&self) -> Option<Timestamp> {
        let ahead = (*self.servers_ahead.lock().unwrap_or_else(PoisonError::into_inner))?;
        Timestamp::from_second(self.now().as_second() + ahead).ok()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.now.load(Ordering::Relaxed)).expect("a time of the scenario")
    }
}

/// The clock of an installation in this process.
#[derive(Clone)]
pub enum TestClock {
    Manual(Arc<ManualClock>),
    /// The clock of the simulated Google.
    Google(google::Clock),
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        match self {
            Self::Manual(clock) => clock.now(),
            Self::Google(clock) => clock.now(),
        }
    }
}

impl TestClock {
    pub fn advance(&self, seconds: i64) {
        match self {
            Self::Manual(clock) => drop(clock.now.fetch_add(seconds, Ordering::Relaxed)),
            Self::Google(clock) => clock.advance(SignedDuration::from_secs(seconds)),
        }
    }

    /// From now on the servers send their time: this clock's time and so many seconds.
    pub fn set_servers_ahead(&self, seconds: i64) {
        if let Self::Manual(clock) = self {
            *clock.servers_ahead.lock().unwrap_or_else(PoisonError::into_inner) = Some(seconds);
        }
    }

    /// The time that the servers send; `None` where they send none.
    pub fn server_time(&self) -> Option<Timestamp> {
        match self {
            Self::Manual(clock) => clock.server_time(),
            Self::Google(_) => None,
        }
    }
}
