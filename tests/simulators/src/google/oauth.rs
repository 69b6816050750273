//! Consent and tokens: the page that a person sees, the code that comes of it, and what it is
//! exchanged for (RFC 6749, RFC 7636).

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_lc_rs::digest;
use data_encoding::BASE64URL_NOPAD;
use jiff::SignedDuration;
use serde_json::json;
use url::Url;

use super::asking::Asking;
use super::grants::{Code, LIFE};
use super::paths::{AUTHORIZE, CONSENT, REVOKE, TOKEN};
use super::registration::{CLIENT_ID, CLIENT_SECRET, EVENTS};
use super::reply::Reply;
use super::shared::Shared;
use super::state::Records;

/// Parameters of the page's address.
const KNOWN: &[&str] = &[
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "access_type",
    "prompt",
    "code_challenge",
    "code_challenge_method",
    "login_hint",
    "include_granted_scopes",
];

pub(super) fn serve(shared: &Arc<Shared>, request: &Asking) -> Reply {
    let form = matches!(
        request.header("content-type").map(|kind| kind.split(';').next().unwrap_or_default()),
        Some("application/x-www-form-urlencoded")
    );
    shared.write(|records| match (request.verb.as_str(), request.path.as_str()) {
        ("GET", AUTHORIZE) => page(shared, records, &request.query),
        ("POST", CONSENT) if form => decide(shared, records, &Asking::pairs(&request.body)),
        ("POST", TOKEN) if form => token(shared, records, &Asking::pairs(&request.body)),
        ("POST", REVOKE) if form => revoke(records, &Asking::pairs(&request.body)),
        _ => {
            records.violation(format!(
                "{} {}: another method, or no form",
                request.verb, request.path
            ));
            error(400, "invalid_request", "Bad Request")
        }
    })
}

fn value<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

fn error(status: u16, code: &str, words: &str) -> Reply {
    Reply::json(status, json!({"error": code, "error_description": words}))
}

/// The consent page: user and scopes. Errors in the address are shown here and never sent to the
/// client.
fn page(shared: &Shared, records: &mut Records, query: &str) -> Reply {
    let pairs = Asking::pairs(query.as_bytes());
    let wrong = mistakes(shared, &pairs);
    if !wrong.is_empty() {
        wrong.iter().for_each(|words| records.violation(format!("authorize: {words}")));
        return Reply::html(
            400,
            format!("<title>Error 400</title><p>Access blocked: {}", wrong.join("; ")),
        );
    }
    let boxes: String =
        value(&pairs, "scope").unwrap_or_default().split(' ').map(tick_box).collect();
    let accounts: String =
        records.accounts.keys().map(|account| format!("<option>{account}</option>")).collect();
    let query = query.replace('&', "&amp;").replace('"', "&quot;");
    Reply::html(
        200,
        format!(
            "<!doctype html><html lang=en><meta name=viewport \
            content=\"width=device-width\"><title>Sign in - Google Accounts</title><main>\
             <h1>calrelay wants access to your Google Account</h1><form method=post \
             action=\"{CONSENT}\">\
             <input type=hidden name=request value=\"{query}\"><p><label>Account <select \
             name=account>{accounts}</select></label>\
             <p>Select what calrelay can access{boxes}<p><button name=answer \
             value=allow>Continue</button> \
             <button name=answer value=deny>Cancel</button></form></main>"
        ),
    )
}

/// A right with its box, which is empty until the person ticks it.
fn tick_box(scope: &str) -> String {
    let words = match scope {
        super::CALENDAR_LIST_READONLY => {
            "See the list of Google calendars you\u{2019}re subscribed to"
        }
        EVENTS => "View and edit events on all your calendars",
        other => other,
    };
    format!("<p><label><input type=checkbox name=scope value=\"{scope}\"> {words}</label>")
}

fn mistakes(shared: &Shared, pairs: &[(String, String)]) -> Vec<String> {
    let mut wrong: Vec<String> = pairs
        .iter()
        .filter(|(name, _)| !KNOWN.contains(&name.as_str()))
        .map(|(name, _)| format!("unknown parameter {name}"))
        .collect();
    // RFC 6749, section 3.1.
    let twice = pairs
        .iter()
        .enumerate()
        .filter(|(n, (name, _))| pairs[..*n].iter().any(|(earlier, _)| earlier == name));
    wrong.extend(twice.map(|(_, (name, _))| format!("{name} twice")));
    let mut must = |holds: bool, words: &str| {
        if !holds {
            wrong.push(words.to_owned());
        }
    };
    must(value(pairs, "client_id") == Some(CLIENT_ID), "invalid_client");
    must(
        value(pairs, "redirect_uri").is_some_and(|uri| shared.redirects_to(uri)),
        "redirect_uri_mismatch",
    );
    must(value(pairs, "response_type") == Some("code"), "response_type is not code");
    must(
        value(pairs, "scope").is_some_and(|scope| {
            scope.split(' ').all(|s| s.starts_with("https://") || s.len() > 3)
        }),
        "invalid_scope",
    );
    must(
        value(pairs, "code_challenge_method") == Some("S256"),
        "code_challenge_method is not S256",
    );
    must(
        value(pairs, "code_challenge")
            .is_some_and(|c| BASE64URL_NOPAD.decode(c.as_bytes()).is_ok_and(|c| c.len() == 32)),
        "no code_challenge of 32 bytes",
    );
    must(
        value(pairs, "state").is_some_and(|state| state.len() >= 16),
        "no state, or one that can be guessed",
    );
    let prompts = |prompt: &str| {
        prompt.split(' ').all(|word| matches!(word, "none" | "consent" | "select_account"))
    };
    must(value(pairs, "prompt").is_none_or(prompts), "prompt is none of those that there are");
    must(
        value(pairs, "access_type").is_none_or(|t| matches!(t, "online" | "offline")),
        "access_type is neither online nor offline",
    );
    wrong
}

