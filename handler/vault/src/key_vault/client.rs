//! The two calls of Key Vault, with their retries and time-outs.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use azure_core::credentials::TokenCredential;
use azure_core::http::{ClientOptions, Response, RetryOptions, Transport};
use azure_identity::{
    DeveloperToolsCredential, ManagedIdentityCredential, ManagedIdentityCredentialOptions,
    UserAssignedId,
};
use azure_security_keyvault_keys::models::{
    EncryptionAlgorithm, KeyClientWrapKeyOptions, KeyOperationParameters, KeyOperationResult,
};
use azure_security_keyvault_keys::{KeyClient, KeyClientOptions};
use tokio::time::{Instant, sleep, timeout_at};
use zeroize::Zeroizing;

use super::failure::{self, CallFailure, Operation};
use super::identifier::KeyIdentifier;
use super::limits::{CallLimits, KeyVaultIdentity};
use super::lock::lock;
use crate::{Error, Result};

/// How often a call is tried in all.
const TRIES: u32 = 3;

/// The pause after the first attempt; it doubles with each further one.
const BACKOFF: Duration = Duration::from_millis(200);

/// The longest Retry-After that is waited for within a job; after a longer one the job is tried
/// again later.
const MAX_WAIT: Duration = Duration::from_secs(1);

pub(super) struct KeyVaultClient {
    key: KeyIdentifier,
    identity: KeyVaultIdentity,
    patience: Duration,
    rest: Duration,
    transport: Option<Transport>,
    /// Built by the first call: loading certificates and finding an identity would delay the start.
    keys: OnceLock<KeyClient>,
    /// Until when no request is sent, and why.
    resting: Mutex<Option<(Instant, &'static str)>>,
}

impl KeyVaultClient {
    pub(super) fn new(
        key: KeyIdentifier,
        identity: KeyVaultIdentity,
        limits: &CallLimits,
        transport: Option<Transport>,
    ) -> Self {
        let CallLimits { patience, rest, .. } = *limits;
        Self {
            key,
            identity,
            patience,
            rest,
            transport,
            keys: OnceLock::new(),
            resting: Mutex::default(),
        }
    }

    pub(super) fn key(&self) -> &KeyIdentifier {
        &self.key
    }

    /// Wraps a data key. Returns the version and the wrapped bytes.
    pub(super) async fn wrap(&self, data_key: &[u8]) -> Result<(String, Vec<u8>)> {
        let answer =
            self.request(Operation::Wrap, self.key.version().unwrap_or_default(), data_key).await?;
        // Without its version a data key could not be unwrapped.
        let version = answer
            .kid
            .as_deref()
            .and_then(|kid| self.key.version_of(kid))
            .filter(|version| self.key.version().is_none_or(|v| v == version));
        match (version, answer.result) {
            (Some(version), Some(wrapped)) if !wrapped.is_empty() => Ok((version, wrapped)),
            _ => Err(unavailable(failure::unreadable())),
        }
    }

    /// Unwraps what `version` wrapped.
    pub(super) async fn unwrap(&self, version: &str, wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let answer = self.request(Operation::Unwrap, version, wrapped).await?;
        let key = answer.result.map(Zeroizing::new);
        let same = answer
            .kid
            .as_deref()
            .and_then(|kid| self.key.version_of(kid))
            .is_some_and(|found| found == version);
        key.filter(|_| same).ok_or_else(|| unavailable(failure::unreadable()))
    }

    /// Sends up to three requests within the time-out, unless requests are paused.
    async fn request(
        &self,
        operation: Operation,
        version: &str,
        value: &[u8],
    ) -> Result<KeyOperationResult> {
        self.check_not_paused()?;
        let keys = self.keys()?;
        let deadline = Instant::now() + self.patience;
        let mut tries = 1;
        loop {
            let failure =
                match timeout_at(deadline, self.call(keys, operation, version, value)).await {
                    Ok(Ok(answer)) => match answer.into_model() {
                        Ok(answer) => return Ok(answer),
                        Err(_) => failure::unreadable(),
                    },
                    Ok(Err(error)) => failure::of(&error, operation),
                    Err(_) => CallFailure::Away { words: "it did not answer in time", after: None },
                };
            let CallFailure::Away { words, after } = failure else {
                return Err(unavailable(failure));
            };
            let pause = after.unwrap_or(BACKOFF * 2_u32.pow(tries - 1));
            if tries == TRIES || pause > MAX_WAIT || Instant::now() + pause >= deadline {
                *lock(&self.resting) = Some((Instant::now() + after.unwrap_or(self.rest), words));
                return Err(Error::Unavailable(words.into()));
            }
            sleep(pause).await;
            tries += 1;
        }
    }

    /// One call. The empty version means the newest one.
    async fn call(
        &self,
        keys: &KeyClient,
        operation: Operation,
        version: &str,
        value: &[u8],
    ) -> azure_core::Result<Response<KeyOperationResult>> {
        let parameters = KeyOperationParameters {
            algorithm: Some(EncryptionAlgorithm::RsaOaep256),
            value: Some(value.to_vec()),
            ..Default::default()
        };
        match operation {
            Operation::Wrap => {
                let options = KeyClientWrapKeyOptions {
                    key_version: Some(version.to_owned()),
                    ..Default::default()
                };
                keys.wrap_key(self.key.name(), parameters.try_into()?, Some(options)).await
            }
            Operation::Unwrap => {
                keys.unwrap_key(self.key.name(), version, parameters.try_into()?, None).await
            }
        }
    }

    fn check_not_paused(&self) -> Result<()> {
        let mut resting = lock(&self.resting);
        match *resting {
            Some((until, words)) if Instant::now() < until => Err(Error::Unavailable(words.into())),
            _ => {
                *resting = None;
                Ok(())
            }
        }
    }

    fn keys(&self) -> Result<&KeyClient> {
        if let Some(keys) = self.keys.get() {
            return Ok(keys);
        }
        let keys =
            self.connect().map_err(|error| unavailable(failure::of(&error, Operation::Wrap)))?;
        Ok(self.keys.get_or_init(|| keys))
    }

    fn connect(&self) -> azure_core::Result<KeyClient> {
        let client_options = || ClientOptions {
            transport: self.transport.clone(),
            retry: RetryOptions::none(),
            ..Default::default()
        };
        let credential: Arc<dyn TokenCredential> = match &self.identity {
            KeyVaultIdentity::Managed { client_id } => {
                ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
                    user_assigned_id: client_id.clone().map(UserAssignedId::ClientId),
                    // The default retries suit the metadata service; the time-out of the operation
                    // ends them.
                    client_options: ClientOptions {
                        retry: RetryOptions::default(),
                        ..client_options()
                    },
                }))?
            }
            KeyVaultIdentity::Developer => DeveloperToolsCredential::new(None)?,
        };
        let options = KeyClientOptions { client_options: client_options(), ..Default::default() };
        KeyClient::new(&self.key.vault(), credential, Some(options))
    }
}

fn unavailable(failure: CallFailure) -> Error {
    match failure {
        CallFailure::Damaged => Error::CannotOpen,
        CallFailure::Refused(words) => Error::Unavailable(words),
        CallFailure::Away { words, .. } => Error::Unavailable(words.into()),
    }
}
