//! Where access tokens come from.

use async_trait::async_trait;
use secrecy::SecretString;

use crate::{Error, Result};

/// The access tokens of one grant, shared by everything that works with its account.
///
/// An implementation keeps the token in memory only, asks for a new one shortly before the old one
/// ends, and asks once however many are waiting for it.
#[async_trait]
pub trait AccessTokens: Send + Sync {
    /// A token that is good for the next request (RFC 6750).
    ///
    /// # Errors
    /// [`crate::Error::Unauthorized`] where consent was withdrawn or has ended and its owner has to
    /// connect the account again; otherwise what talking to the token endpoint came to.
    async fn bearer(&self) -> Result<SecretString>;

    /// Notes that Google answered 401 to this token. If it is still the one that [`Tokens::bearer`]
    /// hands out, it is not handed out again; a token that has been replaced in the meantime is
    /// left alone.
    fn refused(&self, bearer: &SecretString);

    /// Hears that Google lets nobody in for this account, although its token is fresh: what was
    /// asked for does not matter. The error says whether its owner can help
    /// ([`Error::Unauthorized`], [`Error::Consent`]) or only time ([`Error::RateLimited`]). Whoever
    /// asks waits for this.
    async fn barred(&self, error: &Error) {
        let _ = error;
    }
}
