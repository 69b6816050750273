//! A token endpoint with prepared answers, and a provider made up for tests.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::extract::{Form, State};
use axum::http::{StatusCode, Uri};
use axum::routing::get;
use engine::provider::{OAuthFacts, ScopePurpose};
use secrecy::SecretString;
use url::Url;

use super::id_token::{GrantOwner, IdTokenClaims, IdTokenRules};
use super::provider::{OAuthProvider, TokenRequest};
use super::refresh_token_store::RefreshTokenStore;
use super::refusal::OAuthRefusal;
use crate::http::{AddressPolicy, Http};
use crate::{Error, Result};

pub(crate) type Fields = BTreeMap<String, String>;

/// The endpoint: prepared answers, and a token for an hour when none is left.
#[derive(Default)]
pub(crate) struct TokenEndpoint {
    answers: Mutex<VecDeque<(u16, String)>>,
    asked: Mutex<Vec<(String, Fields)>>,
    /// The document of keys: status and body.
    keys: Mutex<Option<(u16, String)>>,
    keys_read: Mutex<usize>,
}

/// `GET`: the keys by which id_tokens are signed.
async fn keys(State(endpoint): State<Arc<TokenEndpoint>>) -> (StatusCode, String) {
    *endpoint.keys_read.lock().unwrap() += 1;
    let (status, body) = endpoint.keys.lock().unwrap().clone().unwrap_or((404, String::new()));
    (StatusCode::from_u16(status).unwrap(), body)
}

async fn answer(
    State(endpoint): State<Arc<TokenEndpoint>>,
    uri: Uri,
    Form(fields): Form<Fields>,
) -> (StatusCode, String) {
    tokio::time::sleep(Duration::from_millis(20)).await;
    let count = {
        let mut asked = endpoint.asked.lock().unwrap();
        asked.push((uri.path().to_owned(), fields));
        asked.len()
    };
    let prepared = endpoint.answers.lock().unwrap().pop_front();
    let (status, body) = prepared.unwrap_or_else(|| {
        (
            200,
            format!(r#"{{"access_token":"ya29.{count}","expires_in":3599,"token_type":"Bearer"}}"#),
        )
    });
    (StatusCode::from_u16(status).unwrap(), body)
}

impl TokenEndpoint {
    /// Starts an endpoint; the address is the part before its paths.
    pub(crate) async fn start() -> (Arc<Self>, String) {
        let endpoint = Arc::new(Self::default());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/keys", get(keys))
            .route("/common/discovery/v2.0/keys", get(keys))
            .fallback(answer)
            .with_state(endpoint.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (endpoint, base)
    }

    /// Prepares the next answer.
    pub(crate) fn next(&self, status: u16, body: &str) {
        self.answers.lock().unwrap().push_back((status, body.to_owned()));
    }

    /// Sets the document of keys.
    pub(crate) fn publish(&self, status: u16, keys: &str) {
        *self.keys.lock().unwrap() = Some((status, keys.to_owned()));
    }

    /// How often the document of keys was read since the last call.
    pub(crate) fn keys_read(&self) -> usize {
        std::mem::take(&mut *self.keys_read.lock().unwrap())
    }

    /// The requests since the last call.
    pub(crate) fn asked(&self) -> Vec<(String, Fields)> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

/// A store that discards everything.
pub(crate) struct DiscardingStore;

#[async_trait]
impl RefreshTokenStore for DiscardingStore {
    async fn replace(&self, _: &SecretString, _: &SecretString) -> bool {
        true
    }

    async fn record_outcome(&self, _: Option<&Error>) {}
}

/// A client that may reach the endpoint.
pub(crate) fn http() -> Arc<Http> {
    Arc::new(Http::hurried(AddressPolicy { allow_private: true }).unwrap())
}

/// A provider that is no variant of `ProviderKind`: one scope, and facts that a test chooses.
#[derive(Clone)]
pub(crate) struct TestProvider {
    pub facts: OAuthFacts,
    base: Url,
    token_url: Url,
    revoke_url: Url,
    secret: SecretString,
    /// Whether it sends id_tokens.
    pub id_tokens: Option<IdTokenRules>,
}

impl Default for TestProvider {
    fn default() -> Self {
        Self::at("http://127.0.0.1:1")
    }
}

impl TestProvider {
    pub(crate) const SCOPE: &str = "calendars";

    pub(crate) fn at(base: &str) -> Self {
        let url = |path: &str| Url::parse(&format!("{base}{path}")).unwrap();
        Self {
            facts: OAuthFacts {
                scopes: &[(ScopePurpose::Events, Self::SCOPE)],
                sign_in_scopes: &[],
                can_revoke: true,
                rotates_refresh_tokens: false,
                redirects_to_localhost: false,
            },
            base: url("/auth"),
            token_url: url("/token"),
            revoke_url: url("/revoke"),
            secret: "client-secret".into(),
            id_tokens: None,
        }
    }

    /// A provider that sends id_tokens, and wants the scopes named in every request.
    pub(crate) fn with_id_tokens(mut self) -> Self {
        let keys_url = self.base.join("/keys").unwrap();
        let issuers = vec!["https://login.example.org/{tenantid}/v2.0".to_owned()];
        self.id_tokens = Some(IdTokenRules { keys_url, issuers });
        self
    }
}

impl OAuthProvider for TestProvider {
    fn name(&self) -> &'static str {
        "Example"
    }

    fn facts(&self) -> OAuthFacts {
        self.facts
    }

    fn client_id(&self) -> &str {
        "client-1"
    }

    fn client_secret(&self) -> &SecretString {
        &self.secret
    }

    fn auth_url(&self) -> &Url {
        &self.base
    }

    fn token_url(&self) -> &Url {
        &self.token_url
    }

    fn revoke_url(&self) -> Option<&Url> {
        self.facts.can_revoke.then_some(&self.revoke_url)
    }

    fn extra_parameters(&self) -> &'static [(&'static str, &'static str)] {
        &[("domain_hint", "example.org")]
    }

    fn check_scopes(&self, granted: &str) -> Result<()> {
        if granted.split(' ').any(|scope| scope == Self::SCOPE) {
            Ok(())
        } else {
            Err(Error::Consent("the scope was not granted".into()))
        }
    }

    fn refusal(&self, request: TokenRequest, refusal: &OAuthRefusal, _: &str) -> Error {
        match (request, refusal.code()) {
            (TokenRequest::Code, "invalid_grant") => Error::Consent("the code was refused".into()),
            (_, "invalid_grant") => Error::Unauthorized,
            (_, code) => Error::Misconfigured(format!("refused: {code}")),
        }
    }

    fn names_scopes_again(&self) -> bool {
        self.id_tokens.is_some()
    }

    fn id_tokens(&self) -> Option<&IdTokenRules> {
        self.id_tokens.as_ref()
    }

    fn owner(&self, claims: &IdTokenClaims) -> Result<GrantOwner> {
        let id = format!("{:?}/{:?}", claims.tid, claims.oid);
        Ok(GrantOwner { id, name: claims.email.clone().unwrap_or_default() })
    }

    fn is_already_revoked(&self, status: StatusCode, _: &[u8]) -> bool {
        status == StatusCode::NOT_FOUND
    }
}
