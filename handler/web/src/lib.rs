//! Pages for people and an API for programs: one axum router each.
//!
//! # Properties
//! * Who asks is decided in one place ([`visitor`]), before any handler: from a loopback name, by a
//!   token, or by a session. No handler sees a header of the request.
//! * Checks come in this order: the name of the host, other sites, who asks, the path and the
//!   method, the token's scope, the body, the ids in it.
//! * A body is read after all checks that do not need it.
//! * No title, place, description, guest or e-mail address of an event is in an answer of the API.
//! * An error is one of a table ([`problem`]); nothing that a client can send answers 500.
//!
//! # To add an operation of the API
//! A handler with `#[utoipa::path]` in `api`, which takes the extractor of its scope
//! ([`visitor::MayRead`] and its neighbours), and a
//! line in `api::routes`. The OpenAPI document is made from both.

mod api;
mod audited;
mod connect;
pub mod consent_words;
pub mod form_target;
mod guard;
pub mod oauth_cookie;
mod pages;
mod problem;
mod request;
mod session_cookie;
#[cfg(test)]
mod test_web;
mod visitor;
mod words;

use http::{HeaderMap, HeaderName, HeaderValue, header};
use jobs::{Services, Token};

pub use pages::consent_ended;
pub use request::{BodyError, PendingBody, Source, WebRequest, WebResponse};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers a request to `/api/v1/…`.
pub async fn api(services: &Services, request: WebRequest) -> WebResponse {
    with_request_id(api::answer(services, request).await)
}

/// Answers a request to `/app/…`.
pub async fn pages(services: &Services, request: WebRequest) -> WebResponse {
    with_request_id(pages::answer(services, request).await)
}

fn with_request_id(mut response: WebResponse) -> WebResponse {
    let id = Token::random().map_or_else(|_| "-".to_owned(), |id| id.hash()[..16].to_owned());
    tracing::debug!(id, status = response.status().as_u16(), "answered");
    let headers: &mut HeaderMap = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(id) {
        headers.insert(REQUEST_ID, id);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
