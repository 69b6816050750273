//! What one process knows of its own work: what was put off and is still to be seen, which pairs it
//! is at work on and for how long before others have their turn, which accounts were silent, and
//! which channels have called it ([`crate::channels`]).
//!
//! # Properties
//! * The memory is bounded, and each process has its own.
//! * Whoever asks for a pair that this process is at work on need not look at it: the lease would
//!   say the same, for a price.
//! * A pair that gave way to others is not taken up again by this process before they could have
//!   come.
//! * Nothing depends on it: where it is lost, or the clock is set back, something is looked at once
//!   more than it had to be.

pub mod loops;
pub(crate) mod watches;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::calendar::{AccountId, PairId};
use jiff::Timestamp;
use records::pair_state::FailureStreak;
use tokio::time::Instant;

use crate::in_process::loops::LoopProgress;
use crate::in_process::watches::WatchCaches;

/// So many names are remembered.
const MAX_ENTRIES: usize = 10_000;

/// A pass that nobody waits for writes for so long, and then gives way to others: those that wait
/// for the same calendar, and the host, which ends what takes too long. A first sync of thousands
/// of events takes many turns.
const ATTEMPT: Duration = Duration::from_secs(60);

/// Where it takes long to find out what is to be written, turns are longer, up to this.
const LONG_ATTEMPT: Duration = Duration::from_secs(180);

/// After so long a call begins no turn any more, but for some dozens of events of each pair that is
/// left. A host has to give calls twice as much.
pub const CALL_BUDGET: Duration = Duration::from_secs(240);

/// What gave way is not taken up again for so long. Whoever waits for a lease asks for it more
/// often than that.
pub(crate) const YIELD_PAUSE: Duration = Duration::from_secs(5);

/// The work of one process.
#[derive(Debug)]
pub struct InProcess {
    /// How long a turn is, at the least and at the most.
    attempt_limits: [Duration; 2],
    /// When the last nudge for each name is, or was, to be seen.
    scheduled: Mutex<HashMap<String, Timestamp>>,
    /// Pairs that are not to be taken up: without an end while they are worked on, and for a while
    /// after they gave way.
    busy_pairs: Mutex<BTreeMap<PairId, Option<Instant>>>,
    /// Accounts that did not answer in time, how often in a row, and when last.
    unresponsive: Mutex<HashMap<AccountId, FailureStreak>>,
    /// When pairs were last nudged by a poll, and how they stood then.
    nudged_pairs: Mutex<HashMap<PairId, (Timestamp, LastPass)>>,
    /// Accounts that a poll is asking at this moment.
    polled_accounts: Mutex<HashSet<AccountId>>,
    /// Channels that have called.
    pub(crate) watches: WatchCaches,
    /// The loops that keep the process at work.
    pub loops: LoopProgress,
}

/// This process is at work on a pair, until this is dropped.
pub(crate) struct ActivePair<'a> {
    work: &'a InProcess,
    pair: &'a PairId,
}

impl Drop for ActivePair<'_> {
    fn drop(&mut self) {
        lock(&self.work.busy_pairs).remove(self.pair);
    }
}

/// A turn of a pair, until it is dropped.
pub(crate) struct AttemptGuard<'a> {
    work: &'a InProcess,
    pair: &'a PairId,
}

impl Drop for AttemptGuard<'_> {
    fn drop(&mut self) {
        lock(&self.work.nudged_pairs).remove(self.pair);
    }
}

/// How a pair stood: when its last pass ended, and its last failure.
pub(crate) type LastPass = (Option<Timestamp>, Option<Timestamp>);

/// A poll is asking an account, until this is dropped.
pub(crate) struct PollGuard<'a> {
    work: &'a InProcess,
    account: AccountId,
}

impl Drop for PollGuard<'_> {
    fn drop(&mut self) {
        lock(&self.work.polled_accounts).remove(&self.account);
    }
}

impl Default for InProcess {
    fn default() -> Self {
        Self::with_attempt_limits([ATTEMPT, LONG_ATTEMPT])
    }
}

impl InProcess {
    /// Turns are at least and at most so long.
    pub fn with_attempt_limits(attempt_limits: [Duration; 2]) -> Self {
        Self {
            attempt_limits,
            scheduled: Mutex::default(),
            busy_pairs: Mutex::default(),
            unresponsive: Mutex::default(),
            nudged_pairs: Mutex::default(),
            polled_accounts: Mutex::default(),
            watches: WatchCaches::default(),
            loops: LoopProgress::default(),
        }
    }

    /// How long the turn of a pass is that took so long to find out what is to be done: as that has
    /// to be found out again, four times as long.
    pub(crate) fn attempt_limit(&self, found_out: Duration) -> Duration {
        let [least, most] = self.attempt_limits;
        (found_out * 4).clamp(least, most)
    }

    /// Whether something is due that is done once in a pause: true, and then not again until the
    /// pause is over. For a nudge that is put off by the pause: one is to be sent, unless another
    /// is still to be seen.
    pub(crate) fn schedule_once(&self, name: &str, now: Timestamp, pause: Duration) -> bool {
        let (Ok(seen), Ok(soon)) = (now.checked_add(pause), now.checked_add(pause * 2)) else {
            return true;
        };
        let mut known = self.lock_scheduled();
        match known.get(name) {
            // As in `go`.
            Some(other) if now < *other && *other <= soon => return false,
            None if known.len() >= MAX_ENTRIES => known.retain(|_, seen| now < *seen),
            _ => {}
        }
        if known.len() < MAX_ENTRIES {
            known.insert(name.to_owned(), seen);
        }
        true
    }

