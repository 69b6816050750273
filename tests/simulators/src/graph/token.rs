//! The token endpoint: what a code or a refresh token is exchanged for (RFC 6749, RFC 7636).

use std::collections::BTreeSet;

use aws_lc_rs::digest;
use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::asking::value;
use super::entra::Wrong;
use super::keys::Keys;
use super::manners::{IdToken, Manners, ScopeForm};
use super::registration::{CLIENT_ID, GRAPH, OPEN_ID, are_scopes, short};
use super::reply::Reply;
use super::shared::Shared;
use super::state::Records;

pub(super) fn token(
    shared: &Shared,
    records: &mut Records,
    tenant: &str,
    form: &[(String, String)],
) -> Reply {
    let (manners, now) = (shared.manners(), shared.clock.now());
    match exchange(shared, records, tenant, form, &manners, now) {
        Ok(reply) => reply,
        Err(number) => Wrong::of(number, &manners).reply(now),
    }
}

fn exchange(
    shared: &Shared,
    records: &mut Records,
    tenant: &str,
    form: &[(String, String)],
    manners: &Manners,
    now: Timestamp,
) -> Result<Reply, u32> {
    let known: &[&str] = match value(form, "grant_type") {
        Some("authorization_code") => &[
            "grant_type",
            "code",
            "redirect_uri",
            "client_id",
            "client_secret",
            "code_verifier",
            "scope",
        ],
        Some("refresh_token") => {
            &["grant_type", "refresh_token", "client_id", "client_secret", "scope"]
        }
        Some(_) => {
            records.violation("token: no such grant_type");
            return Err(70_003);
        }
        None => return Err(900_144),
    };
    for (name, _) in form.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
        records.violation(format!("token: unknown parameter {name}"));
    }
    if !matches!(tenant, "common" | "organizations" | "consumers")
        && records.tenant_named(tenant).is_none()
    {
        return Err(90_002);
    }
    if value(form, "client_id") != Some(CLIENT_ID) {
        return Err(700_016);
    }
    match value(form, "client_secret") {
        None => return Err(7_000_218),
        Some(secret) if secret != shared.secret() => return Err(7_000_215),
        Some(_) if shared.secret_is_over() => return Err(7_000_222),
        Some(_) => {}
    }
    let scope = value(form, "scope");
    if scope.is_none() {
        records.violation("token: no scope");
    }
    if !scope.is_none_or(are_scopes) {
        return Err(70_011);
    }
    let given = match value(form, "grant_type") {
        Some("refresh_token") => refresh(records, form, manners, now)?,
        _ => redeem(records, form, now)?,
    };
    let asked: BTreeSet<String> = scope
        .map(|scope| scope.split(' ').map(str::to_owned).collect())
        .unwrap_or_else(|| given.scopes.clone());
    Ok(issue(shared, records, given, &asked, manners, now))
}

/// What a grant is good for.
struct Given {
    person: usize,
    scopes: BTreeSet<String>,
    claims: Option<String>,
    nonce: Option<String>,
}

fn redeem(records: &mut Records, form: &[(String, String)], now: Timestamp) -> Result<Given, u32> {
    let name = value(form, "code").ok_or(900_144_u32)?;
    let redirect = value(form, "redirect_uri").ok_or(900_144_u32)?;
    let code = records.grants.code(name).ok_or(70_000_u32)?;
    if code.used {
        return Err(54_005);
    }
    if now >= code.expires {
        return Err(70_008);
    }
    if code.redirect != redirect {
        return Err(500_112);
    }
    let verifier = value(form, "code_verifier").unwrap_or_default();
    let well_formed = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    let hash =
        BASE64URL_NOPAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()).as_ref());
    if !well_formed || hash != code.challenge {
        return Err(501_481);
    }
    code.used = true;
    let (scopes, claims, nonce) = (code.scopes.clone(), code.claims.clone(), code.nonce.clone());
    let person = code.person;
    match records.people.get(person).and_then(|person| person.refused_with) {
        Some(number) => Err(number),
        None => Ok(Given { person, scopes, claims, nonce }),
    }
}

fn refresh(
    records: &mut Records,
    form: &[(String, String)],
    manners: &Manners,
    now: Timestamp,
) -> Result<Given, u32> {
    let token = value(form, "refresh_token").ok_or(900_144_u32)?;
    records.grants.refreshes += 1;
    let refresh = records.grants.refresh(token).ok_or(70_000_u32)?;
    let person = records.people.get(refresh.person).ok_or(50_034_u32)?;
    if let Some(number) = person.refused_with {
        return Err(number);
    }
    if refresh.dead || person.revoked.is_some_and(|revoked| refresh.born <= revoked) {
        return Err(50_173);
    }
    if now >= refresh.expires {
        return Err(700_082);
    }
    if refresh.used > 0 && !manners.old_refresh_tokens_work {
        return Err(70_000);
    }
    if person.challenge.is_some() && person.challenge != refresh.claims {
        return Err(50_076);
    }
    let wanted = refresh.scopes.iter().map(|scope| short(scope));
    if !wanted.clone().all(|scope| person.consented.contains(scope)) {
        return Err(65_001);
    }
    refresh.used += 1;
    let (scopes, claims) = (refresh.scopes.clone(), refresh.claims.clone());
    Ok(Given { person: refresh.person, scopes, claims, nonce: None })
}

