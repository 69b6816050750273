//! Sealing secrets: envelope encryption, bound to the row that holds the secret.
//!
//! # Properties
//! * A sealed secret opens only for the same [`Place`] (table, partition, row): a row copied
//!   elsewhere is useless.
//! * Every secret has a data key of its own, wrapped by the wrapping key; rotating the wrapping key
//!   re-wraps and re-encrypts nothing.
//! * Keys and secrets are wiped from memory when dropped, and print as nothing.

mod envelope;
mod error;
#[cfg(feature = "key-vault")]
pub mod key_vault;
mod local_key;
mod root_row;

use std::collections::BTreeSet;

use async_trait::async_trait;
use secrecy::SecretString;

pub use envelope::{Envelope, Root, version_of};
pub use error::{Error, Result};
#[cfg(feature = "key-vault")]
pub use key_vault::KeyVault;
pub use local_key::{KEY_FILE, Local};
pub use root_row::RootRow;

/// Where a secret is kept; part of what authenticates it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealContext<'a> {
    /// Table.
    pub table: &'a str,
    /// Partition key.
    pub partition: &'a str,
    /// Row key.
    pub row: &'a str,
}

/// Wraps and unwraps data keys.
#[async_trait]
pub trait WrappingKey: Send + Sync {
    /// The version that wraps now, kept beside what it wrapped.
    async fn current(&self) -> Result<String>;
    /// Wraps a data key; says with which version.
    async fn wrap(&self, data_key: &[u8]) -> Result<Wrapped>;
    /// Unwraps what an earlier or the current version wrapped.
    async fn unwrap(&self, wrapped: &Wrapped) -> Result<zeroize::Zeroizing<Vec<u8>>>;
    /// Has a new version wrap from now on, and says which. Where versions are made elsewhere, finds
    /// the newest one instead.
    async fn move_on(&self) -> Result<String>;
    /// Removes the versions that are not `needed`, but for the newest and the one before it; how
    /// many. Where versions are kept elsewhere, none.
    async fn retire(&self, needed: &BTreeSet<String>) -> Result<usize>;
    /// Whether it wraps and unwraps now. Cheap enough for a probe that comes every few seconds.
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
    /// Seals a secret for its place; the text is safe to store.
    async fn seal(&self, place: SealContext<'_>, secret: &SecretString) -> Result<String>;
    /// Opens what was sealed for the same place.
    async fn open(&self, place: SealContext<'_>, sealed: &str) -> Result<SecretString>;
    /// Seals anew if the wrapping key has a newer version; `None` if it is up to date.
    async fn reseal(&self, place: SealContext<'_>, sealed: &str) -> Result<Option<String>>;
    /// Has a new version of the wrapping key seal from now on, where this program makes them, or
    /// else the newest that there is; its name. What was sealed before still opens, and is wrapped
    /// by the new version when it is re-sealed.
    async fn rotate(&self) -> Result<String>;
    /// Seals anew what the vault itself keeps in the storage; how much that was.
    async fn reseal_own(&self) -> Result<usize>;
    /// Removes versions of the wrapping key, where this program keeps them; how many. The newest
    /// stays, and so do the one before it, by which somebody may be sealing at this moment, and
    /// those that are `needed`, by the names that [`version_of`] finds in what is sealed.
    async fn retire(&self, needed: &BTreeSet<String>) -> Result<usize>;
    /// A key for keyed hashes, derived for one purpose from the vault's own: the same for as long
    /// as the vault lives, whatever is rotated.
    async fn hash_key(&self, purpose: &str) -> Result<zeroize::Zeroizing<[u8; 32]>>;
    /// Whether secrets can be sealed and opened now. Cheap enough for a probe that comes every few
    /// seconds.
    async fn check(&self) -> Result<()>;
}
