//! The requests of OAuth: the authorization address, the exchange of a code, refresh, revocation.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::granted::{Refreshed, TokenGrant};
use super::id_token::{Expected, GrantOwner, UncheckedToken, odd};
use super::pkce;
use super::provider::{OAuthProvider, TokenRequest};
use super::refusal::OAuthRefusal;
use super::signing_keys::SigningKeys;
use super::token_response::{TokenResponse, refused};
use crate::claims_request::ClaimsRequest;
use crate::http::{Http, HttpRequest, RateLimit, RateLimits, RetryPolicy, SHORT_WAIT};
use crate::{ConsentStep, Error, NotGranted, Result};

/// The limits of requests to a token endpoint; it answers 429 where they are too high.
const LIMITS: RateLimits = RateLimits {
    parallel: 8,
    spacing: Duration::ZERO,
    doubling: false,
    patience: SHORT_WAIT,
    persistent: false,
};
/// The largest answer that is read, in bytes.
const LARGEST: u64 = 64 * 1024;

/// A refresh token that was never given to anyone.
const NO_GRANT: &str = "calrelay-asks-whether-it-is-accepted";

/// The operator's OAuth client at one provider.
pub struct Client {
    http: Arc<Http>,
    provider: Box<dyn OAuthProvider>,
    limit: Arc<RateLimit>,
    keys: SigningKeys,
    /// What the provider said against this client since its last token.
    refused: Mutex<Option<String>>,
    /// The provider has answered a request for a token, and did not refuse this client.
    accepted: AtomicBool,
}

/// A request for consent. The browser of the owner opens `url`; the provider answers at the
/// redirect address with a code, which only `verifier` redeems.
pub struct Authorization {
    /// The provider's page.
    pub url: Url,
    /// The PKCE verifier, secret until the code is redeemed.
    pub verifier: SecretString,
}

/// What an endpoint answered.
struct PostAnswer {
    status: StatusCode,
    host: String,
    /// The server's time.
    date: Option<Timestamp>,
    body: Zeroizing<Vec<u8>>,
}

impl Client {
    /// A client. No request is made.
    pub fn new(http: &Arc<Http>, provider: impl OAuthProvider + 'static) -> Self {
        let limit = http.rate_limit(&format!("oauth {}", provider.token_url()), LIMITS);
        let keys = SigningKeys::default();
        let (http, provider, refused) = (http.clone(), Box::new(provider), Mutex::default());
        Self { http, provider, limit, keys, refused, accepted: AtomicBool::new(false) }
    }

    /// The client's id. A refresh token is good only with the client that it was issued to.
    pub fn id(&self) -> &str {
        self.provider.client_id()
    }

    /// What the provider said against this client, its registration or its secret, since it gave a
    /// token last. That concerns the operator, and no account.
    pub fn refused(&self) -> Option<String> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Finds out whether the provider accepts this client, by a request for a token with a grant
    /// that was never given, unless an answer has shown it. A provider that looks at the grant
    /// first shows nothing.
    ///
    /// # Errors
    /// What prevented an answer. A refusal of this client is no error, and in [`Client::refused`].
    pub async fn check(&self) -> Result<()> {
        if self.accepted.load(Ordering::Relaxed) {
            return Ok(());
        }
        match self.refreshed(TokenRequest::Check, &NO_GRANT.into()).await {
            // A refusal that was seen before stays: the grant may have been looked at first.
            Ok(_) | Err(Error::NotGranted(_) | Error::Unauthorized | Error::Consent(_)) => {
                self.accepted.store(self.refused().is_none(), Ordering::Relaxed);
                Ok(())
            }
            Err(Error::Misconfigured(_)) => Ok(()),
            Err(error) => {
                tracing::debug!(%error, "it is not known whether a client is accepted");
                Err(error)
            }
        }
    }

    fn record_refused(&self, outcome: Option<&Error>) {
        let refused = match outcome {
            None => None,
            Some(Error::Misconfigured(words)) => Some(words.clone()),
            // Any other refusal says nothing about the client.
            Some(_) => return,
        };
        self.accepted.store(refused.is_none(), Ordering::Relaxed);
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = refused;
    }

    /// The error for a token that proves too little about its owner.
    pub(super) fn demands(&self, claims: ClaimsRequest) -> Error {
        let name = self.provider.name();
        let words = format!(
            "{name} wants another proof of who you are before it gives access again. Connect the \
            account again, and give the proof on {name}'s page"
        );
        let (step, claims) = (ConsentStep::Again, Some(claims));
        Error::NotGranted(Box::new(NotGranted { step, words, ended: true, claims }))
    }

    /// Whether grants have an owner of their own, which id_tokens name.
    pub(super) fn identifies_owners(&self) -> bool {
        self.provider.id_tokens().is_some()
    }

    /// The error for tokens of another account than the one that they were asked for.
    pub(super) fn of_another_owner(&self) -> Error {
        let name = self.provider.name();
        Error::BadAnswer(format!("{name} answered with the tokens of another account"))
    }

