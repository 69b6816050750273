//! What can go wrong with storage.

/// A storage failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The condition of the operation at this index did not hold; nothing was written.
    #[error("somebody else changed this at the same moment (operation {0})")]
    Conflict(usize),
    /// More or larger than storage takes; nothing was written.
    #[error("too much for one write: {0}")]
    TooLarge(String),
    /// The data is of a newer version of the program.
    #[error(
        "the data in {path} was written by a newer calrelay (schema {found}, this program knows \
        {known}); nothing was changed. Install the newer version, or point CALRELAY_DATA_DIR to \
        another directory"
    )]
    NewerSchema {
        /// Where.
        path: String,
        /// Found there.
        found: u32,
        /// The newest that this program knows.
        known: u32,
    },
    /// The disk is full; nothing was written.
    #[error("the disk is full; what was stored before is safe. Free some space and try again")]
    Full,
    /// Busy or unreachable for now: try later.
    #[error("storage is busy or cannot be reached: {0}")]
    Unavailable(String),
    /// Storage failed or is damaged.
    #[error("storage failed: {0}")]
    Failed(String),
}

/// The result of a storage call.
pub type Result<T, E = Error> = std::result::Result<T, E>;
