//! A server with answers that a test chooses, which records its requests.

use std::sync::{Arc, Mutex, OnceLock};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, Response};
use secrecy::SecretString;

use super::{CalDav, Endpoint, Flavour, Home};
use crate::http::{AddressPolicy, Http};

/// A request as it came in.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub method: String,
    pub path: String,
    pub headers: HeaderMap,
    pub body: String,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// An answer to be given.
#[derive(Clone, Debug)]
pub(super) struct Say {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Say {
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn body(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    /// A multistatus answer around some XML.
    pub fn multistatus(inner: &str) -> Self {
        Self::status(207).body(format!(
            r#"<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:cs="http://calendarserver.org/ns/">{inner}</d:multistatus>"#
        ))
    }

    /// A refusal that names a condition.
    pub fn condition(status: u16, condition: &str) -> Self {
        Self::status(status).body(format!(r#"<d:error xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><{condition}/></d:error>"#))
    }
}

/// One response with properties that were found.
pub(super) fn found(href: &str, props: &str) -> String {
    format!(
        "<d:response><d:href>{href}</d:href><d:propstat><d:prop>{props}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
    )
}

/// A server on loopback; it ends with the test.
pub(super) struct Stub {
    pub url: String,
    asked: Arc<Mutex<Vec<Received>>>,
}

impl Stub {
    pub async fn new(answer: impl Fn(&Received) -> Say + Send + Sync + 'static) -> Self {
        let asked: Arc<Mutex<Vec<Received>>> = Arc::default();
        let (log, answer) = (asked.clone(), Arc::new(answer));
        let app = axum::Router::new().fallback(move |request: Request<Body>| {
            let (log, answer) = (log.clone(), answer.clone());
            async move {
                let (head, body) = request.into_parts();
                let body: Bytes = axum::body::to_bytes(body, 1 << 24).await.unwrap();
                let asked = Received {
                    method: head.method.to_string(),
                    path: head.uri.path().to_owned(),
                    headers: head.headers,
                    body: String::from_utf8(body.to_vec()).unwrap(),
                };
                let say = answer(&asked);
                log.lock().unwrap().push(asked);
                let mut response = Response::builder().status(say.status);
                for (name, value) in &say.headers {
                    response = response.header(*name, value);
                }
                response.body(Body::from(say.body)).unwrap()
            }
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, asked }
    }

    /// What was asked since the last time, as `METHOD path`.
    pub fn asked(&self) -> Vec<String> {
        self.take().iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect()
    }

    /// What was asked since the last time.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    /// An account on this server, with its home at `/home/`.
    pub fn account(&self) -> CalDav {
        self.account_of(Flavour::Generic)
    }

    pub fn account_of(&self, flavour: Flavour) -> CalDav {
        let endpoint = Endpoint {
            base: self.url.clone(),
            principal: None,
            homes: vec![Home { url: format!("{}/home/", self.url), is_calendar: false }],
            me: vec![super::endpoint::digest("me@example.org")],
        };
        CalDav::new(&http(), flavour, &endpoint, "someone", &password()).unwrap()
    }
}

/// A client that may reach loopback, and wastes no time.
pub(super) fn http() -> Arc<Http> {
    static HTTP: OnceLock<Arc<Http>> = OnceLock::new();
    HTTP.get_or_init(|| Arc::new(Http::hurried(AddressPolicy { allow_private: true }).unwrap()))
        .clone()
}

/// A password that has Apple's form and is good for any other server too.
pub(super) fn password() -> SecretString {
    SecretString::from("abcd-efgh-ijkl-mnop")
}
