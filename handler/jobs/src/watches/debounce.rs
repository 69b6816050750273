//! Limits how often notifications of a watch lead to a nudge: at once, and then at most once in a
//! pause, in all processes together.
//!
//! # Properties
//! * Every notification that is acknowledged is followed by a pass that begins after it: at once,
//!   or at the end of the pause. A notification is covered only by a nudge that is in the queue by
//!   then and certainly still invisible, even if a process dies.
//! * The pause is one second for a watch that has recovered, so a second edit waits for one second
//!   at most. The pause grows while notifications keep arriving, up to five seconds, and shrinks
//!   while none arrive ([`pause`]). Any number of notifications within a minute leads to at most 20
//!   passes.
//! * Nudges of one watch become visible a pause apart, however many processes receive
//!   notifications, and however often.
//! * A single notification costs one write where this process knows the watch, and one read more
//!   where it does not; once a minute another read, of the valid keys (`keys.rs`). A nudge of a
//!   watch of an account costs one read more, of the calendars that it covers. The second
//!   notification within a pause costs one more write; all others within the pause cost nothing in
//!   this process. Each further process reads the record, and may send one more nudge.
//! * The clocks of different processes may differ by [`SKEW`].
//!
//! # Design
//! The record of the watch says when its last nudge becomes, or became, visible, and when the watch
//! will have recovered ([`LastNudge`]). The process that replaces the record by its ETag sends the
//! nudge; the other processes use the record that it wrote. A nudge with a delay is first claimed
//! in the record, then sent with the remaining delay, and then recorded as sent. Until it is
//! recorded as sent, no other process relies on it: that process waits for a short time and then
//! sends the nudge in place of the process that died.
//!
//! Whether a nudge covers a notification depends on whether the nudge is still invisible, because
//! its pass may begin as soon as it is visible:
//! * The process that sent the nudge knows this by its own clock: the queue counts the delay from a
//!   moment after the one at which this process computed it. A notification is covered until
//!   [`MARGIN`] before the end of the delay.
//! * Another process knows the time only by the sender's clock. It relies on a nudge that becomes
//!   visible in more than [`SKEW`]. Otherwise the nudge may have been taken, and the process claims
//!   the next nudge, a pause later, whose pass covers the notification in any case. With pauses of
//!   a second this is the usual case, and a burst of notifications at several processes leads to
//!   one pass more than at a single process. Recording in the row that a nudge was taken would cost
//!   more than that pass: a write for each pass, and a read for each notification at another
//!   process.
//!
//! A pass reads the calendar after its nudge was taken. A later notification is never covered by
//! that nudge, even while the pass is running: it leads to a nudge of its own, which is delayed if
//! it finds the pair busy (`sync_calendar`). A nudge that is delivered twice, or late, leads to one
//! more pass. A nudge whose pass fails becomes visible again by the queue's own means.
//!
//! Within one process, the notifications of a watch are processed one after another and use what
//! the process remembers. Correctness does not depend on that memory: if it is lost, the record is
//! read.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use records::watch::{LastNudge, WatchRecord};

use super::call::Call;
use super::nudge_pairs::nudge_watched;
use crate::in_process::watches::{WatchCache, WatchVersion, is_set_back};
use crate::nudge::Cause;
use crate::{Error, Result, Scope};

/// The pause after a nudge of a watch that has recovered.
const MIN_PAUSE: SignedDuration = SignedDuration::from_secs(1);

/// The pause while notifications keep arriving.
const MAX_PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// The time that a watch needs to recover from one nudge.
const REST: SignedDuration = SignedDuration::from_secs(5);

/// After this number of immediate nudges the pause begins to grow.
const QUICK_NUDGES: i32 = 5;

/// The longest time of recovery; the pause does not grow beyond it.
const MAX_REST: SignedDuration = SignedDuration::from_secs(35);

/// The largest difference between the clocks of two processes. No process relies on another
/// process's nudge that becomes visible sooner.
const SKEW: SignedDuration = SignedDuration::from_secs(1);

/// The margin for a nudge of this process: times are cut to milliseconds, and a clock may be
/// adjusted slightly.
const MARGIN: SignedDuration = SignedDuration::from_millis(100);

