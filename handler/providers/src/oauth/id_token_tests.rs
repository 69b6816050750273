//! id_tokens against an endpoint with prepared answers.

use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;
use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use super::test_endpoint::{TestProvider, TokenEndpoint, http};
use super::test_signer::{document, in_seconds, signed, token};
use super::{Client, TokenGrant, pkce};
use crate::{ClaimsRequest, Error, Result};

const REDIRECT: &str = "http://127.0.0.1:4711/oauth/callback";
const VERIFIER: &str = "verifier";

struct IdTokenWorld {
    endpoint: Arc<TokenEndpoint>,
    client: Client,
}

async fn world() -> IdTokenWorld {
    let (endpoint, base) = TokenEndpoint::start().await;
    endpoint.publish(200, &document(&[0], None));
    let client = Client::new(&http(), TestProvider::at(&base).with_id_tokens());
    IdTokenWorld { endpoint, client }
}

fn nonce() -> String {
    pkce::nonce(&VERIFIER.into())
}

/// The claims of a good token.
fn claims() -> Value {
    json!({
        "iss": "https://login.example.org/t-1/v2.0", "aud": "client-1", "exp": in_seconds(3600),
        "nonce": nonce(), "tid": "t-1", "oid": "o-1", "email": "anna@example.org",
    })
}

fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

impl IdTokenWorld {
    fn next(&self, id_token: &str) {
        let body = json!({
            "access_token": "a", "refresh_token": "r", "expires_in": 3599,
            "scope": TestProvider::SCOPE, "id_token": id_token,
        });
        self.endpoint.next(200, &body.to_string());
    }

    async fn exchange(&self, id_token: &str) -> Result<TokenGrant> {
        self.next(id_token);
        let (redirect, verifier) = (Url::parse(REDIRECT).unwrap(), SecretString::from(VERIFIER));
        self.client.exchange(&redirect, &"code".into(), &verifier).await
    }

    /// The words of the refusal of a token.
    async fn refusal(&self, id_token: &str) -> String {
        match self.exchange(id_token).await {
            Ok(_) => panic!("{id_token} was taken"),
            Err(Error::BadAnswer(words)) => words,
            Err(error) => panic!("{error:?}"),
        }
    }
}

