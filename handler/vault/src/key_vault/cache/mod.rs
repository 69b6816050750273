//! A small cache of unwrapped data keys.
//!
//! A key leaves when it expires (a task removes it, and ends with the last key), or when the cache
//! is full and it is the least recently used one. It is wiped when its last clone is dropped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use tokio::sync::OnceCell;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::lock::lock;
use crate::{Result, Wrapped};

type CacheKey = Zeroizing<Vec<u8>>;

pub(super) struct Cache {
    slots: Arc<Mutex<Slots>>,
    keep: Duration,
    most: usize,
}

#[derive(Default)]
struct Slots {
    /// By a hash of the wrapped key, which has a fixed size.
    slots: HashMap<Name, Slot>,
    /// Counts uses, to find the least recently used slot.
    uses: u64,
    sweeping: bool,
}

type Name = [u8; 32];

struct Slot {
    /// Filled by the first caller; the others wait for it.
    key: Arc<OnceCell<CacheKey>>,
    until: Instant,
    used: u64,
}

impl Cache {
    pub(super) fn new(keep: Duration, most: usize) -> Self {
        Self { slots: Arc::default(), keep, most }
    }

    /// The key of `wrapped`, from the cache or else from `unwrap`, which runs once for all
    /// concurrent callers. A failure is not cached.
    pub(super) async fn get(
        &self,
        wrapped: &Wrapped,
        unwrap: impl Future<Output = Result<CacheKey>> + Send,
    ) -> Result<CacheKey> {
        let name = name(wrapped);
        let cell = self.cell(name);
        match cell.get_or_try_init(|| unwrap).await {
            Ok(key) => Ok(key.clone()),
            Err(error) => {
                let mut slots = lock(&self.slots);
                if slots.slots.get(&name).is_some_and(|slot| !slot.key.initialized()) {
                    slots.slots.remove(&name);
                }
                Err(error)
            }
        }
    }

    fn cell(&self, name: Name) -> Arc<OnceCell<CacheKey>> {
        let now = Instant::now();
        let mut slots = lock(&self.slots);
        slots.uses += 1;
        let used = slots.uses;
        if let Some(slot) = slots.slots.get_mut(&name)
            && now < slot.until
        {
            slot.used = used;
            return Arc::clone(&slot.key);
        }
        let key = Arc::default();
        slots.slots.insert(name, Slot { key: Arc::clone(&key), until: now + self.keep, used });
        slots.sweep(now);
        while slots.slots.len() > self.most.max(1) {
            let least = slots.slots.iter().min_by_key(|(_, slot)| slot.used).map(|(name, _)| *name);
            least.and_then(|least| slots.slots.remove(&least));
        }
        if !slots.sweeping {
            slots.sweeping = true;
            tokio::spawn(sweep(Arc::downgrade(&self.slots)));
        }
        key
    }
}

impl Slots {
    fn sweep(&mut self, now: Instant) {
        self.slots.retain(|_, slot| now < slot.until);
    }
}

/// Removes expired keys, until the cache is empty.
async fn sweep(slots: Weak<Mutex<Slots>>) {
    loop {
        let next = {
            let Some(slots) = slots.upgrade() else { return };
            let mut slots = lock(&slots);
            slots.sweep(Instant::now());
            let Some(next) = slots.slots.values().map(|slot| slot.until).min() else {
                slots.sweeping = false;
                return;
            };
            next
        };
        tokio::time::sleep_until(next).await;
    }
}

fn name(Wrapped { version, key }: &Wrapped) -> Name {
    // A version holds no line end.
    let digest = digest(&SHA256, format!("{version}\n{key}").as_bytes());
    digest.as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

#[cfg(test)]
mod tests;
