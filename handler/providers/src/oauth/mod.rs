//! Sign-in by OAuth 2.0 (RFC 6749, RFC 7636, RFC 8252): consent, token requests, and the grants of
//! this process.
//!
//! # Properties
//! * Every consent has a PKCE challenge (S256) of its own: an intercepted code is worth nothing.
//! * A code is sent once and never again; a refresh or a revocation may be repeated.
//! * A grant is refreshed by one request at a time, and all callers get its answer.
//! * Where each use replaces the refresh token ([`OAuthFacts::rotates_refresh_tokens`]), the new
//!   one is stored before the access token is used.
//! * A refused refresh token concerns its owner ([`Error::Unauthorized`]), a refused client
//!   concerns the operator ([`Error::Misconfigured`]), and a server that fails concerns neither:
//!   only the first marks an account.
//! * Where the provider sends id_tokens, one is checked before a grant counts (signature, client,
//!   nonce, issuer, end), and names the owner of the grant.
//! * Access tokens are in memory only. No log, error, `Debug` or address contains a token, code,
//!   verifier or client secret; an error quotes at most the code of RFC 6749 section 5.2. What else
//!   of a refusal is kept has a plain form ([`OAuthRefusal`]).
//!
//! # To add another provider
//! Implement [`OAuthProvider`] for the provider's settings: its endpoints, extra parameters, scopes
//! and error table. How the owner of a grant is found stays with the provider: by an id_token
//! ([`OAuthProvider::owner`]), or by a request of its own.
//!
//! # Why there is no OAuth library
//! The `oauth2` crate works with any HTTP client, but it holds codes, tokens and the client secret
//! in plain strings that are not overwritten, drops the HTTP status, by which a failing server is
//! distinguished from a refused token, and brings a second major version of `thiserror`. Of the
//! library, Calrelay would use one address, one form and one JSON object.
//!
//! [`OAuthFacts::rotates_refresh_tokens`]: engine::provider::OAuthFacts::rotates_refresh_tokens
//! [`Error::Unauthorized`]: crate::Error::Unauthorized
//! [`Error::Misconfigured`]: crate::Error::Misconfigured

mod access_tokens;
mod client;
mod granted;
mod grants;
mod id_token;
#[cfg(test)]
mod id_token_tests;
mod pkce;
mod provider;
mod refresh;
mod refresh_token_store;
mod refusal;
mod scopes;
mod signing_keys;
#[cfg(test)]
pub(crate) mod test_endpoint;
#[cfg(test)]
pub(crate) mod test_signer;
#[cfg(test)]
mod tests;
mod token_response;

pub use access_tokens::AccessTokens;
pub use client::{Authorization, Client};
pub use granted::TokenGrant;
pub use grants::Grants;
pub use id_token::{GrantOwner, IdTokenClaims, IdTokenRules};
pub use provider::{OAuthProvider, TokenRequest};
pub use refresh::Grant;
pub use refresh_token_store::RefreshTokenStore;
pub use refusal::OAuthRefusal;
#[cfg(test)]
pub(crate) use refusal::refusal_of;
pub use scopes::are_granted;
