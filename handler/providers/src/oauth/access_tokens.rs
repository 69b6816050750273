//! Where access tokens come from.

use async_trait::async_trait;
use secrecy::SecretString;

use crate::{Error, Result};

/// The access tokens of one grant, shared by everything that works with its account.
///
/// An implementation keeps the token in memory only, requests a new one shortly before the old one
/// ends, and makes one request however many callers wait for it.
#[async_trait]
pub trait AccessTokens: Send + Sync {
    /// A token that is good for the next request (RFC 6750).
    ///
    /// # Errors
    /// [`Error::Unauthorized`] where consent was withdrawn or has ended and the owner has to
    /// connect the account again; otherwise the failure of the request to the token endpoint.
    async fn access_token(&self) -> Result<SecretString>;

    /// Records that the provider answered 401 to this token. If it is still the one that
    /// [`AccessTokens::access_token`] returns, it is not returned again; a token that has been
    /// replaced in the meantime is left alone.
    fn invalidate(&self, token: &SecretString);

    /// Records that the provider denies every request for this account, although its token is
    /// fresh. The error says whether the owner can help ([`Error::Unauthorized`],
    /// [`Error::Consent`]) or only time ([`Error::RateLimited`]). The denied request waits for
    /// this call.
    async fn record_denial(&self, error: &Error) {
        let _ = error;
    }

    /// Records what the provider demands of the next sign-in, as JSON: the token proves too little
    /// about its owner. The denied request waits for this call.
    async fn record_claims(&self, claims: &SecretString) {
        let _ = claims;
    }
}
