//! The part of an address after the question mark.

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use utoipa::IntoParams;

use crate::problem::{ApiError, Code};

/// A query of this shape.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = Query::<T>::try_from_uri(&parts.uri);
        query.map(|Query(query)| Self(query)).map_err(|_| wrong_query())
    }
}

/// Which page of a list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
    /// How many entries, at most.
    #[param(minimum = 1, maximum = 200, default = 50)]
    limit: Option<u16>,
    /// Where the page begins: `next` of the page before.
    #[param(pattern = "^[A-Za-z0-9_-]{1,400}$")]
    cursor: Option<String>,
}

impl PageQuery {
    /// The cursor and the number of entries.
    ///
    /// # Errors
    /// `bad_request` for values that break their patterns.
    pub fn checked(&self) -> Result<(Option<&str>, usize), ApiError> {
        let limit = self.limit.unwrap_or(50);
        let is_plain = |c: u8| c.is_ascii_alphanumeric() || c == b'_' || c == b'-';
        let is_cursor =
            |cursor: &str| (1..=400).contains(&cursor.len()) && cursor.bytes().all(is_plain);
        let is_right = (1..=200).contains(&limit) && self.cursor.as_deref().is_none_or(is_cursor);
        is_right.then(|| (self.cursor.as_deref(), usize::from(limit))).ok_or_else(wrong_query)
    }
}

/// The error for a query that is not understood.
pub fn wrong_query() -> ApiError {
    ApiError::new(
        Code::BadRequest,
        "The part of the address after the question mark is not understood: a value is missing, or \
        has another form than the document says. Nothing was done.",
    )
}
