//! `/tokens`: access tokens of programs.

use std::collections::BTreeSet;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jobs::access::{self, MadeToken, NewToken, Permission, TokenState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::{Json, whole_number};
use super::path::PathId;
use crate::problem::{ApiError, Code};
use crate::visitor::InPerson;

#[derive(Serialize, ToSchema)]
pub struct Tokens {
    tokens: Vec<TokenState>,
}

/// A token to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTokenBody {
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$")]
    name: String,
    #[schema(value_type = BTreeSet<Permission>, min_items = 1, max_items = 3)]
    scopes: Vec<Permission>,
    /// 90 where it is left out.
    #[schema(minimum = 1, maximum = 366, default = 90)]
    #[serde(default, deserialize_with = "whole_number")]
    expires_days: Option<u16>,
}

/// A new token.
#[derive(Serialize, ToSchema)]
pub struct NewTokenAnswer {
    #[serde(flatten)]
    state: TokenState,
    /// The token. It is shown once.
    token: String,
}

/// Lists all tokens, those that have expired included.
#[utoipa::path(get, path = "/tokens", tag = "tokens", responses((status = 200, body = Tokens)))]
pub async fn list(InPerson(visitor): InPerson) -> Result<axum::Json<Tokens>, ApiError> {
    Ok(axum::Json(Tokens { tokens: access::list(&visitor.scope).await? }))
}

/// Makes a token. It is shown once.
#[utoipa::path(post, path = "/tokens", tag = "tokens", request_body = NewTokenBody,
    responses((status = 201, body = NewTokenAnswer)))]
pub async fn add(
    InPerson(visitor): InPerson,
    Json(body): Json<NewTokenBody>,
) -> Result<Response, ApiError> {
    let NewTokenBody { name, scopes, expires_days } = body;
    if scopes.iter().collect::<BTreeSet<_>>().len() != scopes.len() {
        return Err(ApiError::wrong_member("#/scopes", "a scope is named twice"));
    }
    let new = NewToken { name, scopes, expires_days: expires_days.unwrap_or(90) };
    let add = access::add(&visitor.scope, new);
    let made = visitor.audited("token.add", "", add, |made| Some(made.state.id.clone())).await;
    let made = made.map_err(|error| match error {
        jobs::Error::Request(words) => ApiError::new(Code::BadRequest, words),
        error => error.into(),
    })?;
    let token = made.expose().to_owned();
    let MadeToken { state, .. } = made;
    Ok((StatusCode::CREATED, axum::Json(NewTokenAnswer { state, token })).into_response())
}

/// Removes a token: it is not valid from now on.
#[utoipa::path(delete, path = "/tokens/{id}", tag = "tokens", params(("id" = String, Path)),
    responses((status = 204)))]
pub async fn remove(
    InPerson(visitor): InPerson,
    PathId(id): PathId,
) -> Result<StatusCode, ApiError> {
    let remove = access::remove(&visitor.scope, &id);
    visitor.audited("token.remove", &id, remove, |()| None).await?;
    Ok(StatusCode::NO_CONTENT)
}
