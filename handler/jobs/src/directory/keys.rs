//! What is stored of the keys of this installation: which keys of webhooks count, and when keys
//! were rotated last.
//!
//! No key is stored here, only names: keys are derived by the vault. The rows are in a partition of
//! their own ([`PARTITION`]), as they belong to no owner: a notification is proven before anybody
//! looks whose it is.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Lease, Op, Table};

use super::{lease, rows};
use crate::{Error, Result, Services};

/// The partition of these rows, and the scope of their lease.
const PARTITION: &str = "vault";
const WEBHOOKS: &str = "webhooks";
const ROTATED: &str = "rotated";

/// So long a channel may live that was opened with a key that another one has followed: the longest
/// that a provider gives, and an hour.
const GRACE: SignedDuration = SignedDuration::from_hours(7 * 24 + 1);

/// Which keys of webhooks count, by their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WebhookKeys {
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
        Self { current, since: now, previous: None, unnamed_until: later(now) }
    }

    /// What follows on it: `current` signs, and what signed until now proves for a while, unless it
    /// is to count no more.
    pub fn followed_by(self, current: String, at_once: bool, now: Timestamp) -> Self {
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
    fn prove(&self, key: Option<&str>, now: Timestamp) -> bool {
        match key {
            None => self.unnamed_until.is_some_and(|until| now < until),
            Some(key) if key == self.current => true,
            Some(key) => {
                self.previous.as_deref() == Some(key)
                    && later(self.since).is_some_and(|until| now < until)
            }
        }
    }
}

/// The same for keys that may not have been named yet: then only tokens prove that name none.
pub(crate) fn prove(keys: Option<&WebhookKeys>, key: Option<&str>, now: Timestamp) -> bool {
    keys.map_or(key.is_none(), |keys| keys.prove(key, now))
}

fn later(now: Timestamp) -> Option<Timestamp> {
    now.checked_add(GRACE).ok()
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct RotationRow {
    at: Timestamp,
}

/// The keys of webhooks, and the version of their row; `None` before the first was named. One
/// request.
pub(crate) async fn webhook_keys(services: &Services) -> Result<Option<(WebhookKeys, String)>> {
    rows::get(&installation(services), WEBHOOKS).await
}

/// Writes them down in the place of what was read, which may have been nothing; `false` where
/// another process was faster.
pub(crate) async fn put_webhook_keys(
    services: &Services,
    keys: &WebhookKeys,
    before: Option<String>,
) -> Result<bool> {
    let (key, value) = (WEBHOOKS.to_owned(), rows::encode(keys)?);
    let op = match before {
        None => Op::Insert { key, value },
        Some(etag) => Op::Replace { key, etag, value },
    };
    match services.store.commit(Table::Directory, PARTITION, &[op]).await {
        Ok(_) => Ok(true),
        Err(store::Error::Conflict(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Taken while keys are rotated.
pub(crate) async fn lease_keys(services: &Services) -> Result<Lease> {
    lease::keys(&installation(services)).await
}

/// When keys were rotated last, before this time, which is noted in its place.
pub(crate) async fn note_rotation(services: &Services) -> Result<Option<Timestamp>> {
    let services = &installation(services);
    let now = services.clock.now();
    let before = match rows::get::<RotationRow>(services, ROTATED).await {
        Ok(found) => found.map(|(row, _)| row.at),
        // It holds a time and nothing else: this one is as safe as any.
        Err(Error::Damaged(_)) => Some(now),
        Err(error) => return Err(error),
    };
    let value = rows::encode(&RotationRow { at: now })?;
    services
        .store
        .commit(Table::Directory, PARTITION, &[Op::Put { key: ROTATED.into(), value }])
        .await?;
    Ok(before)
}

/// The same services, for the rows of the installation.
fn installation(services: &Services) -> Services {
    Services { owner: PARTITION.into(), ..services.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + 3600 * hour).unwrap()
    }

    fn proving(keys: Option<&WebhookKeys>, hour: i64) -> Vec<&'static str> {
        let all = [None, Some("aaaa"), Some("bbbb"), Some("cccc")];
        all.into_iter()
            .filter(|key| prove(keys, *key, at(hour)))
            .map(|key| key.unwrap_or("none"))
            .collect()
    }

    #[test]
    fn a_key_proves_until_its_channels_have_ended_or_two_have_followed() {
        assert_eq!(proving(None, 0), ["none"]);
        let first = WebhookKeys::first("aaaa".into(), at(0));
        assert_eq!(
            (proving(Some(&first), 7 * 24), proving(Some(&first), 7 * 24 + 1)),
            (vec!["none", "aaaa"], vec!["aaaa"])
        );
        let second = first.followed_by("bbbb".into(), false, at(100));
        assert_eq!(proving(Some(&second), 100), ["none", "aaaa", "bbbb"]);
        assert_eq!(
            proving(Some(&second), 7 * 24 + 1),
            ["aaaa", "bbbb"],
            "the old form ends when it would have ended"
        );
        assert_eq!(proving(Some(&second), 100 + 7 * 24 + 1), ["bbbb"]);
        let third = second.clone().followed_by("cccc".into(), false, at(101));
        assert_eq!(proving(Some(&third), 101), ["none", "bbbb", "cccc"]);
        let emergency = second.followed_by("cccc".into(), true, at(101));
        assert_eq!(proving(Some(&emergency), 101), ["cccc"]);
    }
}
