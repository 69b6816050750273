//! A wrapping key of one's own: a file in the data directory that only its owner can read.
//!
//! # Properties
//! * Made on first use, whole or not at all; processes that make it at the same moment end with one
//!   key.
//! * A file that others can read, that was cut, or whose text was changed is refused, and left as
//!   it is.
//! * The newest version wraps, older ones only unwrap; beside them stands the [`Root`], which never
//!   changes.
//! * The file is read at every use, so a rotation is seen by every process at once, and a key that
//!   has been taken away is missed at once. It is never made anew for that: the sealed secrets
//!   would be lost without a word.
//!
//! # Design
//! Whoever changes the file holds a lock on `vault.lock` beside it, writes all of `vault.key.new`,
//! syncs it, and renames it. Readers need no lock. The file is text of one thing a line:
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

use crate::envelope::{DataKey, Envelope, Root, open, random, seal};
use crate::{Error, Result, Wrapped, WrappingKey};
use file::KeyFile;

/// The name of the key file in the data directory.
pub const KEY_FILE: &str = "vault.key";

/// The wrapping key in a directory.
#[derive(Clone, Debug)]
pub struct Local {
    dir: PathBuf,
}

impl Local {
    /// The key in `dir`; directory and key are made where they are missing. Where sealed secrets
    /// exist already, ask [`Local::exists`] first: a new key does not open them.
    ///
    /// # Errors
    /// [`Error::KeyFile`], in words for the person who runs the program.
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

    /// Whether there is a key file in `dir`, good or bad.
    pub fn exists(dir: &Path) -> bool {
        std::fs::symlink_metadata(dir.join(KEY_FILE)).is_ok()
    }

    /// Adds a version, which wraps from now on, and returns its name. What was sealed before still
    /// opens; re-seal it to have it wrapped by the new version.
    ///
    /// # Errors
    /// [`Error::KeyFile`]; the key file is then as it was.
    pub fn rotate(&self) -> Result<String> {
        let _lock = file::lock(&self.dir)?;
        let mut keys = self.keys()?;
        let new = version()?;
        let name = new.0.clone();
        keys.versions.push(new);
        file::write(&self.dir, &keys)?;
        Ok(name)
    }

    /// Removes the versions that nobody needs; how many. The newest stays, and the one before it,
    /// by which somebody may be sealing now.
    ///
    /// # Errors
    /// [`Error::KeyFile`]; the key file is then as it was.
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

    /// The secret that hash keys are derived from.
    ///
    /// # Errors
    /// [`Error::KeyFile`].
    pub fn root(&self) -> Result<Root> {
        Ok(Root(self.keys()?.root))
    }

    fn keys(&self) -> Result<KeyFile> {
        file::read(&self.dir)?.ok_or_else(|| {
            Error::KeyFile(format!(
                "{} has gone since the program started. The stored secrets cannot be opened \
                without it: put it back, from a backup \
                 if need be",
                self.dir.join(KEY_FILE).display()
            ))
        })
    }
}

impl Envelope<Local> {
    /// A vault whose wrapping key is a file in `dir`, made on first use.
    ///
    /// # Errors
    /// As [`Local::open`].
    pub fn local(dir: &Path) -> Result<Self> {
        let key = Local::open(dir)?;
        let root = key.root()?;
        Ok(Self::new(key, root))
    }
}

#[async_trait]
impl WrappingKey for Local {
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

    async fn move_on(&self) -> Result<String> {
        self.rotate()
    }

    async fn retire(&self, needed: &BTreeSet<String>) -> Result<usize> {
        Local::retire(self, needed)
    }

    async fn check(&self) -> Result<()> {
        self.keys().map(drop)
    }
}

/// A new version. Its name is random: a key file that was put back from a backup and rotated again
/// must not give an old name to a new key.
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
