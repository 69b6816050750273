//! A request after it was read: who asks, for what, and in which body.

use axum::body::Bytes;
use axum::http::HeaderMap;

use super::manners::Manners;
use super::paths::Paths;
use super::reply::{Reply, namespace_of};
use super::state::Records;
use crate::xml::Node;

/// A request as the methods see it.
#[derive(Debug)]
pub(super) struct Asking<'a> {
    pub headers: &'a HeaderMap,
    pub body: &'a Bytes,
    pub user: String,
    pub manners: &'a Manners,
    pub partition: Option<std::net::SocketAddr>,
    /// The prefix of the request path, as [`Manners::prefixes`] has it.
    pub prefix: String,
}

impl Asking<'_> {
    /// Paths with the prefix of the request.
    pub fn paths<'a>(&'a self, records: &'a Records) -> Paths<'a> {
        Paths { manners: self.manners, records, prefix: &self.prefix }
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The XML in the body, checked as strictly as the manners ask.
    pub fn xml(&self) -> Result<Node, Reply> {
        let kind = self.header("content-type").unwrap_or_default();
        if self.manners.strict
            && !kind.starts_with("application/xml")
            && !kind.starts_with("text/xml")
        {
            return Err(Reply::words(415, "the body is not said to be XML"));
        }
        let text = std::str::from_utf8(self.body)
            .map_err(|_| Reply::words(400, "the body is not UTF-8"))?;
        Node::read(text).map_err(|why| Reply::words(400, &format!("the body is not XML: {why}")))
    }

    /// Depth, where a careful client says it.
    pub fn depth(&self, usual: &'static str) -> Result<String, Reply> {
        match self.header("depth") {
            Some(depth) => Ok(depth.to_ascii_lowercase()),
            None if self.manners.strict => Err(Reply::words(400, "there is no Depth")),
            None => Ok(usual.to_owned()),
        }
    }
}

/// A refusal by a precondition of CalDAV or of WebDAV.
pub(super) fn refused(asking: &Asking<'_>, status: u16, precondition: &str) -> Reply {
    Reply::precondition(status, namespace_of(precondition), precondition, asking.manners)
}
