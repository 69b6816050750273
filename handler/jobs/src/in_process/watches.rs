//! What one process remembers about watches that have sent notifications, and about the keys of
//! their secrets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use records::watch::WatchRecord;
use records::webhook_keys::WebhookKeys;
use tokio::time::Instant;

/// The number of watches that are remembered.
const MAX_ENTRIES: usize = 10_000;

/// How long a valid key is accepted without reading the row of the keys again.
const KEYS_TRUSTED_FOR: Duration = Duration::from_secs(60);

/// A nudge that becomes visible later was sent before the clock was set back.
const MAX_AHEAD: SignedDuration = SignedDuration::from_secs(7);

/// A watch and its ETag.
pub(crate) type WatchVersion = (WatchRecord, String);

/// The watches that have sent notifications, and the keys of their secrets.
#[derive(Debug, Default)]
pub(crate) struct WatchCaches {
    by_id: Mutex<HashMap<String, Arc<WatchCache>>>,
    pub(crate) keys: CachedKeys,
}

/// What a process remembers about one watch.
#[derive(Debug, Default)]
pub(crate) struct WatchCache {
    /// A notification before this time is covered by a nudge that is certainly in the queue.
    covered_until: Mutex<Option<Timestamp>>,
    /// The record as this process last wrote it. Locked while a notification is processed.
    last_written: tokio::sync::Mutex<Option<WatchVersion>>,
}

impl WatchCaches {
    /// The cache of a watch whose secret was valid. Beyond [`MAX_ENTRIES`] nothing is remembered,
    /// and the record is read each time.
    pub(crate) fn of(&self, id: &str) -> Arc<WatchCache> {
        let mut known = self.by_id.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(channel) = known.get(id) {
            return channel.clone();
        }
        let channel = Arc::<WatchCache>::default();
        if known.len() >= MAX_ENTRIES {
            // Watches whose notification is being processed stay.
            known.retain(|_, channel| Arc::strong_count(channel) > 1);
        }
        if known.len() < MAX_ENTRIES {
            known.insert(id.to_owned(), channel.clone());
        }
        channel
    }
}

impl WatchCache {
    /// Whether a nudge is still invisible in the queue, so that it covers this notification.
    pub(crate) fn is_covered(&self, now: Timestamp) -> bool {
        let until = *self.covered_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_some_and(|until| now < until && !is_set_back(until, now))
    }

    /// Records that a nudge is in the queue. It certainly stays invisible until `before` its time.
    pub(crate) fn cover(&self, seen: Timestamp, before: SignedDuration) {
        *self.covered_until.lock().unwrap_or_else(PoisonError::into_inner) =
            seen.checked_sub(before).ok();
    }

    /// Waits for earlier notifications of this watch. The guard holds the record as this process
    /// last wrote it.
    pub(crate) async fn lock(&self) -> tokio::sync::MutexGuard<'_, Option<WatchVersion>> {
        self.last_written.lock().await
    }
}

/// Whether a time is so far ahead that the clock was set back since.
pub(crate) fn is_set_back(time: Timestamp, now: Timestamp) -> bool {
    time.duration_since(now) > MAX_AHEAD
}

/// What a process remembers of the row of the keys.
#[derive(Debug, Default)]
pub(crate) struct CachedKeys {
    last: Mutex<Option<ReadKeys>>,
    /// Locked while the row is read.
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

    /// The answer of a read that began after `asked`, or a positive answer of an earlier read.
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
    fn the_number_of_entries_is_bounded_and_further_ones_pass() {
        let channels = WatchCaches::default();
        let held = channels.of("0");
        for n in 1..=MAX_ENTRIES {
            channels.of(&n.to_string());
        }
        assert!(channels.by_id.lock().unwrap().len() <= MAX_ENTRIES);
        assert!(Arc::ptr_eq(&held, &channels.of("0")), "a watch in use stays");
    }
}
