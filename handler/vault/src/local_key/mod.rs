//! A wrapping key in a file of the data directory that only its owner can read.
//!
//! # Properties
//! * Created on first use, completely or not at all; processes that create it at the same moment
//!   end with one key.
//! * A file that others can read, that was truncated, or whose text was changed is refused, and
//!   left unchanged.
//! * The newest version wraps, older ones only unwrap. The file also holds the [`Root`], which
//!   never changes.
//! * The file is read at every use, so every process sees a rotation, and a removed key file, at
//!   once. A removed file is not created again: the sealed secrets would be lost without an error.
//!
//! # Design
//! A process that changes the file holds a lock on `vault.lock` beside it, writes `vault.key.new`,
//! syncs it, and renames it. Readers need no lock. The lines of the file:
//!
//! ```text
//! calrelay vault key 1
//! root <32 bytes, base64url>
//! key <version> <32 bytes, base64url>       (the oldest first; one more with each rotation, until it is retired)
//! check <SHA-256 of all above, base64url>
//! ```

mod file;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use aws_lc_rs::rand;
use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use zeroize::Zeroizing;

use crate::Envelope;
use crate::sealed::{DataKey, Root, open, random, seal};
use crate::{Error, Result, Wrapped, WrappingKey};
pub use file::KEY_FILE;
use file::KeyFile;

/// The wrapping key in a directory.
#[derive(Clone, Debug)]
pub struct LocalKey {
    dir: PathBuf,
}

impl LocalKey {
    /// The key in `dir`; directory and key are created if they are missing. If sealed secrets
    /// exist, call [`LocalKey::exists`] first: a new key does not open them.
    ///
    /// # Errors
    /// [`Error::KeyFile`], with a text for the operator.
    pub fn open(dir: &Path) -> Result<Self> {
        let local = Self { dir: dir.to_owned() };
        if file::read(dir)?.is_none() {
            file::make_directory(dir)?;
            let _lock = file::lock(dir)?;
            if file::read(dir)?.is_none() {
                file::write(dir, &KeyFile { root: random()?, versions: vec![version()?] })?;
            }
        }
        Ok(local)
    }

    /// Whether there is a key file in `dir`, valid or not.
    pub fn exists(dir: &Path) -> bool {
        std::fs::symlink_metadata(dir.join(KEY_FILE)).is_ok()
    }

    /// Adds a version, which wraps from now on, and returns its name. Texts that were sealed before
    /// still open; re-sealing wraps them with the new version.
    ///
    /// # Errors
    /// [`Error::KeyFile`]; the key file is then unchanged.
    pub fn rotate(&self) -> Result<String> {
        let _lock = file::lock(&self.dir)?;
        let mut keys = self.keys()?;
        let new = version()?;
        let name = new.0.clone();
        keys.versions.push(new);
        file::write(&self.dir, &keys)?;
        Ok(name)
    }

    /// Removes the versions that are not `needed`, and returns how many. The newest stays, and the
    /// one before it: another process may be sealing with it at this moment.
    ///
    /// # Errors
    /// [`Error::KeyFile`]; the key file is then unchanged.
    pub fn retire(&self, needed: &BTreeSet<String>) -> Result<usize> {
        let _lock = file::lock(&self.dir)?;
        let mut keys = self.keys()?;
        let before = keys.versions.len();
        let recent = before.saturating_sub(2);
        let mut at = 0..;
        keys.versions.retain(|(version, _)| {
            at.next().is_some_and(|at| at >= recent) || needed.contains(version)
        });
        let removed = before - keys.versions.len();
        if removed > 0 {
            file::write(&self.dir, &keys)?;
        }
        Ok(removed)
    }

    /// The root of hash keys.
    ///
    /// # Errors
    /// [`Error::KeyFile`].
    pub fn root(&self) -> Result<Root> {
        Ok(Root(self.keys()?.root))
    }

    fn keys(&self) -> Result<KeyFile> {
        file::read(&self.dir)?.ok_or_else(|| {
            Error::KeyFile(format!(
                "{} was removed since the program started. The stored secrets cannot be opened \
                without it: put it back, from a backup if necessary",
                self.dir.join(KEY_FILE).display()
            ))
        })
    }
}

impl Envelope<LocalKey> {
    /// A vault whose wrapping key is a file in `dir`, created on first use.
    ///
    /// # Errors
    /// As [`LocalKey::open`].
    pub fn local(dir: &Path) -> Result<Self> {
        let key = LocalKey::open(dir)?;
        let root = key.root()?;
        Ok(Self::new(key, root))
    }
}

#[async_trait]
impl WrappingKey for LocalKey {
    async fn current(&self) -> Result<String> {
        Ok(self.keys()?.newest().0.clone())
    }

    async fn wrap(&self, data_key: &[u8]) -> Result<Wrapped> {
        let keys = self.keys()?;
        let (version, key) = keys.newest();
        let wrapped = seal(&key[..], &associated(version), data_key)?;
        Ok(Wrapped { version: version.clone(), key: BASE64URL_NOPAD.encode(&wrapped) })
    }

    async fn unwrap(&self, wrapped: &Wrapped) -> Result<Zeroizing<Vec<u8>>> {
        let keys = self.keys()?;
        let (version, key) = keys
            .versions
            .iter()
            .find(|(version, _)| *version == wrapped.version)
            .ok_or(Error::CannotOpen)?;
        let bytes =
            BASE64URL_NOPAD.decode(wrapped.key.as_bytes()).map_err(|_| Error::CannotOpen)?;
        open(&key[..], &associated(version), &bytes)
    }

    async fn use_newest(&self) -> Result<String> {
        self.rotate()
    }

    async fn retire(&self, needed: &BTreeSet<String>) -> Result<usize> {
        LocalKey::retire(self, needed)
    }

    async fn check(&self) -> Result<()> {
        self.keys().map(drop)
    }
}

/// A new version. Its name is random: after a key file was restored from a backup and rotated, a
/// new key must not get the name of an earlier one.
fn version() -> Result<(String, DataKey)> {
    let mut name = [0; 5];
    rand::fill(&mut name)
        .map_err(|_| Error::Unavailable("the system gives no random numbers".into()))?;
    Ok((BASE32_NOPAD.encode(&name).to_ascii_lowercase(), random()?))
}

fn associated(version: &str) -> Vec<u8> {
    [b"calrelay wrapped key v1\0", version.as_bytes()].concat()
}

#[cfg(test)]
mod tests;
