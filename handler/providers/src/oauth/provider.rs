//! What differs between providers that sign in by OAuth 2.0.

use engine::provider::OAuthFacts;
use reqwest::StatusCode;
use secrecy::SecretString;
use url::Url;

use crate::{Error, Result};

/// A provider's OAuth endpoints and rules, with the operator's registration there.
pub trait OAuthProvider: Send + Sync {
    /// The provider's name, as errors show it.
    fn name(&self) -> &'static str;

    /// Scopes, revocation and rotation.
    fn facts(&self) -> OAuthFacts;

    /// The id of the operator's client. No secret.
    fn client_id(&self) -> &str;

    /// The secret of the operator's client.
    fn client_secret(&self) -> &SecretString;

    /// The authorization endpoint (RFC 6749 section 3.1).
    fn auth_url(&self) -> &Url;

    /// The token endpoint (RFC 6749 section 3.2).
    fn token_url(&self) -> &Url;

    /// The revocation endpoint (RFC 7009); `None` where the provider has none.
    fn revoke_url(&self) -> Option<&Url>;

    /// Parameters of the authorization address beyond those of the RFCs.
    fn extra_parameters(&self) -> &'static [(&'static str, &'static str)];

    /// Checks the scopes that were granted, separated by spaces.
    ///
    /// # Errors
    /// [`Error::Consent`] where a scope is missing.
    fn check_scopes(&self, granted: &str) -> Result<()>;

    /// The error for a refusal with this code (RFC 6749 section 5.2). `host` is where it came
    /// from.
    fn refusal(&self, request: TokenRequest, code: &str, host: &str) -> Error;

    /// Whether the answer to a revocation says that the token was dead already.
    fn is_already_revoked(&self, status: StatusCode, body: &[u8]) -> bool;
}

/// A request to the token endpoint or the revocation endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenRequest {
    /// To exchange an authorization code.
    Code,
    /// To use or revoke a refresh token.
    Refresh,
}
