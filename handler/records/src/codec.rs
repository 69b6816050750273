//! The format of records: JSON with a version in `v`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The version that is written, and the newest version that is read.
const VERSION: u32 = 1;

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

/// Encodes a value for storage.
pub fn encode<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(&Versioned { v: VERSION, value })
        .map_err(|error| Error::Damaged(format!("a row cannot be encoded: {error}")))
}

/// Decodes a stored value. The error names the row by `key` and quotes nothing of its content.
pub fn decode<T: DeserializeOwned>(key: &str, text: &str) -> Result<T> {
    let RowVersion { v } = serde_json::from_str(text).map_err(|_| damaged(key))?;
    if v > VERSION {
        return Err(newer_version(key, v, VERSION));
    }
    serde_json::from_str::<Versioned<T>>(text).map(|row| row.value).map_err(|_| damaged(key))
}

/// The error for a row that cannot be read.
pub fn damaged(key: &str) -> Error {
    Error::Damaged(format!("the row {key} cannot be read; it was not changed"))
}

/// The error for a row of a version that this program does not know.
pub fn newer_version(key: &str, v: u32, known: u32) -> Error {
    Error::Damaged(format!(
        "the row {key} was written by a newer calrelay (version {v}, this program knows {known}); \
        it was not changed, use the newer program"
    ))
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
