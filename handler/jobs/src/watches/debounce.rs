//! How often a channel's calendar is told to be looked at: at once, and then not more often than
//! its pause allows, in all processes together.
//!
//! # Properties
//! * Every call that is answered is followed by a look that begins after it: at once, or at the end
//!   of the pause. Whoever answers that a call is covered relies on a message that is in the queue
//!   by then and cannot have been taken yet, whichever process dies.
//! * The pause is one second for a channel that has rested, so a second edit waits for a second at
//!   most. It grows while calls keep coming, up to five seconds, and shrinks again while none come
//!   ([`pause`]). However many calls come within a minute, they lead to 20 looks at most.
//! * However many processes are called, and however often, the messages that calls lead to are seen
//!   a pause apart.
//! * A call by itself costs one write where this process has heard the channel before, and a read
//!   more where it has not; once a minute another read, of the keys that count (`keys.rs`). The
//!   second call within a pause costs a write more; all others in it cost nothing here. A further
//!   process reads the row, and may send one message more.
//! * Clocks of different processes may be [`SKEW`] apart.
//!
//! # Design
//! The channel's row says when the last message is, or was, to be seen, and when the channel will
//! have rested ([`Told`]). A message is sent by whoever has replaced the row by the version that
//! was read; the others go by what stands there then. A message for later is claimed first, then
//! sent with the delay that is left, and then noted as sent: until it is, nobody relies on it, but
//! waits a little, and sends it in the place of whoever died over it.
//!
//! Whether a call may rely on a message depends on whether that is still hidden in the queue, since
//! its look may begin as soon as it is seen:
//! * The process that has sent the message knows by its own clock: the queue counts the delay from
//!   a moment after the one at which this process computed it. A call that comes [`MARGIN`] before
//!   the end of the delay, or earlier, is covered.
//! * Another process knows the time only by the sender's clock. It relies on the message if that is
//!   seen in more than [`SKEW`]. Otherwise the message may have been taken, and the process claims
//!   the next one, a pause later: if it was taken, the call is looked at then. With pauses of a
//!   second this is the usual case, and a burst of calls at several processes leads to one look
//!   more than at a single one. No note in the row that a message was taken could spare that look
//!   for less: each look would cost a write, and each call at another process a read.
//!
//! A look reads the calendar after its message was taken. A call that comes later than that is
//! never covered by it, whether its pass is still at work or not: it leads to a message of its own,
//! and where that finds the pair at work, it is put off (`sync_calendar`). A message that is
//! delivered twice, or late, leads to one look more. A message whose look fails comes back by the
//! queue's own means.
//!
//! In one process calls of a channel take turns, and go by what they remember as far as that goes.
//! Nothing depends on it: where it is lost, the row is read.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use records::watch::{LastNudge, WatchRecord};

use super::nudge_pairs::nudge_watched;
use crate::in_process::watches::{WatchCache, WatchVersion, is_set_back};
use crate::nudge::Cause;
use crate::{Error, Result, Scope};

/// The pause after a look at a channel that has rested.
const MIN_PAUSE: SignedDuration = SignedDuration::from_secs(1);

/// The pause while calls keep coming.
const MAX_PAUSE: SignedDuration = SignedDuration::from_secs(5);

/// A channel rests so long from each look.
const REST: SignedDuration = SignedDuration::from_secs(5);

/// After so many looks at once the pause begins to grow.
const QUICK_NUDGES: i32 = 5;

/// The longest time that a channel has to rest: after it the pause grows no more.
const MAX_REST: SignedDuration = SignedDuration::from_secs(35);

/// Clocks of two processes are apart by no more: no process relies on another one's message that is
/// seen sooner.
const SKEW: SignedDuration = SignedDuration::from_secs(1);

/// The same for a message of its own: times are cut to milliseconds on the way, and a clock may be
/// set right by a little.
const MARGIN: SignedDuration = SignedDuration::from_millis(100);

/// A message that was claimed is waited for: so often…
const CLAIM_WAITS: usize = 10;

/// …and so long each time. By then whoever claimed it is taken to be dead.
const CLAIM_WAIT: Duration = Duration::from_millis(100);

/// So often a row that others change at the same time is read again.
const ATTEMPTS: usize = 64;

/// What became of a call.
pub(super) enum DebounceOutcome {
    /// A message about it was sent. The row as it stands then, where that is known.
    Sent(Option<WatchVersion>),
    /// One that was sent before is still to be seen.
    Covered(WatchVersion),
    /// The channel is not there any more, or no longer believed.
    Gone,
}

/// Has the calendar of a channel looked at, at once or at the end of the pause. `row` is what
/// is known of it.
///
/// # Errors
/// Where nobody can rely on a message: the call is to come again.
pub(super) async fn debounce(
    scope: &Scope,
    memory: &WatchCache,
    row: WatchVersion,
    now: Timestamp,
) -> Result<DebounceOutcome> {
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
        if !row.is_live(now) {
            return Ok(DebounceOutcome::Gone);
        }
        let told = match (next_step(row.last_nudge.as_ref(), now), row.last_nudge.clone()) {
            (DebounceStep::Claim(told), _) => told,
            (DebounceStep::Covered, Some(told)) if told.sent => {
                memory.cover(told.visible_at, SKEW);
                return Ok(DebounceOutcome::Covered((row, etag)));
            }
            // Claimed, and not known to be sent.
            (DebounceStep::Covered, _) if waiting != (etag.clone(), CLAIM_WAITS) => {
                waiting = if waiting.0 == etag { (etag, waiting.1 + 1) } else { (etag, 1) };
                tokio::time::sleep(CLAIM_WAIT).await;
                continue;
            }
            (DebounceStep::Covered, told) => told.unwrap_or_else(|| nudge_at(now, now)),
        };
        let seen = told.visible_at;
        let row = WatchRecord { last_nudge: Some(told), ..row };
        let Some(etag) = scope.directory().replace_watch(&row, &etag).await? else {
            continue;
        };
        let delay = Duration::try_from(seen.duration_since(now)).unwrap_or_default();
        nudge_watched(scope, &row, Cause::Webhook, delay).await?;
        memory.cover(seen, MARGIN);
        if delay.is_zero() {
            // It is seen at once: nobody will ever rely on it.
            return Ok(DebounceOutcome::Sent(Some((row, etag))));
        }
        return Ok(DebounceOutcome::Sent(record_sent(scope, row, etag).await));
    }
    Err(Error::Store(store::Error::Conflict(0)))
}

