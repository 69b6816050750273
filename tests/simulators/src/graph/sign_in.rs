//! The endpoints of Entra.

use std::sync::Arc;

use serde_json::json;

use super::asking::Asking;
use super::entra::Wrong;
use super::paths::{self, ADMIN_ANSWER, ADMIN_CONSENT, ANSWER, AUTHORIZE, DISCOVERY, KEYS, TOKEN};
use super::reply::Reply;
use super::shared::Shared;
use super::{admin, oauth, token};

pub(super) fn serve(shared: &Arc<Shared>, request: &Asking) -> Reply {
    let Some((tenant, rest)) = paths::of_entra(&request.path) else { return Reply::status(404) };
    let form = matches!(
        request.header("content-type").map(|kind| kind.split(';').next().unwrap_or_default()),
        Some("application/x-www-form-urlencoded")
    );
    let query = Asking::pairs(request.query.as_bytes());
    let body = Asking::pairs(&request.body);
    let issuer = format!("{}/{{tenantid}}/v2.0", shared.manners().issuer);
    shared.write(|records| match (request.verb.as_str(), rest) {
        ("GET", AUTHORIZE) => oauth::page(shared, records, tenant, &query, &request.query),
        ("POST", ANSWER) if form => oauth::decide(shared, records, tenant, &body),
        ("POST", TOKEN) if form => token::token(shared, records, tenant, &body),
        ("GET", KEYS) => Reply::json(200, shared.keys.document(&issuer)),
        ("GET", DISCOVERY) => Reply::json(200, discovery(&shared.base(), tenant, &issuer)),
        ("GET", ADMIN_CONSENT) => admin::page(shared, records, tenant, &query, &request.query),
        ("POST", ADMIN_ANSWER) if form => admin::decide(shared, records, tenant, &body),
        _ => {
            records.violation(format!("{} {rest}: another method, or no form", request.verb));
            Wrong::of(900_144, &shared.manners()).reply(shared.clock.now())
        }
    })
}

fn discovery(base: &str, tenant: &str, issuer: &str) -> serde_json::Value {
    let at = |path: &str| format!("{base}/{tenant}{path}");
    json!({
        "issuer": issuer, "authorization_endpoint": at(AUTHORIZE), "token_endpoint": at(TOKEN),
        "jwks_uri": at(KEYS), "subject_types_supported": ["pairwise"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "response_modes_supported": ["query", "fragment", "form_post"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
    })
}
