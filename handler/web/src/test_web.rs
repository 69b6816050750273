//! Requests to the routers, on services with embedded storage and without a provider.

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::{Bytes, to_bytes};
use engine::calendar::{AccountId, CalendarId};
use engine::provider::ProviderKind;
use futures::FutureExt;
use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use jiff::Timestamp;
use jobs::access::{self, NewToken, Permission};
use jobs::{Clock, Connect, Owners, Services, Setup};
use providers::Provider;
use records::account::{Account, AccountStatus};
use records::calendar::CalendarRecord;
use records::codec::encode;
use records::kinds::{account_key, calendar_key};
use secrecy::SecretString;
use serde_json::Value;
use store::{Embedded, Op};
use vault::Envelope;

use crate::request::{BodyError, PendingBody, Source, WebRequest};

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        "2026-12-01T09:30:00Z".parse().unwrap()
    }
}

struct Offline;

#[async_trait]
impl Connect for Offline {
    async fn discover(
        &self,
        _: ProviderKind,
        _: &str,
        _: &str,
        _: &SecretString,
    ) -> providers::Result<String> {
        Err(providers::Error::Unauthorized)
    }

    fn open(
        &self,
        _: ProviderKind,
        _: &str,
        _: &str,
        _: SecretString,
    ) -> providers::Result<Arc<dyn Provider>> {
        Err(providers::Error::Unauthorized)
    }
}

/// An installation.
pub struct TestWeb {
    pub services: Services,
    _dir: tempfile::TempDir,
}

/// A request to be sent.
pub struct Asked {
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Result<Bytes, BodyError>,
    source: Source,
    host: String,
}

/// An answer.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl TestWeb {
    /// An installation in single-user mode, with this public address.
    pub fn new(public_url: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(Embedded::open(dir.path(), || Fixed.now()).unwrap());
        let setup = Setup { public_url: public_url.map(str::to_owned), ..Setup::default() };
        let services = Services {
            leases: store.clone(),
            queue: store.clone(),
            store,
            vault: Arc::new(Envelope::local(dir.path()).unwrap()),
            connect: Arc::new(Offline),
            clock: Arc::new(Fixed),
            setup: Arc::new(setup),
            in_process: Arc::default(),
            owners: Owners::default(),
        };
        Self { services, _dir: dir }
    }

    /// A token with these scopes.
    pub async fn token(&self, scopes: &[Permission]) -> String {
        let new = NewToken { name: "x".into(), scopes: scopes.to_vec(), expires_days: 1 };
        access::add(&self.services.local(), new).await.unwrap().expose().to_owned()
    }

    /// An account with the calendars `c1`, `c2`, and `c3`, which can only be read.
    pub async fn calendars(&self) {
        let id = AccountId::new("a1");
        let account = Account {
            id: id.clone(),
            kind: ProviderKind::ALL[0],
            name: "anna on dav.example.org".into(),
            url: "https://dav.example.org/".into(),
            user: "anna".into(),
            endpoint: "{}".into(),
            generation: 1,
            state: AccountStatus::Ok,
            error: None,
            suspended: None,
        };
        let calendar = |name: &str| CalendarRecord {
            id: CalendarId::new(name),
            account: id.clone(),
            address: format!("https://dav.example.org/{name}/"),
            name: name.to_uppercase(),
            writable: name != "c3",
            zone: None,
            owned_at: None,
            first_address: None,
        };
        let insert = |key: String, value: String| Op::Insert { key, value };
        let mut ops = vec![insert(account_key(&id), encode(&account).unwrap())];
        for name in ["c1", "c2", "c3"] {
            let calendar = calendar(name);
            ops.push(insert(calendar_key(&calendar.id), encode(&calendar).unwrap()));
        }
        self.services.local().directory().commit(&ops).await.unwrap();
    }

    /// Sends a request to the API or to the pages.
    pub async fn send(&self, asked: Asked) -> Answer {
        let Asked { method, target, headers, body, source, host } = asked;
        let is_api = target.starts_with("/api/");
        let request = WebRequest {
            method,
            uri: target.parse().unwrap(),
            headers,
            body: PendingBody::new(async move { body }.boxed()),
            client_address: None,
            host: Some(host),
            source,
        };
        let response = match is_api {
            true => crate::api(&self.services, request).await,
            false => crate::pages(&self.services, request).await,
        };
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }
}

/// A request of this machine's user.
pub fn ask(method: &str, target: &str) -> Asked {
    Asked {
        method: method.parse().unwrap(),
        target: target.to_owned(),
        headers: HeaderMap::new(),
        body: Ok(Bytes::new()),
        source: Source::Local,
        host: "localhost".to_owned(),
    }
}

impl Asked {
    /// With a field of the head.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        self
    }

    /// With a body of this type.
    pub fn body(self, kind: &str, body: &str) -> Self {
        Self { body: Ok(body.to_owned().into()), ..self }.with("content-type", kind)
    }

    /// With this JSON.
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", &body.to_string())
    }

    /// With a body that cannot be read.
    pub fn broken(self, error: BodyError) -> Self {
        Self { body: Err(error), ..self }.with("content-type", "application/json")
    }

    /// From elsewhere, for this host.
    pub fn remote(self, host: &str) -> Self {
        Self { source: Source::Remote, host: host.to_owned(), ..self }
    }

    /// With a token.
    pub fn token(self, token: &str) -> Self {
        self.with(header::AUTHORIZATION.as_str(), &format!("Bearer {token}"))
    }
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    /// The status and the code of an error.
    pub fn code(&self) -> (u16, String) {
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        (self.status.as_u16(), self.json()["code"].as_str().unwrap().to_owned())
    }

    /// A field of the head.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