fn issue(
    shared: &Shared,
    records: &mut Records,
    given: Given,
    asked: &BTreeSet<String>,
    manners: &Manners,
    now: Timestamp,
) -> Reply {
    let Given { person, scopes, claims, nonce } = given;
    let shorts: BTreeSet<&str> = scopes.iter().map(|scope| short(scope)).collect();
    let permissions: BTreeSet<String> = asked
        .iter()
        .map(|scope| short(scope).to_owned())
        .filter(|scope| shorts.contains(scope.as_str()) && !OPEN_ID.contains(&scope.as_str()))
        .chain(manners.earlier_scopes.iter().cloned())
        .collect();
    let mut said: Vec<String> = permissions
        .iter()
        .map(|scope| match manners.scope_form {
            ScopeForm::Short => scope.clone(),
            ScopeForm::Long => format!("{GRAPH}{scope}"),
            ScopeForm::Asked => asked
                .iter()
                .find(|asked| short(asked) == scope)
                .cloned()
                .unwrap_or_else(|| scope.clone()),
        })
        .collect();
    // offline_access is never named.
    said.extend(
        ["profile", "openid", "email"]
            .map(str::to_owned)
            .into_iter()
            .filter(|scope| asked.contains(scope)),
    );
    let seconds = manners.access_token_seconds;
    let mut body = json!({
        "token_type": "Bearer", "scope": said.join(" "), "expires_in": seconds,
        "ext_expires_in": seconds,
    });
    let access = records.grants.new_access(person, permissions, claims.clone(), now, seconds);
    body["access_token"] = json!(access);
    if shorts.contains("offline_access") {
        let days = manners.refresh_token_days;
        body["refresh_token"] =
            json!(records.grants.new_refresh(person, scopes.clone(), claims, now, days));
    }
    if asked.contains("openid")
        && let Some(token) = id_token(shared, records, person, nonce, manners, now)
    {
        body["id_token"] = json!(token);
    }
    Reply::json(200, body).header("cache-control", "no-store, no-cache")
}

fn id_token(
    shared: &Shared,
    records: &Records,
    person: usize,
    nonce: Option<String>,
    manners: &Manners,
    now: Timestamp,
) -> Option<String> {
    let person = records.people.get(person)?;
    let (mut tid, mut begin) = (person.tenant.clone(), now.as_second());
    let mut claims = json!({
        "aud": CLIENT_ID, "oid": person.oid, "tid": person.tenant, "ver": "2.0",
        "name": person.name, "preferred_username": person.address, "email": person.address,
        "sub": super::ids::opaque("", digest::digest(&digest::SHA256, person.oid.as_bytes()).as_ref()),
    });
    if let Some(nonce) = nonce {
        claims["nonce"] = json!(nonce);
    }
    match manners.id_token {
        IdToken::Missing => return None,
        IdToken::OtherAudience => claims["aud"] = json!("99999999-2222-4333-8444-555555555555"),
        IdToken::OtherNonce => claims["nonce"] = json!("the nonce of another sign-in"),
        IdToken::OtherIssuer => tid = "77777777-2222-4333-8444-555555555555".to_owned(),
        IdToken::Expired => begin -= 86_400,
        _ => {}
    }
    claims["iss"] = json!(format!("{}/{tid}/v2.0", manners.issuer));
    for (name, time) in [("iat", begin), ("nbf", begin), ("exp", begin + 3_600)] {
        claims[name] = json!(time);
    }
    let token = match manners.id_token {
        IdToken::Unsigned => Keys::unsigned(&claims),
        IdToken::UnknownKey => shared.keys.sign(&claims, Some("an-unpublished-key")),
        _ => shared.keys.sign(&claims, None),
    };
    Some(if manners.id_token == IdToken::Forged { forged(&token, &claims) } else { token })
}

/// The signature of one text under another.
fn forged(token: &str, claims: &Value) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let mut other = claims.clone();
    other["oid"] = json!("66666666-2222-4333-8444-555555555555");
    if let Some(part) = parts.get_mut(1) {
        *part = BASE64URL_NOPAD.encode(other.to_string().as_bytes());
    }
    parts.join(".")
}
