//! A request after it was read, alone or inside of a batch.

use axum::body::Bytes;
use axum::http::HeaderMap;
use url::form_urlencoded;

use super::discovery::Discovery;
use super::faults;
use super::paths::{AUTHORIZE, BATCH, CONSENT, REVOKE, TOKEN};
use crate::faults::Asked;
use crate::traffic::Kind;

/// A request, read.
#[derive(Clone, Debug)]
pub(super) struct Asking {
    pub verb: String,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Asking {
    /// The pairs of a query or of a form.
    pub fn pairs(text: &[u8]) -> Vec<(String, String)> {
        form_urlencoded::parse(text)
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn kind(&self, discovery: &Discovery) -> Kind {
        match self.path.as_str() {
            AUTHORIZE | CONSENT => Kind::Consent,
            TOKEN => Kind::Token,
            REVOKE => Kind::Revoke,
            BATCH => Kind::Batch,
            path => discovery
                .route(&self.verb, path)
                .map_or(Kind::Other, |(method, _)| faults::kind(&method.id)),
        }
    }

    /// What faults look at.
    pub fn asked(&self, kind: Kind) -> Asked<'_> {
        let incremental = kind == Kind::List
            && Self::pairs(self.query.as_bytes()).iter().any(|(name, _)| name == "syncToken");
        Asked { kind, path: &self.path, body: &self.body, incremental }
    }
}
