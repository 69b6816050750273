//! A pool of connections, each used by one piece of work at a time, outside the async threads.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::fault::EmbeddedFault;
use crate::{Error, Result};

/// How long a connection waits for another process. A commit takes milliseconds, so a process that
/// takes longer hangs.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What the connections of a pool do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PoolKind {
    /// They write.
    Writer,
    /// They only read.
    Reader,
}

/// Connections to one file. Work is done in the order in which it arrives.
pub(super) struct Pool {
    inner: Arc<PoolState>,
    permits: Arc<Semaphore>,
}

struct PoolState {
    file: PathBuf,
    kind: PoolKind,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    /// At most `size` connections, opened when they are first needed, in addition to the given
    /// ones.
    pub(super) fn new(file: &Path, kind: PoolKind, size: usize, idle: Vec<Connection>) -> Self {
        let inner = PoolState { file: file.to_owned(), kind, idle: Mutex::new(idle) };
        Self { inner: Arc::new(inner), permits: Arc::new(Semaphore::new(size)) }
    }

    /// Runs work on a connection. Once started it runs to its end, even if the caller stops
    /// waiting.
    ///
    /// Waiting work is a task of its own: a caller that is not polled for a while (in a stream, for
    /// example) does not block the work behind it.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, EmbeddedFault> + Send + 'static,
    {
        let (permits, inner) = (self.permits.clone(), self.inner.clone());
        // A set of one task: dropping it with the caller ends a task that is still waiting.
        let mut task = JoinSet::new();
        task.spawn(async move {
            let permit = permits.acquire_owned().await.map_err(|_| ending())?;
            let work = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                inner.with(work).map_err(|fault| fault.into_error(&inner.file))
            });
            work.await.unwrap_or_else(|e| {
                if e.is_panic() {
                    Err(Error::Failed("a piece of work on the database broke off".into()))
                } else {
                    Err(ending())
                }
            })
        });
        task.join_next().await.and_then(std::result::Result::ok).unwrap_or_else(|| Err(ending()))
    }
}

fn ending() -> Error {
    Error::Unavailable("the program is ending".into())
}

impl PoolState {
    fn with<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, EmbeddedFault>,
    ) -> Result<T, EmbeddedFault> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut db = match idle {
            Some(db) => db,
            None => connect(&self.file, self.kind)?,
        };
        let outcome = work(&mut db);
        // A connection with an open transaction is closed, which rolls it back.
        if db.is_autocommit() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(db);
        }
        outcome
    }
}

/// Opens a connection to an existing file.
pub(super) fn connect(file: &Path, kind: PoolKind) -> Result<Connection, EmbeddedFault> {
    // Readers too: a reader of a WAL file writes to the shared-memory file beside it.
    let db = Connection::open_with_flags(
        file,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    db.busy_timeout(BUSY_TIMEOUT)?;
    db.pragma_update(None, "trusted_schema", false)?;
    db.pragma_update(None, "mmap_size", 0)?;
    match kind {
        PoolKind::Writer => {
            // In KiB when negative.
            db.pragma_update(None, "cache_size", -2048)?;
            // What is deleted is overwritten: a removed secret does not stay in a free page.
            db.pragma_update(None, "secure_delete", true)?;
            db.pragma_update(None, "journal_size_limit", 4 * 1024 * 1024)?;
        }
        PoolKind::Reader => {
            db.pragma_update(None, "cache_size", -512)?;
            db.pragma_update(None, "query_only", true)?;
        }
    }
    Ok(db)
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::mpsc;

    use tokio::time::timeout;

    use super::*;

    /// Polls the work once.
    async fn begin<T>(work: &mut (impl Future<Output = T> + Unpin)) {
        assert!(timeout(Duration::ZERO, work).await.is_err());
        tokio::task::yield_now().await;
    }

    /// A pool of one connection whose work waits for a gate, and a record of the work that was
    /// done.
    struct Bench {
        pool: Pool,
        done: Arc<Mutex<Vec<u8>>>,
        gate: Arc<Mutex<mpsc::Receiver<()>>>,
    }

    impl Bench {
        /// Dropping the sender opens the gate.
        fn new() -> (Self, mpsc::Sender<()>) {
            let idle = vec![Connection::open_in_memory().unwrap()];
            let (closed, gate) = mpsc::channel();
            let pool = Pool::new(Path::new("not used"), PoolKind::Writer, 1, idle);
            (Self { pool, done: Arc::default(), gate: Arc::new(Mutex::new(gate)) }, closed)
        }

        fn work(&self, n: u8) -> Pin<Box<dyn Future<Output = Result<()>> + '_>> {
            let (done, gate) = (self.done.clone(), self.gate.clone());
            Box::pin(self.pool.run(move |_| {
                assert!(gate.lock().unwrap().recv().is_err());
                done.lock().unwrap().push(n);
                Ok(())
            }))
        }
    }

    #[tokio::test]
    async fn work_that_is_not_polled_blocks_no_other() {
        let (bench, closed) = Bench::new();
        let (mut begun, mut queued) = (bench.work(1), bench.work(2));
        begin(&mut begun).await;
        begin(&mut queued).await;
        drop(closed);
        timeout(BUSY_TIMEOUT, bench.work(3))
            .await
            .expect("it does not wait for the two before it to be asked for")
            .unwrap();
        begun.await.unwrap();
        queued.await.unwrap();
        assert_eq!(*bench.done.lock().unwrap(), [1, 2, 3]);
    }

    #[tokio::test]
    async fn work_that_was_given_up_in_the_queue_is_not_done() {
        let (bench, closed) = Bench::new();
        let (mut begun, mut queued) = (bench.work(1), bench.work(2));
        begin(&mut begun).await;
        begin(&mut queued).await;
        drop(queued);
        drop(closed);
        begun.await.unwrap();
        bench.work(3).await.unwrap();
        assert_eq!(*bench.done.lock().unwrap(), [1, 3]);
    }
}
