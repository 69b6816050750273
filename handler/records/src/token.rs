//! Access tokens of programs.
//!
//! A token has two rows in [`store::Table::Secrets`]: one in the partition `tokens`, under the hash
//! of the token, which every request reads; and one in the partition `tokens:OWNER`, under the id,
//! for lists. Storage never holds the token itself.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use crate::consent::{decode, encode};

/// The partition of the rows that requests read.
pub const BY_HASH: &str = "tokens";

/// The partition of an owner's list.
pub fn list_partition(owner: &str) -> String {
    format!("tokens:{owner}")
}

/// A token, as both of its rows hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    pub id: String,
    pub owner: String,
    pub name: String,
    /// What the token may do.
    pub scopes: Vec<Permission>,
    pub created: Timestamp,
    pub expires: Option<Timestamp>,
    /// The day of the last request, in UTC.
    #[serde(default)]
    pub last_used: Option<Date>,
    /// The last four characters.
    pub hint: String,
    /// The SHA-256 of the token, in base64url.
    pub hash: String,
}

/// What a token may do (`scope` in the API). None includes another.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Read accounts, calendars, pairs and runs.
    Read,
    /// Start runs, pause and resume.
    Sync,
    /// Change accounts and pairs, and decide about held deletions.
    Write,
}

impl Permission {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Read, Self::Sync, Self::Write];

    /// The name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Sync => "sync",
            Self::Write => "write",
        }
    }
}

impl std::str::FromStr for Permission {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::as_str).join(", ");
        Self::ALL
            .into_iter()
            .find(|one| one.as_str() == text)
            .ok_or_else(|| format!("no scope has this name; there are {}", names()))
    }
}
