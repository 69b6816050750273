//! `/status` and `/doctor`: how things are.

use axum::Json;
use jobs::doctor::{self, AccountChecks};
use jobs::{Finding, Status};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::ApiError;
use crate::visitor::{MayRead, Operator};

/// The findings about an installation.
#[derive(Serialize, ToSchema)]
pub struct Findings {
    /// Nothing has to be repaired.
    ok: bool,
    findings: Vec<Finding>,
}

/// The state of accounts and pairs, from what is stored.
#[utoipa::path(get, path = "/status", tag = "status", responses((status = 200, body = Status)))]
pub async fn status(MayRead(visitor): MayRead) -> Result<Json<Status>, ApiError> {
    Ok(Json(jobs::status(&visitor.scope, visitor.scope.setup.poll_seconds).await?))
}

/// Checks the installation: settings, storage, vault, clock, accounts.
#[utoipa::path(get, path = "/doctor", tag = "status", responses((status = 200, body = Findings)))]
pub async fn doctor(Operator(visitor): Operator) -> Json<Findings> {
    let findings = doctor::findings(&visitor.scope, AccountChecks::Live).await;
    Json(Findings { ok: findings.iter().all(|finding| finding.ok), findings })
}
