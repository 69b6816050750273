//! The vault of `doctor` before there is a key: every operation fails, and no key is created.

use std::collections::BTreeSet;

use async_trait::async_trait;
use secrecy::SecretString;
use vault::{Error, Result, SealContext, Vault};
use zeroize::Zeroizing;

/// A vault without a key.
pub struct NoKey;

impl NoKey {
    fn missing<T>() -> Result<T> {
        Err(Error::KeyFile("there is no key yet; it is created with the first account".into()))
    }
}

#[async_trait]
impl Vault for NoKey {
    async fn seal(&self, _: SealContext<'_>, _: &SecretString) -> Result<String> {
        Self::missing()
    }
    async fn open(&self, _: SealContext<'_>, _: &str) -> Result<SecretString> {
        Self::missing()
    }
    async fn reseal(&self, _: SealContext<'_>, _: &str) -> Result<Option<String>> {
        Self::missing()
    }
    async fn rotate(&self) -> Result<String> {
        Self::missing()
    }
    async fn reseal_own(&self) -> Result<usize> {
        Self::missing()
    }
    async fn retire(&self, _: &BTreeSet<String>) -> Result<usize> {
        Self::missing()
    }
    async fn hash_key(&self, _: &str) -> Result<Zeroizing<[u8; 32]>> {
        Self::missing()
    }
    async fn check(&self) -> Result<()> {
        Self::missing()
    }
}
