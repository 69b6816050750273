//! What one process knows about its own work for one owner.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::calendar::{AccountId, PairId};
use jiff::Timestamp;
use records::pair_state::FailureStreak;
use tokio::time::Instant;

/// The number of names that are remembered.
const MAX_ENTRIES: usize = 10_000;

/// A pair whose attempt ended early is left alone for this time. A process that waits for a lease
/// tries more often than that.
pub(crate) const YIELD_PAUSE: Duration = Duration::from_secs(5);

/// The work of one process for one owner.
#[derive(Debug, Default)]
pub struct OwnerWork {
    /// When the last delayed nudge of each name becomes visible.
    scheduled: Mutex<HashMap<String, Timestamp>>,
    /// Pairs to leave alone: without an end while this process works on them, and until this time
    /// after an attempt ended early.
    busy_pairs: Mutex<BTreeMap<PairId, Option<Instant>>>,
    /// Accounts that did not answer in time, how often in a row, and when last.
    unresponsive: Mutex<HashMap<AccountId, FailureStreak>>,
    /// When polls last nudged pairs, and the last pass of each pair at that time.
    nudged_pairs: Mutex<HashMap<PairId, (Timestamp, LastPass)>>,
    /// Accounts that a poll is asking.
    polled_accounts: Mutex<HashSet<AccountId>>,
}

/// While this value exists, the process is working on a pair.
pub(crate) struct ActivePair<'a> {
    work: &'a OwnerWork,
    pair: &'a PairId,
}

impl Drop for ActivePair<'_> {
    fn drop(&mut self) {
        lock(&self.work.busy_pairs).remove(self.pair);
    }
}

/// An attempt of a pair; dropping it records the end of the attempt.
pub(crate) struct AttemptGuard<'a> {
    work: &'a OwnerWork,
    pair: &'a PairId,
}

impl Drop for AttemptGuard<'_> {
    fn drop(&mut self) {
        lock(&self.work.nudged_pairs).remove(self.pair);
    }
}

/// When the last pass of a pair ended, and when it last failed.
pub(crate) type LastPass = (Option<Timestamp>, Option<Timestamp>);

/// While this value exists, a poll is asking an account.
pub(crate) struct PollGuard<'a> {
    work: &'a OwnerWork,
    account: AccountId,
}

impl Drop for PollGuard<'_> {
    fn drop(&mut self) {
        lock(&self.work.polled_accounts).remove(&self.account);
    }
}

impl OwnerWork {
    /// Whether an action is due that happens once in a pause: `true`, and then `false` until the
    /// pause is over. For a nudge that is delayed by the pause: `true` where no other nudge of that
    /// name is still invisible.
    pub(crate) fn schedule_once(&self, name: &str, now: Timestamp, pause: Duration) -> bool {
        let (Ok(seen), Ok(soon)) = (now.checked_add(pause), now.checked_add(pause * 2)) else {
            return true;
        };
        let mut known = self.lock_scheduled();
        match known.get(name) {
            // A time further ahead was noted before the clock was set back.
            Some(other) if now < *other && *other <= soon => return false,
            None if known.len() >= MAX_ENTRIES => known.retain(|_, seen| now < *seen),
            _ => {}
        }
        if known.len() < MAX_ENTRIES {
            known.insert(name.to_owned(), seen);
        }
        true
    }

    /// Forgets a nudge that could not be sent.
    pub(crate) fn forget_scheduled(&self, name: &str) {
        self.lock_scheduled().remove(name);
    }

