//! The operator's registration with Google, and Google's endpoints.

use std::fmt;

use engine::provider::OAuthFacts;
use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{refusal, scopes};
use crate::oauth::{OAuthProvider, OAuthRefusal, TokenRequest};
use crate::{Error, Result};

/// Google's authorization endpoint.
pub const AUTH_URL: &str = "https://accounts.google.com/o/oauth2/v2/auth";
/// Google's token endpoint.
pub const TOKEN_URL: &str = "https://oauth2.googleapis.com/token";
/// Google's revocation endpoint.
pub const REVOKE_URL: &str = "https://oauth2.googleapis.com/revoke";

/// The operator's OAuth client at Google, with Google's endpoints.
#[derive(Clone)]
pub struct OAuthSettings {
    /// The client's id. No secret.
    pub client_id: String,
    /// The client's secret. Desktop clients have one too, where it proves little.
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
        f.debug_struct("OAuthSettings")
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

impl OAuthProvider for OAuthSettings {
    fn name(&self) -> &'static str {
        "Google"
    }

    fn facts(&self) -> OAuthFacts {
        scopes::FACTS
    }

    fn client_id(&self) -> &str {
        &self.client_id
    }

    fn client_secret(&self) -> &SecretString {
        &self.client_secret
    }

    fn auth_url(&self) -> &Url {
        &self.auth_url
    }

    fn token_url(&self) -> &Url {
        &self.token_url
    }

    fn revoke_url(&self) -> Option<&Url> {
        Some(&self.revoke_url)
    }

    /// Without `include_granted_scopes`: with it, the scopes of the answer would no longer be those
    /// of this consent.
    fn extra_parameters(&self) -> &'static [(&'static str, &'static str)] {
        &[("access_type", "offline"), ("prompt", "consent")]
    }

    fn check_scopes(&self, granted: &str) -> Result<()> {
        scopes::check(granted)
    }

    fn refusal(&self, request: TokenRequest, said: &OAuthRefusal, host: &str) -> Error {
        refusal::error(request, said.code(), host)
    }

    fn is_already_revoked(&self, status: StatusCode, body: &[u8]) -> bool {
        refusal::is_already_revoked(status, body)
    }
}
