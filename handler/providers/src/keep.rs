//! Secrets that a provider replaces by itself, and that end without anybody being told.

use async_trait::async_trait;
use secrecy::SecretString;

use crate::Error;

/// Who keeps a provider's secret: a refresh token, which may be replaced at use, and which its
/// owner may make worthless at any time.
#[async_trait]
pub trait RefreshTokenStore: Send + Sync {
    /// Stores `new`, unless what is stored is no longer `old`: then its owner has connected the
    /// account anew, and that secret is the better one. `false` where it could not be done now; it
    /// is tried again at the next use.
    async fn keep(&self, old: &SecretString, new: &SecretString) -> bool;

    /// Hears what came of asking for access with the secret: none, or the failure. Whoever waits
    /// for the answer waits for this too.
    async fn stands(&self, failure: Option<&Error>);
}