    /// What was noted as sent could not be.
    pub(crate) fn forget_scheduled(&self, name: &str) {
        self.lock_scheduled().remove(name);
    }

    /// Whether a poll is to nudge a pair: not where it has, and no turn of the pair has ended
    /// since, here or in another process. A nudge whose pass waits for a silent server takes up a
    /// place of the queue, and one after another they would take up all. What was lost is sent
    /// again after `pause`.
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

    /// Notes, when it is dropped, that a turn of a pair has ended: what a poll sees from then on is
    /// news.
    pub(crate) fn attempt_guard<'a>(&'a self, pair: &'a PairId) -> AttemptGuard<'a> {
        AttemptGuard { work: self, pair }
    }

    /// Notes that a poll asks an account; `None` where another one does, and waits for its answer
    /// still.
    pub(crate) fn begin_poll(&self, account: &AccountId) -> Option<PollGuard<'_>> {
        lock(&self.polled_accounts)
            .insert(account.clone())
            .then(|| PollGuard { work: self, account: account.clone() })
    }

    /// Notes whether an account has answered in time.
    pub(crate) fn record_answer(&self, account: &AccountId, in_time: bool, now: Timestamp) {
        let mut silent = lock(&self.unresponsive);
        if in_time {
            silent.remove(account);
        } else if silent.len() < MAX_ENTRIES || silent.contains_key(account) {
            let before = silent.get(account).copied();
            silent.insert(account.clone(), FailureStreak::extend(before, now));
        }
    }

    /// Whether an account was silent, and it is too soon to wait for it again.
    pub(crate) fn is_unresponsive(&self, account: &AccountId, now: Timestamp) -> bool {
        lock(&self.unresponsive)
            .get(account)
            .is_some_and(|failing| failing.at <= now && now < failing.next_try())
    }

    /// Notes that this process is at work on a pair, whose lease it holds.
    pub(crate) fn begin_pair<'a>(&'a self, pair: &'a PairId) -> ActivePair<'a> {
        lock(&self.busy_pairs).insert(pair.clone(), None);
        ActivePair { work: self, pair }
    }

    /// Notes that a pair gave way to others.
    pub(crate) fn record_yield(&self, pair: &PairId) {
        lock(&self.busy_pairs).insert(pair.clone(), Some(Instant::now() + YIELD_PAUSE));
    }

    /// Whether this process is at work on a pair, or has just given way to others.
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
    fn what_is_put_off_is_put_off_once() {
        let process = InProcess::default();
        assert!(
            process.schedule_once("a", at(0), PAUSE)
                && !process.schedule_once("a", at(4999), PAUSE)
        );
        assert!(process.schedule_once("a", at(5000), PAUSE), "the one before is being looked at");
        assert!(process.schedule_once("a", at(-3_600_000), PAUSE), "the clock was set back");
    }

    #[test]
    fn a_pair_is_at_work_until_the_work_ends() {
        let (process, pair) = (InProcess::default(), PairId::new("p1"));
        let work = process.begin_pair(&pair);
        assert!(process.is_busy(&pair) && !process.is_busy(&PairId::new("p2")));
        drop(work);
        assert!(!process.is_busy(&pair));
    }

    #[tokio::test(start_paused = true)]
    async fn what_gave_way_is_left_alone_for_a_moment() {
        let (process, pair) = (InProcess::default(), PairId::new("p1"));
        drop(process.begin_pair(&pair));
        process.record_yield(&pair);
        assert!(process.is_busy(&pair));
        tokio::time::advance(super::YIELD_PAUSE).await;
        assert!(!process.is_busy(&pair));
    }

    /// Each reads the clock, and then waits for its turn.
    #[test]
    fn those_who_ask_at_once_may_come_in_any_order() {
        let process = InProcess::default();
        let schedule_once = (0..1000)
            .filter(|n| process.schedule_once("b", at(100 + (n * 7919) % 50), PAUSE))
            .count();
        assert_eq!(schedule_once, 1);
    }

    #[test]
    fn what_could_not_be_sent_is_sent_by_the_next() {
        let process = InProcess::default();
        assert!(process.schedule_once("a", at(0), PAUSE));
        process.forget_scheduled("a");
        assert!(process.schedule_once("a", at(1), PAUSE));
    }

    #[test]
    fn it_remembers_so_many_and_lets_the_others_through() {
        let process = InProcess::default();
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
        let (process, account) = (InProcess::default(), AccountId::new("a1"));
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
        let (process, pair, other) = (InProcess::default(), PairId::new("p1"), PairId::new("p2"));
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
        let (process, account) = (InProcess::default(), AccountId::new("a1"));
        let asking = process.begin_poll(&account).unwrap();
        assert!(
            process.begin_poll(&account).is_none()
                && process.begin_poll(&AccountId::new("a2")).is_some()
        );
        drop(asking);
        assert!(process.begin_poll(&account).is_some());
    }
}
