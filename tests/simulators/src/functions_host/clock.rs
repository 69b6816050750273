//! The host's clock: the system's, and further ahead where a test moves it.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// A clock that can be moved forward; all clones move with it. Only timers, and the host's memory
/// of errors, go by it: messages are hidden and shown by the clock of their service, and time-outs
/// are real.
#[derive(Clone, Debug)]
pub struct Clock(watch::Sender<SignedDuration>);

impl Clock {
    /// The system's clock, not moved.
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(SignedDuration::ZERO))
    }

    /// What it shows.
    pub fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "a host of its own reads the system's clock")]
        let now = Timestamp::now();
        now + *self.0.borrow()
    }

    /// Moves it forward. A timer that slept until a time within strikes now, once.
    pub fn advance(&self, by: Duration) {
        self.0.send_modify(|ahead| {
            *ahead += SignedDuration::try_from(by).unwrap_or(SignedDuration::ZERO)
        });
    }

    /// Moves it forward to this time; never back.
    pub fn advance_to(&self, to: Timestamp) {
        self.advance(self.now().duration_until(to).try_into().unwrap_or(Duration::ZERO));
    }

    /// Waits until it shows this time.
    pub(super) async fn sleep_until(&self, time: Timestamp) {
        let mut moved = self.0.subscribe();
        while let Ok(left) = Duration::try_from(self.now().duration_until(time))
            && !left.is_zero()
        {
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                _ = moved.changed() => {}
            }
        }
    }
}
