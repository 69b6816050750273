//! The settings that have changed since the last start of the service. Storage holds a keyed hash
//! of each value, and nothing else of it.

use std::collections::BTreeMap;

use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign};
use data_encoding::BASE64URL_NOPAD;
use records::audit::SettingDigest;
use secrecy::{ExposeSecret, SecretString};
use store::{Op, Table};

use super::{Actor, note};
use crate::{Error, Result, Scope};

/// The version that is written, and the only one that is read.
const VERSION: u32 = 1;
/// The only row of its partition.
const ROW: &str = "known";
/// The purpose of the key.
const PURPOSE: &str = "audit of settings";
/// Bytes of a hash that are stored.
const KEPT: usize = 16;

/// Compares the settings with those of the last start, and writes an audit entry with the names of
/// those that changed. One request where nothing has changed.
///
/// # Errors
/// Storage and vault failures: the next start compares again.
pub async fn record_setting_changes(
    scope: &Scope,
    values: &BTreeMap<String, SecretString>,
) -> Result<()> {
    let key = scope.vault.hash_key(PURPOSE).await?;
    let key = Key::new(HMAC_SHA256, &key[..]);
    let hash = |name: &str, value: &SecretString| {
        let text = zeroize::Zeroizing::new(format!("{name}\n{}", value.expose_secret()));
        BASE64URL_NOPAD.encode(&sign(&key, text.as_bytes()).as_ref()[..KEPT])
    };
    let now = SettingDigest {
        v: VERSION,
        hashes: values.iter().map(|(name, value)| (name.clone(), hash(name, value))).collect(),
    };
    let partition = format!("settings:{}", scope.owner);
    let row = scope.store.get(Table::Directory, &partition, ROW).await?;
    let before = row
        .as_ref()
        .and_then(|row| serde_json::from_str::<SettingDigest>(&row.value).ok())
        .filter(|known| known.v == VERSION);
    if before.as_ref() == Some(&now) {
        return Ok(());
    }
    let before = before.unwrap_or_default();
    let names = before.hashes.keys().chain(now.hashes.keys());
    let mut changed: Vec<&str> = names
        .filter(|name| before.hashes.get(*name) != now.hashes.get(*name))
        .map(String::as_str)
        .collect();
    changed.sort_unstable();
    changed.dedup();
    let value = serde_json::to_string(&now)
        .map_err(|error| Error::Damaged(format!("a row cannot be encoded: {error}")))?;
    if !changed.is_empty() {
        note(
            scope,
            &Actor::new("calrelay", "start"),
            "settings.change",
            &changed.join(" "),
            super::DONE,
        )
        .await;
    }
    scope.store.commit(Table::Directory, &partition, &[Op::Put { key: ROW.into(), value }]).await?;
    Ok(())
}