#[tokio::test]
async fn a_token_names_the_owner_of_the_grant() {
    let world = world().await;
    let owner = world.exchange(&token(0, &claims())).await.unwrap().owner.unwrap();
    assert_eq!((&*owner.id, &*owner.name), (r#"Some("t-1")/Some("o-1")"#, "anna@example.org"));
    world.exchange(&token(0, &claims())).await.unwrap();
    assert_eq!(world.endpoint.keys_read(), 1, "the keys are read once");
    world.exchange(&token(0, &with("aud", json!(["client-1"])))).await.unwrap();
    world.exchange(&token(0, &with("exp", json!(in_seconds(-240))))).await.expect("clocks differ");
    for name in ["nbf", "iat"] {
        let good = [json!(in_seconds(-3600)), json!(in_seconds(240)), json!(12.5), Value::Null];
        for at in good {
            world.exchange(&token(0, &with(name, at))).await.expect("clocks differ");
        }
    }
}

#[tokio::test]
async fn a_token_that_fails_one_check_counts_for_nothing() {
    let world = world().await;
    for (name, value, words) in [
        ("aud", json!("client-2"), "another program"),
        ("aud", json!(["client-1", "client-2"]), "another program"),
        ("aud", Value::Null, "another program"),
        ("nonce", json!("other"), "another request"),
        ("nonce", Value::Null, "another request"),
        ("exp", json!(in_seconds(-360)), "has expired"),
        ("exp", json!("soon"), "has expired"),
        ("exp", Value::Null, "has expired"),
        ("nbf", json!(in_seconds(360)), "not valid yet"),
        ("iat", json!(in_seconds(360)), "not valid yet"),
        ("nbf", json!(1e300), "not valid yet"),
        ("iat", json!("soon"), "not valid yet"),
        ("iss", json!("https://login.example.org/t-2/v2.0"), "another issuer"),
        ("iss", json!("https://evil.example/t-1/v2.0"), "another issuer"),
        ("iss", json!("https://login.example.org/{tenantid}/v2.0"), "another issuer"),
        ("tid", Value::Null, "another issuer"),
    ] {
        let said = world.refusal(&token(0, &with(name, value.clone()))).await;
        assert!(said.contains(words), "{name} {value}: {said}");
        assert!(!said.contains("evil") && !said.contains("other\""), "{said}");
    }
}

#[tokio::test]
async fn only_a_key_of_the_provider_signs() {
    let world = world().await;
    let head = |alg: &str, kid: &str| json!({"alg": alg, "kid": kid});
    let good = token(0, &claims());
    let (signed_part, signature) = good.rsplit_once('.').unwrap();
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let unsigned = format!("{}.{}.", part(&head("none", "key 0")), part(&claims()));
    let other_claims = token(0, &with("oid", json!("o-2")));
    let mixed = format!("{}.{signature}", other_claims.rsplit_once('.').unwrap().0);
    for (id_token, words) in [
        (signed(1, &head("RS256", "key 0"), &claims()), "is not signed by the key"),
        (mixed, "is not signed by the key"),
        (format!("{signed_part}."), "is not signed by the key"),
        (signed(0, &head("HS256", "key 0"), &claims()), "RS256"),
        (signed(0, &head("PS256", "key 0"), &claims()), "RS256"),
        (unsigned, "RS256"),
        (signed(0, &json!({"alg": "RS256"}), &claims()), "cannot be read"),
        (signed(0, &head("RS256", "key 0"), &json!([])), "cannot be read"),
        ("x".into(), "cannot be read"),
        ("a.b.c".into(), "cannot be read"),
        ("x".repeat(20_000), "is missing"),
    ] {
        let said = world.refusal(&id_token).await;
        assert!(said.contains(words), "{words}: {said}");
    }
    let body =
        format!(r#"{{"access_token":"a","refresh_token":"r","scope":"{}"}}"#, TestProvider::SCOPE);
    world.endpoint.next(200, &body);
    let redirect = Url::parse(REDIRECT).unwrap();
    let none = world.client.exchange(&redirect, &"code".into(), &VERIFIER.into()).await;
    assert!(matches!(none, Err(Error::BadAnswer(words)) if words.contains("is missing")));
}

#[tokio::test]
async fn a_key_is_looked_for_once_more_where_it_is_unknown() {
    let world = world().await;
    world.exchange(&token(0, &claims())).await.unwrap();
    world.endpoint.publish(200, &document(&[1], None));
    world.exchange(&token(1, &claims())).await.expect("the keys were changed");
    assert_eq!(world.endpoint.keys_read(), 2);
    assert!(world.refusal(&token(0, &claims())).await.contains("unknown key"), "it is withdrawn");
    assert_eq!(world.endpoint.keys_read(), 1);
    let mut limited = 0;
    for _ in 0..20 {
        limited += usize::from(matches!(
            world.exchange(&token(0, &claims())).await,
            Err(Error::RateLimited { .. })
        ));
    }
    assert_eq!((world.endpoint.keys_read(), limited), (7, 13), "at most ten in ten minutes");
    world.exchange(&token(1, &claims())).await.expect("a known key needs no request");
}

#[tokio::test]
async fn a_key_for_one_issuer_signs_for_no_other() {
    let world = world().await;
    let own = Some("https://login.example.org/{tenantid}/v2.0");
    for (issuer, is_taken) in
        [(own, true), (Some("https://login.example.org/t-2/v2.0"), false), (None, true)]
    {
        let (endpoint, base) = TokenEndpoint::start().await;
        endpoint.publish(200, &document(&[0], issuer));
        let client = Client::new(&http(), TestProvider::at(&base).with_id_tokens());
        let other = IdTokenWorld { endpoint, client };
        assert_eq!(other.exchange(&token(0, &claims())).await.is_ok(), is_taken, "{issuer:?}");
    }
    drop(world);
}

#[tokio::test]
async fn no_code_is_spent_while_the_keys_cannot_be_read() {
    let world = world().await;
    for (status, body) in [(503, ""), (404, ""), (200, "<html>"), (200, "{}")] {
        world.endpoint.publish(status, body);
        assert!(world.exchange(&token(0, &claims())).await.is_err_and(|e| e.is_transient()));
    }
    assert_eq!(world.endpoint.asked(), [], "the code was not sent");
    world.endpoint.publish(200, &document(&[0], None));
    world.exchange(&token(0, &claims())).await.unwrap();
}

#[tokio::test]
async fn a_grant_from_elsewhere_answers_no_request_and_has_no_nonce() {
    let world = world().await;
    world.next(&token(0, &with("nonce", Value::Null)));
    let adopted = world.client.adopt(&"r".into()).await.unwrap();
    assert_eq!(adopted.owner.unwrap().name, "anna@example.org");
    let (_, fields) = world.endpoint.asked().pop().unwrap();
    assert_eq!(fields["scope"], TestProvider::SCOPE, "the scopes are named again");
    world.next(&token(0, &with("aud", json!("client-2"))));
    assert!(world.client.adopt(&"r".into()).await.is_err());
}

#[tokio::test]
async fn a_request_has_a_nonce_and_the_claims_that_were_demanded() {
    let world = world().await;
    let redirect = Url::parse(REDIRECT).unwrap();
    let asked = world.client.authorize(&redirect, "state").unwrap();
    let field = |url: &Url, name: &str| {
        url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    };
    assert_eq!(field(&asked.url, "nonce"), Some(pkce::nonce(&asked.verifier)));
    assert_eq!(field(&asked.url, "claims"), None);
    let json = r#"{"access_token":{"nbf":{"essential":true}}}"#;
    let demanded = ClaimsRequest::parse(json).unwrap();
    let asked = world.client.authorize_with(&redirect, "state", Some(&demanded)).unwrap();
    assert_eq!(field(&asked.url, "claims").as_deref(), Some(json));
}
