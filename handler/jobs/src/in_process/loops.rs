//! The progress of the loops of a process, for a host that drives its functions itself. Another
//! host registers no loops, because it watches its invocations itself.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The loops of one process, by name.
#[derive(Debug, Default)]
pub struct LoopProgress(Mutex<BTreeMap<&'static str, LoopState>>);

#[derive(Debug)]
struct LoopState {
    last: Instant,
    within: Duration,
}

impl LoopProgress {
    /// Registers a loop that has to complete an iteration within this time, repeatedly.
    pub fn expect(&self, name: &'static str, within: Duration) {
        self.loops().insert(name, LoopState { last: Instant::now(), within });
    }

    /// Records an iteration of a loop.
    pub fn record_iteration(&self, name: &'static str) {
        if let Some(of) = self.loops().get_mut(name) {
            of.last = Instant::now();
        }
    }

    /// The name of a loop that is overdue.
    pub fn stalled(&self) -> Option<&'static str> {
        self.loops().iter().find(|(_, of)| of.last.elapsed() > of.within).map(|(name, _)| *name)
    }

    fn loops(&self) -> MutexGuard<'_, BTreeMap<&'static str, LoopState>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_does_not_go_round_in_time_is_named() {
        let progress = LoopProgress::default();
        progress.record_iteration("poll");
        tokio::time::advance(Duration::from_secs(9999)).await;
        assert_eq!(progress.stalled(), None, "nothing is expected");
        progress.expect("poll", Duration::from_secs(60));
        progress.expect("queue", Duration::from_secs(30));
        tokio::time::advance(Duration::from_secs(31)).await;
        assert_eq!(progress.stalled(), Some("queue"));
        progress.record_iteration("queue");
        assert_eq!(progress.stalled(), None);
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(progress.stalled(), Some("poll"));
    }
}
