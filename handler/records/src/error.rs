//! Failures to read or write a record.

use engine::calendar::{AccountId, PairId};

/// A failure to read or write a record.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A row cannot be understood. The text names the row and quotes nothing of its content.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
    #[error("there is no account {0}; `calrelay account list` shows those that are connected")]
    NoAccount(AccountId),
    #[error("there is no pair {0}; `calrelay pair list` shows those that there are")]
    NoPair(PairId),
    /// The lease has expired, or another process has written what only the holder of the lease may
    /// write.
    #[error(
        "storage was out of reach for too long, and another sync may have taken this calendar over"
    )]
    LeaseLost,
}

/// The result of reading or writing records.
pub type Result<T, E = Error> = std::result::Result<T, E>;
