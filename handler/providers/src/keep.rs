//! Secrets that a provider replaces by itself.

use async_trait::async_trait;
use secrecy::SecretString;

/// Where a provider hands over a secret that has taken the place of the one it was opened with: refresh tokens that are exchanged at use.
#[async_trait]
pub trait Keep: Send + Sync {
    /// Stores `new`, unless what is stored is no longer `old`: then its owner has connected the account anew, and that secret is the better one.
    /// `false` where it could not be done now; it is tried again at the next use.
    async fn keep(&self, old: &SecretString, new: &SecretString) -> bool;
}
