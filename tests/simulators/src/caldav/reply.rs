//! An answer before it is written as HTTP.

use axum::body::{Body, Bytes};
use axum::http::Response;

use super::manners::{Etags, Manners};
use crate::wire::Outcome;
use crate::xml::{CALDAV, DAV, Node};

/// Status, header fields and body.
#[derive(Debug)]
pub(super) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new() }
    }

    /// A refusal in words, for the log of a failed test.
    pub fn words(status: u16, words: &str) -> Self {
        Self { body: Bytes::from(words.to_owned()), ..Self::status(status) }
            .header("content-type", "text/plain; charset=utf-8")
    }

    /// A refusal by a precondition (RFC 4918, section 16).
    pub fn precondition(status: u16, ns: &str, name: &str, manners: &Manners) -> Self {
        Self::xml(status, &Node::dav("error").child(Node::new(ns, name)), manners)
    }

    pub fn xml(status: u16, node: &Node, manners: &Manners) -> Self {
        Self { body: Bytes::from(node.write(manners.naming)), ..Self::status(status) }
            .header("content-type", "application/xml; charset=utf-8")
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// With an ETag of this form.
    pub fn with_etag(mut self, form: Etags, is_get: bool) -> Self {
        for (_, etag) in self.headers.iter_mut().filter(|(name, _)| *name == "etag") {
            *etag = form.in_header(etag, is_get);
        }
        self
    }

    pub fn response(self, body: Body) -> Outcome {
        let mut answer =
            Response::builder().status(self.status).header("content-length", self.body.len());
        for (name, value) in self.headers {
            answer = answer.header(name, value);
        }
        answer.body(body).map_or(Outcome::Cut, Outcome::Answer)
    }
}

/// The names of the preconditions that are ours to choose between.
pub(super) const fn namespace_of(precondition: &str) -> &'static str {
    match precondition.as_bytes() {
        b"valid-sync-token"
        | b"number-of-matches-within-limits"
        | b"supported-report"
        | b"propfind-finite-depth"
        | b"need-privileges" => DAV,
        _ => CALDAV,
    }
}
