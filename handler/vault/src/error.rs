//! What can go wrong with the vault.

/// A vault failure. Says nothing of the secret.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The sealed text was damaged, belongs to another place, or to another key.
    #[error(
        "this secret cannot be opened: it was damaged, moved from another place, or sealed with \
        another key"
    )]
    CannotOpen,
    /// The key file is not safe or not right.
    #[error("{0}")]
    KeyFile(String),
    /// The key service is away, throttles or refuses: nothing is lost, try later.
    #[error("the key service cannot be used now: {0}")]
    Unavailable(String),
    /// The row that keeps the wrapped root cannot be read or written.
    #[error("the vault's row in the storage cannot be used: {0}")]
    Row(String),
}

/// The result of a vault call.
pub type Result<T, E = Error> = std::result::Result<T, E>;
