//! What can go wrong with the vault.

/// A vault failure. Says nothing of the secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The sealed text was damaged, belongs to another place, or to another key.
    #[error("this secret cannot be opened: it was damaged, moved from another place, or sealed with another key")]
    CannotOpen,
    /// The key file is not safe or not right.
    #[error("{0}")]
    KeyFile(String),
    /// The key service is away or throttles: try later.
    #[error("the key service cannot be reached: {0}")]
    Unavailable(String),
}

/// The result of a vault call.
pub type Result<T, E = Error> = std::result::Result<T, E>;