    /// Whether a poll may nudge a pair: not where a poll has nudged it and no attempt has ended
    /// since, here or in another process. The pass of a nudge that waits for a slow server blocks a
    /// place of the queue, and repeated nudges would block all places. A nudge may be lost, so the
    /// pair is nudged again after `pause`.
    pub(crate) fn may_nudge(
        &self,
        pair: &PairId,
        standing: LastPass,
        now: Timestamp,
        pause: Duration,
    ) -> bool {
        let mut nudged = lock(&self.nudged_pairs);
        let is_waiting = |(at, then): &(Timestamp, LastPass)| {
            *then == standing
                && *at <= now
                && Duration::try_from(now.duration_since(*at)).is_ok_and(|since| since < pause)
        };
        if nudged.get(pair).is_some_and(is_waiting) {
            return false;
        }
        if nudged.len() < MAX_ENTRIES || nudged.contains_key(pair) {
            nudged.insert(pair.clone(), (now, standing));
        }
        true
    }

    /// The returned value records, when it is dropped, that an attempt of a pair has ended. The
    /// next poll may then nudge the pair.
    pub(crate) fn attempt_guard<'a>(&'a self, pair: &'a PairId) -> AttemptGuard<'a> {
        AttemptGuard { work: self, pair }
    }

    /// Records that a poll asks an account; `None` where another poll is waiting for the account's
    /// answer.
    pub(crate) fn begin_poll(&self, account: &AccountId) -> Option<PollGuard<'_>> {
        lock(&self.polled_accounts)
            .insert(account.clone())
            .then(|| PollGuard { work: self, account: account.clone() })
    }

    /// Records whether an account has answered in time.
    pub(crate) fn record_answer(&self, account: &AccountId, in_time: bool, now: Timestamp) {
        let mut silent = lock(&self.unresponsive);
        if in_time {
            silent.remove(account);
        } else if silent.len() < MAX_ENTRIES || silent.contains_key(account) {
            let before = silent.get(account).copied();
            silent.insert(account.clone(), FailureStreak::extend(before, now));
        }
    }

    /// Whether an account did not answer in time, and it is too early to ask again.
    pub(crate) fn is_unresponsive(&self, account: &AccountId, now: Timestamp) -> bool {
        lock(&self.unresponsive)
            .get(account)
            .is_some_and(|failing| failing.at <= now && now < failing.next_try())
    }

    /// Records that this process is working on a pair whose lease it holds.
    pub(crate) fn begin_pair<'a>(&'a self, pair: &'a PairId) -> ActivePair<'a> {
        lock(&self.busy_pairs).insert(pair.clone(), None);
        ActivePair { work: self, pair }
    }

    /// Records that an attempt of a pair ended early.
    pub(crate) fn record_yield(&self, pair: &PairId) {
        lock(&self.busy_pairs).insert(pair.clone(), Some(Instant::now() + YIELD_PAUSE));
    }

    /// Whether this process is working on a pair, or an attempt of the pair has just ended early.
    pub(crate) fn is_busy(&self, pair: &PairId) -> bool {
        let mut at_work = lock(&self.busy_pairs);
        let is =
            at_work.get(pair).is_some_and(|until| until.is_none_or(|until| Instant::now() < until));
        if !is {
            at_work.remove(pair);
        }
        is
    }

    fn lock_scheduled(&self) -> MutexGuard<'_, HashMap<String, Timestamp>> {
        lock(&self.scheduled)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
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
    fn a_name_is_scheduled_once_in_a_pause() {
        let process = OwnerWork::default();
        assert!(
            process.schedule_once("a", at(0), PAUSE)
                && !process.schedule_once("a", at(4999), PAUSE)
        );
        assert!(process.schedule_once("a", at(5000), PAUSE), "the one before is being looked at");
        assert!(process.schedule_once("a", at(-3_600_000), PAUSE), "the clock was set back");
    }

    #[test]
    fn a_pair_is_at_work_until_the_work_ends() {
        let (process, pair) = (OwnerWork::default(), PairId::new("p1"));
        let work = process.begin_pair(&pair);
        assert!(process.is_busy(&pair) && !process.is_busy(&PairId::new("p2")));
        drop(work);
        assert!(!process.is_busy(&pair));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pair_is_left_alone_after_an_early_end() {
        let (process, pair) = (OwnerWork::default(), PairId::new("p1"));
        drop(process.begin_pair(&pair));
        process.record_yield(&pair);
        assert!(process.is_busy(&pair));
        tokio::time::advance(YIELD_PAUSE).await;
        assert!(!process.is_busy(&pair));
    }

    /// Each task reads the clock before it waits for the lock.
    #[test]
    fn concurrent_nudges_may_arrive_in_any_order() {
        let process = OwnerWork::default();
        let schedule_once = (0..1000)
            .filter(|n| process.schedule_once("b", at(100 + (n * 7919) % 50), PAUSE))
            .count();
        assert_eq!(schedule_once, 1);
    }

    #[test]
    fn what_could_not_be_sent_is_sent_by_the_next() {
        let process = OwnerWork::default();
        assert!(process.schedule_once("a", at(0), PAUSE));
        process.forget_scheduled("a");
        assert!(process.schedule_once("a", at(1), PAUSE));
    }

    #[test]
    fn the_number_of_entries_is_bounded_and_further_ones_pass() {
        let process = OwnerWork::default();
        for n in 0..MAX_ENTRIES {
            process.schedule_once(&n.to_string(), at(0), PAUSE);
        }
        assert!(
            process.schedule_once("more", at(1), PAUSE)
                && process.schedule_once("more", at(1), PAUSE),
            "it is not remembered"
        );
        assert!(process.schedule_once("more", at(6000), PAUSE));
        assert!(process.lock_scheduled().len() == 1, "those that are over made room");
    }

    #[test]
    fn a_silent_account_is_asked_less_and_less_often_until_it_answers() {
        let (process, account) = (OwnerWork::default(), AccountId::new("a1"));
        let mut now = at(0);
        let mut waits = Vec::new();
        for _ in 0..6 {
            assert!(!process.is_unresponsive(&account, now));
            process.record_answer(&account, false, now);
            let begun = now;
            while process.is_unresponsive(&account, now) {
                now += jiff::SignedDuration::from_secs(30);
            }
            waits.push(now.duration_since(begun).as_mins());
        }
        assert_eq!(waits, [1, 2, 4, 8, 10, 10]);
        process.record_answer(&account, false, now);
        assert!(
            !process.is_unresponsive(&account, now - jiff::SignedDuration::from_hours(1)),
            "the clock was set back"
        );
        process.record_answer(&account, true, now);
        assert!(!process.is_unresponsive(&account, now));
    }

    #[test]
    fn a_pair_is_nudged_once_until_its_turn_has_ended() {
        let (process, pair, other) = (OwnerWork::default(), PairId::new("p1"), PairId::new("p2"));
        let nudge = |pair: &PairId, standing: LastPass, now| {
            process.may_nudge(pair, standing, at(now), Duration::from_secs(45))
        };
        let before: LastPass = (None, None);
        assert!(
            nudge(&pair, before, 0) && !nudge(&pair, before, 1000) && nudge(&other, before, 1000)
        );
        assert!(nudge(&pair, (Some(at(900)), None), 2000), "a pass of another process has ended");
        assert!(nudge(&pair, (Some(at(900)), Some(at(950))), 2000), "and failed");
        assert!(!nudge(&pair, (Some(at(900)), Some(at(950))), 3000));
        drop(process.attempt_guard(&pair));
        assert!(
            nudge(&pair, (Some(at(900)), Some(at(950))), 3000),
            "its turn has ended here, with nothing to write down"
        );
        assert!(!nudge(&other, before, 45_999) && nudge(&other, before, 46_000), "it was lost");
        assert!(nudge(&other, before, 0), "the clock was set back");
    }

    #[test]
    fn an_account_is_asked_by_one_poll_at_a_time() {
        let (process, account) = (OwnerWork::default(), AccountId::new("a1"));
        let asking = process.begin_poll(&account).unwrap();
        assert!(
            process.begin_poll(&account).is_none()
                && process.begin_poll(&AccountId::new("a2")).is_some()
        );
        drop(asking);
        assert!(process.begin_poll(&account).is_some());
    }
}