/// The person's answer: a way back to the client, with a code or with an error.
fn decide(shared: &Shared, records: &mut Records, form: &[(String, String)]) -> Reply {
    let asked = Asking::pairs(value(form, "request").unwrap_or_default().as_bytes());
    let account = value(form, "account").unwrap_or_default();
    let Some(mut back) = value(&asked, "redirect_uri")
        .and_then(|uri| Url::parse(uri).ok())
        .filter(|_| mistakes(shared, &asked).is_empty())
    else {
        return Reply::html(400, "<title>Error 400</title>".to_owned());
    };
    let answer = value(form, "answer").unwrap_or_default();
    let state = value(&asked, "state").unwrap_or_default().to_owned();
    if answer != "allow" || !records.accounts.contains_key(account) {
        let why = if matches!(answer, "admin_policy_enforced" | "org_internal") {
            answer
        } else {
            "access_denied"
        };
        back.query_pairs_mut().append_pair("error", why).append_pair("state", &state);
        return Reply::status(302).header("location", back.to_string());
    }
    let wanted: BTreeSet<&str> = value(&asked, "scope").unwrap_or_default().split(' ').collect();
    let ticked =
        form.iter().filter(|(name, scope)| name == "scope" && wanted.contains(scope.as_str()));
    let mut scopes: BTreeSet<String> = ticked.map(|(_, scope)| scope.clone()).collect();
    if value(&asked, "include_granted_scopes") == Some("true") {
        scopes.extend(records.grants.granted(account));
    }
    let again = value(&asked, "prompt")
        .is_some_and(|prompt| prompt.split(' ').any(|word| word == "consent"));
    let offline = value(&asked, "access_type") == Some("offline")
        && (again || !records.grants.is_valid(account));
    let code = Code {
        account: account.to_owned(),
        scopes: scopes.clone(),
        redirect: value(&asked, "redirect_uri").unwrap_or_default().to_owned(),
        challenge: value(&asked, "code_challenge").unwrap_or_default().to_owned(),
        offline,
        expires: shared.clock.now() + SignedDuration::from_mins(10),
    };
    let code = records.grants.new_code(code);
    let scopes: Vec<String> = scopes.into_iter().collect();
    back.query_pairs_mut()
        .append_pair("state", &state)
        .append_pair("code", &code)
        .append_pair("scope", &scopes.join(" "));
    Reply::status(302).header("location", back.to_string())
}

fn token(shared: &Shared, records: &mut Records, form: &[(String, String)]) -> Reply {
    let known: &[&str] = match value(form, "grant_type") {
        Some("authorization_code") => {
            &["grant_type", "code", "redirect_uri", "client_id", "client_secret", "code_verifier"]
        }
        Some("refresh_token") => {
            &["grant_type", "refresh_token", "client_id", "client_secret", "scope"]
        }
        _ => {
            records.violation("token: no such grant_type");
            return error(400, "unsupported_grant_type", "Invalid grant_type");
        }
    };
    for (name, _) in form.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
        records.violation(format!("token: unknown parameter {name}"));
    }
    if value(form, "client_id") != Some(CLIENT_ID)
        || value(form, "client_secret") != Some(CLIENT_SECRET)
    {
        return error(401, "invalid_client", "The OAuth client was not found.");
    }
    let now = shared.clock.now();
    if let Some(refresh) = value(form, "refresh_token") {
        records.grants.refreshes += 1;
        let Some((account, scopes)) = records.grants.refresh(refresh) else {
            return error(400, "invalid_grant", "Token has been expired or revoked.");
        };
        return given(records, &account, scopes, None, now);
    }
    let Some(code) = value(form, "code").and_then(|code| records.grants.code(code, now)) else {
        return error(400, "invalid_grant", "Malformed auth code.");
    };
    let verifier = value(form, "code_verifier").unwrap_or_default();
    let well_formed = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    let hash =
        BASE64URL_NOPAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()).as_ref());
    if !well_formed || hash != code.challenge {
        return error(400, "invalid_grant", "Invalid code verifier.");
    }
    if value(form, "redirect_uri") != Some(code.redirect.as_str()) {
        return error(400, "redirect_uri_mismatch", "Bad Request");
    }
    let refresh =
        code.offline.then(|| records.grants.new_refresh(&code.account, code.scopes.clone()));
    given(records, &code.account, code.scopes, refresh, now)
}

fn given(
    records: &mut Records,
    account: &str,
    scopes: BTreeSet<String>,
    refresh: Option<String>,
    now: jiff::Timestamp,
) -> Reply {
    let scope: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let mut body = json!({"expires_in": LIFE, "scope": scope.join(" "), "token_type": "Bearer"});
    body["access_token"] = json!(records.grants.new_access(account, scopes, now));
    if let Some(refresh) = refresh {
        body["refresh_token"] = json!(refresh);
    }
    Reply::json(200, body)
}

fn revoke(records: &mut Records, form: &[(String, String)]) -> Reply {
    if form.len() != 1 {
        records.violation("revoke: one parameter is wanted, and no other");
    }
    match value(form, "token") {
        Some(token) if records.grants.revoke(token) => Reply::json(200, json!({})),
        _ => error(400, "invalid_token", "Token expired or revoked"),
    }
}
