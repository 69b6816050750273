//! Grants against a token endpoint with prepared answers.

mod rotation;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::test_endpoint::{Fields, TestProvider, TokenEndpoint, http};
use super::*;
use crate::Error;

struct OAuthWorld {
    endpoint: Arc<TokenEndpoint>,
    client: Arc<Client>,
}

const DEAD: &str =
    r#"{"error":"invalid_grant","error_description":"Token has been expired or revoked."}"#;
const REDIRECT: &str = "http://127.0.0.1:4711/oauth/callback";

async fn world() -> OAuthWorld {
    world_of(|_| {}).await
}

async fn world_of(change: impl FnOnce(&mut TestProvider)) -> OAuthWorld {
    let (endpoint, base) = TokenEndpoint::start().await;
    let mut provider = TestProvider::at(&base);
    change(&mut provider);
    OAuthWorld { endpoint, client: Arc::new(Client::new(&http(), provider)) }
}

impl OAuthWorld {
    fn next(&self, status: u16, body: &str) {
        self.endpoint.next(status, body);
    }

    fn asked(&self) -> Vec<(String, Fields)> {
        self.endpoint.asked()
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

/// A store of refresh tokens that can be made to fail.
#[derive(Default)]
struct SwitchableStore {
    replaced: Mutex<Vec<String>>,
    fails: Mutex<bool>,
    /// The recorded outcomes.
    outcomes: Mutex<Vec<bool>>,
}

#[async_trait]
impl RefreshTokenStore for SwitchableStore {
    async fn replace(&self, old: &SecretString, new: &SecretString) -> bool {
        let works = !*self.fails.lock().unwrap();
        if works {
            self.replaced.lock().unwrap().push(format!(
                "{} -> {}",
                old.expose_secret(),
                new.expose_secret()
            ));
        }
        works
    }

    async fn record_outcome(&self, failure: Option<&Error>) {
        self.outcomes.lock().unwrap().push(failure.is_none());
    }
}

fn whole(refresh: &str) -> String {
    format!(
        r#"{{"access_token":"ya29.x","expires_in":3599,"refresh_token":"{refresh}","scope":"{}","token_type":"Bearer"}}"#,
        TestProvider::SCOPE
    )
}

/// Many callers at once: how many got a token, and the errors of the others.
async fn crowd(grant: &Arc<Grant>, count: usize) -> (usize, Vec<Error>) {
    let asking: Vec<_> = (0..count)
        .map(|_| {
            let grant = grant.clone();
            tokio::spawn(async move { grant.access_token().await })
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
async fn a_code_is_sent_once_and_a_refresh_again() {
    let world = world().await;
    world.next(500, "");
    assert!(matches!(world.exchange().await, Err(Error::Unreachable(_))));
    assert_eq!(world.asked().len(), 1);
    world.next(500, "");
    assert!(world.grant().access_token().await.is_ok());
    assert_eq!(world.asked().len(), 2);
}

#[tokio::test]
async fn a_thousand_callers_cost_one_refresh() {
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
async fn a_thousand_callers_get_one_refusal() {
    let world = world().await;
    world.next(400, DEAD);
    let grant = world.grant();
    let (good, bad) = crowd(&grant, 1_000).await;
    assert!(good == 0 && bad.iter().all(|error| matches!(error, Error::Unauthorized)));
    assert!(
        matches!(grant.access_token().await, Err(Error::Unauthorized)),
        "and a caller right after them"
    );
    assert_eq!(world.asked().len(), 1);
}

#[tokio::test]
async fn the_store_records_the_outcome_of_each_request() {
    let world = world().await;
    let (grants, store) = (Grants::new(world.client.clone()), Arc::new(SwitchableStore::default()));
    let grant = grants.open("anna@example.org", &"1//r".into(), store.clone());
    let token = grant.access_token().await.unwrap();
    grant.access_token().await.unwrap();
    grant.invalidate(&token);
    world.next(400, DEAD);
    assert!(grant.access_token().await.is_err() && grant.access_token().await.is_err());
    assert_eq!(*store.outcomes.lock().unwrap(), [true, false], "once for each request");
}

#[tokio::test]
async fn a_transient_failure_is_shared_by_the_waiting_callers_only() {
    let world = world().await;
    world.next(401, r#"{"error":"invalid_client"}"#);
    let grant = world.grant();
    let (good, bad) = crowd(&grant, 100).await;
    assert!(good == 0 && bad.iter().all(|error| matches!(error, Error::Misconfigured(_))));
    assert!(grant.access_token().await.is_ok(), "the settings were mended");
    assert_eq!(world.asked().len(), 2);
}

#[tokio::test]
async fn a_token_that_the_provider_refused_is_replaced_once() {
    let world = world().await;
    let grant = world.grant();
    let first = grant.access_token().await.unwrap();
    grant.invalidate(&first);
    let second = grant.access_token().await.unwrap();
    assert_ne!(first.expose_secret(), second.expose_secret());
    for _ in 0..1_000 {
        grant.invalidate(&first);
    }
    assert_eq!(grant.access_token().await.unwrap().expose_secret(), second.expose_secret());
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
    assert_ne!(grant.access_token().await.unwrap().expose_secret(), "short");
}

#[tokio::test]
async fn a_caller_that_is_cancelled_while_refreshing_blocks_no_other() {
    let world = world().await;
    let grant = world.grant();
    let first = tokio::time::timeout(Duration::from_millis(5), grant.access_token()).await;
    assert!(first.is_err(), "it was cancelled");
    assert!(
        tokio::time::timeout(Duration::from_secs(5), grant.access_token())
            .await
            .expect("the lock is free")
            .is_ok()
    );
}

#[tokio::test]
async fn a_new_refresh_token_is_stored_as_soon_as_possible() {
    let world = world().await;
    let (grants, store) = (Grants::new(world.client.clone()), Arc::new(SwitchableStore::default()));
    let open = |secret: &str| grants.open("anna@example.org", &secret.into(), store.clone());
    *store.fails.lock().unwrap() = true;
    world.next(200, &whole("1//second"));
    let grant = open("1//first");
    let token = grant.access_token().await.unwrap();
    assert!(Arc::ptr_eq(&grant, &open("1//first")), "storage has the old one yet");
    grant.invalidate(&token);
    *store.fails.lock().unwrap() = false;
    let token = grant.access_token().await.unwrap();
    assert_eq!(
        *store.replaced.lock().unwrap(),
        ["1//first -> 1//second"],
        "as soon as it can be stored"
    );
    grant.invalidate(&token);
    grant.access_token().await.unwrap();
    assert_eq!(store.replaced.lock().unwrap().len(), 1);
    let sent: Vec<String> =
        world.asked().into_iter().map(|(_, fields)| fields["refresh_token"].clone()).collect();
    assert_eq!(sent, ["1//first", "1//second", "1//second"]);
    assert!(Arc::ptr_eq(&grant, &open("1//second")), "storage has the new one now");
}

#[tokio::test]
async fn callers_of_an_account_share_its_grant() {
    let world = world().await;
    let (grants, store) = (Grants::new(world.client.clone()), Arc::new(SwitchableStore::default()));
    let open = |user: &str, secret: &str| grants.open(user, &secret.into(), store.clone());
    let first = open("anna@example.org", "1//a");
    assert!(Arc::ptr_eq(&first, &open("anna@example.org", "1//a")));
    assert!(!Arc::ptr_eq(&first, &open("anna@example.org", "1//b")), "connected again");
    assert!(!Arc::ptr_eq(&first, &open("ben@example.org", "1//a")));
    world.next(200, &whole("1//c"));
    let granted = world.exchange().await.unwrap();
    grants.begin("anna@example.org", granted);
    world.asked();
    assert_eq!(
        open("anna@example.org", "1//c").access_token().await.unwrap().expose_secret(),
        "ya29.x"
    );
    assert!(world.asked().is_empty(), "the token of the consent is used");
}

#[tokio::test]
async fn a_denial_is_recorded_and_shared() {
    let world = world().await;
    let store = Arc::new(SwitchableStore::default());
    let grant = Grants::new(world.client.clone()).open(
        "anna@example.org",
        &"1//refresh".into(),
        store.clone(),
    );
    grant.access_token().await.unwrap();
    grant.record_denial(&Error::RateLimited { retry_after: Some(Duration::from_secs(3600)) }).await;
    assert!(grant.access_token().await.is_ok(), "its token is good");
    grant.record_denial(&Error::Unauthorized).await;
    assert_eq!(
        (store.outcomes.lock().unwrap().clone(), world.asked().len()),
        (vec![true, false, false], 1)
    );
    let (good, bad) = crowd(&grant, 100).await;
    assert!(good == 0 && bad.iter().all(|error| matches!(error, Error::Unauthorized)));
    assert!(world.asked().is_empty(), "callers right after get the same answer");
}

fn rotating(provider: &mut TestProvider) {
    provider.facts.rotates_refresh_tokens = true;
}

#[tokio::test]
async fn a_rotated_refresh_token_is_stored_before_the_access_token_is_used() {
    let world = world_of(rotating).await;
    let (grants, store) = (Grants::new(world.client.clone()), Arc::new(SwitchableStore::default()));
    let grant = grants.open("anna@example.org", &"1//first".into(), store.clone());
    world.next(200, &whole("1//second"));
    assert_eq!(grant.access_token().await.unwrap().expose_secret(), "ya29.x");
    assert_eq!(*store.replaced.lock().unwrap(), ["1//first -> 1//second"]);
    let (good, _) = crowd(&grant, 100).await;
    assert_eq!((good, world.asked().len()), (100, 1), "a stored token costs no further request");
}

#[tokio::test]
async fn an_access_token_is_not_used_while_its_rotated_refresh_token_is_unsaved() {
    let world = world_of(rotating).await;
    let (grants, store) = (Grants::new(world.client.clone()), Arc::new(SwitchableStore::default()));
    let grant = grants.open("anna@example.org", &"1//first".into(), store.clone());
    *store.fails.lock().unwrap() = true;
    world.next(200, &whole("1//second"));
    let (good, bad) = crowd(&grant, 100).await;
    assert!(good == 0 && bad.iter().all(Error::is_transient), "{bad:?}");
    assert!(grant.access_token().await.unwrap_err().is_transient());
    assert_eq!(world.asked().len(), 1, "no third refresh token while the second one is unsaved");
    assert_eq!(*store.outcomes.lock().unwrap(), [true], "the grant itself is valid");
    *store.fails.lock().unwrap() = false;
    assert_eq!(grant.access_token().await.unwrap().expose_secret(), "ya29.x");
    assert_eq!(*store.replaced.lock().unwrap(), ["1//first -> 1//second"]);
    assert!(world.asked().is_empty(), "the access token is kept until it can be used");
}

#[tokio::test]
async fn a_provider_without_revocation_is_sent_no_request() {
    let world = world_of(|provider| provider.facts.can_revoke = false).await;
    world.client.revoke(&"1//refresh".into()).await.unwrap();
    assert!(world.asked().is_empty());
}

#[tokio::test]
async fn the_provider_chooses_scopes_and_extra_parameters() {
    let world = world().await;
    let asked = world.client.authorize(&Url::parse(REDIRECT).unwrap(), "the-state").unwrap();
    let fields: Fields = asked.url.query_pairs().into_owned().collect();
    assert_eq!(fields["scope"], TestProvider::SCOPE);
    assert_eq!(fields["domain_hint"], "example.org");
}
