//! A vault that is opened by its first use, so that a service listens before it sends any request.
//!
//! # Properties
//! * Nothing is sealed, opened or derived before the key was compared with what is stored:
//!   [`VaultSource::open`] does that, or fails.
//! * Concurrent callers share one attempt to open it, and its outcome. If all of them stop waiting,
//!   the attempt is cancelled.
//! * Only success is stored: after a failure the next use tries again, so a service recovers by
//!   itself.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use secrecy::SecretString;
use vault::{Result, SealContext, Vault};
use zeroize::Zeroizing;

/// Opens the vault.
#[async_trait]
pub trait VaultSource: Send + Sync + 'static {
    /// The vault, after a check that its key is the right one.
    async fn open(&self) -> Result<Arc<dyn Vault>>;
    /// Whether the key can be used, as far as that can be checked without storage.
    async fn probe(&self) -> Result<()>;
}

type VaultOpening = BoxFuture<'static, Result<Arc<dyn Vault>>>;

/// A vault that is opened by its first use.
pub struct LazyVault<S> {
    source: Arc<S>,
    opened: Arc<OnceLock<Arc<dyn Vault>>>,
    opening: Mutex<Option<WeakShared<VaultOpening>>>,
}

impl<S: VaultSource> LazyVault<S> {
    /// Sends no request yet.
    pub fn new(source: S) -> Self {
        Self { source: Arc::new(source), opened: Arc::default(), opening: Mutex::default() }
    }

    async fn vault(&self) -> Result<Arc<dyn Vault>> {
        match self.opened.get() {
            Some(vault) => Ok(vault.clone()),
            None => self.shared_opening().await,
        }
    }

    /// The attempt in progress, or a new one.
    fn shared_opening(&self) -> Shared<VaultOpening> {
        let mut current = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(opening) = current
            .as_ref()
            .and_then(WeakShared::upgrade)
            .filter(|opening| opening.peek().is_none())
        {
            return opening;
        }
        let (source, opened) = (self.source.clone(), self.opened.clone());
        let attempt = async move {
            // Another attempt may have ended before this one got the lock.
            if let Some(vault) = opened.get() {
                return Ok(vault.clone());
            }
            let vault = source.open().await?;
            Ok(opened.get_or_init(|| vault).clone())
        };
        let opening = attempt.boxed().shared();
        *current = opening.downgrade();
        opening
    }
}

#[async_trait]
impl<S: VaultSource> Vault for LazyVault<S> {
    async fn seal(&self, place: SealContext<'_>, secret: &SecretString) -> Result<String> {
        self.vault().await?.seal(place, secret).await
    }

    async fn open(&self, place: SealContext<'_>, sealed: &str) -> Result<SecretString> {
        self.vault().await?.open(place, sealed).await
    }

    async fn reseal(&self, place: SealContext<'_>, sealed: &str) -> Result<Option<String>> {
        self.vault().await?.reseal(place, sealed).await
    }

    async fn rotate(&self) -> Result<String> {
        self.vault().await?.rotate().await
    }

    async fn reseal_own(&self) -> Result<usize> {
        self.vault().await?.reseal_own().await
    }

    async fn retire(&self, needed: &BTreeSet<String>) -> Result<usize> {
        self.vault().await?.retire(needed).await
    }

    async fn hash_key(&self, purpose: &str) -> Result<Zeroizing<[u8; 32]>> {
        self.vault().await?.hash_key(purpose).await
    }

    /// Before the first use only the key is checked: unreachable storage is not a failure of the
    /// vault.
    async fn check(&self) -> Result<()> {
        match self.opened.get() {
            Some(vault) => vault.check().await,
            None => self.source.probe().await,
        }
    }
}

#[cfg(test)]
mod tests;
