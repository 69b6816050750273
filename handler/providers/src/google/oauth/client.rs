//! The four requests: ask a person, exchange the code, refresh, revoke.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::answer::{Step, TokenResponse, refused};
use super::{OAuthSettings, SCOPES, pkce, scope};
use crate::http::{Http, HttpRequest, RateLimit, RateLimits, RetryPolicy, SHORT_WAIT};
use crate::{Error, Result};

/// What the token endpoint bears from us; it asks to wait where that is too much.
const LIMITS: RateLimits = RateLimits {
    parallel: 8,
    spacing: Duration::ZERO,
    doubling: false,
    patience: SHORT_WAIT,
    persistent: false,
};
/// The largest answer that is read, in bytes.
const LARGEST: u64 = 64 * 1024;

/// The operator's OAuth client at Google.
pub struct Client {
    http: Arc<Http>,
    settings: OAuthSettings,
    pace: Arc<RateLimit>,
}

/// A person is to be sent to `url`; the answer comes to the redirect address with a code, which
/// only `verifier` redeems.
pub struct Authorization {
    /// Google's page.
    pub url: Url,
    /// The PKCE verifier, to be kept from everybody until the code is there.
    pub verifier: SecretString,
}

/// What a consent gave.
pub struct TokenGrant {
    /// Good until its owner takes it back.
    pub refresh: SecretString,
    /// Good for the next hour, and never stored.
    pub access: SecretString,
    pub(super) lifetime: Duration,
}

/// What a refresh gave.
pub(super) struct Refreshed {
    pub access: SecretString,
    pub lifetime: Duration,
    /// The refresh token to use from now on, where it is another one.
    pub refresh: Option<SecretString>,
}

impl Client {
    /// Asks nobody yet.
    pub fn new(http: &Arc<Http>, settings: OAuthSettings) -> Self {
        let pace = http.pace(&format!("oauth {}", settings.token_url), LIMITS);
        Self { http: http.clone(), settings, pace }
    }

    /// The client's id: refresh tokens are good with the client that they were given to, and with
    /// no other.
    pub fn id(&self) -> &str {
        &self.settings.client_id
    }

    /// Where to send a person. `redirect` must be registered with the client, or be on loopback for
    /// one of the kind "Desktop app". `state` comes back with the answer.
    ///
    /// # Errors
    /// [`Error::Unreachable`] where the system gives no random numbers.
    pub fn authorize(&self, redirect: &Url, state: &str) -> Result<Authorization> {
        let verifier = pkce::verifier()?;
        let mut url = self.settings.auth_url.clone();
        // No include_granted_scopes: the answer's scope would no longer say what this consent gave.
        url.query_pairs_mut()
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", redirect.as_str())
            .append_pair("response_type", "code")
            .append_pair("scope", &SCOPES.join(" "))
            .append_pair("state", state)
            .append_pair("access_type", "offline")
            .append_pair("prompt", "consent")
            .append_pair("code_challenge", &pkce::challenge(&verifier))
            .append_pair("code_challenge_method", "S256");
        Ok(Authorization { url, verifier })
    }

