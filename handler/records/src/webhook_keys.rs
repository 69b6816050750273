//! What is stored of the keys of this installation: which keys of webhooks count, and when keys
//! were rotated last.
//!
//! No key is stored here, only names: keys are derived by the vault. The rows are in a partition of
//! their own ([`PARTITION`]), as they belong to no owner: a notification is proven before anybody
//! looks whose it is.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Op, Store, Table};

use crate::codec::encode;
use crate::directory::Directory;
use crate::{Error, Result};

/// The partition of these rows, and the scope of their lease.
pub const PARTITION: &str = "vault";
const WEBHOOKS: &str = "webhooks";
const ROTATED: &str = "rotated";

/// So long a channel may live that was opened with a key that another one has followed: the longest
/// that a provider gives, and an hour.
const GRACE: SignedDuration = SignedDuration::from_hours(7 * 24 + 1);

/// Which keys of webhooks count, by their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookKeys {
    /// Signs, and proves.
    pub current: String,
    /// Since when.
    pub since: Timestamp,
    /// The one before it, which proves until its channels have ended.
    #[serde(default)]
    pub previous: Option<String>,
    /// Tokens of the form that names no key prove until then.
    #[serde(default)]
    pub unnamed_until: Option<Timestamp>,
}

impl WebhookKeys {
    /// The first, where there was none with a name.
    pub fn first(current: String, now: Timestamp) -> Self {
        Self { current, since: now, previous: None, unnamed_until: end_of_grace(now) }
    }

    /// What follows on it: `current` signs, and what signed until now proves for a while, unless it
    /// is to count no more.
    pub fn rotate_to(self, current: String, at_once: bool, now: Timestamp) -> Self {
        if at_once {
            return Self { current, since: now, previous: None, unnamed_until: None };
        }
        Self {
            current,
            since: now,
            previous: Some(self.current),
            unnamed_until: self.unnamed_until,
        }
    }

    /// Whether a token proves that is signed with this key; `None` for one of the form that names
    /// none.
    fn accepts(&self, key: Option<&str>, now: Timestamp) -> bool {
        match key {
            None => self.unnamed_until.is_some_and(|until| now < until),
            Some(key) if key == self.current => true,
            Some(key) => {
                self.previous.as_deref() == Some(key)
                    && end_of_grace(self.since).is_some_and(|until| now < until)
            }
        }
    }
}

/// The same for keys that may not have been named yet: then only tokens prove that name none.
pub fn accepts(keys: Option<&WebhookKeys>, key: Option<&str>, now: Timestamp) -> bool {
    keys.map_or(key.is_none(), |keys| keys.accepts(key, now))
}

fn end_of_grace(now: Timestamp) -> Option<Timestamp> {
    now.checked_add(GRACE).ok()
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RotationRow {
    at: Timestamp,
}

/// The keys of webhooks, and the version of their row; `None` before the first was named. One
/// request.
pub async fn read_webhook_keys(store: &dyn Store) -> Result<Option<(WebhookKeys, String)>> {
    installation(store).get(WEBHOOKS).await
}

/// Writes them down in the place of what was read, which may have been nothing; `false` where
/// another process was faster.
pub async fn put_webhook_keys(
    store: &dyn Store,
    keys: &WebhookKeys,
    before: Option<String>,
) -> Result<bool> {
    let (key, value) = (WEBHOOKS.to_owned(), encode(keys)?);
    let op = match before {
        None => Op::Insert { key, value },
        Some(etag) => Op::Replace { key, etag, value },
    };
    match store.commit(Table::Directory, PARTITION, &[op]).await {
        Ok(_) => Ok(true),
        Err(store::Error::Conflict(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// When keys were rotated last, before this time, which is noted in its place.
pub async fn note_rotation(store: &dyn Store, now: Timestamp) -> Result<Option<Timestamp>> {
    let before = match installation(store).get::<RotationRow>(ROTATED).await {
        Ok(found) => found.map(|(row, _)| row.at),
        // It holds a time and nothing else: this one is as safe as any.
        Err(Error::Damaged(_)) => Some(now),
        Err(error) => return Err(error),
    };
    let value = encode(&RotationRow { at: now })?;
    store.commit(Table::Directory, PARTITION, &[Op::Put { key: ROTATED.into(), value }]).await?;
    Ok(before)
}

/// The rows of the installation.
fn installation(store: &dyn Store) -> Directory<'_> {
    Directory::new(store, PARTITION)
}
