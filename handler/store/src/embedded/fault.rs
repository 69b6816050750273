//! Failures of SQLite and of the file system.
//!
//! SQLite's messages name tables, constraints and files; values are bound and never in them.

use std::path::Path;

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::Error;

/// A failure of work on the database.
#[derive(Debug)]
pub(super) enum EmbeddedFault {
    /// An error of the store.
    Ours(Error),
    /// An error of SQLite.
    Sqlite(rusqlite::Error),
}

impl From<Error> for EmbeddedFault {
    fn from(error: Error) -> Self {
        Self::Ours(error)
    }
}

impl From<rusqlite::Error> for EmbeddedFault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl EmbeddedFault {
    /// The error for the caller; `file` is the database.
    pub(super) fn into_error(self, file: &Path) -> Error {
        match self {
            Self::Ours(error) => error,
            Self::Sqlite(error) => from_sqlite(&error, file),
        }
    }

    /// Whether another connection held the database for too long.
    pub(super) fn is_busy(&self) -> bool {
        matches!(self, Self::Sqlite(e) if matches!(e.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked)))
    }
}

fn from_sqlite(error: &rusqlite::Error, path: &Path) -> Error {
    // An impossible answer, such as invalid text: only a damaged file gives one.
    let Some(inner) = error.sqlite_error() else { return damaged(path, error) };
    let file = path.display();
    match inner.code {
        ErrorCode::DiskFull => Error::Full,
        // The shared-memory file could not grow: SQLite reports this one as an I/O failure.
        ErrorCode::SystemIoFailure if inner.extended_code == ffi::SQLITE_IOERR_SHMSIZE => {
            Error::Full
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Error::Unavailable(format!(
            "another process has been writing to {file} for too long; try again"
        )),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => damaged(path, error),
        ErrorCode::PermissionDenied | ErrorCode::ReadOnly | ErrorCode::CannotOpen => {
            Error::Failed(format!(
                "{file} cannot be opened for writing ({error}). Check who owns the data \
                directory, or point CALRELAY_DATA_DIR to another one"
            ))
        }
        ErrorCode::SystemIoFailure => {
            Error::Failed(format!("the disk reports an error on {file} ({error})"))
        }
        _ => Error::Failed(format!("{file}: {error}")),
    }
}

/// Damage was found in the file.
pub(super) fn damaged(file: &Path, found: impl std::fmt::Display) -> Error {
    Error::Failed(format!(
        "{} is damaged ({found}). Your calendars are not touched. Put a backup of the data \
        directory in its place, or move the file \
         and those beside it (-wal, -shm) away and connect the accounts again: existing copies \
         are recognised",
        file.display()
    ))
}

/// A failure of the file system while doing `what`.
pub(super) fn from_io(error: &std::io::Error, what: &str, path: &Path) -> Error {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Error::Full,
        _ => Error::Failed(format!(
            "cannot {what} {} ({error}). Check who owns it, or point CALRELAY_DATA_DIR to another \
            directory",
            path.display()
        )),
    }
}
