//! Versions of accounts and pairs: `ETag`, `If-Match` and `If-None-Match` (RFC 9110 section 13.1).

use std::convert::Infallible;

use aws_lc_rs::digest::{SHA256, digest};
use axum::Json;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use data_encoding::HEXLOWER;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::problem::{ApiError, Code};

/// The versions that a request names.
pub struct Conditions {
    if_match: Option<Vec<String>>,
    if_none_match: Option<Vec<String>>,
}

impl<S: Sync> FromRequestParts<S> for Conditions {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let named = |name| versions(&parts.headers, &name);
        Ok(Self { if_match: named(header::IF_MATCH), if_none_match: named(header::IF_NONE_MATCH) })
    }
}

fn versions(headers: &HeaderMap, name: &HeaderName) -> Option<Vec<String>> {
    let mut fields = headers.get_all(name).iter().peekable();
    fields.peek()?;
    let named = fields
        .filter_map(|field| field.to_str().ok())
        .flat_map(|field| field.split(','))
        .map(|version| version.trim().trim_start_matches("W/").to_owned());
    Some(named.collect())
}

impl Conditions {
    /// # Errors
    /// `changed_meanwhile` where the request wants another version than this one.
    pub fn check(&self, version: &str) -> Result<(), ApiError> {
        match &self.if_match {
            Some(named) if !names(named, version) => Err(ApiError::new(
                Code::ChangedMeanwhile,
                "It is another version by now than the one that the request names. Nothing was \
                changed. Read it again, and decide.",
            )),
            _ => Ok(()),
        }
    }

    /// The answer to a read: the value, or 304 where the caller has this version.
    pub fn answer(&self, version: &str, value: &impl Serialize) -> Response {
        let has = self.if_none_match.as_ref().is_some_and(|named| names(named, version));
        let mut response = match has {
            true => StatusCode::NOT_MODIFIED.into_response(),
            false => Json(value).into_response(),
        };
        if let Ok(version) = HeaderValue::try_from(version) {
            response.headers_mut().insert(header::ETAG, version);
        }
        response
    }
}

fn names(named: &[String], version: &str) -> bool {
    named.iter().any(|one| one == "*" || one == version)
}

/// The version of what these members say.
pub fn version(members: &impl Serialize) -> String {
    let text = serde_json::to_string(members).unwrap_or_default();
    format!("\"{}\"", HEXLOWER.encode(&digest(&SHA256, text.as_bytes()).as_ref()[..8]))
}
