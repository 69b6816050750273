//! The store of refresh tokens.

use async_trait::async_trait;
use secrecy::SecretString;

use crate::Error;

/// Stores the refresh token of one account. The provider may replace the token at each use, and
/// the owner may revoke it at any time.
#[async_trait]
pub trait RefreshTokenStore: Send + Sync {
    /// Stores `new`, unless the stored token is no longer `old`: then the owner has connected the
    /// account again, and the stored token is the better one. `false` where storage failed; the
    /// next use of the grant tries again.
    async fn replace(&self, old: &SecretString, new: &SecretString) -> bool;

    /// The stored token, which another process may have written; `None` where it cannot be read. A
    /// grant whose tokens rotate goes on with it, so that all processes come to use one token.
    async fn current(&self) -> Option<SecretString> {
        None
    }

    /// Records the outcome of a request for an access token; `None` is success. Callers that wait
    /// for the access token wait for this call too.
    async fn record_outcome(&self, failure: Option<&Error>);
}
