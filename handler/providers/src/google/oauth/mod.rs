//! Consent: OAuth 2.0 as Google has it (RFC 6749, RFC 7636, RFC 8252;
//! <https://developers.google.com/identity/protocols/oauth2>).
//!
//! # Properties
//! * Exactly two rights are asked for, [`SCOPES`], and offline access; a consent that gives fewer
//!   is refused with words that name the box to tick.
//! * Every consent has a PKCE challenge (S256) of its own: a code that somebody else caught is
//!   worth nothing.
//! * A code is sent once and never again; a refresh or a revocation may be repeated.
//! * A refused refresh token is its owner's matter
//!   ([`Error::Unauthorized`](crate::Error::Unauthorized)), a refused client is ours
//!   ([`Error::Misconfigured`](crate::Error::Misconfigured)), a server that fails is nobody's: only
//!   the first marks an account.
//! * Access tokens are in memory only. A token, code, verifier or client secret stands in no log,
//!   error, `Debug` or address; of what Google says, an error quotes at most the code of RFC 6749
//!   section 5.2.
//!
//! # Why there is no OAuth library
//! The `oauth2` crate would bring a second SHA-2 and a second source of random numbers beside
//! aws-lc-rs, and chrono, whose use `deny.toml` limits to rrule; and its errors hand out the token
//! endpoint's answer as it came. What is needed of it is one address and one form.

mod answer;
mod client;
mod grant;
mod grants;
mod owner;
mod pkce;
mod scope;
mod settings;
#[cfg(test)]
mod tests;

pub use client::{Authorization, Client, TokenGrant};
pub use grant::Grant;
pub use grants::Grants;
pub use owner::owner;
pub use scope::SCOPES;
pub use settings::{AUTH_URL, OAuthSettings, REVOKE_URL, TOKEN_URL};
