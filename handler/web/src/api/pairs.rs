//! `/pairs`: their state; paused, resumed, ended.

use axum::Json;
use engine::calendar::PairId;
use http::StatusCode;
use jobs::report::PairState;

use super::path::PathId;
use crate::problem::ApiError;
use crate::visitor::{MayRead, MaySync, MayWrite, Visitor};

/// Shows a pair.
#[utoipa::path(get, path = "/pairs/{id}", tag = "pairs", params(("id" = String, Path)),
    responses((status = 200, body = PairState)))]
pub async fn show(
    MayRead(visitor): MayRead,
    PathId(id): PathId,
) -> Result<Json<PairState>, ApiError> {
    Ok(Json(find(&visitor, &id).await?))
}

/// Pauses a pair: its calendars are neither read nor written until it is resumed.
#[utoipa::path(post, path = "/pairs/{id}/pause", tag = "pairs", params(("id" = String, Path)),
    responses((status = 200, body = PairState)))]
pub async fn pause(
    MaySync(visitor): MaySync,
    PathId(id): PathId,
) -> Result<Json<PairState>, ApiError> {
    let pair = PairId::new(id.clone());
    let work = jobs::pairs::pause_pair(&visitor.scope, &pair);
    visitor.audited("pair.pause", &id, work, |_| None).await?;
    Ok(Json(find(&visitor, &id).await?))
}

/// Resumes a pair: it goes on where it stopped.
#[utoipa::path(post, path = "/pairs/{id}/resume", tag = "pairs", params(("id" = String, Path)),
    responses((status = 200, body = PairState)))]
pub async fn resume(
    MaySync(visitor): MaySync,
    PathId(id): PathId,
) -> Result<Json<PairState>, ApiError> {
    let pair = PairId::new(id.clone());
    let work = jobs::pairs::resume_pair(&visitor.scope, &pair);
    visitor.audited("pair.resume", &id, work, |_| None).await?;
    Ok(Json(find(&visitor, &id).await?))
}

/// Ends a pair. Its copies stay as ordinary events.
#[utoipa::path(delete, path = "/pairs/{id}", tag = "pairs", params(("id" = String, Path)),
    responses((status = 204)))]
pub async fn end(MayWrite(visitor): MayWrite, PathId(id): PathId) -> Result<StatusCode, ApiError> {
    let pair = PairId::new(id.clone());
    let work = jobs::pairs::remove_pair(&visitor.scope, &pair);
    visitor.audited("pair.remove", &id, work, |()| None).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(visitor: &Visitor, id: &str) -> Result<PairState, ApiError> {
    let status = jobs::status(&visitor.scope, visitor.scope.setup.poll_seconds).await?;
    let found = status.pairs.into_iter().find(|pair| pair.id.as_str() == id);
    found.ok_or_else(ApiError::not_found)
}
