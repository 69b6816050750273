//! Envelope encryption: a data key for each secret, wrapped by a wrapping key that may never be in
//! the program's memory.
//!
//! # Properties
//! * AES-256-GCM under a fresh random 256-bit data key and a random 96-bit nonce. A data key
//!   encrypts one secret once, so no nonce is used twice under one key.
//! * Authenticated with the secret: the version of this format, table, partition and row, each
//!   preceded by its length. A sealed text that was moved, cut, or changed in any bit does not
//!   open.
//! * Re-sealing changes the wrapping and leaves the ciphertext unchanged. The text is opened first,
//!   which proves that it is intact.
//! * Plain secrets and data keys are wiped when dropped; errors say only that a text cannot be
//!   opened.
//!
//! # The sealed text
//! `v1.<wrapping version>.<wrapped data key>.<nonce and ciphertext and tag>`, the last two as
//! base64url without padding. Only the wrapping version may hold dots.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::hkdf;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::root_row::{RootRow, RootStore};
use crate::sealed::{Root, open_with, reseal_with, seal_with};
use crate::{Result, SealContext, Vault, WrappingKey};

/// A vault of envelopes over any wrapping key.
pub struct Envelope<W> {
    key: W,
    root: RootFrom,
}

enum RootFrom {
    /// In memory.
    Hand(Root),
    /// In a row of the storage, wrapped.
    Row(RootStore),
}

impl<W: WrappingKey> Envelope<W> {
    /// A vault whose data keys are wrapped by `key`, and whose hash keys are derived from `root`.
    pub fn new(key: W, root: Root) -> Self {
        Self { key, root: RootFrom::Hand(root) }
    }

    /// A vault whose root is kept in `row`, wrapped by `key`. If there is no row, the first use
    /// creates it.
    pub fn with_root_row(key: W, row: Arc<dyn RootRow>) -> Self {
        Self { key, root: RootFrom::Row(RootStore::new(row)) }
    }

    /// The key that wraps the data keys.
    pub fn wrapping_key(&self) -> &W {
        &self.key
    }

    async fn root(&self) -> Result<&Root> {
        match &self.root {
            RootFrom::Hand(root) => Ok(root),
            RootFrom::Row(kept) => kept.get(&self.key).await,
        }
    }
}

impl<W> std::fmt::Debug for Envelope<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Envelope")
    }
}

#[async_trait]
impl<W: WrappingKey> Vault for Envelope<W> {
    async fn seal(&self, place: SealContext<'_>, secret: &SecretString) -> Result<String> {
        seal_with(&self.key, place, secret).await
    }

    async fn open(&self, place: SealContext<'_>, sealed: &str) -> Result<SecretString> {
        open_with(&self.key, place, sealed).await
    }

    async fn reseal(&self, place: SealContext<'_>, sealed: &str) -> Result<Option<String>> {
        reseal_with(&self.key, place, sealed).await
    }

    async fn rotate(&self) -> Result<String> {
        self.key.use_newest().await
    }

    async fn reseal_own(&self) -> Result<usize> {
        match &self.root {
            RootFrom::Hand(_) => Ok(0),
            RootFrom::Row(kept) => Ok(usize::from(kept.reseal(&self.key).await?)),
        }
    }

    async fn retire(&self, needed: &BTreeSet<String>) -> Result<usize> {
        self.key.retire(needed).await
    }

    async fn check(&self) -> Result<()> {
        self.key.check().await
    }

    async fn hash_key(&self, purpose: &str) -> Result<Zeroizing<[u8; 32]>> {
        let root = self.root().await?;
        let mut key = Zeroizing::new([0; 32]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"calrelay hash key v1")
            .extract(&root.0[..])
            .expand(&[purpose.as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|derived| derived.fill(&mut key[..]))
            .expect("HKDF gives 32 bytes for any purpose");
        Ok(key)
    }
}

#[cfg(test)]
mod tests;
