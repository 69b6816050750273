//! How long held leases certainly hold, by the monotonic clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A lease certainly holds for this time after its last renewal was sent.
pub(super) const HOLDS_FOR: Duration = Duration::from_secs(25);

/// Until when the leases certainly hold, in milliseconds after they were first written.
pub(super) struct LeaseTerm {
    pub(super) begun: Instant,
    pub(super) millis: AtomicU64,
}

impl LeaseTerm {
    pub(super) fn holds(&self) -> bool {
        self.begun.elapsed() < Duration::from_millis(self.millis.load(Ordering::Acquire))
    }

    pub(super) fn renewed(&self, sent: Instant) {
        let until = sent.duration_since(self.begun) + HOLDS_FOR;
        self.millis.store(u64::try_from(until.as_millis()).unwrap_or(u64::MAX), Ordering::Release);
    }

    pub(super) fn lost(&self) {
        self.millis.store(0, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_holds_from_when_its_last_renewal_was_sent_until_it_is_lost() {
        let begun = Instant::now().checked_sub(Duration::from_secs(60)).unwrap();
        let until = LeaseTerm { begun, millis: AtomicU64::new(0) };
        until.renewed(begun);
        assert!(!until.holds(), "sent a minute ago");
        until.renewed(begun + Duration::from_secs(40));
        assert!(until.holds(), "sent 20 s ago");
        until.renewed(begun + Duration::from_secs(34));
        assert!(!until.holds(), "sent 26 s ago: before the term ends");
        until.renewed(begun + Duration::from_secs(60));
        until.lost();
        assert!(!until.holds());
    }
}
