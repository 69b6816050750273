//! What one process remembers of watches that have notified it, and of the keys of their secrets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use records::watch::WatchRecord;
use records::webhook_keys::WebhookKeys;
use tokio::time::Instant;

/// So many channels are remembered.
const MAX_ENTRIES: usize = 10_000;

/// How long it is taken for granted that a key counts.
const KEYS_TRUSTED_FOR: Duration = Duration::from_secs(60);

/// A message that is seen later than this was sent before the clock was set back.
const MAX_AHEAD: SignedDuration = SignedDuration::from_secs(7);

/// A row, and its version.
pub(crate) type WatchVersion = (WatchRecord, String);

/// What a process remembers of channels that have called, and of the keys of their tokens.
#[derive(Debug, Default)]
pub(crate) struct WatchCaches {
    by_id: Mutex<HashMap<String, Arc<WatchCache>>>,
    pub(crate) keys: CachedKeys,
}

/// What a process remembers of one channel.
#[derive(Debug, Default)]
pub(crate) struct WatchCache {
    /// A call before this time is covered by a message that is known to be in the queue.
    covered_until: Mutex<Option<Timestamp>>,
    /// The row as this process has written it last. Held by whoever deals with a call.
    last_written: tokio::sync::Mutex<Option<WatchVersion>>,
}

impl WatchCaches {
    /// What is remembered of a channel whose token was good. Beyond [`MAX_ENTRIES`] nothing is remembered,
    /// and the row is read each time.
    pub(crate) fn of(&self, id: &str) -> Arc<WatchCache> {
        let mut known = self.by_id.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = known.get(id) {
            return channel.clone();
        }
        let channel = Arc::<WatchCache>::default();
        if known.len() >= MAX_ENTRIES {
            // Those that are being dealt with stay.
            known.retain(|_, channel| Arc::strong_count(channel) > 1);
        }
        if known.len() < MAX_ENTRIES {
            known.insert(id.to_owned(), channel.clone());
        }
        channel
    }
}

impl WatchCache {
    /// Whether a message is still to be seen, so that another one would say nothing new.
    pub(crate) fn is_covered(&self, now: Timestamp) -> bool {
        let until = *self.covered_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| now < until && !is_set_back(until, now))
    }

    /// Notes that a message is in the queue, which is certain to be hidden there until so long
    /// before its time.
    pub(crate) fn cover(&self, seen: Timestamp, before: SignedDuration) {
        *self.covered_until.lock().unwrap_or_else(PoisonError::into_inner) =
            seen.checked_sub(before).ok();
    }

    /// Waits for the notifications of this watch that came before. The guard holds the record as
    /// this process has written it last.
    pub(crate) async fn lock(&self) -> tokio::sync::MutexGuard<'_, Option<WatchVersion>> {
        self.last_written.lock().await
    }
}

/// Whether a time lies so far ahead that the clock was set back since.
pub(crate) fn is_set_back(time: Timestamp, now: Timestamp) -> bool {
    time.duration_since(now) > MAX_AHEAD
}

/// What a process remembers of the row.
#[derive(Debug, Default)]
pub(crate) struct CachedKeys {
    last: Mutex<Option<ReadKeys>>,
    /// Held by the reader.
    pub(crate) reading: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug)]
pub(crate) struct ReadKeys {
    pub(crate) begun: Instant,
    pub(crate) keys: Option<WebhookKeys>,
}

impl CachedKeys {
    pub(crate) fn last(&self) -> MutexGuard<'_, Option<ReadKeys>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer of a read that began after `asked`, or of an earlier one that says yes.
    pub(crate) fn answer(
        &self,
        asked: Instant,
        proves: impl Fn(Option<&WebhookKeys>) -> bool,
    ) -> Option<bool> {
        let last = self.last();
        let read = last.as_ref()?;
        let yes = proves(read.keys.as_ref());
        (read.begun > asked || yes && read.begun.elapsed() < KEYS_TRUSTED_FOR).then_some(yes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_remembers_so_many_and_lets_the_others_through() {
        let channels = WatchCaches::default();
        let held = channels.of("0");
        for n in 1..=MAX_ENTRIES {
            channels.of(&n.to_string());
        }
        assert!(channels.by_id.lock().unwrap().len() <= MAX_ENTRIES);
        assert!(Arc::ptr_eq(&held, &channels.of("0")), "whoever is being dealt with stays");
    }
}
