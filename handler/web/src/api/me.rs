//! `/me`: who asks.

use axum::Json;
use jobs::access::Permission;
use serde::Serialize;
use utoipa::ToSchema;

use crate::visitor::{By, MayRead};

/// Who asks.
#[derive(Serialize, ToSchema)]
pub struct Me {
    /// `null` in single-user mode.
    user: Option<String>,
    mode: Mode,
    by: By,
    scopes: Vec<Permission>,
    name: Option<String>,
}

/// How many people use this installation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    SingleUser,
}

/// Says who asks, and what the caller may do.
#[utoipa::path(get, path = "/me", tag = "me", responses((status = 200, body = Me)))]
pub async fn me(MayRead(visitor): MayRead) -> Json<Me> {
    Json(Me {
        user: None,
        mode: Mode::SingleUser,
        by: visitor.by,
        scopes: visitor.permissions,
        name: None,
    })
}
