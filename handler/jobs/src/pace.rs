//! What one process knows of its own work: how often something may be nudged (the first time at once, and then not more than once in a pause,
//! with nothing lost), and which pairs it is at work on.
//!
//! # Properties
//! * After whatever comes, a nudge is looked at: the first at once, and one at the end of the pause for everything that came within it.
//! * The memory is bounded, and each process has its own: so many processes, so many nudges in a pause.
//! * Whoever asks for a pair that this process is at work on need not look at it: the lease would say the same, for a price.
//! * Nothing depends on it: where it is lost, or the clock is set back, something is looked at once more than it had to be.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::calendar::PairId;
use jiff::{SignedDuration, Timestamp};

/// So many names are remembered.
const MANY: usize = 10_000;

/// The work of one process.
#[derive(Debug, Default)]
pub struct Pace {
    /// When the last nudge for each name is, or was, to be seen.
    seen: Mutex<HashMap<String, Timestamp>>,
    at_work: Mutex<BTreeSet<PairId>>,
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

/// What may be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Go {
    /// Send a nudge; it is noted as sent.
    Now,
    /// Send one that is seen after so long; it is noted as sent.
    After(Duration),
    /// Nothing: one that was sent is still to be seen.
    Covered,
}

impl Pace {
    /// Asks for a name.
    pub(crate) fn ask(&self, name: &str, now: Timestamp, pause: Duration) -> Go {
        let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
        let mut known = self.known();
        let go = go(known.get(name).copied(), now, pause);
        let seen = match go {
            Go::Covered => return go,
            Go::Now => Some(now),
            Go::After(wait) => now.checked_add(wait).ok(),
        };
        if known.len() >= MANY && !known.contains_key(name) {
            known.retain(|_, seen| now.duration_since(*seen) < pause);
        }
        if let Some(seen) = seen.filter(|_| known.len() < MANY || known.contains_key(name)) {
            known.insert(name.to_owned(), seen);
        }
        go
    }

    /// Whether a nudge is still to be seen, so that another one would say nothing new.
    pub(crate) fn is_covered(&self, name: &str, now: Timestamp, pause: Duration) -> bool {
        let pause = SignedDuration::try_from(pause).unwrap_or(SignedDuration::MAX);
        go(self.known().get(name).copied(), now, pause) == Go::Covered
    }

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

fn go(seen: Option<Timestamp>, now: Timestamp, pause: SignedDuration) -> Go {
    let Some(seen) = seen else { return Go::Now };
    let ahead = seen.duration_since(now);
    // Those who ask at once may come in another order than their times are.
    let soon = pause.checked_mul(2).unwrap_or(SignedDuration::MAX);
    match Duration::try_from(pause + ahead) {
        // Long ago; or so far ahead that the clock was set back.
        Ok(left) if !left.is_zero() && ahead <= soon => {
            if ahead.is_positive() {
                Go::Covered
            } else {
                Go::After(left)
            }
        }
        _ => Go::Now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAUSE: Duration = Duration::from_secs(5);

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + millisecond).unwrap()
    }

    #[test]
    fn the_first_goes_at_once_and_one_more_for_all_that_follow() {
        let pace = Pace::default();
        assert_eq!(pace.ask("a", at(0), PAUSE), Go::Now);
        assert_eq!(pace.ask("a", at(1000), PAUSE), Go::After(Duration::from_secs(4)));
        assert_eq!(pace.ask("a", at(1001), PAUSE), Go::Covered);
        assert_eq!(pace.ask("a", at(4999), PAUSE), Go::Covered);
        assert_eq!(pace.ask("b", at(1001), PAUSE), Go::Now, "of its own");
        // It is seen at 5000; what comes then may have come too late for it.
        assert_eq!(pace.ask("a", at(5000), PAUSE), Go::After(PAUSE));
        assert_eq!(pace.ask("a", at(9000), PAUSE), Go::Covered);
        assert_eq!(pace.ask("a", at(15_000), PAUSE), Go::Now);
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

    #[test]
    fn ten_thousand_at_once_are_two() {
        let pace = Pace::default();
        let sent = (0..10_000).filter(|n| pace.ask("a", at(n / 10), PAUSE) != Go::Covered).count();
        assert_eq!(sent, 2);
    }

    /// Each reads the clock, and then waits for its turn.
    #[test]
    fn those_who_ask_at_once_may_come_in_any_order() {
        let pace = Pace::default();
        let sent = (0..10_000).filter(|n| pace.ask("a", at(100 + (n * 7919) % 50), PAUSE) != Go::Covered).count();
        assert!(sent <= 2, "{sent}");
        let put_off = (0..1000).filter(|n| pace.put_off("b", at(100 + (n * 7919) % 50), PAUSE)).count();
        assert_eq!(put_off, 1);
    }

    #[test]
    fn what_could_not_be_sent_is_sent_by_the_next() {
        let pace = Pace::default();
        assert_eq!(pace.ask("a", at(0), PAUSE), Go::Now);
        pace.forget("a");
        assert_eq!(pace.ask("a", at(1), PAUSE), Go::Now);
    }

    #[test]
    fn a_clock_that_was_set_back_stops_nobody() {
        let pace = Pace::default();
        pace.ask("a", at(3_600_000), PAUSE);
        assert_eq!(pace.ask("a", at(0), PAUSE), Go::Now);
    }

    #[test]
    fn it_remembers_so_many_and_lets_the_others_through() {
        let pace = Pace::default();
        for n in 0..MANY {
            pace.ask(&n.to_string(), at(0), PAUSE);
        }
        assert_eq!(pace.ask("more", at(1), PAUSE), Go::Now);
        assert_eq!(pace.ask("more", at(1), PAUSE), Go::Now, "it is not remembered");
        assert_eq!(pace.ask("more", at(6000), PAUSE), Go::Now);
        assert!(pace.known().len() == 1, "those that are over made room");
    }

    proptest::proptest! {
        /// Whatever comes is followed by a look, at once or within the pause, and looks are a pause apart.
        #[test]
        fn nothing_is_lost_and_nothing_is_too_often(gaps in proptest::collection::vec(0_i64..8000, 1..60)) {
            let (pace, mut now, mut looks) = (Pace::default(), 0, Vec::<i64>::new());
            for gap in gaps {
                now += gap;
                match pace.ask("a", at(now), PAUSE) {
                    Go::Now => looks.push(now),
                    Go::After(wait) => looks.push(now + i64::try_from(wait.as_millis()).unwrap()),
                    Go::Covered => {}
                }
                let next = *looks.last().unwrap();
                proptest::prop_assert!(next >= now && next <= now + 5000, "{now} is looked at at {next}");
            }
            proptest::prop_assert!(looks.windows(2).all(|two| two[1] - two[0] >= 5000), "{looks:?}");
        }
    }
}
