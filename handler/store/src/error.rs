//! The errors of storage.

/// A storage failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The condition of the operation at this index did not hold; nothing was written.
    #[error("another process changed this at the same moment (operation {0})")]
    Conflict(usize),
    /// More than storage accepts; nothing was written.
    #[error("too much for one write: {0}")]
    TooLarge(String),
    /// A newer version of the program wrote the data.
    #[error(
        "the data in {path} was written by a newer calrelay (schema {found}, this program knows \
        {known}); nothing was changed. Install the newer version, or point CALRELAY_DATA_DIR to \
        another directory"
    )]
    NewerSchema {
        /// The path of the data.
        path: String,
        /// The schema of the data.
        found: u32,
        /// The newest schema that this program knows.
        known: u32,
    },
    /// The disk is full; nothing was written.
    #[error("the disk is full; what was stored before is safe. Free some space and try again")]
    Full,
    /// Storage is busy or cannot be reached; a later call may succeed.
    #[error("storage is busy or cannot be reached: {0}")]
    Unavailable(String),
    /// Storage failed or is damaged.
    #[error("storage failed: {0}")]
    Failed(String),
}

/// A result with the error of storage.
pub type Result<T, E = Error> = std::result::Result<T, E>;