/// How often a process waits for a claimed nudge to be recorded as sent.
const CLAIM_WAITS: usize = 10;

/// The time of each wait. After all waits, the process that claimed the nudge is assumed to be
/// dead.
const CLAIM_WAIT: Duration = Duration::from_millis(100);

/// The number of times that a record is read again because other processes changed it.
const ATTEMPTS: usize = 64;

/// What happened to a notification.
pub(super) enum DebounceOutcome {
    /// A nudge was sent. The present record, where it is known.
    Sent(Option<WatchVersion>),
    /// An earlier nudge is still invisible.
    Covered(WatchVersion),
    /// The watch does not exist any more, or is not accepted.
    Gone,
}

/// A notification whose secret was valid.
pub(super) struct Notice<'a> {
    /// The call that brought it.
    pub call: &'a Call,
    pub now: Timestamp,
    /// The cause of its nudge.
    pub cause: Cause,
    /// Whether a watch with this record is accepted.
    pub is_accepted: fn(&WatchRecord, Timestamp) -> bool,
}

/// Nudges what a watch covers, at once or at the end of the pause. `row` is the record as far as it
/// is known.
///
/// # Errors
/// No process can rely on a nudge: the provider has to send the notification again.
pub(super) async fn debounce(
    scope: &Scope,
    cache: &WatchCache,
    row: WatchVersion,
    notice: &Notice<'_>,
) -> Result<DebounceOutcome> {
    let &Notice { call, now, cause, is_accepted } = notice;
    let id = row.0.id.clone();
    let mut known = Some(row);
    let mut waiting: (String, usize) = (String::new(), 0);
    for _ in 0..ATTEMPTS {
        let (row, etag) = match known.take() {
            Some(known) => known,
            None => match scope.directory().watch(&id).await? {
                Some(read) => read,
                None => return Ok(DebounceOutcome::Gone),
            },
        };
        if !is_accepted(&row, now) {
            return Ok(DebounceOutcome::Gone);
        }
        let nudge = match (next_step(row.last_nudge.as_ref(), now), row.last_nudge.clone()) {
            (DebounceStep::Claim(nudge), _) => nudge,
            (DebounceStep::Covered, Some(nudge)) if nudge.sent => {
                cache.cover(nudge.visible_at, SKEW);
                return Ok(DebounceOutcome::Covered((row, etag)));
            }
            // The nudge was claimed, and is not known to be sent.
            (DebounceStep::Covered, _) if waiting != (etag.clone(), CLAIM_WAITS) => {
                waiting = if waiting.0 == etag { (etag, waiting.1 + 1) } else { (etag, 1) };
                tokio::time::sleep(CLAIM_WAIT).await;
                continue;
            }
            (DebounceStep::Covered, nudge) => nudge.unwrap_or_else(|| nudge_at(now, now)),
        };
        let seen = nudge.visible_at;
        let row = WatchRecord { last_nudge: Some(nudge), ..row };
        let Some(etag) = scope.directory().replace_watch(&row, &etag).await? else {
            continue;
        };
        let delay = Duration::try_from(seen.duration_since(now)).unwrap_or_default();
        nudge_watched(scope, call, &row, cause, delay).await?;
        cache.cover(seen, MARGIN);
        if delay.is_zero() {
            // The nudge is visible at once, so no process relies on it.
            return Ok(DebounceOutcome::Sent(Some((row, etag))));
        }
        return Ok(DebounceOutcome::Sent(record_sent(scope, row, etag).await));
    }
    Err(Error::Store(store::Error::Conflict(0)))
}

