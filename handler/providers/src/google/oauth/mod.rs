//! Consent as Google has it (<https://developers.google.com/identity/protocols/oauth2>).
//!
//! Calrelay requests two scopes, [`SCOPES`], and offline access. A consent that grants fewer is
//! refused; the error names the box to tick.

mod owner;
mod refusal;
mod scopes;
mod settings;
#[cfg(test)]
mod tests;

pub use owner::owner;
pub use scopes::SCOPES;
pub use settings::{AUTH_URL, OAuthSettings, REVOKE_URL, TOKEN_URL};

pub use crate::oauth::{Authorization, Client, Grant, Grants, TokenGrant};
