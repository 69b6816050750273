//! The row of an account's sealed secret, in [`store::Table::Secrets`].

use engine::calendar::AccountId;
use serde::{Deserialize, Serialize};
use store::Row;

use crate::{Error, Result, codec};

/// The version that is written.
pub const VERSION: u32 = 2;

/// A sealed secret.
#[derive(Serialize, Deserialize)]
pub struct SecretRecord {
    /// The version of the row. In version 1 the sealed text is the secret alone; in version 2 it
    /// begins with the destinations of the secret.
    pub v: u32,
    pub sealed: String,
}

impl SecretRecord {
    /// A record of the version that is written.
    pub fn new(sealed: String) -> Self {
        Self { v: VERSION, sealed }
    }

    /// Decodes the record in a row.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn decode(row: &Row) -> Result<Self> {
        match serde_json::from_str::<Self>(&row.value) {
            Ok(found) if found.v > VERSION => Err(codec::newer_version(&row.key, found.v, VERSION)),
            Ok(found) => Ok(found),
            Err(_) => Err(codec::damaged(&row.key)),
        }
    }

    /// Encodes the record for storage.
    ///
    /// # Errors
    /// [`Error::Damaged`], which no sealed text causes.
    pub fn encode(&self) -> Result<String> {
        serde_json::to_string(self)
            .map_err(|error| Error::Damaged(format!("a row cannot be encoded: {error}")))
    }
}

/// The name of the row that a sealed text of this version is bound to.
pub fn seal_row_name(id: &AccountId, version: u32) -> String {
    if version == 1 { id.to_string() } else { format!("{id}/{version}") }
}
