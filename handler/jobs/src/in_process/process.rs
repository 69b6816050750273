//! The work of one process, over all owners.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::loops::LoopProgress;
use super::owner_work::OwnerWork;
use super::watches::WatchCaches;

/// The number of owners whose work is remembered.
const MAX_OWNERS: usize = 10_000;

/// The time limit of an attempt in the background. When it ends, the pass stops and other passes
/// over its calendars continue; the host ends what takes too long. The first sync of thousands of
/// events takes many attempts.
const ATTEMPT: Duration = Duration::from_secs(60);

/// The longest time limit of an attempt, where finding the changes takes long.
const LONG_ATTEMPT: Duration = Duration::from_secs(180);

/// After this time a call begins no attempt any more, except for some dozens of events of each
/// remaining pair. A host has to allow calls twice this time.
pub const CALL_BUDGET: Duration = Duration::from_secs(240);

/// The work of one process.
#[derive(Debug)]
pub struct InProcess {
    /// The shortest and the longest time limit of an attempt.
    attempt_limits: [Duration; 2],
    /// Two owners may have one account.
    owners: Mutex<HashMap<String, Arc<OwnerWork>>>,
    /// Watches that have sent notifications.
    pub(crate) watches: WatchCaches,
    /// The loops of the process.
    pub loops: LoopProgress,
}

impl Default for InProcess {
    fn default() -> Self {
        Self::with_attempt_limits([ATTEMPT, LONG_ATTEMPT])
    }
}

impl InProcess {
    /// With the shortest and the longest time limit of an attempt.
    pub fn with_attempt_limits(attempt_limits: [Duration; 2]) -> Self {
        Self {
            attempt_limits,
            owners: Mutex::default(),
            watches: WatchCaches::default(),
            loops: LoopProgress::default(),
        }
    }

    /// The work for an owner. Beyond [`MAX_OWNERS`], owners for whom nothing is under way are
    /// forgotten.
    pub(crate) fn owner(&self, name: &str) -> Arc<OwnerWork> {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(work) = owners.get(name) {
            return work.clone();
        }
        if owners.len() >= MAX_OWNERS {
            owners.retain(|_, work| Arc::strong_count(work) > 1);
        }
        let work = Arc::<OwnerWork>::default();
        owners.insert(name.to_owned(), work.clone());
        work
    }

    /// The time limit of an attempt that took `found_out` to find the changes. The next attempt has
    /// to find them again, so the limit is four times as long.
    pub(crate) fn attempt_limit(&self, found_out: Duration) -> Duration {
        let [least, most] = self.attempt_limits;
        (found_out * 4).clamp(least, most)
    }
}

#[cfg(test)]
mod tests {
    use engine::calendar::{AccountId, PairId};

    use super::*;

    #[test]
    fn the_work_for_one_owner_does_not_hinder_another_owner() {
        let process = InProcess::default();
        let (anna, ben) = (process.owner("anna"), process.owner("ben"));
        let (account, pair) = (AccountId::new("a1"), PairId::new("p1"));
        let _poll = anna.begin_poll(&account).unwrap();
        let _pass = anna.begin_pair(&pair);
        assert!(ben.begin_poll(&account).is_some() && !ben.is_busy(&pair));
        assert!(process.owner("anna").begin_poll(&account).is_none());
        assert!(process.owner("anna").is_busy(&pair));
    }

    #[test]
    fn the_number_of_owners_is_bounded_by_those_at_work() {
        let process = InProcess::default();
        let anna = process.owner("anna");
        for n in 0..2 * MAX_OWNERS {
            process.owner(&n.to_string());
        }
        assert!(process.owners.lock().unwrap().len() <= MAX_OWNERS);
        assert!(Arc::ptr_eq(&anna, &process.owner("anna")));
    }
}
