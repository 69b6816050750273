//! How often a channel's calendar is told to be looked at: at once, and then not more than once in a pause, in all processes together.
//!
//! # Properties
//! * Whatever comes is followed by a look: the first by one at once, and whatever comes within the pause by one at its end. Whoever is told that
//!   a call is covered can rely on that, whichever process dies: the message about it is in the queue by then.
//! * However many processes are called, and however often, the messages that calls lead to are seen a pause apart.
//! * A call by itself costs one write where this process has heard the channel before, and a read more where it has not. The second call within a
//!   pause costs a write more; all others in it cost nothing here, and one read in each further process.
//! * No clock needs to be right to more than [`SKEW`].
//!
//! # Design
//! The channel's row says when the last message is, or was, to be seen ([`Told`]). A message is sent by whoever has replaced the row by the version
//! that was read; the others go by what stands there then. A message for later is claimed first, then sent, and then noted as sent: until it is,
//! nobody relies on it, but waits a little, and sends it in the place of whoever died over it.
//! In one process calls of a channel take turns, and go by what they remember as far as that goes. Nothing depends on it: where it is lost, the row
//! is read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::MutexGuard;

use crate::directory::{self, ChannelRow, Told};
use crate::nudge::{self, Cause, Nudge};
use crate::{Error, Result, Services};

/// A calendar is nudged so often at most, for each channel.
pub const PAUSE: Duration = Duration::from_secs(5);

/// Clocks of two processes, and that of the queue, are apart by less: nobody relies on a message that is seen sooner.
const SKEW: SignedDuration = SignedDuration::from_secs(1);

/// A message that was claimed is waited for: so often…
const TRIES: usize = 10;

/// …and so long each time. By then whoever claimed it is taken to be dead.
const TRY: Duration = Duration::from_millis(100);

/// So often a row that others change at the same time is read again.
const ATTEMPTS: usize = 64;

/// So many channels are remembered.
const MANY: usize = 10_000;

/// A row, and its version.
pub(super) type Version = (ChannelRow, String);

/// What became of a call.
pub(super) enum Tale {
    /// A message about it was sent. The row as it stands then, where that is known.
    Sent(Option<Version>),
    /// One that was sent before is still to be seen.
    Covered(Version),
    /// The channel is not there any more, or no longer believed.
    Gone,
}

/// What a process remembers of channels that have called.
#[derive(Debug, Default)]
pub(crate) struct Channels(Mutex<HashMap<String, Arc<Channel>>>);

/// What a process remembers of one channel.
#[derive(Debug, Default)]
pub(super) struct Channel {
    /// When the last message about it is to be seen, where that is known to be in the queue.
    covered: Mutex<Option<Timestamp>>,
    /// The row as this process has written it last. Held by whoever deals with a call.
    turn: tokio::sync::Mutex<Option<Version>>,
}

impl Channels {
    /// What is remembered of a channel whose token was good. Beyond [`MANY`] nothing is remembered, and the row is read each time.
    pub(super) fn of(&self, id: &str) -> Arc<Channel> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = known.get(id) {
            return channel.clone();
        }
        let channel = Arc::<Channel>::default();
        if known.len() >= MANY {
            // Those that are being dealt with stay.
            known.retain(|_, channel| Arc::strong_count(channel) > 1);
        }
        if known.len() < MANY {
            known.insert(id.to_owned(), channel.clone());
        }
        channel
    }
}

impl Channel {
    /// Whether a message is still to be seen, so that another one would say nothing new.
    pub(super) fn is_covered(&self, now: Timestamp) -> bool {
        let seen = *self.covered.lock().unwrap_or_else(PoisonError::into_inner);
        next(seen, now) == Next::Covered
    }

    fn cover(&self, seen: Timestamp) {
        *self.covered.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
    }

