//! Paths of Entra, which come after a tenant, and of Graph.

/// The page of consent.
pub(super) const AUTHORIZE: &str = "/oauth2/v2.0/authorize";
/// Where the form on the page leads.
pub(super) const ANSWER: &str = "/oauth2/v2.0/answer";
/// Where a code or a refresh token is exchanged.
pub(super) const TOKEN: &str = "/oauth2/v2.0/token";
/// The keys of id_tokens.
pub(super) const KEYS: &str = "/discovery/v2.0/keys";
/// What the endpoints are.
pub(super) const DISCOVERY: &str = "/v2.0/.well-known/openid-configuration";
/// The administrator's page of consent.
pub(super) const ADMIN_CONSENT: &str = "/v2.0/adminconsent";
/// Where its form leads.
pub(super) const ADMIN_ANSWER: &str = "/v2.0/adminanswer";
/// What comes before every path of Graph.
pub(super) const BASE: &str = "/v1.0";

/// The tenant and the rest of a path of Entra.
pub(super) fn of_entra(path: &str) -> Option<(&str, &str)> {
    let path = path.strip_prefix('/')?;
    let (tenant, _) = path.split_once('/')?;
    let rest = &path[tenant.len()..];
    let all = [AUTHORIZE, ANSWER, TOKEN, KEYS, DISCOVERY, ADMIN_CONSENT, ADMIN_ANSWER];
    all.contains(&rest).then_some((tenant, rest))
}
