//! How the directory's rows are written down: JSON with a version in `v`.

use engine::calendar::CalendarId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::{Op, Row, Table};

use crate::{Error, Result, Services};

/// The version that this program writes, and the newest that it reads.
const VERSION: u32 = 1;

/// How often a row is read again when somebody else wrote it at the same moment.
const ATTEMPTS: usize = 8;

/// Rows taken with one request: as many as storage gives.
pub(super) const PAGE: usize = 1000;

pub(super) const ACCOUNT: &str = "account:";
pub(super) const CALENDAR: &str = "calendar:";
pub(super) const CHANNEL: &str = "channel:";
pub(super) const PAIR: &str = "pair:";
pub(super) const ENDED: &str = "ended:";

/// The row that says that copies went from one calendar to another.
pub(super) fn ended_key(from: &CalendarId, to: &CalendarId) -> String {
    format!("{ENDED}{from}:{to}")
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    v: u32,
    #[serde(flatten)]
    value: T,
}

#[derive(Deserialize)]
struct RowVersion {
    v: u32,
}

/// A value as it is stored.
pub(super) fn encode<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(&Versioned { v: VERSION, value })
        .map_err(|error| Error::Damaged(format!("a row cannot be written down: {error}")))
}

/// A value as it was stored. `key` names the row in the error; nothing of its content is quoted.
pub(super) fn decode<T: DeserializeOwned>(key: &str, text: &str) -> Result<T> {
    let RowVersion { v } = serde_json::from_str(text).map_err(|_| damaged(key))?;
    if v > VERSION {
        return Err(newer(key, v, VERSION));
    }
    serde_json::from_str::<Versioned<T>>(text).map(|row| row.value).map_err(|_| damaged(key))
}

/// A row that cannot be read.
pub(super) fn damaged(key: &str) -> Error {
    Error::Damaged(format!("the row {key} is not what it should be; it was left as it is"))
}

/// A row of a version that this program does not know.
pub(super) fn newer(key: &str, v: u32, known: u32) -> Error {
    Error::Damaged(format!(
        "the row {key} was written by a newer calrelay (version {v}, this program knows {known}); \
        it was left as it is, use the newer program"
    ))
}

/// One row, and its ETag.
pub(super) async fn get<T: DeserializeOwned>(
    services: &Services,
    key: &str,
) -> Result<Option<(T, String)>> {
    match services.store.get(Table::Directory, &services.owner, key).await? {
        Some(row) => Ok(Some((decode(&row.key, &row.value)?, row.etag))),
        None => Ok(None),
    }
}

/// All rows whose key begins with `prefix`, in the order of their keys.
pub(super) async fn list<T: DeserializeOwned>(services: &Services, prefix: &str) -> Result<Vec<T>> {
    let mut values = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page: Vec<Row> = services
            .store
            .scan(Table::Directory, &services.owner, prefix, after.as_deref(), PAGE)
            .await?;
        for row in &page {
            values.push(decode(&row.key, &row.value)?);
        }
        match page.last() {
            Some(last) if page.len() == PAGE => after = Some(last.key.clone()),
            _ => return Ok(values),
        }
    }
}

/// Changes a row that is there, whoever else writes to it; `None` where it is not. A change that
/// leaves the row as it was is not written.
pub(super) async fn update<T>(
    services: &Services,
    key: &str,
    mut change: impl FnMut(&mut T),
) -> Result<Option<T>>
where
    T: Serialize + DeserializeOwned + Clone + PartialEq,
{
    let mut attempt = 0;
    loop {
        let Some((before, etag)) = get::<T>(services, key).await? else { return Ok(None) };
        let mut after = before.clone();
        change(&mut after);
        if after == before {
            return Ok(Some(after));
        }
        let op = Op::Replace { key: key.to_owned(), etag, value: encode(&after)? };
        match services.store.commit(Table::Directory, &services.owner, &[op]).await {
            Ok(_) => return Ok(Some(after)),
            Err(store::Error::Conflict(_)) if attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Thing {
        name: String,
    }

    #[test]
    fn a_row_carries_its_version_and_comes_back() {
        let text = encode(&Thing { name: "one".into() }).unwrap();
        assert_eq!(text, r#"{"v":1,"name":"one"}"#);
        assert_eq!(decode::<Thing>("thing:1", &text).unwrap(), Thing { name: "one".into() });
    }

    #[test]
    fn a_field_of_tomorrow_is_no_obstacle() {
        let thing: Thing =
            decode("thing:1", r#"{"v":1,"name":"one","colour":{"deep":[1,2]}}"#).unwrap();
        assert_eq!(thing.name, "one");
    }

    #[test]
    fn a_row_of_a_newer_version_is_named_and_not_read() {
        let error =
            decode::<Thing>("thing:1", r#"{"v":2,"name":"secret words"}"#).unwrap_err().to_string();
        assert!(error.contains("thing:1") && error.contains("newer"), "{error}");
        assert!(!error.contains("secret words"), "{error}");
    }

    #[test]
    fn damage_is_said_without_quoting_the_row() {
        for text in [
            "",
            "secret words",
            r#"{"name":"secret words"}"#,
            r#"{"v":1,"name":["secret words"]}"#,
            r#"{"v":-1}"#,
        ] {
            let error = decode::<Thing>("thing:1", text).unwrap_err();
            assert!(matches!(error, Error::Damaged(_)));
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
