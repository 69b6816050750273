//! The tables of the file, and the migrations of older files.
//!
//! `PRAGMA user_version` counts the migrations of a file. They run in one transaction: a process
//! that is killed during a migration leaves the older version intact. A released migration never
//! changes; later ones are appended.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::fault::EmbeddedFault;
use crate::Error;

/// Every migration, oldest first; the first creates version 1 from an empty file.
pub(super) const MIGRATIONS: &[&str] = &[
    // 1: rows, messages, and the counter that ETags, receipts and message ids are taken from.
    "CREATE TABLE rows (
         tbl TEXT NOT NULL,
         pk TEXT NOT NULL,
         rk TEXT NOT NULL,
         etag INTEGER NOT NULL,
         value TEXT NOT NULL,
         PRIMARY KEY (tbl, pk, rk)
     ) STRICT, WITHOUT ROWID;
     CREATE TABLE messages (
         id INTEGER PRIMARY KEY,
         queue TEXT NOT NULL,
         visible_at INTEGER NOT NULL,
         receipt INTEGER,
         dequeue_count INTEGER NOT NULL,
         body TEXT NOT NULL
     ) STRICT;
     CREATE INDEX messages_by_turn ON messages (queue, visible_at, id);
     CREATE TABLE counter (value INTEGER NOT NULL) STRICT;
     INSERT INTO counter (value) VALUES (0);",
];

/// The version of a file; 0 if it is empty.
fn version(db: &Connection) -> Result<u32, EmbeddedFault> {
    Ok(db.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Refuses a file of a newer program.
pub(super) fn check(db: &Connection, migrations: &[&str], dir: &Path) -> Result<(), EmbeddedFault> {
    let (found, known) = (version(db)?, newest(migrations));
    if found > known {
        return Err(Error::NewerSchema { path: dir.display().to_string(), found, known }.into());
    }
    Ok(())
}

/// Brings a file to the newest version.
pub(super) fn migrate(
    db: &mut Connection,
    migrations: &[&str],
    dir: &Path,
) -> Result<(), EmbeddedFault> {
    if version(db)? == newest(migrations) {
        return Ok(());
    }
    // Checked again under the lock: another process may be opening the directory.
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    check(&tx, migrations, dir)?;
    let found = version(&tx)?;
    for (number, sql) in (1..).zip(migrations).filter(|(number, _)| *number > found) {
        tracing::debug!(version = number, "bringing the embedded storage to a newer schema");
        tx.execute_batch(sql)?;
    }
    tx.pragma_update(None, "user_version", newest(migrations))?;
    tx.commit()?;
    Ok(())
}

fn newest(migrations: &[&str]) -> u32 {
    u32::try_from(migrations.len()).expect("a handful of migrations")
}

/// Takes `count` new numbers from the counter of the file, and returns the first.
pub(super) fn next_number(db: &Connection, count: usize) -> Result<i64, EmbeddedFault> {
    let count = i64::try_from(count).expect("at most a commit's worth");
    let last: i64 = db
        .prepare_cached("UPDATE counter SET value = value + ?1 RETURNING value")?
        .query_row([count], |row| row.get(0))?;
    Ok(last - count + 1)
}