/// Records that a nudge is in the queue. If that fails, another process sends one more nudge, which
/// is harmless.
async fn record_sent(scope: &Scope, row: WatchRecord, etag: String) -> Option<WatchVersion> {
    let claimed = row.last_nudge.clone()?;
    let noted = LastNudge { sent: true, ..claimed.clone() };
    let row = WatchRecord { last_nudge: Some(noted.clone()), ..row };
    let outcome = match scope.directory().replace_watch(&row, &etag).await {
        Ok(Some(etag)) => return Some((row, etag)),
        Ok(None) => {
            let change = |row: &mut WatchRecord| {
                if row.last_nudge.as_ref() == Some(&claimed) {
                    row.last_nudge = Some(noted.clone());
                }
            };
            scope.directory().change_watch(&row.id, change).await.map(drop)
        }
        Err(error) => Err(error),
    };
    if let Err(error) = outcome {
        tracing::debug!(channel = %row.id, %error, "a sent nudge could not be recorded; another \
        process may send one more");
    }
    None
}

/// What to do about a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
enum DebounceStep {
    /// Send this nudge, which is visible now or at the end of the pause.
    Claim(LastNudge),
    /// Nothing: a nudge is still invisible.
    Covered,
}

/// The step that follows from the last nudge in the record, which another process may have sent.
fn next_step(last: Option<&LastNudge>, now: Timestamp) -> DebounceStep {
    let Some(last) = last.filter(|last| !is_set_back(last.visible_at, now)) else {
        return DebounceStep::Claim(nudge_at(now, now));
    };
    if last.visible_at.duration_since(now) > SKEW {
        return DebounceStep::Covered;
    }
    let later = |time: Timestamp, by| time.checked_add(by).unwrap_or(now);
    let rested = last
        .rested_at
        .unwrap_or_else(|| later(last.visible_at, REST))
        .min(later(last.visible_at, MAX_REST));
    DebounceStep::Claim(nudge_at(
        now.max(later(last.visible_at, pause(rested.duration_since(last.visible_at)))),
        rested,
    ))
}

/// A nudge that becomes visible at `seen`, for a watch that would have recovered at `rested`.
fn nudge_at(seen: Timestamp, rested: Timestamp) -> LastNudge {
    LastNudge { visible_at: seen, sent: false, rested_at: seen.max(rested).checked_add(REST).ok() }
}

