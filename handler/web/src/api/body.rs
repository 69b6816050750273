//! The body of a request, as JSON of a known shape.

use axum::extract::{FromRequest, Request};
use http::header;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use crate::problem::{ApiError, Code};
use crate::request::{BodyError, PendingBody};

/// A body that has this shape.
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let Some(body) = request.extensions().get::<PendingBody>().cloned() else {
            return Err(ApiError::internal());
        };
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if !kind.is_some_and(is_json) {
            return Err(ApiError::new(
                Code::MediaType,
                "The body has to be JSON, sent as application/json. Nothing was done.",
            ));
        }
        let body = body.read().await.map_err(body_error)?;
        let mut reader = serde_json::Deserializer::from_slice(&body);
        let read = serde_path_to_error::deserialize(&mut reader);
        let value = read.map_err(|error| {
            let (pointer, inner) = (pointer(error.path()), error.into_inner());
            ApiError::wrong_member(&pointer, without_place(&inner))
        })?;
        reader.end().map_err(|error| ApiError::wrong_member("#", without_place(&error)))?;
        Ok(Self(value))
    }
}

/// Reads a whole number, which JSON may write as `6.0`, too.
///
/// # Errors
/// For any other number.
pub fn whole_number<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u16>, D::Error> {
    let Some(number) = Option::<f64>::deserialize(from)? else { return Ok(None) };
    let whole = (number.fract() == 0.0 && (0.0..=f64::from(u16::MAX)).contains(&number))
        .then(|| format!("{number:.0}").parse().ok());
    whole.flatten().map(Some).ok_or_else(|| D::Error::custom("a whole number is wanted"))
}

fn is_json(kind: &str) -> bool {
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn body_error(error: BodyError) -> ApiError {
    match error {
        BodyError::TooLarge => ApiError::new(
            Code::TooLarge,
            "The body is larger than 64 KiB, or was cut off. Nothing was done.",
        ),
        BodyError::Late => {
            ApiError::new(Code::Late, "The body did not arrive in time. Nothing was done.")
        }
    }
}

/// A JSON pointer to a place in the body.
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = "#".to_owned();
    for segment in path {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
            }
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    pointer
}

/// The words of an error, without line and column. They may quote the value: it is the caller's.
fn without_place(error: &serde_json::Error) -> String {
    let words = error.to_string();
    match words.rsplit_once(" at line ") {
        Some((words, _)) => words.to_owned(),
        None => words,
    }
}
