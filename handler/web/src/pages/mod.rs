//! The pages, below `/app`: made on the server, complete without script.
//!
//! A form is a POST that answers 303, or 422 with the form as it was filled in. What was done is
//! said at the top of the next page, by a word in its address that names one of a few sentences.

mod account;
mod accounts;
mod assets;
mod connect;
mod consent_end;
mod error;
mod figures;
mod form;
mod layout;
mod pair;
mod pair_facts;
mod pairs;
mod settings;
mod sign_in;
mod time;
mod tokens;

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{Method, Request, header};
use jobs::Services;
use tower::ServiceExt;

pub use self::consent_end::consent_ended;
use self::error::PageError;
use self::layout::see_other;
use crate::guard::Part;
use crate::request::{WebRequest, WebResponse};
use crate::visitor::{Visitor, check_origin};

static PAGES: LazyLock<Router> = LazyLock::new(|| {
    Router::new()
        .route("/app", get(|| async { see_other("/app/pairs") }))
        .route("/app/", get(|| async { see_other("/app/pairs") }))
        .route("/app/pairs", get(pairs::list))
        .route("/app/pairs/{id}", get(pair::show))
        .route("/app/pairs/{id}/pause", post(pair::pause))
        .route("/app/pairs/{id}/resume", post(pair::resume))
        .route("/app/pairs/{id}/end", get(pair::ask_end).post(pair::end))
        .route("/app/pairs/{id}/explain", get(pair_facts::explain))
        .route("/app/pairs/{id}/conflicts", get(pair_facts::conflicts))
        .route("/app/accounts", get(accounts::list))
        .route("/app/accounts/new", get(connect::choose))
        .route("/app/accounts/new/{provider}", get(connect::ask).post(connect::start))
        .route("/app/accounts/{id}", get(account::show))
        .route("/app/accounts/{id}/refresh", post(account::refresh))
        .route("/app/accounts/{id}/again", get(account::ask_again).post(account::again))
        .route(
            "/app/accounts/{id}/disconnect",
            get(account::ask_disconnect).post(account::disconnect),
        )
        .route("/app/settings", get(settings::show))
        .route("/app/settings/tokens", get(tokens::show).post(tokens::add))
        .route("/app/settings/tokens/{id}/remove", post(tokens::remove))
        .fallback(|| async { PageError::NotFound })
        .method_not_allowed_fallback(|| async { PageError::NotFound })
});

/// Answers a request.
pub async fn answer(services: &Services, request: WebRequest) -> WebResponse {
    let is_head = request.method == Method::HEAD;
    let mut response = match dispatch(services, request).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    };
    if is_head {
        *response.body_mut() = Body::empty();
    }
    response
}

async fn dispatch(services: &Services, request: WebRequest) -> Result<Response, PageError> {
    // A page for a visitor who is not let in has its style, too.
    if let Some(asset) = assets::find(request.uri.path()) {
        return Ok(asset);
    }
    if request.uri.path() == sign_in::PATH {
        check_origin(services, &request, Part::Pages)?;
        return sign_in::answer(services, request).await;
    }
    let visitor = Visitor::admit(services, &request, Part::Pages).await?;
    if request.uri.path() == sign_in::SIGN_OUT && request.method == Method::POST {
        return sign_in::sign_out(services, &visitor, &request).await;
    }
    let mut asked = Request::new(Body::empty());
    *asked.method_mut() = request.method;
    *asked.uri_mut() = request.uri;
    if let Some(kind) = request.headers.get(header::CONTENT_TYPE) {
        asked.headers_mut().insert(header::CONTENT_TYPE, kind.clone());
    }
    asked.extensions_mut().insert(visitor);
    asked.extensions_mut().insert(request.body);
    let response = match PAGES.clone().oneshot(asked).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    // A path or a query that no extractor understands is answered in plain text.
    let is_page = response.headers().contains_key(header::CONTENT_SECURITY_POLICY);
    if response.status().is_client_error() && !is_page {
        return Err(PageError::BadForm);
    }
    Ok(response)
}