    /// Redeems a code. It is sent once: a code that may have been seen is not tried again.
    ///
    /// # Errors
    /// [`Error::Consent`] where not everything was allowed, or Google does not take the code;
    /// [`Error::Misconfigured`] where it does not take this client; otherwise what talking to it
    /// came to. A grant that is not enough is not given back: that would end an earlier, whole
    /// grant of the same person too.
    pub async fn exchange(
        &self,
        redirect: &Url,
        code: &SecretString,
        verifier: &SecretString,
    ) -> Result<TokenGrant> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.expose_secret()),
            ("redirect_uri", redirect.as_str()),
            ("code_verifier", verifier.expose_secret()),
        ];
        let tokens = self.tokens(Step::Code, &form).await?;
        is_enough(&tokens)?;
        let Some(refresh) = tokens.refresh else {
            return Err(Error::BadAnswer(
                "Google gave access for an hour only, without a refresh token".into(),
            ));
        };
        Ok(TokenGrant { refresh, access: tokens.access, lifetime: tokens.lifetime })
    }

    /// Takes a grant that was given elsewhere, by its refresh token, and sees whether it is good
    /// and enough.
    ///
    /// # Errors
    /// As [`Client::exchange`]; [`Error::Unauthorized`] where the token is dead.
    pub async fn adopt(&self, refresh: &SecretString) -> Result<TokenGrant> {
        let tokens = self.refreshed(refresh).await?;
        is_enough(&tokens)?;
        let refresh = tokens.refresh.unwrap_or_else(|| refresh.clone());
        Ok(TokenGrant { refresh, access: tokens.access, lifetime: tokens.lifetime })
    }

    /// A new access token.
    pub(super) async fn refresh(&self, refresh: &SecretString) -> Result<Refreshed> {
        let tokens = self.refreshed(refresh).await?;
        // It was enough when it was given; where nothing is said, nothing has changed.
        if let Some(given) = &tokens.scope {
            scope::check(given)?;
        }
        let changed = tokens.refresh.filter(|new| new.expose_secret() != refresh.expose_secret());
        Ok(Refreshed { access: tokens.access, lifetime: tokens.lifetime, refresh: changed })
    }

    /// Gives a grant back, by its refresh token: everything that this client was ever allowed by
    /// this person ends, whichever token it came with. A grant that is dead already is a success.
    ///
    /// # Errors
    /// What talking to Google came to; then the grant may still stand.
    pub async fn revoke(&self, refresh: &SecretString) -> Result<()> {
        let url = &self.settings.revoke_url;
        let (status, host, body) =
            self.post(url, &[("token", refresh.expose_secret())], RetryPolicy::Read).await?;
        let dead = status == StatusCode::BAD_REQUEST
            && [&b"invalid_token"[..], b"invalid_grant"].iter().any(|code| contains(&body, code));
        if status.is_success() || dead {
            Ok(())
        } else {
            Err(refused(Step::Refresh, status, &host, &body))
        }
    }

    async fn refreshed(&self, refresh: &SecretString) -> Result<TokenResponse> {
        self.tokens(
            Step::Refresh,
            &[("grant_type", "refresh_token"), ("refresh_token", refresh.expose_secret())],
        )
        .await
    }

    async fn tokens(&self, step: Step, form: &[(&str, &str)]) -> Result<TokenResponse> {
        let client = [
            ("client_id", &*self.settings.client_id),
            ("client_secret", self.settings.client_secret.expose_secret()),
        ];
        let form: Vec<(&str, &str)> = form.iter().copied().chain(client).collect();
        let retry = if step == Step::Code { RetryPolicy::Write } else { RetryPolicy::Read };
        let (status, host, body) = self.post(&self.settings.token_url, &form, retry).await?;
        if status.is_success() {
            TokenResponse::read(&body)
        } else {
            Err(refused(step, status, &host, &body))
        }
    }

    async fn post(
        &self,
        url: &Url,
        form: &[(&str, &str)],
        retry: RetryPolicy,
    ) -> Result<(StatusCode, String, Zeroizing<Vec<u8>>)> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish()
            .into_bytes();
        let request = HttpRequest {
            method: Method::POST,
            url,
            credentials: None,
            headers,
            body,
            retry,
            slow: false,
            single: false,
            units: 1,
        };
        let answer = self.http.send(&request, &self.pace).await?;
        let (status, host) = (answer.status(), answer.host().to_owned());
        match answer.bytes(LARGEST).await? {
            Some(body) => Ok((status, host, Zeroizing::new(body))),
            None => Err(Error::BadAnswer(format!("the answer of {host} is too large for a token"))),
        }
    }
}

/// Whether a new grant gives all that is needed, and says so.
fn is_enough(tokens: &TokenResponse) -> Result<()> {
    match &tokens.scope {
        Some(given) => scope::check(given),
        None => Err(Error::BadAnswer(
            "Google did not say which rights it gave, so none are assumed".into(),
        )),
    }
}

fn contains(body: &[u8], what: &[u8]) -> bool {
    body.windows(what.len()).any(|window| window == what)
}
