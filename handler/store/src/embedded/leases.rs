//! Leases: one file a name, locked while the lease is held.
//!
//! The lock belongs to the open file, so the kernel gives it back the moment that its process ends, however it ends: a lease
//! needs no renewal, no time-out and no clock, and a killed process blocks nobody. Two handles within one process exclude each
//! other as two processes do. A row with an expiry date, the other way, would block until it has passed, and would let two in
//! after a clock was set. Nothing is written to the file, and it is never removed: removing a file that somebody is just
//! about to lock would let two hold the same name.
//!
//! The directory must be on a file system with whole-file locks, which every local one is.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE32_NOPAD;

use super::Embedded;
use super::fault::from_io;
use crate::{Error, Lease, Leases, Result};

#[async_trait]
impl Leases for Embedded {
    async fn acquire(&self, name: &str) -> Result<Option<Lease>> {
        let file = self.leases.join(file_name(name));
        let locked = tokio::task::spawn_blocking(move || lock(&file)).await;
        let locked = locked.map_err(|_| Error::Unavailable("the program is ending".into()))??;
        Ok(locked.map(Lease::new))
    }
}

/// A name may hold anything and be of any length; its file says nothing about it.
fn file_name(name: &str) -> PathBuf {
    let hash = digest(&SHA256, name.as_bytes());
    PathBuf::from(BASE32_NOPAD.encode(&hash.as_ref()[..20]).to_ascii_lowercase()).with_extension("lock")
}

fn lock(path: &Path) -> Result<Option<File>> {
    let file = open(path).map_err(|e| from_io(&e, "open the lease", path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(e)) => Err(from_io(&e, "lock", path)),
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
