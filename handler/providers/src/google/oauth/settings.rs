//! How this program is registered with Google.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// Where people are asked.
pub const AUTH_URL: &str = "https://accounts.google.com/o/oauth2/v2/auth";
/// Where codes and refresh tokens are exchanged for access tokens.
pub const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
/// Where a grant is given back.
pub const REVOKE_URL: &str = "https://oauth2.googleapis.com/revoke";

/// The operator's OAuth client, and where Google is.
#[derive(Clone)]
pub struct OAuthSettings {
    /// The client's id. No secret.
    pub client_id: String,
    /// Its secret. Google gives one to desktop clients too, where it proves little.
    pub client_secret: SecretString,
    /// The authorization endpoint ([`AUTH_URL`]).
    pub auth_url: Url,
    /// The token endpoint ([`TOKEN_URL`]).
    pub token_url: Url,
    /// The revocation endpoint ([`REVOKE_URL`]).
    pub revoke_url: Url,
}

impl fmt::Debug for OAuthSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("client_id", &self.client_id)
            .field("token_url", &self.token_url.as_str())
            .finish_non_exhaustive()
    }
}

impl PartialEq for OAuthSettings {
    fn eq(&self, other: &Self) -> bool {
        let parts = |settings: &Self| {
            (
                settings.client_id.clone(),
                [&settings.auth_url, &settings.token_url, &settings.revoke_url].map(Url::clone),
            )
        };
        parts(self) == parts(other)
            && self.client_secret.expose_secret() == other.client_secret.expose_secret()
    }
}

impl Eq for OAuthSettings {}
