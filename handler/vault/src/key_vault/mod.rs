//! A wrapping key that never leaves Azure Key Vault: data keys are sent there to be wrapped and
//! unwrapped.
//!
//! # Properties
//! * RSA-OAEP with SHA-256 (RFC 8017, section 7.1), done by the vault: this program never holds the
//!   private key, and needs two rights only, to wrap and to unwrap (the role "Key Vault Crypto
//!   Service Encryption User" on the key).
//! * The version that wrapped a data key is stored with it, and only that version is asked to
//!   unwrap it. A new version of the key wraps from its first use on; old ones unwrap as long as
//!   they exist, so rotation loses nothing.
//! * An unwrapped data key is cached for at most five minutes, and wiped when it leaves the cache.
//!   The cache holds at most 512 keys; the least recently used one leaves first. Concurrent
//!   requests for one key cost one call.
//! * A vault that is unreachable, throttles or refuses gives [`Error::Unavailable`] within ten
//!   seconds, with a text that says what to do. Nothing is changed. [`Error::CannotOpen`] is
//!   returned only if the vault itself rejects the wrapped key as damaged.
//! * A vault that throttles gets no request for as long as its Retry-After says (five minutes at
//!   most); one that is unreachable, for five seconds. This holds for all callers.
//! * Keys and tokens appear in no error, no log and no `Debug`. The SDK's own buffers cannot be
//!   wiped.
//!
//! # Design
//! `identifier.rs` names the key, `client.rs` sends the requests, `failure.rs` interprets the
//! answers, `cache/` caches data keys. The SDK's own retries are off: they would wait out any
//! Retry-After in the middle of a job. They would also repeat the first request, which is sent
//! without a body to learn where to sign in, without its body (azure_security_keyvault_keys 1.0.1).
//!
//! Wrapping a throw-away key shows the current version as well as reading the key would, and needs
//! no right to read.

mod cache;
mod client;
mod failure;
mod identifier;
mod limits;
mod lock;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use data_encoding::BASE64URL_NOPAD;
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

use crate::sealed::random;
use crate::{Error, Result, Wrapped, WrappingKey};
use cache::Cache;
use client::KeyVaultClient;
use lock::lock;

pub use azure_core::http::Transport;
pub use identifier::{InvalidKeyIdentifier, KeyIdentifier};
pub use limits::{CallLimits, KeyVaultIdentity};

/// The time-out of a health probe: callers of `/health` do not wait longer.
const PROBE_INTERVAL: Duration = Duration::from_secs(4);

/// A wrapping key in Azure Key Vault.
pub struct KeyVault {
    client: KeyVaultClient,
    limits: CallLimits,
    cache: Cache,
    /// The version that wrapped last, and until when it counts as the current one.
    current: Mutex<Option<(String, Instant)>>,
    /// How the last operation ended, and until when [`WrappingKey::check`] relies on it.
    outcome: Mutex<Option<(Result<(), String>, Instant)>>,
    probing: tokio::sync::Mutex<()>,
}

impl KeyVault {
    /// The key of this identifier. No request is sent yet, so an unreachable vault does not prevent
    /// a start.
    pub fn new(key: KeyIdentifier, identity: KeyVaultIdentity) -> Self {
        Self::with(key, identity, CallLimits::default(), None)
    }

    /// A key with other limits, or with another transport: for tests.
    pub fn with(
        key: KeyIdentifier,
        identity: KeyVaultIdentity,
        limits: CallLimits,
        transport: Option<Transport>,
    ) -> Self {
        Self {
            client: KeyVaultClient::new(key, identity, &limits, transport),
            cache: Cache::new(limits.keep, limits.keep_most),
            current: Mutex::default(),
            outcome: Mutex::default(),
            probing: tokio::sync::Mutex::default(),
            limits,
        }
    }

    /// The identifier that the key was made with.
    pub fn identifier(&self) -> &KeyIdentifier {
        self.client.key()
    }

    async fn probe(&self) -> Result<()> {
        let key = random()?;
        let wrapped = self.wrap(&key[..]).await?;
        // Bypasses the cache: a cached key says nothing about the vault.
        let unwrapped = self.ask_to_unwrap(&wrapped).await?;
        if unwrapped[..] == key[..] {
            return Ok(());
        }
        Err(Error::Unavailable(
            "it returned another key than the one that was wrapped. Check the health of the vault"
                .into(),
        ))
    }

    fn recent_result(&self) -> Option<Result<()>> {
        let outcome = lock(&self.outcome);
        let (outcome, until) = outcome.as_ref()?;
        (Instant::now() < *until).then(|| outcome.clone().map_err(Error::Unavailable))
    }

    /// Remembers for [`WrappingKey::check`] that the vault could not be used.
    fn record(&self, error: Error) -> Error {
        if let Error::Unavailable(words) = &error {
            *lock(&self.outcome) = Some((Err(words.clone()), Instant::now() + self.limits.rest));
        }
        error
    }

    async fn ask_to_unwrap(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>> {
        // The version becomes part of a URL. A text that is not a version of Key Vault was not
        // written by this program, and no request is sent for it.
        if !identifier::is_version(&wrapped.version) {
            return Err(Error::CannotOpen);
        }
        let bytes =
            BASE64URL_NOPAD.decode(wrapped.key.as_bytes()).map_err(|_| Error::CannotOpen)?;
        let key = self.client.unwrap(&wrapped.version, &bytes).await?;
        *lock(&self.outcome) = Some((Ok(()), Instant::now() + self.limits.trust));
        Ok(key)
    }
}

#[async_trait]
impl WrappingKey for KeyVault {
    async fn current(&self) -> Result<String> {
        if let Some(pinned) = self.identifier().version() {
            return Ok(pinned.to_owned());
        }
        if let Some((version, until)) = &*lock(&self.current)
            && Instant::now() < *until
        {
            return Ok(version.clone());
        }
        Ok(self.wrap(&random()?[..]).await?.version)
    }

    async fn wrap(&self, data_key: &[u8]) -> Result<Wrapped> {
        let (version, wrapped) =
            self.client.wrap(data_key).await.map_err(|error| self.record(error))?;
        *lock(&self.current) = Some((version.clone(), Instant::now() + self.limits.keep));
        Ok(Wrapped { version, key: BASE64URL_NOPAD.encode(&wrapped) })
    }

    async fn unwrap(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>> {
        self.cache
            .get(wrapped, self.ask_to_unwrap(wrapped))
            .await
            .map_err(|error| self.record(error))
    }

    /// Ignores the cached version: the caller may have created a version a moment ago.
    async fn use_newest(&self) -> Result<String> {
        Ok(self.wrap(&random()?[..]).await?.version)
    }

    /// The owner of the vault disables versions; this program has no right to.
    async fn retire(&self, _: &BTreeSet<String>) -> Result<usize> {
        Ok(0)
    }

    /// The outcome of the last operation counts for a minute (success) or a few seconds (failure).
    /// Concurrent callers share one probe, which wraps and unwraps a throw-away key.
    async fn check(&self) -> Result<()> {
        if let Some(known) = self.recent_result() {
            return known;
        }
        let _one = self.probing.lock().await;
        if let Some(known) = self.recent_result() {
            return known;
        }
        let answer = timeout(PROBE_INTERVAL.min(self.limits.patience), self.probe()).await;
        answer
            .unwrap_or_else(|_| Err(Error::Unavailable("it did not answer in time".into())))
            .map_err(|error| self.record(error))
    }
}

impl std::fmt::Debug for KeyVault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("KeyVault").field(self.identifier()).finish()
    }
}