    /// Whether a new refresh token has to be stored before its access token is used.
    pub(super) fn rotates_refresh_tokens(&self) -> bool {
        self.provider.facts().rotates_refresh_tokens
    }

    /// The address at which the owner consents. `redirect` must be registered with the client, or
    /// be on loopback for a desktop client. `state` comes back with the answer.
    ///
    /// # Errors
    /// [`Error::Unreachable`] where the system gives no random numbers.
    pub fn authorize(&self, redirect: &Url, state: &str) -> Result<Authorization> {
        self.authorize_with(redirect, state, None)
    }

    /// As [`Client::authorize`], with the claims that the provider demanded when it refused an
    /// earlier token.
    ///
    /// # Errors
    /// As [`Client::authorize`].
    pub fn authorize_with(
        &self,
        redirect: &Url,
        state: &str,
        claims: Option<&ClaimsRequest>,
    ) -> Result<Authorization> {
        let verifier = pkce::verifier()?;
        let nonce = self.provider.id_tokens().map(|_| pkce::nonce(&verifier));
        let mut url = self.provider.auth_url().clone();
        url.query_pairs_mut()
            .append_pair("client_id", self.provider.client_id())
            .append_pair("redirect_uri", redirect.as_str())
            .append_pair("response_type", "code")
            .append_pair("scope", &self.scopes())
            .append_pair("state", state)
            .extend_pairs(nonce.iter().map(|nonce| ("nonce", nonce)))
            .extend_pairs(claims.iter().map(|claims| ("claims", claims.as_str())))
            .extend_pairs(self.provider.extra_parameters())
            .append_pair("code_challenge", &pkce::challenge(&verifier))
            .append_pair("code_challenge_method", "S256");
        Ok(Authorization { url, verifier })
    }

    /// The scopes of a request, in the order of the facts.
    fn scopes(&self) -> String {
        let facts = self.provider.facts();
        let asked = facts.scopes.iter().map(|(_, scope)| scope);
        let scopes: Vec<&str> = facts.sign_in_scopes.iter().chain(asked).copied().collect();
        scopes.join(" ")
    }

    /// The error for a refusal on the redirect.
    pub fn redirect_refusal(&self, refusal: &OAuthRefusal) -> Error {
        self.provider.redirect_refusal(refusal)
    }

    /// The page on which an administrator allows this program; `None` where there is none.
    pub fn administrator_url(&self, redirect: &Url, state: &str) -> Option<Url> {
        self.provider.administrator_url(redirect, state)
    }

