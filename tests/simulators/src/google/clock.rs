//! The time of the simulator: the system's, one that the test moves, or that of the runtime, which
//! a test may have paused. Then hours of waiting pass in no time for all tasks of this process that
//! wait with the runtime's timers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// A clock. Clones share its hands. It runs with the system's until a test stops it.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Mutex<Hands>>);

#[derive(Debug)]
enum Hands {
    /// The system's time and this much.
    Running(SignedDuration),
    Standing(Timestamp),
    /// The runtime's: so late it was at that moment.
    Runtime(Timestamp, Instant),
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
            Hands::Runtime(time, then) => {
                time + SignedDuration::try_from(then.elapsed()).unwrap_or(SignedDuration::MAX)
            }
        };
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// The clock stays at this time from now on.
    pub fn stand_at(&self, time: Timestamp) {
        *self.hands() = Hands::Standing(time);
    }

    /// It is this late now, and goes on as the runtime's clock does. To be called within the
    /// runtime.
    pub fn run_from(&self, time: Timestamp) {
        *self.hands() = Hands::Runtime(time, Instant::now());
    }

    /// The clock moves forward by this much at once, and stops or runs as before.
    pub fn advance(&self, by: SignedDuration) {
        match &mut *self.hands() {
            Hands::Running(ahead) => *ahead += by,
            Hands::Standing(time) | Hands::Runtime(time, _) => *time += by,
        }
    }

    fn hands(&self) -> MutexGuard<'_, Hands> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a server of ours has its own clock, and beside a program in another process it is \
    the system's"
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
        assert!(
            clock.now() >= before + SignedDuration::from_hours(2),
            "it runs on, ahead of the system's"
        );
        let noon: Timestamp = "2026-03-10T12:00:00Z".parse().unwrap();
        clock.clone().stand_at(noon);
        assert_eq!(clock.now(), noon);
        clock.advance(SignedDuration::from_secs(1));
        assert_eq!(clock.now().to_string(), "2026-03-10T12:00:01Z");
    }

    #[tokio::test(start_paused = true)]
    async fn an_hour_of_the_runtime_is_an_hour() {
        let clock = Clock::default();
        clock.run_from("2026-03-10T12:00:00Z".parse().unwrap());
        tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
        assert_eq!(clock.now().strftime("%H:%M:%S").to_string(), "13:00:00");
        clock.advance(SignedDuration::from_mins(1));
        assert_eq!(clock.now().strftime("%H:%M:%S").to_string(), "13:01:00");
    }
}
