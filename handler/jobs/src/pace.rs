//! What one process knows of its own work: what was put off and is still to be seen, which pairs it is at work on, and which channels have called
//! it ([`crate::channels`]).
//!
//! # Properties
//! * The memory is bounded, and each process has its own.
//! * Whoever asks for a pair that this process is at work on need not look at it: the lease would say the same, for a price.
//! * Nothing depends on it: where it is lost, or the clock is set back, something is looked at once more than it had to be.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::calendar::PairId;
use jiff::Timestamp;

use crate::channels::told::Channels;

/// So many names are remembered.
const MANY: usize = 10_000;

/// The work of one process.
#[derive(Debug, Default)]
pub struct Pace {
    /// When the last nudge for each name is, or was, to be seen.
    seen: Mutex<HashMap<String, Timestamp>>,
    at_work: Mutex<BTreeSet<PairId>>,
    /// Channels that have called.
    pub(crate) channels: Channels,
}

/// This process is at work on a pair, until this is dropped.
pub(crate) struct AtWork<'a> {
    pace: &'a Pace,
    pair: &'a PairId,
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        locked(&self.pace.at_work).remove(self.pair);
    }
}

impl Pace {
    /// Whether something is due that is done once in a pause: true, and then not again until the pause is over. For a nudge that is put off by the
    /// pause: one is to be sent, unless another is still to be seen.
    pub(crate) fn put_off(&self, name: &str, now: Timestamp, pause: Duration) -> bool {
        let (Ok(seen), Ok(soon)) = (now.checked_add(pause), now.checked_add(pause * 2)) else { return true };
        let mut known = self.known();
        match known.get(name) {
            // As in `go`.
            Some(other) if now < *other && *other <= soon => return false,
            None if known.len() >= MANY => known.retain(|_, seen| now < *seen),
            _ => {}
        }
        if known.len() < MANY {
            known.insert(name.to_owned(), seen);
        }
        true
    }

    /// What was noted as sent could not be.
    pub(crate) fn forget(&self, name: &str) {
        self.known().remove(name);
    }

    /// Notes that this process is at work on a pair, whose lease it holds.
    pub(crate) fn begin<'a>(&'a self, pair: &'a PairId) -> AtWork<'a> {
        locked(&self.at_work).insert(pair.clone());
        AtWork { pace: self, pair }
    }

    /// Whether this process is at work on a pair.
    pub(crate) fn is_at_work(&self, pair: &PairId) -> bool {
        locked(&self.at_work).contains(pair)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Timestamp>> {
        locked(&self.seen)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(5);

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + millisecond).unwrap()
    }

    #[test]
    fn what_is_put_off_is_put_off_once() {
        let pace = Pace::default();
        assert!(pace.put_off("a", at(0), PAUSE) && !pace.put_off("a", at(4999), PAUSE));
        assert!(pace.put_off("a", at(5000), PAUSE), "the one before is being looked at");
        assert!(pace.put_off("a", at(-3_600_000), PAUSE), "the clock was set back");
    }

    #[test]
    fn a_pair_is_at_work_until_the_work_ends() {
        let (pace, pair) = (Pace::default(), PairId::new("p1"));
        let work = pace.begin(&pair);
        assert!(pace.is_at_work(&pair) && !pace.is_at_work(&PairId::new("p2")));
        drop(work);
        assert!(!pace.is_at_work(&pair));
    }

    /// Each reads the clock, and then waits for its turn.
    #[test]
    fn those_who_ask_at_once_may_come_in_any_order() {
        let pace = Pace::default();
        let put_off = (0..1000).filter(|n| pace.put_off("b", at(100 + (n * 7919) % 50), PAUSE)).count();
        assert_eq!(put_off, 1);
    }

    #[test]
    fn what_could_not_be_sent_is_sent_by_the_next() {
        let pace = Pace::default();
        assert!(pace.put_off("a", at(0), PAUSE));
        pace.forget("a");
        assert!(pace.put_off("a", at(1), PAUSE));
    }

    #[test]
    fn it_remembers_so_many_and_lets_the_others_through() {
        let pace = Pace::default();
        for n in 0..MANY {
            pace.put_off(&n.to_string(), at(0), PAUSE);
        }
        assert!(pace.put_off("more", at(1), PAUSE) && pace.put_off("more", at(1), PAUSE), "it is not remembered");
        assert!(pace.put_off("more", at(6000), PAUSE));
        assert!(pace.known().len() == 1, "those that are over made room");
    }
}
