//! Google's consent against a token endpoint with prepared answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64URL_NOPAD;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::*;
use crate::Error;
use crate::oauth::AccessTokens;
use crate::oauth::test_endpoint::{DiscardingStore, Fields, TokenEndpoint, http};

/// The challenge that RFC 7636 section 4.2 defines.
fn challenge(verifier: &SecretString) -> String {
    let hash = digest(&SHA256, verifier.expose_secret().as_bytes());
    BASE64URL_NOPAD.encode(hash.as_ref())
}

const REDIRECT: &str = "http://127.0.0.1:4711/oauth/google/callback";

struct GoogleOAuthWorld {
    endpoint: Arc<TokenEndpoint>,
    client: Arc<Client>,
}

async fn world() -> GoogleOAuthWorld {
    let (endpoint, base) = TokenEndpoint::start().await;
    let url = |path: &str| Url::parse(&format!("{base}{path}")).unwrap();
    let settings = OAuthSettings {
        client_id: "client-1".into(),
        client_secret: "client-secret".into(),
        auth_url: url("/auth"),
        token_url: url("/token"),
        revoke_url: url("/revoke"),
    };
    GoogleOAuthWorld { endpoint, client: Arc::new(Client::new(&http(), settings)) }
}

impl GoogleOAuthWorld {
    async fn exchange(&self) -> crate::Result<TokenGrant> {
        self.client
            .exchange(&Url::parse(REDIRECT).unwrap(), &"4/code".into(), &"verifier".into())
            .await
    }
}

fn whole(refresh: &str) -> String {
    format!(
        r#"{{"access_token":"ya29.x","expires_in":3599,"refresh_token":"{refresh}","scope":"{}","token_type":"Bearer"}}"#,
        SCOPES.join(" ")
    )
}

#[tokio::test]
async fn a_person_is_asked_for_two_rights_and_nothing_else() {
    let world = world().await;
    let redirect = Url::parse(REDIRECT).unwrap();
    let asked = world.client.authorize(&redirect, "the-state").unwrap();
    let fields: Fields = asked.url.query_pairs().into_owned().collect();
    let expected = BTreeMap::from(
        [
            ("client_id", "client-1"),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            (
                "scope",
                "https://www.googleapis.com/auth/calendar.calendarlist.readonly \
            https://www.googleapis.com/auth/calendar.events",
            ),
            ("state", "the-state"),
            ("access_type", "offline"),
            ("prompt", "consent"),
            ("code_challenge", &*challenge(&asked.verifier)),
            ("code_challenge_method", "S256"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    assert_eq!(fields, expected);
    let again = world.client.authorize(&redirect, "the-state").unwrap();
    assert_ne!(again.verifier.expose_secret(), asked.verifier.expose_secret());
    assert!(
        !asked.url.as_str().contains(asked.verifier.expose_secret())
            && !asked.url.as_str().contains("client-secret")
    );
}

#[tokio::test]
async fn a_code_is_redeemed_with_its_verifier() {
    let world = world().await;
    world.endpoint.next(200, &whole("1//new"));
    let granted = world.exchange().await.unwrap();
    assert_eq!(
        (granted.refresh.expose_secret(), granted.access.expose_secret()),
        ("1//new", "ya29.x")
    );
    let (path, fields) = world.endpoint.asked().pop().unwrap();
    let sent: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (&**name, &**value)).collect();
    let expected = [
        ("client_id", "client-1"),
        ("client_secret", "client-secret"),
        ("code", "4/code"),
        ("code_verifier", "verifier"),
        ("grant_type", "authorization_code"),
        ("redirect_uri", REDIRECT),
    ];
    assert_eq!((&*path, &sent[..]), ("/token", &expected[..]));
}

/// The person has to allow all that this program needs.
fn asks_for_more<T>(outcome: crate::Result<T>) -> bool {
    let step = outcome.err().map(|error| error.consent_step());
    step == Some(crate::ConsentStep::AllowMore)
}

#[tokio::test]
async fn a_consent_that_is_not_whole_is_refused() {
    let world = world().await;
    let answer = |scope: &str| {
        format!(r#"{{"access_token":"a","refresh_token":"r","expires_in":1,"scope":"{scope}"}}"#)
    };
    for scope in ["", SCOPES[0], SCOPES[1], "https://www.googleapis.com/auth/calendar"] {
        world.endpoint.next(200, &answer(scope));
        assert!(asks_for_more(world.exchange().await), "{scope}");
    }
    world.endpoint.next(200, r#"{"access_token":"a","refresh_token":"r","expires_in":1}"#);
    assert!(
        matches!(world.exchange().await, Err(Error::BadAnswer(_))),
        "what is not said is not assumed"
    );
    world.endpoint.next(200, &whole("r").replace("refresh_token", "other"));
    assert!(
        matches!(world.exchange().await, Err(Error::BadAnswer(_))),
        "access for an hour is not enough"
    );
    assert!(
        world.endpoint.asked().iter().all(|(path, _)| path == "/token"),
        "an earlier grant of the same person is not given back with it"
    );
}

#[tokio::test]
async fn a_grant_is_given_back_by_its_refresh_token() {
    let world = world().await;
    world.endpoint.next(200, "{}");
    world.client.revoke(&"1//refresh".into()).await.unwrap();
    assert_eq!(
        world.endpoint.asked(),
        [("/revoke".to_owned(), Fields::from([("token".to_owned(), "1//refresh".to_owned())]))]
    );
    world.endpoint.next(400, r#"{"error":"invalid_token"}"#);
    world.client.revoke(&"1//refresh".into()).await.expect("it is dead already");
    world.endpoint.next(400, r#"{"error":"invalid_request"}"#);
    assert!(world.client.revoke(&"1//refresh".into()).await.is_err());
}

#[tokio::test]
async fn a_refresh_that_gives_fewer_rights_is_no_access() {
    let world = world().await;
    world.endpoint.next(200, &format!(r#"{{"access_token":"a","scope":"{}"}}"#, SCOPES[1]));
    assert!(asks_for_more(world.client.adopt(&"1//r".into()).await));
    world
        .endpoint
        .next(200, &format!(r#"{{"access_token":"a","scope":"{} {}"}}"#, SCOPES[1], SCOPES[0]));
    assert_eq!(world.client.adopt(&"1//r".into()).await.unwrap().refresh.expose_secret(), "1//r");
    world.endpoint.next(200, r#"{"access_token":"a","expires_in":3599}"#);
    assert!(
        matches!(world.client.adopt(&"1//r".into()).await, Err(Error::BadAnswer(_))),
        "of a grant from elsewhere nothing is assumed"
    );
    world.endpoint.next(200, &format!(r#"{{"access_token":"a","scope":"{}"}}"#, SCOPES[0]));
    let grant = Grants::new(world.client.clone()).open(
        "anna@example.org",
        &"1//refresh".into(),
        Arc::new(DiscardingStore),
    );
    assert!(asks_for_more(grant.access_token().await), "nor of one that is in use");
}

#[tokio::test]
async fn settings_print_no_secret() {
    let settings = OAuthSettings {
        client_id: "client-1".into(),
        client_secret: "client-secret".into(),
        auth_url: Url::parse(AUTH_URL).unwrap(),
        token_url: Url::parse(TOKEN_URL).unwrap(),
        revoke_url: Url::parse(REVOKE_URL).unwrap(),
    };
    assert!(!format!("{settings:?}").contains("client-secret"));
    assert_ne!(settings, OAuthSettings { client_secret: "another".into(), ..settings.clone() });
}
