//! A few connections, each used by one piece of work at a time, away from the async threads.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;

use super::fault::Fault;
use crate::{Error, Result};

/// How long a connection waits for another process. Commits take milliseconds; whoever needs seconds is stuck.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What a pool's connections are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The one that writes.
    Writer,
    /// Those that only read.
    Reader,
}

/// Connections to one file. Work waits its turn in the order it came.
pub(super) struct Pool {
    inner: Arc<Inner>,
    permits: Arc<Semaphore>,
}

struct Inner {
    file: PathBuf,
    kind: Kind,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    /// At most `size` connections, opened when they are first needed, beside those given.
    pub(super) fn new(file: &Path, kind: Kind, size: usize, idle: Vec<Connection>) -> Self {
        let inner = Inner { file: file.to_owned(), kind, idle: Mutex::new(idle) };
        Self { inner: Arc::new(inner), permits: Arc::new(Semaphore::new(size)) }
    }

    /// Runs a piece of work on a connection. Once begun it runs to its end, also when the caller no longer waits for it.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    {
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| ending())?;
        let inner = self.inner.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            inner.with(work).map_err(|fault| fault.told(&inner.file))
        });
        done.await.map_err(|e| if e.is_panic() { Error::Failed("a piece of work on the database broke off".into()) } else { ending() })?
    }
}

fn ending() -> Error {
    Error::Unavailable("the program is ending".into())
}

impl Inner {
    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T, Fault>) -> Result<T, Fault> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut db = match idle {
            Some(db) => db,
            None => connect(&self.file, self.kind)?,
        };
        let outcome = work(&mut db);
        // A connection that is somehow still in a transaction is closed, which rolls it back.
        if db.is_autocommit() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(db);
        }
        outcome
    }
}

/// Opens a connection to a file that is there.
pub(super) fn connect(file: &Path, kind: Kind) -> Result<Connection, Fault> {
    // Readers too: a reader of a WAL file writes to the shared-memory file beside it.
    let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(PATIENCE)?;
    db.pragma_update(None, "trusted_schema", false)?;
    db.pragma_update(None, "mmap_size", 0)?;
    match kind {
        Kind::Writer => {
            // In KiB when negative.
            db.pragma_update(None, "cache_size", -2048)?;
            // What is deleted is overwritten: a removed secret does not stay in a free page.
            db.pragma_update(None, "secure_delete", true)?;
            db.pragma_update(None, "journal_size_limit", 4 * 1024 * 1024)?;
        }
        Kind::Reader => {
            db.pragma_update(None, "cache_size", -512)?;
            db.pragma_update(None, "query_only", true)?;
        }
    }
    Ok(db)
}
