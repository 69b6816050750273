//! The skin: Key Vault's REST and the metadata service's, one refusal after the other.

use std::sync::Mutex;

use axum::body::{Body, Bytes};
use axum::http::request::Parts;
use axum::http::{Method, Request, Response};
use data_encoding::BASE64URL_NOPAD;
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::json;

use super::Fault;
use super::state::{Refusal, State, lock};
use crate::wire::Outcome;

const LARGEST_BODY: usize = 64 * 1024;

/// The version of the REST that azure_security_keyvault_keys 1.0 speaks.
const API_VERSION: &str = "api-version=2025-07-01";

/// The body of a call.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Call {
    alg: String,
    value: String,
}

pub(super) async fn answer(state: &Mutex<State>, request: Request<Incoming>) -> Outcome {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(Body::new(body), LARGEST_BODY).await else {
        return Outcome::Cut;
    };
    let fault = lock(state).fault();
    match &fault {
        Some(Fault::Cut) => return Outcome::Cut,
        Some(Fault::Late(time)) => tokio::time::sleep(*time).await,
        _ => {}
    }
    let mut state = lock(state);
    if parts.uri.path() == "/metadata/identity/oauth2/token" {
        give_back(&mut state, fault);
        return sign_in(&mut state, &parts);
    }
    match token(&parts) {
        Some(token) if state.tokens.contains(token) => {}
        _ => {
            give_back(&mut state, fault);
            return challenge(&mut state, &body);
        }
    }
    keys(&mut state, &parts, &body, fault)
}

/// A fault that was planned for the next call waits until there is one.
fn give_back(state: &mut State, fault: Option<Fault>) {
    if let Some(fault) =
        fault.filter(|fault| state.always.is_none() && !matches!(fault, Fault::Late(_)))
    {
        state.planned.push_front(fault);
    }
}

fn token(parts: &Parts) -> Option<&str> {
    parts.headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")
}

fn challenge(state: &mut State, body: &Bytes) -> Outcome {
    state.counts.challenges += 1;
    state.counts.bodies_before_sign_in += u64::from(!body.is_empty());
    let words = "AKV10000: Request is missing a Bearer or PoP token.";
    let answer = Response::builder().status(401).header(
        "www-authenticate",
        "Bearer authorization=\"https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555\", resource=\"https://vault.azure.net\"",
    );
    json(answer, &json!({"error": {"code": "Unauthorized", "message": words}}))
}

/// A token for the machine's identity (the metadata service of a virtual machine).
fn sign_in(state: &mut State, parts: &Parts) -> Outcome {
    let asked = parts.uri.query().unwrap_or_default();
    let metadata = parts.headers.get("metadata").is_some_and(|value| value == "true");
    if parts.method != Method::GET
        || !metadata
        || asked != "api-version=2019-08-01&resource=https%3A%2F%2Fvault.azure.net"
    {
        state.counts.wrong += 1;
        return refuse(
            400,
            "invalid_request",
            "Required metadata header not specified, or not this resource",
        );
    }
    let token = state.new_token();
    // In a day by any clock that is not before 2026: the tests have no clock of their own here.
    let answer = json!({"access_token": token, "expires_on": "4102444800", "resource": "https://vault.azure.net", "token_type": "Bearer"});
    json(Response::builder().status(200), &answer)
}

fn keys(state: &mut State, parts: &Parts, body: &Bytes, fault: Option<Fault>) -> Outcome {
    let path: Vec<&str> = parts.uri.path().split('/').collect();
    let ["", "keys", key, version, operation @ ("wrapkey" | "unwrapkey")] = path[..] else {
        state.counts.wrong += 1;
        return refuse(404, "NotFound", "no such operation");
    };
    let counter =
        if operation == "wrapkey" { &mut state.counts.wraps } else { &mut state.counts.unwraps };
    *counter += 1;
    match fault {
        Some(Fault::Throttled(after)) => return throttled(after),
        Some(Fault::Unavailable) => {
            return refuse(503, "ServiceUnavailable", "The service is unavailable.");
        }
        Some(Fault::Page) => return page(200),
        Some(Fault::Proxy) => return page(400),
        _ => {}
    }
    let Some(call) = well_formed(parts, body) else {
        state.counts.wrong += 1;
        return refuse(400, "BadParameter", "Property has invalid value");
    };
    let Ok(value) = BASE64URL_NOPAD.decode(call.value.as_bytes()) else {
        state.counts.wrong += 1;
        return refuse(400, "BadParameter", "Property 'value' is not base64url");
    };
    let done = if operation == "wrapkey" {
        state.wrap(key, version, &value)
    } else {
        state.unwrap(key, version, &value)
    };
    match done {
        Ok((version, value)) => {
            let name = if fault == Some(Fault::OtherKey) { "another" } else { key };
            let kid = format!("https://{}/keys/{name}/{version}", state.host());
            json(
                Response::builder().status(200),
                &json!({"kid": kid, "value": BASE64URL_NOPAD.encode(&value)}),
            )
        }
        Err(Refusal::NotFound) => refuse(
            404,
            "KeyNotFound",
            &format!("A key with (name/id) {key}/{version} was not found in this key vault."),
        ),
        Err(Refusal::Forbidden) => {
            refuse(403, "Forbidden", "Caller is not authorized to perform action on resource.")
        }
        Err(Refusal::BadParameter) => refuse(400, "BadParameter", "The parameter is incorrect."),
    }
}

fn well_formed(parts: &Parts, body: &Bytes) -> Option<Call> {
    let json = parts.headers.get("content-type").is_some_and(|kind| kind == "application/json");
    if parts.method != Method::POST || parts.uri.query() != Some(API_VERSION) || !json {
        return None;
    }
    serde_json::from_slice(body).ok().filter(|call: &Call| call.alg == "RSA-OAEP-256")
}

fn throttled(after: Option<u64>) -> Outcome {
    let mut answer = Response::builder().status(429);
    if let Some(after) = after {
        answer = answer.header("retry-after", after);
    }
    json(
        answer,
        &json!({"error": {"code": "Throttled", "message": "Request was not processed because too \
        many requests were received."}}),
    )
}

fn refuse(status: u16, code: &str, words: &str) -> Outcome {
    json(Response::builder().status(status), &json!({"error": {"code": code, "message": words}}))
}

fn page(status: u16) -> Outcome {
    let page = "<html>Sign in to the guest network</html>";
    Response::builder()
        .status(status)
        .header("content-type", "text/html")
        .body(Body::from(page))
        .map_or(Outcome::Cut, Outcome::Answer)
}

fn json(answer: axum::http::response::Builder, value: &serde_json::Value) -> Outcome {
    answer
        .header("content-type", "application/json; charset=utf-8")
        .body(Body::from(value.to_string()))
        .map_or(Outcome::Cut, Outcome::Answer)
}