/// The pause after a nudge, for a watch that needs `rest` to recover from its nudges. Each nudge
/// adds [`REST`], and time reduces it: five nudges a second apart leave 21 s. From 25 s on, the
/// pause is two seconds longer for each further [`REST`]. From 35 s on, it is five seconds, and a
/// nudge adds no more than the pause takes away. Therefore endless notifications lead to 20 passes
/// in the first minute, and to 12 in each further minute.
fn pause(rest: SignedDuration) -> SignedDuration {
    (MIN_PAUSE + (rest - REST * QUICK_NUDGES) * 2 / 5).clamp(MIN_PAUSE, MAX_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + millisecond).unwrap()
    }

    /// A nudge that becomes visible at `seen`, of a watch that needs `rest` milliseconds to recover
    /// from it.
    fn nudge(seen: i64, rest: i64) -> LastNudge {
        LastNudge { visible_at: at(seen), sent: true, rested_at: Some(at(seen + rest)) }
    }

    fn claimed(seen: i64, rested: i64) -> DebounceStep {
        DebounceStep::Claim(LastNudge {
            visible_at: at(seen),
            sent: false,
            rested_at: Some(at(rested)),
        })
    }

    #[test]
    fn the_first_goes_at_once_and_one_more_for_all_that_follow() {
        assert_eq!(next_step(None, at(0)), claimed(0, 5000));
        assert_eq!(next_step(Some(&nudge(0, 5000)), at(0)), claimed(1000, 10_000));
        assert_eq!(next_step(Some(&nudge(0, 5000)), at(999)), claimed(1000, 10_000));
        assert_eq!(
            next_step(Some(&nudge(0, 5000)), at(1001)),
            claimed(1001, 10_000),
            "the pause is over"
        );
        assert_eq!(
            next_step(Some(&nudge(0, 5000)), at(60_000)),
            claimed(60_000, 65_000),
            "it has rested"
        );
        assert_eq!(next_step(Some(&nudge(5000, 5000)), at(3999)), DebounceStep::Covered);
        assert_eq!(
            next_step(Some(&nudge(5000, 5000)), at(4000)),
            claimed(6000, 15_000),
            "by another clock it may be seen by now"
        );
        assert_eq!(
            next_step(Some(&nudge(3_600_000, 5000)), at(0)),
            claimed(0, 5000),
            "the clock was set back"
        );
        assert_eq!(
            next_step(Some(&nudge(0, 3_600_000)), at(0)),
            claimed(5000, 40_000),
            "and so it was before"
        );
        assert_eq!(
            next_step(Some(&LastNudge { rested_at: None, ..nudge(0, 0) }), at(0)),
            claimed(1000, 10_000),
            "a row of an earlier version"
        );
    }

    #[test]
    fn the_pause_grows_from_one_second_to_five() {
        let pauses = [0, 5, 21, 25, 30, 35, 3600]
            .map(|rest| pause(SignedDuration::from_secs(rest)).as_secs());
        assert_eq!(pauses, [1, 1, 1, 1, 3, 5, 5]);
    }

    /// When passes begin, and how long each notification waits for one, in milliseconds, where one
    /// process receives notifications at these times.
    fn called(times: impl IntoIterator<Item = i64>) -> (Vec<i64>, Vec<i64>) {
        let (channel, mut last, mut looks, mut waits) =
            (WatchCache::default(), None::<LastNudge>, Vec::new(), Vec::new());
        for time in times {
            if !channel.is_covered(at(time))
                && let DebounceStep::Claim(nudge) = next_step(last.as_ref(), at(time))
            {
                channel.cover(nudge.visible_at, MARGIN);
                looks.push(nudge.visible_at.as_millisecond() - at(0).as_millisecond());
                last = Some(nudge);
            }
            waits.extend(looks.last().map(|look| look - time));
        }
        (looks, waits)
    }

    #[test]
    fn a_minute_of_notifications_leads_to_twenty_passes_at_most() {
        for gap in [1, 10, 100, 250, 500, 999, 1000] {
            let (looks, _) = called((0..60_000 / gap).map(|n| n * gap));
            assert!(looks.len() <= 20, "every {gap} ms: {looks:?}");
        }
        assert_eq!(called((0..60).map(|n| n * 10)).0, [0, 1000], "sixty within less than a second");
        let (looks, _) = called((0..600).map(|n| n * 1000));
        assert!(
            looks[looks.len() - 20..].windows(2).all(|two| two[1] - two[0] >= 4500),
            "calls without an end: {looks:?}"
        );
    }

    #[test]
    fn a_pair_of_edits_waits_for_a_second_at_most_however_often_it_comes() {
        let times = (0..100).flat_map(|n| [n * 20_000, n * 20_000 + 37 * n]);
        assert!(called(times).1.iter().all(|wait| (0..=1000).contains(wait)));
    }

    proptest::proptest! {
        /// Each notification is followed by a pass, at once or soon, and passes are a pause apart.
        #[test]
        fn every_notification_leads_to_a_pass_and_passes_are_a_pause_apart(
            gaps in proptest::collection::vec(0_i64..4000, 1..120),
        ) {
            let mut times = Vec::new();
            for gap in &gaps {
                times.push(times.last().copied().unwrap_or(0) + gap);
            }
            let (looks, waits) = called(times.iter().copied());
            proptest::prop_assert!(waits.iter().all(|wait| (0..=5100).contains(wait)), "{waits:?}");
            let are_apart = looks.windows(2).all(|two| two[1] - two[0] >= 1000);
            proptest::prop_assert!(are_apart, "{looks:?}");
        }

        /// People who edit quickly, six times within some seconds, and then pause for half a
        /// minute.
        #[test]
        fn quick_edits_wait_for_a_second(
            gaps in proptest::collection::vec(proptest::collection::vec(200_i64..3000, 5), 20),
        ) {
            let mut times = Vec::new();
            for (n, gaps) in gaps.iter().enumerate() {
                let mut now = i64::try_from(n).unwrap() * 45_000;
                times.push(now);
                gaps.iter().for_each(|gap| { now += gap; times.push(now); });
            }
            let mut waits = called(times).1;
            waits.sort_unstable();
            proptest::prop_assert!(waits[waits.len() * 95 / 100] <= 1100, "{waits:?}");
        }
    }
}
