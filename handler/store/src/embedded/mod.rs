//! Embedded storage: one SQLite file and a directory of locks, for a single machine.
//!
//! ```text
//! <data directory>/        0700
//!   calrelay.db            0600   rows and messages (and, while it is open, -wal and -shm beside it)
//!   leases/<hash>.lock     0600   empty; locked while a lease of that name is held
//! ```
//!
//! # Properties
//! * An acknowledged commit survives the death of the process, however it dies.
//! * A power failure never damages the file, and never leaves half a commit. Only the latest
//!   commits can be lost: all commits before a surviving one have survived too.
//! * Several processes may use one directory at once; the later writer waits for the earlier one.
//! * Memory does not grow with the data: 2 MiB of pages for the writer, half of one for each
//!   reader, nothing mapped.
//! * A file of a newer program is refused and stays as it is.
//!
//! # Design
//! *Write-ahead log.* Readers do not wait for the writer. There is one writing connection in a
//! process, and every write begins with `BEGIN IMMEDIATE`, so that two processes queue up instead
//! of failing half-way.
//!
//! *Durability.* Without an fsync a commit is in the kernel's hands, which is enough to outlive the
//! process, and not enough to outlive a power cut. The directory and the secrets hold what a
//! command has reported as done, and a refresh token that the provider has just replaced exists
//! nowhere else: each commit there is synced (`synchronous = FULL`), which also syncs all earlier
//! commits of the log. The state of pairs and the messages are not synced (`NORMAL`), since a sync
//! writes them for each event. If the latest of them are lost, the next sync restores them: a copy
//! without its mapping row is recognised by its mark, and the cursor is saved after the mappings,
//! so it is lost with them and the changes are listed again.
//!
//! *ETags* are numbers from a counter in the file: no two writes share one, not even in two
//! processes.
//!
//! *Deleted rows are overwritten* (`secure_delete`): removing an account leaves no sealed secret in
//! a free page.
//!
//! # Beware
//! POSIX locks end when a process closes any handle of the file: never open `calrelay.db` from
//! within the process by other means than SQLite while it is in use (to copy it, or to search it).

mod fault;
mod leases;
mod pool;
mod queue;
mod rows;
mod schema;
#[cfg(test)]
mod tests;

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::Notify;

use crate::Result;
use fault::{EmbeddedFault, from_io};
use pool::{BUSY_TIMEOUT, Pool, PoolKind};

/// The name of the database in the data directory.
const FILE: &str = "calrelay.db";

/// The number of reading connections.
const READERS: usize = 3;

/// Storage in a directory: rows, messages and leases. Cheap to share behind an [`Arc`]; needs a
/// tokio runtime.
pub struct Embedded {
    file: PathBuf,
    leases: PathBuf,
    writer: Pool,
    readers: Pool,
    arrivals: Notify,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl Embedded {
    /// Opens the storage in `dir`, which is created if it is missing, and migrates an older file to
    /// the newest schema. The clock decides when messages are visible. Blocks on the disk, so call
    /// it when the process starts.
    ///
    /// # Errors
    /// [`Error::NewerSchema`](crate::Error::NewerSchema), with nothing changed.
    /// [`Error::Failed`](crate::Error::Failed) if the directory cannot be written or the file is
    /// damaged. [`Error::Unavailable`](crate::Error::Unavailable) if another process keeps the file
    /// busy. [`Error::Full`](crate::Error::Full).
    pub fn open(dir: &Path, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Result<Self> {
        Self::open_with(dir, clock, schema::MIGRATIONS)
    }

    fn open_with(
        dir: &Path,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
        migrations: &[&str],
    ) -> Result<Self> {
        let (file, leases) = (dir.join(FILE), dir.join("leases"));
        make_directory(dir).map_err(|e| from_io(&e, "make the data directory", dir))?;
        make_file(&file).map_err(|e| from_io(&e, "make", &file))?;
        let db = prepare(&file, dir, migrations).map_err(|fault| fault.into_error(&file))?;
        make_directory(&leases).map_err(|e| from_io(&e, "make the directory", &leases))?;
        Ok(Self {
            writer: Pool::new(&file, PoolKind::Writer, 1, vec![db]),
            readers: Pool::new(&file, PoolKind::Reader, READERS, Vec::new()),
            arrivals: Notify::new(),
            clock: Arc::new(clock),
            file,
            leases,
        })
    }

    /// Reads the whole file and checks it for damage. For `doctor`: it takes as long as reading the
    /// file.
    ///
    /// # Errors
    /// [`Error::Failed`](crate::Error::Failed) if there is any.
    pub async fn check(&self) -> Result<()> {
        let file = self.file.clone();
        let work = move |db: &mut Connection| {
            let found: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if found == "ok" {
                return Ok(());
            }
            Err(fault::damaged(&file, found).into())
        };
        self.readers.run(work).await
    }
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").field("file", &self.file).finish_non_exhaustive()
    }
}

/// The writing connection, on a file of the newest schema.
fn prepare(file: &Path, dir: &Path, migrations: &[&str]) -> Result<Connection, EmbeddedFault> {
    let mut db = retry_while_busy(|| pool::connect(file, PoolKind::Writer))?;
    // Until the schema of the file is known, closing it must not remove its log.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    retry_while_busy(|| schema::check(&db, migrations, dir))?;
    retry_while_busy(|| Ok(db.pragma_update(None, "journal_mode", "WAL")?))?;
    retry_while_busy(|| schema::migrate(&mut db, migrations, dir))?;
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(db)
}

/// SQLite returns "busy" at once if two processes switch a new file to the write-ahead log, or if
/// one of them is closing it.
fn retry_while_busy<T>(
    mut attempt: impl FnMut() -> Result<T, EmbeddedFault>,
) -> Result<T, EmbeddedFault> {
    let begun = Instant::now();
    loop {
        match attempt() {
            Err(fault) if fault.is_busy() && begun.elapsed() < BUSY_TIMEOUT => {
                std::thread::sleep(Duration::from_millis(10))
            }
            outcome => return outcome,
        }
    }
}

/// Creates a directory for its owner only. An existing one keeps its mode: the files in it have
/// their own.
fn make_directory(dir: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Creates an empty file for its owner only, if there is none. SQLite would make it readable for
/// all, and gives the files beside it the mode of this one. An existing file is not opened (see
/// *Beware*), only its mode is corrected.
fn make_file(file: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(file) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => restrict_permissions(file),
        Err(e) => Err(e),
    }
}

#[cfg(unix)]
fn restrict_permissions(file: &Path) -> io::Result<()> {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;
    if std::fs::metadata(file)?.permissions().mode() & 0o077 != 0 {
        std::fs::set_permissions(file, Permissions::from_mode(0o600))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn tighten(_file: &Path) -> io::Result<()> {
    Ok(())
}
