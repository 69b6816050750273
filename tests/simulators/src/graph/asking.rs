//! A request after it was read.

use axum::body::Bytes;
use axum::http::HeaderMap;
use url::form_urlencoded;

use super::paths::{
    self, ADMIN_ANSWER, ADMIN_CONSENT, ANSWER, AUTHORIZE, BASE, DISCOVERY, KEYS, TOKEN,
};
use super::schema::{Operation, Schema};
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

    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ").map(str::trim)
    }

    /// The operation of Graph that it is.
    pub fn operation(&self) -> Option<Operation> {
        Schema::get().route(&self.verb, self.path.strip_prefix(BASE)?)
    }

    pub fn kind(&self) -> Kind {
        if let Some((_, rest)) = paths::of_entra(&self.path) {
            return match rest {
                AUTHORIZE | ANSWER | ADMIN_CONSENT | ADMIN_ANSWER => Kind::Consent,
                TOKEN => Kind::Token,
                KEYS | DISCOVERY => Kind::Keys,
                _ => Kind::Other,
            };
        }
        match self.operation().map(|operation| operation.name) {
            Some("GET /me/calendars" | "GET /me/calendars/{calendarId}") => Kind::CalendarList,
            Some("GET /me/calendars/{calendarId}/calendarView") => Kind::View,
            Some("GET /me/calendars/{calendarId}/calendarView/delta") => Kind::Delta,
            Some("GET /me/events/{masterId}/instances") => Kind::Instances,
            Some("GET /me/events") => Kind::Find,
            Some("GET /me/events/{eventId}" | "GET /me/events/{eventId}/calendar") => Kind::Get,
            Some("POST /me/calendars/{calendarId}/events") => Kind::Insert,
            Some("PATCH /me/events/{eventId}") => Kind::Patch,
            Some("DELETE /me/events/{eventId}" | "POST /me/events/{eventId}/permanentDelete") => {
                Kind::Delete
            }
            Some("POST /subscriptions") => Kind::Watch,
            Some("GET /subscriptions" | "GET /subscriptions/{id}") => Kind::Subscriptions,
            Some("PATCH /subscriptions/{id}" | "POST /subscriptions/{id}/reauthorize") => {
                Kind::Renew
            }
            Some("DELETE /subscriptions/{id}") => Kind::Stop,
            _ => Kind::Other,
        }
    }

    /// What faults look at.
    pub fn asked(&self, kind: Kind) -> Asked<'_> {
        let incremental = kind == Kind::Delta
            && Self::pairs(self.query.as_bytes())
                .iter()
                .any(|(name, _)| matches!(name.as_str(), "$deltatoken" | "$skiptoken"));
        Asked { kind, path: &self.path, body: &self.body, incremental }
    }
}

/// The value of a pair.
pub(super) fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}
