//! A wrapping key that never leaves Azure Key Vault: data keys are sent there to be wrapped and
//! unwrapped.
//!
//! # Properties
//! * RSA-OAEP with SHA-256 (RFC 8017, section 7.1), done by the vault: this program never holds the
//!   private key, and needs two rights only, to wrap and to unwrap (the role "Key Vault Crypto
//!   Service Encryption User" on the key).
//! * The version that wrapped stands beside what it wrapped, and only that version is asked to
//!   unwrap. A new version of the key wraps from its first use on; old ones unwrap for as long as
//!   they exist, so rotation loses nothing.
//! * An unwrapped data key is kept in memory for five minutes at most, also where nobody asks
//!   again; 512 of them at most, the least used leaves first; wiped when it leaves. Many who want
//!   the same one at once cost one call.
//! * A vault that is away, throttles or refuses is [`Error::Unavailable`] in words that say what to
//!   do, within ten seconds. Nothing is changed for it, and [`Error::CannotOpen`] is said only
//!   where the vault itself finds the wrapped key damaged.
//! * A vault that throttles is left alone for as long as it asks (five minutes at most), by all
//!   callers; one that is away, for five seconds.
//! * Keys and tokens appear in no error, no log and no `Debug`. What passes through the SDK's own
//!   buffers on the way is outside what we can wipe.
//!
//! # Design
//! `identifier.rs` says which key, `client.rs` asks it and draws conclusions from what it answers
//! (`failure.rs`), `cache.rs` remembers. The SDK's own retries are off: they would wait out any
//! Retry-After in the middle of a job, and repeat a first request, which goes without its body to
//! be told where to sign in, without it (azure_security_keyvault_keys 1.0.1).
//!
//! Wrapping a throw-away key tells the current version as well as reading the key would, and needs
//! no right to read.

mod cache;
mod client;
mod failure;
mod identifier;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use data_encoding::BASE64URL_NOPAD;
use tokio::time::{Instant, timeout};
use zeroize::Zeroizing;

use crate::envelope::random;
use crate::{Error, Result, Wrapped, WrappingKey};
use cache::Cache;
use client::KeyVaultClient;

pub use azure_core::http::Transport;
pub use identifier::{KeyIdentifier, NotAKey};

/// As whom the program signs in to the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyVaultIdentity {
    /// The managed identity that the platform gives to the program.
    Managed {
        /// Which of several user-assigned ones; `None` for the system-assigned.
        client_id: Option<String>,
    },
    /// Whoever is signed in with `az login` or `azd auth login` on this machine.
    Developer,
}

/// How long, how many.
#[derive(Clone, Debug)]
pub struct CallLimits {
    /// How long an unwrapped data key, and the knowledge of the current version, are kept.
    pub keep: Duration,
    /// How many unwrapped data keys are kept.
    pub keep_most: usize,
    /// How long one operation may take, with all that is tried.
    pub patience: Duration,
    /// How long a vault that is away is not asked again.
    pub rest: Duration,
    /// How long [`WrappingKey::check`] takes the last good answer for granted.
    pub trust: Duration,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            keep: Duration::from_secs(300),
            keep_most: 512,
            patience: Duration::from_secs(10),
            rest: Duration::from_secs(5),
            trust: Duration::from_secs(60),
        }
    }
}

/// How long a look at the vault's health may take: those who ask for it do not wait longer.
const LOOK: Duration = Duration::from_secs(4);

/// A wrapping key in Azure Key Vault.
pub struct KeyVault {
    client: KeyVaultClient,
    limits: CallLimits,
    cache: Cache,
    /// The version that wrapped last, and until when that is taken for granted.
    current: Mutex<Option<(String, Instant)>>,
    /// How the last operation ended, and until when that is taken for granted.
    outcome: Mutex<Option<(Result<(), String>, Instant)>>,
    probing: tokio::sync::Mutex<()>,
}

impl KeyVault {
    /// The key of this identifier. Nothing is asked yet, nor is anything looked up: a vault that is
    /// away hinders no start.
    pub fn new(key: KeyIdentifier, identity: KeyVaultIdentity) -> Self {
        Self::with(key, identity, CallLimits::default(), None)
    }

    /// The same with other limits, or with another way to reach the vault: for tests.
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

    /// Which key it is.
    pub fn identifier(&self) -> &KeyIdentifier {
        self.client.key()
    }

    async fn probe(&self) -> Result<()> {
        let key = random()?;
        let wrapped = self.wrap(&key[..]).await?;
        // Past the cache: a key that this process has at hand says nothing of the vault.
        let unwrapped = self.ask_to_unwrap(&wrapped).await?;
        if unwrapped[..] == key[..] {
            return Ok(());
        }
        Err(Error::Unavailable(
            "it gave back another key than it was given. Look at the vault's own health".into(),
        ))
    }

    fn known(&self) -> Option<Result<()>> {
        let outcome = lock(&self.outcome);
        let (outcome, until) = outcome.as_ref()?;
        (Instant::now() < *until).then(|| outcome.clone().map_err(Error::Unavailable))
    }

    /// Remembers for [`WrappingKey::check`] that the vault could not be used.
    fn note(&self, error: Error) -> Error {
        if let Error::Unavailable(words) = &error {
            *lock(&self.outcome) = Some((Err(words.clone()), Instant::now() + self.limits.rest));
        }
        error
    }

    async fn ask_to_unwrap(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>> {
        // It becomes part of an address: anything but a version of Key Vault is none of ours, and
        // nobody is asked.
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
            self.client.wrap(data_key).await.map_err(|error| self.note(error))?;
        *lock(&self.current) = Some((version.clone(), Instant::now() + self.limits.keep));
        Ok(Wrapped { version, key: BASE64URL_NOPAD.encode(&wrapped) })
    }

    async fn unwrap(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>> {
        self.cache.get(wrapped, self.ask_to_unwrap(wrapped)).await.map_err(|error| self.note(error))
    }

    /// Past what is remembered: whoever asks has made a version just now.
    async fn move_on(&self) -> Result<String> {
        Ok(self.wrap(&random()?[..]).await?.version)
    }

    /// Versions are for the vault's owner to disable: this program has no right to.
    async fn retire(&self, _: &BTreeSet<String>) -> Result<usize> {
        Ok(0)
    }

    /// What the last operation found is taken for granted for a minute (a good answer) or a few
    /// seconds (a failure); callers at the same moment share one look, which wraps and unwraps a
    /// throw-away key.
    async fn check(&self) -> Result<()> {
        if let Some(known) = self.known() {
            return known;
        }
        let _one = self.probing.lock().await;
        if let Some(known) = self.known() {
            return known;
        }
        let answer = timeout(LOOK.min(self.limits.patience), self.probe()).await;
        answer
            .unwrap_or_else(|_| Err(Error::Unavailable("it did not answer in time".into())))
            .map_err(|error| self.note(error))
    }
}

impl std::fmt::Debug for KeyVault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("KeyVault").field(self.identifier()).finish()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
