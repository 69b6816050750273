//! `local.settings.json`, the file of the Functions tools: `{"IsEncrypted": false, "Values": {…}}`.
//!
//! JSON has no comments, so a key of `Values` that begins with `_` counts as a comment.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// The largest file that is read.
const MAX_BYTES: usize = 1024 * 1024;

const COMPARE: &str = "compare it with local.settings.example.json";

#[derive(Deserialize)]
struct SettingsFile {
    #[serde(rename = "IsEncrypted", default)]
    encrypted: bool,
    #[serde(rename = "Values", default)]
    values: BTreeMap<String, Value>,
}

/// The values of the file, which errors call by this name. No value is quoted in an error: it may
/// be a secret.
pub fn values(bytes: &[u8], file: &str) -> Result<BTreeMap<String, String>, String> {
    if bytes.len() > MAX_BYTES {
        return Err(format!(
            "{file} is larger than 1 MiB, which is not what it should be; it was not read"
        ));
    }
    // Editors on Windows put a byte order mark in front.
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let json: Map<String, Value> = serde_json::from_slice(bytes).map_err(|error| {
        format!(
            "{file} is not the JSON that it should be (line {}, column {}); {COMPARE}",
            error.line(),
            error.column()
        )
    })?;
    let settings: SettingsFile = serde_json::from_value(json.into())
        .map_err(|_| format!("{file} has IsEncrypted or Values of the wrong kind; {COMPARE}"))?;
    if settings.encrypted {
        return Err(format!(
            "{file} is encrypted; decrypt it with `func settings decrypt`, or give the \
            settings \
            in the environment"
        ));
    }
    settings
        .values
        .into_iter()
        .filter(|(name, _)| !name.starts_with('_'))
        .map(|(name, value)| text(&name, value, file).map(|text| (name, text)))
        .collect()
}

fn text(name: &str, value: Value, file: &str) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(value) => Ok(value.to_string()),
        Value::Null => Ok(String::new()),
        Value::Array(_) | Value::Object(_) => {
            Err(format!("{name} in {file} must be a text in quotes"))
        }
    }
}
