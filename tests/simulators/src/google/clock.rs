//! The time as the simulator has it: the system's, or one that the test moves.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

/// A clock. Clones share its hands. It runs with the system's until a test stops it.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Mutex<Hands>>);

#[derive(Debug)]
enum Hands {
    /// The system's time and this much.
    Running(SignedDuration),
    Standing(Timestamp),
}

impl Default for Clock {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Hands::Running(SignedDuration::ZERO))))
    }
}

impl Clock {
    /// The time, to the millisecond.
    pub fn now(&self) -> Timestamp {
        let now = match *self.hands() {
            Hands::Running(ahead) => system() + ahead,
            Hands::Standing(time) => time,
        };
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// It stands at this time from now on.
    pub fn stand_at(&self, time: Timestamp) {
        *self.hands() = Hands::Standing(time);
    }

    /// It goes forward by this much at once, and stands or runs as before.
    pub fn advance(&self, by: SignedDuration) {
        match &mut *self.hands() {
            Hands::Running(ahead) => *ahead += by,
            Hands::Standing(time) => *time += by,
        }
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a server of ours has its own clock, and beside a program in another process it is the system's"
)]
fn system() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_and_goes_as_it_is_told() {
        let clock = Clock::default();
        let before = clock.now();
        clock.advance(SignedDuration::from_hours(2));
        assert!(clock.now() >= before + SignedDuration::from_hours(2), "it runs on, ahead of the system's");
        let noon: Timestamp = "2026-03-10T12:00:00Z".parse().unwrap();
        clock.clone().stand_at(noon);
        assert_eq!(clock.now(), noon);
        clock.advance(SignedDuration::from_secs(1));
        assert_eq!(clock.now().to_string(), "2026-03-10T12:00:01Z");
    }
}
