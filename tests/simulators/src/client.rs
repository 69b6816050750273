//! A bare HTTP client for the loopback: one connection a request, no redirects, no retries, nothing
//! kept.
//!
//! Persons, conformance scripts and benchmarks speak through it, so that what they see is what the
//! server said.

use anyhow::{Context as _, ensure};
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request};
use data_encoding::BASE64;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use url::Url;

use crate::xml::Node;

/// Speaks to one server as one user.
#[derive(Clone)]
pub struct Client {
    base: Url,
    login: Option<String>,
}

/// What a server said.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Header fields.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Client {
    /// A client for the server at `base`.
    pub fn new(base: &Url) -> Self {
        Self { base: base.clone(), login: None }
    }

    /// A client with a login.
    pub fn login(mut self, user: &str, password: &str) -> Self {
        self.login =
            Some(format!("Basic {}", BASE64.encode(format!("{user}:{password}").as_bytes())));
        self
    }

    /// The address that paths are resolved against.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Sends one request; `path` may be absolute.
    ///
    /// # Errors
    /// Where the line breaks before the whole answer is there.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> anyhow::Result<Answer> {
        let url = self.base.join(path)?;
        self.exchange(
            &url,
            method,
            &url[url::Position::BeforePath..url::Position::AfterQuery],
            headers,
            body.into(),
        )
        .await
    }

    /// Sends one request whose target appears in the request line unchanged: neither `//` nor `..`
    /// is normalized.
    ///
    /// # Errors As [`Client::send`]; also for a target that a request line cannot contain.
    pub async fn send_exactly(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> anyhow::Result<Answer> {
        self.exchange(&self.base, method, target, headers, body.into()).await
    }

    async fn exchange(
        &self,
        url: &Url,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> anyhow::Result<Answer> {
        ensure!(url.scheme() == "http", "only plain HTTP on the loopback is spoken here");
        let authority = format!(
            "{}:{}",
            url.host_str().context("no host")?,
            url.port_or_known_default().context("no port")?
        );
        let stream = TcpStream::connect(&authority).await?;
        stream.set_nodelay(true)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let driver = tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(target)
            .header("host", &authority)
            .header("connection", "close");
        if let Some(login) = &self.login {
            request = request.header("authorization", login);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = sender.send_request(request.body(Body::from(body))?).await?;
        let (parts, body) = answer.into_parts();
        let body = axum::body::to_bytes(Body::new(body), usize::MAX).await?;
        driver.abort();
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    /// PROPFIND or REPORT with a body of XML.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn xml(
        &self,
        method: &str,
        path: &str,
        depth: &str,
        body: &str,
    ) -> anyhow::Result<Answer> {
        let headers = [("depth", depth), ("content-type", "application/xml; charset=utf-8")];
        self.send(method, path, &headers, body.to_owned()).await
    }

    /// PUT of a calendar object with these further headers.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn put(
        &self,
        path: &str,
        ics: &str,
        headers: &[(&str, &str)],
    ) -> anyhow::Result<Answer> {
        let all: Vec<_> = [("content-type", "text/calendar; charset=utf-8")]
            .into_iter()
            .chain(headers.iter().copied())
            .collect();
        self.send("PUT", path, &all, ics.to_owned()).await
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Client({})", self.base)
    }
}

impl Answer {
    /// A header field as text; empty where it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as XML.
    ///
    /// # Errors
    /// Where it is none.
    pub fn xml(&self) -> anyhow::Result<Node> {
        Node::read(&self.text()).map_err(|why| anyhow::anyhow!("status {}: {why}", self.status))
    }
}
