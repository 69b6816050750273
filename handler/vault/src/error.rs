//! The errors of the vault.

/// A failure of the vault. Its text holds nothing of the secret.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The sealed text was damaged, or was sealed for another row or with another key.
    #[error(
        "this secret cannot be opened: it was damaged, copied from another row, or sealed with \
        another key"
    )]
    CannotOpen,
    /// The key file is readable by others, damaged or missing.
    #[error("{0}")]
    KeyFile(String),
    /// The key service cannot be reached, throttles or refuses. Nothing is lost; a later call may
    /// succeed.
    #[error("the key service cannot be used now: {0}")]
    Unavailable(String),
    /// The row of the wrapped root cannot be read or written.
    #[error("the vault's row in the storage cannot be used: {0}")]
    Row(String),
}

/// A result with the error of the vault.
pub type Result<T, E = Error> = std::result::Result<T, E>;
