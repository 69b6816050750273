//! The API for programs, below `/api/v1`.
//!
//! Shapes are the structs that the commands print with `--json`. The OpenAPI document is made from
//! these structs and from the routes.

mod accounts;
mod body;
mod calendars;
mod document;
mod installation;
mod me;
mod pair_facts;
mod pairs;
mod path;
mod query;
mod refusal;
mod tokens;
mod version;

use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, Request, header};
use jobs::Services;
use tower::ServiceExt;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::guard::Part;
use crate::problem::{ApiError, Code};
use crate::request::{WebRequest, WebResponse};
use crate::visitor::{Visitor, check_origin};

/// Where the API is.
const PREFIX: &str = "/api/v1";

/// The header fields that an extractor reads; handlers see none.
const PASSED: [HeaderName; 3] = [header::CONTENT_TYPE, header::IF_MATCH, header::IF_NONE_MATCH];

/// The router, and the document that describes it.
static API: LazyLock<(Router, OpenApi)> = LazyLock::new(|| {
    let (router, document) = OpenApiRouter::new().nest(PREFIX, routes()).split_for_parts();
    let router =
        router.fallback(|| async { ApiError::not_found() }).method_not_allowed_fallback(|| async {
            ApiError::new(
                Code::Method,
                "The path does not have this method; the field Allow names those that it has. \
                Nothing was done.",
            )
        });
    (router, document::complete(document))
});

/// All operations.
fn routes() -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(me::me))
        .routes(routes!(accounts::list, accounts::connect))
        .routes(routes!(accounts::show, accounts::disconnect))
        .routes(routes!(accounts::refresh))
        .routes(routes!(calendars::list))
        .routes(routes!(pairs::list, pairs::add))
        .routes(routes!(pairs::show, pairs::end))
        .routes(routes!(pairs::pause))
        .routes(routes!(pairs::resume))
        .routes(routes!(pair_facts::explain))
        .routes(routes!(pair_facts::events))
        .routes(routes!(pair_facts::problems))
        .routes(routes!(pair_facts::conflicts))
        .routes(routes!(installation::status))
        .routes(routes!(installation::doctor))
        .routes(routes!(tokens::list, tokens::add))
        .routes(routes!(tokens::remove))
}

/// Answers a request.
pub async fn answer(services: &Services, request: WebRequest) -> WebResponse {
    let path = request.uri.path().to_owned();
    let is_head = request.method == http::Method::HEAD;
    let response = match dispatch(services, request).await {
        Ok(response) => response,
        Err(error) => error.into_response(),
    };
    let mut response = with_problem(response, &path);
    if is_head {
        *response.body_mut() = Body::empty();
    }
    response
}

async fn dispatch(services: &Services, request: WebRequest) -> Result<WebResponse, ApiError> {
    let is_get = matches!(request.method, http::Method::GET | http::Method::HEAD);
    if is_get && request.uri.path() == "/api/v1/openapi.json" {
        check_origin(services, &request, Part::Api)?;
        return Ok(document::answer(&API.1, services));
    }
    let visitor = Visitor::admit(services, &request, Part::Api).await?;
    let mut asked = Request::new(Body::empty());
    *asked.method_mut() = request.method;
    *asked.uri_mut() = request.uri;
    for name in PASSED {
        request.headers.get_all(&name).iter().for_each(|value| {
            asked.headers_mut().append(name.clone(), value.clone());
        });
    }
    asked.extensions_mut().insert(visitor);
    asked.extensions_mut().insert(request.body);
    Ok(match API.0.clone().oneshot(asked).await {
        Ok(response) => response,
        Err(never) => match never {},
    })
}

/// Writes the error of a response, if it has one, as its body.
fn with_problem(mut response: Response, path: &str) -> Response {
    let Some(mut error) = response.extensions_mut().remove::<ApiError>() else { return response };
    if let Some(methods) = response.headers().get(header::ALLOW) {
        error = error.allow(methods.clone());
    }
    error.into_answer(path)
}

#[cfg(test)]
mod tests;
