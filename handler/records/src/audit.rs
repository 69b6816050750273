//! The audit trail, and the settings of the last start.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One action, in [`store::Table::Directory`], partition `audit:OWNER`. The key is the microsecond in
/// 20 digits, and a random part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    pub at: Timestamp,
    /// The person or program that acted.
    pub who: String,
    /// Where the action came from.
    pub from: String,
    /// For example `account.add` or `pair.remove`.
    pub action: String,
    /// The id of the subject, or its kind where it has no id.
    pub subject: String,
    /// `done`, `nothing_held`, an error code, or a number.
    pub outcome: String,
}

/// A keyed hash of each setting at the last start, in the only row of the partition
/// `settings:OWNER`.
#[derive(Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingDigest {
    pub v: u32,
    pub hashes: BTreeMap<String, String>,
}
