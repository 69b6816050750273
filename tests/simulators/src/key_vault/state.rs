//! The vault of record: a key in versions, tokens, switches.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::rand;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey,
};
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};

use super::Fault;

/// What was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Challenges given: requests without a token, or with a bad one.
    pub challenges: u64,
    /// Requests that carried a body before they carried a token.
    pub bodies_before_sign_in: u64,
    /// Tokens given out by the metadata service.
    pub tokens: u64,
    /// Calls to wrap that came with a valid token, whether they succeeded or not.
    pub wraps: u64,
    /// Calls to unwrap, counted in that way.
    pub unwraps: u64,
    /// Requests that no client should make.
    pub wrong: u64,
}

impl Counts {
    /// Calls that a bill would show.
    pub fn calls(&self) -> u64 {
        self.wraps + self.unwraps
    }
}

#[derive(Debug)]
pub(super) struct State {
    vault: String,
    key: String,
    versions: Vec<Version>,
    pub deleted: bool,
    pub allowed: bool,
    pub tokens: BTreeSet<String>,
    pub always: Option<Fault>,
    pub planned: VecDeque<Fault>,
    pub counts: Counts,
}

struct Version {
    name: String,
    key: PrivateDecryptingKey,
    enabled: bool,
}

/// Why the vault refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    NotFound,
    Forbidden,
    BadParameter,
}

impl State {
    pub fn new(vault: &str, key: &str) -> Self {
        let mut state = Self {
            vault: vault.to_owned(),
            key: key.to_owned(),
            versions: Vec::new(),
            deleted: false,
            allowed: true,
            tokens: BTreeSet::new(),
            always: None,
            planned: VecDeque::new(),
            counts: Counts::default(),
        };
        state.rotate();
        state
    }

    pub fn host(&self) -> String {
        format!("{}.vault.azure.net", self.vault)
    }

    pub fn identifier(&self) -> String {
        format!("https://{}/keys/{}", self.host(), self.key)
    }

    pub fn rotate(&mut self) -> String {
        let name = HEXLOWER.encode(&random::<16>());
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).expect("a key can be made");
        self.versions.push(Version { name: name.clone(), key, enabled: true });
        name
    }

    pub fn newest(&self) -> String {
        self.versions.last().expect("there is a first version").name.clone()
    }

    pub fn enable(&mut self, version: &str, enabled: bool) {
        self.versions
            .iter_mut()
            .find(|v| v.name == version)
            .expect("a version of this key")
            .enabled = enabled;
    }

    pub fn new_token(&mut self) -> String {
        let token = format!("token-{}", BASE64URL_NOPAD.encode(&random::<24>()));
        self.tokens.insert(token.clone());
        self.counts.tokens += 1;
        token
    }

    /// What strikes the call at hand.
    pub fn fault(&mut self) -> Option<Fault> {
        self.always.clone().or_else(|| self.planned.pop_front())
    }

    /// With which version, and the wrapped bytes. Without a version, with the newest.
    pub fn wrap(
        &self,
        key: &str,
        version: &str,
        value: &[u8],
    ) -> Result<(String, Vec<u8>), Refusal> {
        let version = self.version(key, version)?;
        let public = OaepPublicEncryptingKey::new(version.key.public_key())
            .map_err(|_| Refusal::BadParameter)?;
        if value.is_empty() || value.len() > public.max_plaintext_size(&OAEP_SHA256_MGF1SHA256) {
            return Err(Refusal::BadParameter);
        }
        let mut wrapped = vec![0; public.ciphertext_size()];
        let wrapped = public
            .encrypt(&OAEP_SHA256_MGF1SHA256, value, &mut wrapped, None)
            .map_err(|_| Refusal::BadParameter)?;
        Ok((version.name.clone(), wrapped.to_vec()))
    }

    /// The reverse.
    pub fn unwrap(
        &self,
        key: &str,
        version: &str,
        value: &[u8],
    ) -> Result<(String, Vec<u8>), Refusal> {
        let version = self.version(key, version)?;
        let private = OaepPrivateDecryptingKey::new(version.key.clone())
            .map_err(|_| Refusal::BadParameter)?;
        let mut plain = vec![0; private.min_output_size()];
        let plain = private
            .decrypt(&OAEP_SHA256_MGF1SHA256, value, &mut plain, None)
            .map_err(|_| Refusal::BadParameter)?;
        Ok((version.name.clone(), plain.to_vec()))
    }

    fn version(&self, key: &str, version: &str) -> Result<&Version, Refusal> {
        // A caller without access to a key does not learn whether the key exists.
        if !self.allowed {
            return Err(Refusal::Forbidden);
        }
        if self.deleted || !key.eq_ignore_ascii_case(&self.key) {
            return Err(Refusal::NotFound);
        }
        let found = if version.is_empty() {
            self.versions.last()
        } else {
            self.versions.iter().find(|v| v.name == version)
        };
        found
            .ok_or(Refusal::NotFound)
            .and_then(|found| if found.enabled { Ok(found) } else { Err(Refusal::Forbidden) })
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).expect("the system gives random numbers");
    bytes
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Version")
            .field("name", &self.name)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

pub(super) fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
