//! The only code that reads the clock of the system.

use jiff::Timestamp;
use jobs::Clock;

/// The clock of the system.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "all other code gets the time from this clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
