//! Sealing secrets: envelope encryption, bound to the row that holds the secret.
//!
//! # Properties
//! * A sealed secret opens only with the [`SealContext`] (table, partition, row) that it was sealed
//!   for: a row that is copied elsewhere is useless.
//! * Every secret has a data key of its own, wrapped by the wrapping key; rotating the wrapping key
//!   wraps data keys again and encrypts no secret again.
//! * Keys and secrets are wiped from memory when dropped, and `Debug` does not show them.

mod envelope;
mod error;
#[cfg(feature = "key-vault")]
pub mod key_vault;
mod local_key;
mod root_row;
mod sealed;

use std::collections::BTreeSet;

use async_trait::async_trait;
use secrecy::SecretString;

pub use envelope::Envelope;
pub use error::{Error, Result};
#[cfg(feature = "key-vault")]
pub use key_vault::KeyVault;
pub use local_key::{KEY_FILE, LocalKey};
pub use root_row::RootRow;
pub use sealed::{Root, version_of};

/// The row that keeps a secret. It is authenticated with the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealContext<'a> {
    /// The table.
    pub table: &'a str,
    /// The partition key.
    pub partition: &'a str,
    /// The row key.
    pub row: &'a str,
}

/// Wraps and unwraps data keys.
#[async_trait]
pub trait WrappingKey: Send + Sync {
    /// The version that wraps now. Its name is stored beside what it wrapped.
    async fn current(&self) -> Result<String>;
    /// Wraps a data key with the current version.
    async fn wrap(&self, data_key: &[u8]) -> Result<Wrapped>;
    /// Unwraps what the current version or an earlier one wrapped.
    async fn unwrap(&self, wrapped: &Wrapped) -> Result<zeroize::Zeroizing<Vec<u8>>>;
    /// Creates a version, or finds the newest one where versions are created elsewhere. It wraps
    /// from now on. Returns its name.
    async fn use_newest(&self) -> Result<String>;
    /// Removes the versions that are not `needed`, except the newest and the one before it. Returns
    /// how many were removed: none where versions are kept elsewhere.
    async fn retire(&self, needed: &BTreeSet<String>) -> Result<usize>;
    /// Whether the key can wrap and unwrap now. Cheap enough for a probe every few seconds.
    async fn check(&self) -> Result<()>;
}

/// A wrapped data key.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Wrapped {
    /// The version of the wrapping key.
    pub version: String,
    /// The wrapped bytes, base64url.
    pub key: String,
}

/// Seals and opens secrets.
#[async_trait]
pub trait Vault: Send + Sync {
    /// Seals a secret for a row. The text is safe to store.
    async fn seal(&self, place: SealContext<'_>, secret: &SecretString) -> Result<String>;
    /// Opens what was sealed for this row.
    async fn open(&self, place: SealContext<'_>, sealed: &str) -> Result<SecretString>;
    /// Wraps the data key again if the wrapping key has a newer version; `None` if the text is up
    /// to date.
    async fn reseal(&self, place: SealContext<'_>, sealed: &str) -> Result<Option<String>>;
    /// Creates a version of the wrapping key, or finds the newest one where versions are created
    /// elsewhere. It seals from now on. Returns its name. Texts that were sealed before still open,
    /// and [`Vault::reseal`] wraps them with the new version.
    async fn rotate(&self) -> Result<String>;
    /// Seals again what the vault itself keeps in storage. Returns the number of texts.
    async fn reseal_own(&self) -> Result<usize>;
    /// Removes versions of the wrapping key, where this program keeps them, and returns how many.
    /// The newest version stays, the one before it (another process may be sealing with it at this
    /// moment), and the versions that are `needed`: those that [`version_of`] finds in sealed
    /// texts.
    async fn retire(&self, needed: &BTreeSet<String>) -> Result<usize>;
    /// A key for keyed hashes of one purpose, derived from the root of the vault. No rotation
    /// changes it.
    async fn hash_key(&self, purpose: &str) -> Result<zeroize::Zeroizing<[u8; 32]>>;
    /// Whether secrets can be sealed and opened now. Cheap enough for a probe every few seconds.
    async fn check(&self) -> Result<()>;
}
