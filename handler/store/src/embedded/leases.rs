//! Leases: one file for each name, locked while the lease is held.
//!
//! The lock belongs to the open file, so the kernel releases it when the process ends, however it
//! ends: a lease needs no renewal, no time-out and no clock, and a killed process blocks no other.
//! Two handles within one process exclude each other as two processes do. The alternative, a row
//! with an expiry date, would block until that date, and would allow two holders after a clock was
//! set. The file stays empty and is never removed: if it were removed while another process is
//! about to lock it, two processes could hold one name.
//!
//! The directory must be on a file system with whole-file locks; every local one has them.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE32_NOPAD;

use super::Embedded;
use super::fault::from_io;
use crate::{Acquired, Error, Hold, Lease, Leases, Result};

/// The pause between two attempts.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

#[async_trait]
impl Leases for Embedded {
    async fn acquire(&self, scope: &str, names: &[&str]) -> Result<Acquired> {
        let mut wanted: Vec<(PathBuf, usize)> = names
            .iter()
            .enumerate()
            .map(|(index, name)| (self.leases.join(file_name(scope, name)), index))
            .collect();
        // Sorted, so that of two holders that want common names one succeeds; and each file once.
        wanted.sort();
        wanted.dedup_by(|a, b| a.0 == b.0);
        let locked = tokio::task::spawn_blocking(move || lock_all(&wanted)).await;
        locked.map_err(|_| Error::Unavailable("the program is ending".into()))?
    }

    fn pause(&self) -> Duration {
        RETRY_PAUSE
    }
}

/// The locked files.
struct Locks(
    #[expect(dead_code, reason = "held, never read: closing them unlocks them")] Vec<File>,
);

#[async_trait]
impl Hold for Locks {
    /// The kernel never takes a lock from a running process.
    fn holds(&self) -> bool {
        true
    }

    async fn end(self: Box<Self>) {}
}

fn lock_all(wanted: &[(PathBuf, usize)]) -> Result<Acquired> {
    let mut files = Vec::with_capacity(wanted.len());
    for (position, (path, index)) in wanted.iter().enumerate() {
        if let Some(file) = lock(path)? {
            files.push(file);
            continue;
        }
        // Returns the first busy name; the remaining names were not tried.
        let mut first = *index;
        for (path, index) in &wanted[position + 1..] {
            if *index < first && lock(path)?.is_none() {
                first = *index;
            }
        }
        return Ok(Acquired::Busy(first));
    }
    Ok(Acquired::Taken(Lease::new(Locks(files))))
}

/// A name can have any characters and any length; the file name does not show it.
fn file_name(scope: &str, name: &str) -> PathBuf {
    // With the length, so that two different pairs of scope and name never give equal texts.
    let hash = digest(&SHA256, format!("{}:{scope}{name}", scope.len()).as_bytes());
    PathBuf::from(BASE32_NOPAD.encode(&hash.as_ref()[..20]).to_ascii_lowercase())
        .with_extension("lock")
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