/// Notes that a message is in the queue. Where that fails, somebody sends another one: no harm.
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
        tracing::debug!(channel = %row.id, %error, "that a message was sent could not be noted; \
        another process may send one more");
    }
    None
}

/// What a call leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum DebounceStep {
    /// This message, which is seen now or at the end of the pause.
    Claim(LastNudge),
    /// Nothing: one is still to be seen.
    Covered,
}

/// By what the row says of the last message, which another process may have sent.
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

/// A message that is seen then, for a channel that would have rested by that time.
fn nudge_at(seen: Timestamp, rested: Timestamp) -> LastNudge {
    LastNudge { visible_at: seen, sent: false, rested_at: seen.max(rested).checked_add(REST).ok() }
}

/// The pause after a look, where the channel has to rest for so long from it and those before. Each
/// look adds [`REST`], and time takes it away: five looks a second apart leave 21 s. From 25 s on
/// the pause is two seconds longer for each further [`REST`], and five seconds from 35 s on, where
/// a look adds no more than the pause takes away. Calls without an end therefore lead to 20 looks
/// in the first minute, and to 12 in each further one.
fn pause(rest: SignedDuration) -> SignedDuration {
    (MIN_PAUSE + (rest - REST * QUICK_NUDGES) * 2 / 5).clamp(MIN_PAUSE, MAX_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + millisecond).unwrap()
    }

    /// A message that was to be seen then, for a channel that has to rest for so many milliseconds
    /// from it.
    fn told(seen: i64, rest: i64) -> LastNudge {
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
        assert_eq!(next_step(Some(&told(0, 5000)), at(0)), claimed(1000, 10_000));
        assert_eq!(next_step(Some(&told(0, 5000)), at(999)), claimed(1000, 10_000));
        assert_eq!(
            next_step(Some(&told(0, 5000)), at(1001)),
            claimed(1001, 10_000),
            "the pause is over"
        );
        assert_eq!(
            next_step(Some(&told(0, 5000)), at(60_000)),
            claimed(60_000, 65_000),
            "it has rested"
        );
        assert_eq!(next_step(Some(&told(5000, 5000)), at(3999)), DebounceStep::Covered);
        assert_eq!(
            next_step(Some(&told(5000, 5000)), at(4000)),
            claimed(6000, 15_000),
            "by another clock it may be seen by now"
        );
        assert_eq!(
            next_step(Some(&told(3_600_000, 5000)), at(0)),
            claimed(0, 5000),
            "the clock was set back"
        );
        assert_eq!(
            next_step(Some(&told(0, 3_600_000)), at(0)),
            claimed(5000, 40_000),
            "and so it was before"
        );
        assert_eq!(
            next_step(Some(&LastNudge { rested_at: None, ..told(0, 0) }), at(0)),
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

    /// When looks begin, and how long each call waits for one, in milliseconds, where one process
    /// is called at these times.
    fn called(times: impl IntoIterator<Item = i64>) -> (Vec<i64>, Vec<i64>) {
        let (channel, mut last, mut looks, mut waits) =
            (WatchCache::default(), None::<LastNudge>, Vec::new(), Vec::new());
        for time in times {
            if !channel.is_covered(at(time))
                && let DebounceStep::Claim(told) = next_step(last.as_ref(), at(time))
            {
                channel.cover(told.visible_at, MARGIN);
                looks.push(told.visible_at.as_millisecond() - at(0).as_millisecond());
                last = Some(told);
            }
            waits.extend(looks.last().map(|look| look - time));
        }
        (looks, waits)
    }

    #[test]
    fn a_minute_of_calls_leads_to_twenty_looks_at_most() {
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
        /// Whatever comes is followed by a look, at once or soon, and looks are a pause apart.
        #[test]
        fn nothing_is_lost_and_nothing_is_too_often(gaps in proptest::collection::vec(0_i64..4000, 1..120)) {
            let times: Vec<i64> = gaps.iter().scan(0, |now, gap| { *now += gap; Some(*now) }).collect();
            let (looks, waits) = called(times.iter().copied());
            proptest::prop_assert!(waits.iter().all(|wait| (0..=5100).contains(wait)), "{waits:?}");
            proptest::prop_assert!(looks.windows(2).all(|two| two[1] - two[0] >= 1000), "{looks:?}");
        }

        /// People who edit quickly, six times within some seconds, and then pause for half a
        /// minute.
        #[test]
        fn who_edits_quickly_waits_for_a_second(gaps in proptest::collection::vec(proptest::collection::vec(200_i64..3000, 5), 20)) {
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
