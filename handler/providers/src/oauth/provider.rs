//! What differs between providers that sign in by OAuth 2.0.

use engine::provider::OAuthFacts;
use reqwest::StatusCode;
use secrecy::SecretString;
use url::Url;

use super::id_token::{GrantOwner, IdTokenClaims, IdTokenRules};
use super::refusal::OAuthRefusal;
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

    /// Whether requests to the token endpoint name the scopes, as the request for consent does.
    fn names_scopes_again(&self) -> bool {
        false
    }

    /// How the provider signs id_tokens; `None` where it sends none. With them, a request for
    /// consent has a nonce, and a grant an owner.
    fn id_tokens(&self) -> Option<&IdTokenRules> {
        None
    }

    /// The owner of a grant, by its id_token, which was checked.
    ///
    /// # Errors
    /// [`Error::NotGranted`] where accounts of this kind cannot be connected, [`Error::BadAnswer`]
    /// where the token names no owner.
    fn owner(&self, claims: &IdTokenClaims) -> Result<GrantOwner> {
        let _ = claims;
        Err(Error::BadAnswer(format!("{} does not say whose account it is", self.name())))
    }

    /// The error for a refusal by the token endpoint (RFC 6749 section 5.2). `host` is where it
    /// came from.
    fn refusal(&self, request: TokenRequest, refusal: &OAuthRefusal, host: &str) -> Error;

    /// The error for a refusal on the redirect (RFC 6749 section 4.1.2.1).
    fn redirect_refusal(&self, refusal: &OAuthRefusal) -> Error {
        refusal.redirect_error()
    }

    /// The page on which the administrator of an organisation allows this program for everyone in
    /// it; `None` where the provider has none. The answer, at `redirect`, is no grant.
    fn administrator_url(&self, redirect: &Url, state: &str) -> Option<Url> {
        let _ = (redirect, state);
        None
    }

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
    /// To take over a refresh token that was issued elsewhere.
    Adopt,
    /// To see whether this client is accepted, with a grant that was never given.
    Check,
}
