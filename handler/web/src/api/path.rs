//! Ids in paths.

use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;

use crate::problem::ApiError;

/// The first id in the path. An id of another form is one that nothing has.
pub struct PathId(pub String);

impl<S: Sync + Send> FromRequestParts<S> for PathId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::not_found())?;
        let id = params.iter().next().map(|(_, id)| id.to_owned());
        id.filter(|id| is_id(id)).map(Self).ok_or_else(ApiError::not_found)
    }
}

/// Whether a text has the form of an id.
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}
