//! The rows about the keys of this installation: which keys of webhooks are valid, and when keys
//! were last rotated.
//!
//! The rows hold the ids of keys and no key: the vault derives the keys. The rows are in a
//! partition of their own ([`PARTITION`]) and belong to no owner, because a notification is
//! verified before its owner is known.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Op, Store, Table};

use crate::codec::encode;
use crate::directory::Directory;
use crate::{Error, Result};

/// The partition of these rows, and the owner of their lease.
pub const PARTITION: &str = "vault";
const WEBHOOKS: &str = "webhooks";
const ROTATED: &str = "rotated";

/// How long a watch may live whose key was replaced: the longest lifetime that a provider gives,
/// and an hour.
const GRACE: SignedDuration = SignedDuration::from_hours(7 * 24 + 1);

/// The valid keys of webhooks, by their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookKeys {
    /// Signs and verifies.
    pub current: String,
    /// When `current` began to sign.
    pub since: Timestamp,
    /// The key before `current`, which verifies until its watches have ended.
    #[serde(default)]
    pub previous: Option<String>,
    /// Until when secrets without the id of a key are valid.
    #[serde(default)]
    pub unnamed_until: Option<Timestamp>,
}

impl WebhookKeys {
    /// The first key with an id.
    pub fn first(current: String, now: Timestamp) -> Self {
        Self { current, since: now, previous: None, unnamed_until: end_of_grace(now) }
    }

    /// The keys after a rotation: `key` signs. The key before still verifies for a while, unless
    /// `at_once`.
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

    /// Whether a secret that was signed with this key is valid; `None` for a secret without the id
    /// of a key.
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

/// As [`WebhookKeys::accepts`]. Without stored keys, only secrets without the id of a key are
/// valid.
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

/// The keys of webhooks and the ETag of their row; `None` before the first key has an id. One
/// request.
pub async fn read_webhook_keys(store: &dyn Store) -> Result<Option<(WebhookKeys, String)>> {
    installation(store).get(WEBHOOKS).await
}

/// Replaces the row that was read with the ETag `before`, or inserts the first row. `false` where
/// another process has written the row.
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

/// Records a rotation and returns when the rotation before it was.
pub async fn note_rotation(store: &dyn Store, now: Timestamp) -> Result<Option<Timestamp>> {
    let before = match installation(store).get::<RotationRow>(ROTATED).await {
        Ok(found) => found.map(|(row, _)| row.at),
        // The row holds only a time. The present time is the safe assumption.
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
