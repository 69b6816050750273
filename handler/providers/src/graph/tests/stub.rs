//! A Graph with answers that a test chooses, which records its requests.

use std::sync::{Arc, Mutex};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, Response};
use percent_encoding::percent_decode_str;
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use super::super::GraphCalendar;
use crate::http::{AddressPolicy, Http};
use crate::oauth::AccessTokens;
use crate::{Error, Result};

/// A request as it came in.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub method: String,
    /// Below the root, decoded.
    pub path: String,
    /// Decoded.
    pub query: String,
    pub headers: HeaderMap,
    pub body: Value,
    /// The root, for links.
    pub root: String,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// `METHOD path`.
    pub fn brief(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    pub fn is(&self, brief: &str) -> bool {
        self.brief() == brief
    }
}

/// An answer: status, body, headers.
pub(super) struct Say(pub u16, pub Value, pub Vec<(&'static str, String)>);

/// 200 with this body.
pub(super) fn ok(body: Value) -> Say {
    Say(200, body, Vec::new())
}

/// 200 with a page that is the last one.
pub(super) fn page(items: &[Value]) -> Say {
    ok(json!({ "value": items }))
}

/// A refusal with a code.
pub(super) fn no(status: u16, code: &str) -> Say {
    Say(status, json!({ "error": { "code": code, "message": "secret" } }), Vec::new())
}

pub(super) fn not_found() -> Say {
    no(404, "ErrorItemNotFound")
}

/// A Graph on loopback; it ends with the test.
pub(super) struct Stub {
    asked: Arc<Mutex<Vec<Received>>>,
}

impl Stub {
    /// Everything that was asked since the last time, checked for what every request must have.
    pub fn take(&self) -> Vec<Received> {
        let asked = std::mem::take(&mut *self.asked.lock().unwrap());
        let mut ids = std::collections::HashMap::new();
        for request in &asked {
            let prefer = request.header("prefer");
            for wanted in [
                r#"IdType="ImmutableId""#,
                r#"outlook.timezone="UTC""#,
                r#"outlook.body-content-type="text""#,
            ] {
                assert!(prefer.contains(wanted), "{}: {prefer}", request.brief());
            }
            // A request that was throttled is sent again as it was.
            let id = request.header("client-request-id").to_owned();
            assert_eq!(id.len(), 36);
            let brief = ids.entry(id).or_insert_with(|| request.brief());
            assert_eq!(*brief, request.brief(), "an id of its own");
            assert_eq!(
                prefer.contains("odata.maxpagesize"),
                request.path.contains("delta"),
                "{}",
                request.brief()
            );
            assert!(request.body.get("attendees").is_none());
            let is_change = matches!(&*request.method, "PATCH" | "DELETE");
            if is_change && request.path.starts_with("/me/events/") {
                assert_ne!(request.header("if-match"), "", "{}", request.brief());
            }
        }
        asked
    }

    /// What was asked since the last time, as `METHOD path`.
    pub fn asked(&self) -> Vec<String> {
        self.take().iter().map(Received::brief).collect()
    }
}

/// The tokens of the account, and what was recorded of it.
#[derive(Default)]
pub(super) struct Purse {
    pub renewed: Mutex<usize>,
    pub claims: Mutex<Vec<String>>,
    pub denied: Mutex<Vec<String>>,
}

#[async_trait::async_trait]
impl AccessTokens for Purse {
    async fn access_token(&self) -> Result<SecretString> {
        Ok(format!("token{}", self.renewed.lock().unwrap()).into())
    }

    fn invalidate(&self, _: &SecretString) {
        *self.renewed.lock().unwrap() += 1;
    }

    async fn record_denial(&self, error: &Error) {
        self.denied.lock().unwrap().push(error.to_string());
    }

    async fn record_claims(&self, claims: &SecretString) {
        use secrecy::ExposeSecret;
        self.claims.lock().unwrap().push(claims.expose_secret().to_owned());
    }
}

/// A Graph with these answers, and a way to it.
pub(super) async fn graph(
    answer: impl Fn(&Received) -> Say + Send + Sync + 'static,
) -> (Stub, GraphCalendar) {
    let (stub, client, _) = with_purse(answer).await;
    (stub, client)
}

pub(super) async fn with_purse(
    answer: impl Fn(&Received) -> Say + Send + Sync + 'static,
) -> (Stub, GraphCalendar, Arc<Purse>) {
    with_purse_on(&http(), answer).await
}

pub(super) fn http() -> Arc<Http> {
    Arc::new(Http::hurried(AddressPolicy { allow_private: true }).unwrap())
}

/// As [`with_purse`], where other clients have the same connections.
pub(super) async fn with_purse_on(
    http: &Arc<Http>,
    answer: impl Fn(&Received) -> Say + Send + Sync + 'static,
) -> (Stub, GraphCalendar, Arc<Purse>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let root = format!("http://{}/v1.0", listener.local_addr().unwrap());
    let asked: Arc<Mutex<Vec<Received>>> = Arc::default();
    let (log, answer, base) = (asked.clone(), Arc::new(answer), root.clone());
    let app = axum::Router::new().fallback(move |request: Request<Body>| {
        let (log, answer, root) = (log.clone(), answer.clone(), base.clone());
        async move {
            let (head, body) = request.into_parts();
            let body: Bytes = axum::body::to_bytes(body, 1 << 24).await.unwrap();
            let decoded = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
            let received = Received {
                method: head.method.to_string(),
                path: decoded(head.uri.path().strip_prefix("/v1.0").unwrap()),
                query: decoded(head.uri.query().unwrap_or_default()),
                headers: head.headers,
                body: serde_json::from_slice(&body).unwrap_or_default(),
                root,
            };
            let Say(status, body, headers) = answer(&received);
            log.lock().unwrap().push(received);
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response.body(Body::from(body.to_string())).unwrap()
        }
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    let purse = Arc::new(Purse::default());
    let client = GraphCalendar::new(
        http,
        &Url::parse(&root).unwrap(),
        "tid/oid",
        "anna@example.org",
        purse.clone(),
    )
    .unwrap();
    (Stub { asked }, client, purse)
}