    /// Waits for those that came before. What is held is the row as this process has written it last.
    pub(super) async fn turn(&self) -> MutexGuard<'_, Option<Version>> {
        self.turn.lock().await
    }

    /// Has the calendar of a channel looked at, once in a pause. `row` is what is known of it.
    ///
    /// # Errors
    /// Where nobody can rely on a message: the call is to come again.
    pub(super) async fn tell(&self, services: &Services, row: Version, now: Timestamp) -> Result<Tale> {
        let id = row.0.id.clone();
        let mut known = Some(row);
        let mut waiting: (String, usize) = (String::new(), 0);
        for _ in 0..ATTEMPTS {
            let (row, etag) = match known.take() {
                Some(known) => known,
                None => match directory::channel_version(services, &id).await? {
                    Some(read) => read,
                    None => return Ok(Tale::Gone),
                },
            };
            if !row.is_live(now) {
                return Ok(Tale::Gone);
            }
            let told = row.told.clone();
            let seen = match (next(told.as_ref().map(|told| told.seen), now), told) {
                (Next::At(seen), _) => seen,
                (Next::Covered, Some(told)) if told.sent => {
                    self.cover(told.seen);
                    return Ok(Tale::Covered((row, etag)));
                }
                // Claimed, and not known to be sent.
                (Next::Covered, _) if waiting != (etag.clone(), TRIES) => {
                    waiting = if waiting.0 == etag { (etag, waiting.1 + 1) } else { (etag, 1) };
                    tokio::time::sleep(TRY).await;
                    continue;
                }
                (Next::Covered, told) => told.map_or(now, |told| told.seen),
            };
            let row = ChannelRow { told: Some(Told { seen, sent: false }), ..row };
            let Some(etag) = directory::replace_channel(services, &row, &etag).await? else { continue };
            let delay = Duration::try_from(seen.duration_since(now)).unwrap_or_default();
            nudge::send_after(services, &Nudge { calendar_id: row.calendar.clone(), cause: Cause::Webhook }, delay).await?;
            self.cover(seen);
            if delay.is_zero() {
                // It is seen at once: nobody will ever rely on it.
                return Ok(Tale::Sent(Some((row, etag))));
            }
            return Ok(Tale::Sent(sent(services, row, etag).await));
        }
        Err(Error::Store(store::Error::Conflict(0)))
    }
}

/// Notes that a message is in the queue. Where that fails, somebody sends another one: no harm.
async fn sent(services: &Services, row: ChannelRow, etag: String) -> Option<Version> {
    let claimed = row.told.clone()?;
    let noted = Told { sent: true, ..claimed.clone() };
    let row = ChannelRow { told: Some(noted.clone()), ..row };
    let outcome = match directory::replace_channel(services, &row, &etag).await {
        Ok(Some(etag)) => return Some((row, etag)),
        Ok(None) => {
            let change = |row: &mut ChannelRow| {
                if row.told.as_ref() == Some(&claimed) {
                    row.told = Some(noted.clone());
                }
            };
            directory::change_channel(services, &row.id, change).await.map(drop)
        }
        Err(error) => Err(error),
    };
    if let Err(error) = outcome {
        tracing::debug!(channel = %row.id, %error, "that a message was sent could not be noted; another process may send one more");
    }
    None
}

/// What a call leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// A message that is seen then: now, or at the end of the pause.
    At(Timestamp),
    /// Nothing: one is still to be seen.
    Covered,
}

/// By when the last message is, or was, to be seen.
fn next(seen: Option<Timestamp>, now: Timestamp) -> Next {
    let pause = SignedDuration::try_from(PAUSE).unwrap_or(SignedDuration::MAX);
    let Some(seen) = seen else { return Next::At(now) };
    let ahead = seen.duration_since(now);
    // Long ago; or so far ahead that the clock was set back.
    if ahead <= -pause || ahead > pause + SKEW + SKEW {
        return Next::At(now);
    }
    if ahead > SKEW { Next::Covered } else { Next::At(seen.saturating_add(pause).unwrap_or(now)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + millisecond).unwrap()
    }

    #[test]
    fn the_first_goes_at_once_and_one_more_for_all_that_follow() {
        assert_eq!(next(None, at(0)), Next::At(at(0)));
        assert_eq!(next(Some(at(0)), at(0)), Next::At(at(5000)));
        assert_eq!(next(Some(at(0)), at(4999)), Next::At(at(5000)));
        assert_eq!(next(Some(at(0)), at(5000)), Next::At(at(5000)));
        assert_eq!(next(Some(at(5000)), at(3999)), Next::Covered);
        assert_eq!(next(Some(at(5000)), at(4000)), Next::At(at(10_000)), "by another clock it may be seen by now");
        assert_eq!(next(Some(at(3_600_000)), at(0)), Next::At(at(0)), "the clock was set back");
    }

    proptest::proptest! {
        /// Whatever comes is followed by a look, at once or soon, and looks are a pause apart.
        #[test]
        fn nothing_is_lost_and_nothing_is_too_often(gaps in proptest::collection::vec(0_i64..8000, 1..60)) {
            let (mut now, mut looks) = (0, Vec::<i64>::new());
            for gap in gaps {
                now += gap;
                let seen = looks.last().map(|seen| at(*seen));
                if let Next::At(look) = next(seen, at(now)) {
                    looks.push(look.as_millisecond() - at(0).as_millisecond());
                }
                let next = *looks.last().unwrap();
                proptest::prop_assert!(next >= now && next <= now + 6000, "{now} is looked at at {next}");
            }
            proptest::prop_assert!(looks.windows(2).all(|two| two[1] - two[0] >= 5000), "{looks:?}");
        }
    }

    #[test]
    fn it_remembers_so_many_and_lets_the_others_through() {
        let channels = Channels::default();
        let held = channels.of("0");
        for n in 1..=MANY {
            channels.of(&n.to_string());
        }
        assert!(channels.0.lock().unwrap().len() <= MANY);
        assert!(Arc::ptr_eq(&held, &channels.of("0")), "whoever is being dealt with stays");
    }
}