    /// Redeems a code. It is sent once: a code that may have been seen is not tried again.
    ///
    /// # Errors
    /// [`Error::Consent`] where a scope was not granted, or the provider refuses the code;
    /// [`Error::Misconfigured`] where it refuses this client; otherwise the failure of the request.
    /// A grant that lacks a scope is not revoked: that would end an earlier, complete grant of the
    /// same owner too.
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
        // The keys come first: a code that was sent is worth nothing if they cannot be read then.
        if let Some(rules) = self.provider.id_tokens() {
            self.keys.any(&self.http, &self.limit, &rules.keys_url).await?;
        }
        let (tokens, date) = self.tokens(TokenRequest::Code, &form).await?;
        self.check_new_grant(&tokens)?;
        let nonce = pkce::nonce(verifier);
        let owner = self.owner(&tokens, Some(&nonce), date).await?;
        let Some(refresh) = tokens.refresh else {
            return Err(Error::BadAnswer(format!(
                "{} gave access for an hour only, without a refresh token",
                self.provider.name()
            )));
        };
        Ok(TokenGrant { refresh, access: tokens.access, lifetime: tokens.lifetime, owner })
    }

    /// Takes over a grant that was issued to this client elsewhere, by its refresh token.
    ///
    /// # Errors
    /// As [`Client::exchange`]; [`Error::Unauthorized`] where the token is dead.
    pub async fn adopt(&self, refresh: &SecretString) -> Result<TokenGrant> {
        let (tokens, date) = self.refreshed(TokenRequest::Adopt, refresh).await?;
        self.check_new_grant(&tokens)?;
        let owner = self.owner(&tokens, None, date).await?;
        let refresh = tokens.refresh.unwrap_or_else(|| refresh.clone());
        Ok(TokenGrant { refresh, access: tokens.access, lifetime: tokens.lifetime, owner })
    }

    /// A new access token.
    pub(super) async fn refresh(&self, refresh: &SecretString) -> Result<Refreshed> {
        let (tokens, _) = self.refreshed(TokenRequest::Refresh, refresh).await?;
        // An answer without scopes means that they have not changed (RFC 6749 section 5.1).
        if let Some(granted) = &tokens.scope {
            self.provider.check_scopes(granted)?;
        }
        // The answer came from the token endpoint itself, so the signature is not needed (OpenID
        // Connect Core 1.0, sections 3.1.3.7 and 12.2).
        let name = self.provider.name();
        let token = tokens.id_token.as_deref().filter(|_| self.identifies_owners());
        let token = token.map(|token| UncheckedToken::read(name, token)).transpose()?;
        let owner = token.map(|token| self.provider.owner(token.claims())).transpose()?;
        let changed = tokens.refresh.filter(|new| new.expose_secret() != refresh.expose_secret());
        let (access, lifetime) = (tokens.access, tokens.lifetime);
        Ok(Refreshed { access, lifetime, refresh: changed, owner })
    }

    /// Revokes a grant by its refresh token (RFC 7009). Google ends everything that the owner ever
    /// granted to this client, whichever token it came with. A grant that is dead already is a
    /// success; so is a provider without revocation, which is sent no request.
    ///
    /// # Errors
    /// The failure of the request; then the grant may still be valid.
    pub async fn revoke(&self, refresh: &SecretString) -> Result<()> {
        let Some(url) = self.provider.revoke_url().filter(|_| self.provider.facts().can_revoke)
        else {
            return Ok(());
        };
        let PostAnswer { status, host, body, .. } =
            self.post(url, &[("token", refresh.expose_secret())], RetryPolicy::Read).await?;
        if status.is_success() || self.provider.is_already_revoked(status, &body) {
            Ok(())
        } else {
            Err(refused(&*self.provider, TokenRequest::Refresh, status, &host, &body))
        }
    }

    /// Whose tokens these are; `None` where the provider sends no id_tokens. `date` is the time of
    /// the server that sent them.
    async fn owner(
        &self,
        tokens: &TokenResponse,
        nonce: Option<&str>,
        date: Option<Timestamp>,
    ) -> Result<Option<GrantOwner>> {
        let provider = self.provider.name();
        let Some(rules) = self.provider.id_tokens() else { return Ok(None) };
        let token = tokens.id_token.as_deref().ok_or_else(|| odd(provider, "is missing"))?;
        let token = UncheckedToken::read(provider, token)?;
        let url = &rules.keys_url;
        let keys = self.keys.with_key(&self.http, &self.limit, url, token.kid()).await?;
        let now = date.ok_or_else(|| odd(provider, "comes from a server without a clock"))?;
        let client = self.provider.client_id();
        let claims = token.check(&keys, &Expected { provider, rules, client, nonce, now })?;
        self.provider.owner(&claims).map(Some)
    }

    async fn refreshed(
        &self,
        request: TokenRequest,
        refresh: &SecretString,
    ) -> Result<(TokenResponse, Option<Timestamp>)> {
        self.tokens(
            request,
            &[("grant_type", "refresh_token"), ("refresh_token", refresh.expose_secret())],
        )
        .await
    }

    /// The tokens, and the time of the server that sent them.
    async fn tokens(
        &self,
        request: TokenRequest,
        form: &[(&str, &str)],
    ) -> Result<(TokenResponse, Option<Timestamp>)> {
        let client = [
            ("client_id", self.provider.client_id()),
            ("client_secret", self.provider.client_secret().expose_secret()),
        ];
        let scopes = self.provider.names_scopes_again().then(|| self.scopes());
        let scopes = scopes.iter().map(|scopes| ("scope", scopes.as_str()));
        let form: Vec<(&str, &str)> = form.iter().copied().chain(client).chain(scopes).collect();
        let retry =
            if request == TokenRequest::Code { RetryPolicy::Write } else { RetryPolicy::Read };
        let PostAnswer { status, host, date, body } =
            self.post(self.provider.token_url(), &form, retry).await?;
        if status.is_success() {
            let tokens = TokenResponse::read(self.provider.name(), &body)?;
            self.record_refused(None);
            Ok((tokens, date))
        } else {
            let error = refused(&*self.provider, request, status, &host, &body);
            self.record_refused(Some(&error));
            Err(error)
        }
    }

    async fn post(
        &self,
        url: &Url,
        form: &[(&str, &str)],
        retry: RetryPolicy,
    ) -> Result<PostAnswer> {
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
        let answer = self.http.send(&request, &self.limit).await?;
        let (status, host) = (answer.status(), answer.host().to_owned());
        let date = answer.header("date").and_then(|date| httpdate::parse_http_date(date).ok());
        let date = date.and_then(|date| Timestamp::try_from(date).ok());
        match answer.bytes(LARGEST).await? {
            Some(body) => Ok(PostAnswer { status, host, date, body: Zeroizing::new(body) }),
            None => Err(Error::BadAnswer(format!("the answer of {host} is too large for a token"))),
        }
    }

    /// Checks that a new grant has every scope, and says so.
    fn check_new_grant(&self, tokens: &TokenResponse) -> Result<()> {
        match &tokens.scope {
            Some(granted) => self.provider.check_scopes(granted),
            None => Err(Error::BadAnswer(format!(
                "{} did not say which rights it gave, so none are assumed",
                self.provider.name()
            ))),
        }
    }
}
