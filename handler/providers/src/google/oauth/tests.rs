//! Against a token endpoint that answers as it is told, and writes down what it was asked.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::extract::{Form, State};
use axum::http::{StatusCode, Uri};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::*;
use crate::google::AccessTokens;
use crate::http::{AddressPolicy, Http};
use crate::{Error, RefreshTokenStore};

type Fields = BTreeMap<String, String>;

/// The endpoint: prepared answers, and a token that lives an hour when none is left.
#[derive(Default)]
struct TokenEndpoint {
    answers: Mutex<VecDeque<(u16, String)>>,
    asked: Mutex<Vec<(String, Fields)>>,
}

async fn answer(
    State(endpoint): State<Arc<TokenEndpoint>>,
    uri: Uri,
    Form(fields): Form<Fields>,
) -> (StatusCode, String) {
    tokio::time::sleep(Duration::from_millis(20)).await;
    let count = {
        let mut asked = endpoint.asked.lock().unwrap();
        asked.push((uri.path().to_owned(), fields));
        asked.len()
    };
    let prepared = endpoint.answers.lock().unwrap().pop_front();
    let (status, body) = prepared.unwrap_or_else(|| {
        (
            200,
            format!(r#"{{"access_token":"ya29.{count}","expires_in":3599,"token_type":"Bearer"}}"#),
        )
    });
    (StatusCode::from_u16(status).unwrap(), body)
}

struct OAuthWorld {
    endpoint: Arc<TokenEndpoint>,
    client: Arc<Client>,
}

const DEAD: &str =
    r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#;
const REDIRECT: &str = "http://127.0.0.1:4711/oauth/google/callback";

async fn world() -> OAuthWorld {
    let endpoint = Arc::new(TokenEndpoint::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(endpoint.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let url = |path: &str| Url::parse(&format!("{base}{path}")).unwrap();
    let settings = OAuthSettings {
        client_id: "client-1".into(),
        client_secret: "client-secret".into(),
        auth_url: url("/auth"),
        token_url: url("/token"),
        revoke_url: url("/revoke"),
    };
    let http = Arc::new(Http::hurried(AddressPolicy { allow_private: true }).unwrap());
    OAuthWorld { endpoint, client: Arc::new(Client::new(&http, settings)) }
}

impl OAuthWorld {
    fn next(&self, status: u16, body: &str) {
        self.endpoint.answers.lock().unwrap().push_back((status, body.to_owned()));
    }

    fn asked(&self) -> Vec<(String, Fields)> {
        std::mem::take(&mut *self.endpoint.asked.lock().unwrap())
    }

    fn grant(&self) -> Arc<Grant> {
        Grants::new(self.client.clone()).open(
            "anna@example.org",
            &"1//refresh".into(),
            Arc::new(SwitchableStore::default()),
        )
    }

    async fn exchange(&self) -> crate::Result<TokenGrant> {
        self.client
            .exchange(&Url::parse(REDIRECT).unwrap(), &"4/code".into(), &"verifier".into())
            .await
    }
}

/// A place for refresh tokens, which may be shut.
#[derive(Default)]
struct SwitchableStore {
    kept: Mutex<Vec<String>>,
    shut: Mutex<bool>,
    /// Whether access was given, each time that it was asked for.
    heard: Mutex<Vec<bool>>,
}

#[async_trait]
impl RefreshTokenStore for SwitchableStore {
    async fn keep(&self, old: &SecretString, new: &SecretString) -> bool {
        let open = !*self.shut.lock().unwrap();
        if open {
            self.kept.lock().unwrap().push(format!(
                "{} -> {}",
                old.expose_secret(),
                new.expose_secret()
            ));
        }
        open
    }

    async fn stands(&self, failure: Option<&Error>) {
        self.heard.lock().unwrap().push(failure.is_none());
    }
}

fn whole(refresh: &str) -> String {
    format!(
        r#"{{"access_token":"ya29.x","expires_in":3599,"refresh_token":"{refresh}","scope":"{}","token_type":"Bearer"}}"#,
        SCOPES.join(" ")
    )
}

/// Many that ask at the same moment: how many got a token, and the errors of the others.
async fn crowd(grant: &Arc<Grant>, count: usize) -> (usize, Vec<Error>) {
    let asking: Vec<_> = (0..count)
        .map(|_| {
            let grant = grant.clone();
            tokio::spawn(async move { grant.bearer().await })
        })
        .collect();
    let (mut good, mut bad) = (0, Vec::new());
    for one in asking {
        match one.await.unwrap() {
            Ok(_) => good += 1,
            Err(error) => bad.push(error),
        }
    }
    (good, bad)
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
            ("code_challenge", &*pkce::challenge(&asked.verifier)),
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
    world.next(200, &whole("1//new"));
    let granted = world.exchange().await.unwrap();
    assert_eq!(
        (granted.refresh.expose_secret(), granted.access.expose_secret()),
        ("1//new", "ya29.x")
    );
    let (path, fields) = world.asked().pop().unwrap();
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

#[tokio::test]
async fn a_consent_that_is_not_whole_is_refused() {
    let world = world().await;
    let answer = |scope: &str| {
        format!(r#"{{"access_token":"a","refresh_token":"r","expires_in":1,"scope":"{scope}"}}"#)
    };
    for scope in ["", SCOPES[0], SCOPES[1], "https://www.googleapis.com/auth/calendar"] {
        world.next(200, &answer(scope));
        assert!(matches!(world.exchange().await, Err(Error::Consent(_))), "{scope}");
    }
    world.next(200, r#"{"access_token":"a","refresh_token":"r","expires_in":1}"#);
    assert!(
        matches!(world.exchange().await, Err(Error::BadAnswer(_))),
        "what is not said is not assumed"
    );
    world.next(200, &whole("r").replace("refresh_token", "other"));
    assert!(
        matches!(world.exchange().await, Err(Error::BadAnswer(_))),
        "access for an hour is not enough"
    );
    assert!(
        world.asked().iter().all(|(path, _)| path == "/token"),
        "an earlier grant of the same person is not given back with it"
    );
}

#[tokio::test]
async fn a_code_is_sent_once_and_a_refresh_again() {
    let world = world().await;
    world.next(500, "");
    assert!(matches!(world.exchange().await, Err(Error::Unreachable(_))));
    assert_eq!(world.asked().len(), 1);
    world.next(500, "");
    assert!(world.grant().bearer().await.is_ok());
    assert_eq!(world.asked().len(), 2);
}

#[tokio::test]
async fn a_grant_is_given_back_by_its_refresh_token() {
    let world = world().await;
    world.next(200, "{}");
    world.client.revoke(&"1//refresh".into()).await.unwrap();
    assert_eq!(
        world.asked(),
        [("/revoke".to_owned(), Fields::from([("token".to_owned(), "1//refresh".to_owned())]))]
    );
    world.next(400, r#"{"error":"invalid_token"}"#);
    world.client.revoke(&"1//refresh".into()).await.expect("it is dead already");
    world.next(400, r#"{"error":"invalid_request"}"#);
    assert!(world.client.revoke(&"1//refresh".into()).await.is_err());
}

#[tokio::test]
async fn a_thousand_that_wait_cost_one_refresh() {
    let world = world().await;
    let grant = world.grant();
    assert_eq!(crowd(&grant, 1_000).await.0, 1_000);
    assert_eq!(crowd(&grant, 1_000).await.0, 1_000);
    let asked = world.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].1["grant_type"], "refresh_token");
    assert_eq!(asked[0].1["refresh_token"], "1//refresh");
}

#[tokio::test]
async fn a_thousand_hear_of_one_refusal() {
    let world = world().await;
    world.next(400, DEAD);
    let grant = world.grant();
    let (good, bad) = crowd(&grant, 1_000).await;
    assert!(good == 0 && bad.iter().all(|error| matches!(error, Error::Unauthorized)));
    assert!(
        matches!(grant.bearer().await, Err(Error::Unauthorized)),
        "and whoever comes right after"
    );
    assert_eq!(world.asked().len(), 1);
}

#[tokio::test]
async fn whoever_keeps_the_secret_hears_how_it_stands() {
    let world = world().await;
    let (grants, drawer) =
        (Grants::new(world.client.clone()), Arc::new(SwitchableStore::default()));
    let grant = grants.open("anna@example.org", &"1//r".into(), drawer.clone());
    let token = grant.bearer().await.unwrap();
    grant.bearer().await.unwrap();
    grant.refused(&token);
    world.next(400, DEAD);
    assert!(grant.bearer().await.is_err() && grant.bearer().await.is_err());
    assert_eq!(
        *drawer.heard.lock().unwrap(),
        [true, false],
        "once for each time that Google was asked"
    );
}

#[tokio::test]
async fn a_failure_of_the_moment_is_shared_by_those_who_waited_and_asked_again_afterwards() {
    let world = world().await;
    world.next(401, r#"{"error":"invalid_client"}"#);
    let grant = world.grant();
    let (good, bad) = crowd(&grant, 100).await;
    assert!(good == 0 && bad.iter().all(|error| matches!(error, Error::Misconfigured(_))));
    assert!(grant.bearer().await.is_ok(), "the settings were mended");
    assert_eq!(world.asked().len(), 2);
}

#[tokio::test]
async fn a_token_that_google_refused_is_replaced_once() {
    let world = world().await;
    let grant = world.grant();
    let first = grant.bearer().await.unwrap();
    grant.refused(&first);
    let second = grant.bearer().await.unwrap();
    assert_ne!(first.expose_secret(), second.expose_secret());
    for _ in 0..1_000 {
        grant.refused(&first);
    }
    assert_eq!(grant.bearer().await.unwrap().expose_secret(), second.expose_secret());
    assert_eq!(world.asked().len(), 2);
}

#[tokio::test]
async fn a_token_is_replaced_before_its_end() {
    let world = world().await;
    world.next(200, r#"{"access_token":"short","expires_in":1}"#);
    let grant = world.grant();
    assert_eq!(crowd(&grant, 100).await.0, 100);
    assert_eq!(world.asked().len(), 1, "however short its life");
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_ne!(grant.bearer().await.unwrap().expose_secret(), "short");
}

#[tokio::test]
async fn whoever_is_cut_off_while_refreshing_keeps_nobody_waiting() {
    let world = world().await;
    let grant = world.grant();
    let first = tokio::time::timeout(Duration::from_millis(5), grant.bearer()).await;
    assert!(first.is_err(), "it was cut off");
    assert!(
        tokio::time::timeout(Duration::from_secs(5), grant.bearer()).await.expect("a turn").is_ok()
    );
}

#[tokio::test]
async fn a_new_refresh_token_is_handed_over_to_be_stored() {
    let world = world().await;
    let (grants, drawer) =
        (Grants::new(world.client.clone()), Arc::new(SwitchableStore::default()));
    let open = |secret: &str| grants.open("anna@example.org", &secret.into(), drawer.clone());
    *drawer.shut.lock().unwrap() = true;
    world.next(200, &whole("1//second"));
    let grant = open("1//first");
    let token = grant.bearer().await.unwrap();
    assert!(Arc::ptr_eq(&grant, &open("1//first")), "storage has the old one yet");
    grant.refused(&token);
    *drawer.shut.lock().unwrap() = false;
    let token = grant.bearer().await.unwrap();
    assert_eq!(
        *drawer.kept.lock().unwrap(),
        ["1//first -> 1//second"],
        "as soon as it can be stored"
    );
    grant.refused(&token);
    grant.bearer().await.unwrap();
    assert_eq!(drawer.kept.lock().unwrap().len(), 1);
    let sent: Vec<String> =
        world.asked().into_iter().map(|(_, fields)| fields["refresh_token"].clone()).collect();
    assert_eq!(sent, ["1//first", "1//second", "1//second"]);
    assert!(Arc::ptr_eq(&grant, &open("1//second")), "storage has the new one now");
}

#[tokio::test]
async fn all_that_work_with_an_account_share_its_grant() {
    let world = world().await;
    let (grants, drawer) =
        (Grants::new(world.client.clone()), Arc::new(SwitchableStore::default()));
    let open = |user: &str, secret: &str| grants.open(user, &secret.into(), drawer.clone());
    let first = open("anna@example.org", "1//a");
    assert!(Arc::ptr_eq(&first, &open("anna@example.org", "1//a")));
    assert!(!Arc::ptr_eq(&first, &open("anna@example.org", "1//b")), "connected anew");
    assert!(!Arc::ptr_eq(&first, &open("ben@example.org", "1//a")));
    world.next(200, &whole("1//c"));
    let granted = world.exchange().await.unwrap();
    grants.begin("anna@example.org", granted);
    world.asked();
    assert_eq!(open("anna@example.org", "1//c").bearer().await.unwrap().expose_secret(), "ya29.x");
    assert!(world.asked().is_empty(), "the token of the consent is used");
}

#[tokio::test]
async fn a_refresh_that_gives_fewer_rights_is_no_access() {
    let world = world().await;
    world.next(200, &format!(r#"{{"access_token":"a","scope":"{}"}}"#, SCOPES[1]));
    assert!(matches!(world.client.adopt(&"1//r".into()).await, Err(Error::Consent(_))));
    world.next(200, &format!(r#"{{"access_token":"a","scope":"{} {}"}}"#, SCOPES[1], SCOPES[0]));
    assert_eq!(world.client.adopt(&"1//r".into()).await.unwrap().refresh.expose_secret(), "1//r");
    world.next(200, r#"{"access_token":"a","expires_in":3599}"#);
    assert!(
        matches!(world.client.adopt(&"1//r".into()).await, Err(Error::BadAnswer(_))),
        "of a grant from elsewhere nothing is assumed"
    );
    world.next(200, &format!(r#"{{"access_token":"a","scope":"{}"}}"#, SCOPES[0]));
    assert!(
        matches!(world.grant().bearer().await, Err(Error::Consent(_))),
        "nor of one that is in use"
    );
}

#[tokio::test]
async fn an_account_that_nobody_is_let_into_is_told_of_and_asked_no_more() {
    let world = world().await;
    let drawer = Arc::new(SwitchableStore::default());
    let grant = Grants::new(world.client.clone()).open(
        "anna@example.org",
        &"1//refresh".into(),
        drawer.clone(),
    );
    grant.bearer().await.unwrap();
    grant.barred(&Error::RateLimited { retry_after: Some(Duration::from_secs(3600)) }).await;
    assert!(grant.bearer().await.is_ok(), "its token is good");
    grant.barred(&Error::Unauthorized).await;
    assert_eq!(
        (drawer.heard.lock().unwrap().clone(), world.asked().len()),
        (vec![true, false, false], 1)
    );
    let (good, bad) = crowd(&grant, 100).await;
    assert!(good == 0 && bad.iter().all(|error| matches!(error, Error::Unauthorized)));
    assert!(world.asked().is_empty(), "all who come right after get the same answer");
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
