//! Microsoft's consent against a token endpoint with prepared answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use secrecy::SecretString;
use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::oauth::AccessTokens;
use crate::oauth::test_endpoint::{DiscardingStore, Fields, TokenEndpoint, http};
use crate::oauth::test_signer::{document, in_seconds, token};
use crate::{ConsentStep, Error};

const REDIRECT: &str = "https://calendars.example.org/oauth/microsoft/callback";
const CALENDARS: &str = "https://graph.microsoft.com/Calendars.ReadWrite";
const SCOPES: &str =
    "openid email profile offline_access https://graph.microsoft.com/Calendars.ReadWrite";
const TENANT: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
const USER: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

struct GraphOAuthWorld {
    endpoint: Arc<TokenEndpoint>,
    base: String,
    client: Arc<Client>,
}

async fn world() -> GraphOAuthWorld {
    let (endpoint, base) = TokenEndpoint::start().await;
    endpoint
        .publish(200, &document(&[0], Some("https://login.microsoftonline.com/{tenantid}/v2.0")));
    let login = Url::parse(&base).unwrap();
    let settings = OAuthSettings::new("client-1", "client-secret".into(), &login).unwrap();
    GraphOAuthWorld { endpoint, base, client: Arc::new(Client::new(&http(), settings)) }
}

fn redirect() -> Url {
    Url::parse(REDIRECT).unwrap()
}

impl GraphOAuthWorld {
    /// Prepares the answer to the exchange of this request's code.
    fn next(&self, asked: Option<&Authorization>, scope: &str, change: impl FnOnce(&mut Value)) {
        let nonce = asked.map(|asked| fields(&asked.url)["nonce"].clone());
        let mut claims = json!({
            "iss": format!("https://login.microsoftonline.com/{TENANT}/v2.0"), "aud": "client-1",
            "exp": in_seconds(3600), "nonce": nonce, "tid": TENANT, "oid": USER,
            "email": "Anna@example.org", "preferred_username": "anna@contoso.example",
            "sub": "x", "ver": "2.0", "name": "Anna",
        });
        change(&mut claims);
        let body = json!({
            "token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "scope": scope,
            "access_token": "eyJ.a", "refresh_token": "0.refresh", "id_token": token(0, &claims),
        });
        self.endpoint.next(200, &body.to_string());
    }

    async fn exchange(&self, asked: &Authorization) -> crate::Result<TokenGrant> {
        self.client.exchange(&redirect(), &"0.code".into(), &asked.verifier).await
    }
}

fn fields(url: &Url) -> Fields {
    url.query_pairs().into_owned().collect()
}

#[tokio::test]
async fn a_person_of_any_directory_is_asked_for_one_right() {
    let world = world().await;
    let asked = world.client.authorize(&redirect(), "the-state").unwrap();
    assert!(
        asked.url.as_str().starts_with(&format!("{}/common/oauth2/v2.0/authorize?", world.base))
    );
    let mut given = fields(&asked.url);
    for random in ["code_challenge", "nonce"] {
        assert_eq!(given.remove(random).map(|value| value.len()), Some(43), "{random}");
    }
    let expected = BTreeMap::from(
        [
            ("client_id", "client-1"),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("response_mode", "query"),
            ("scope", SCOPES),
            ("state", "the-state"),
            ("prompt", "select_account"),
            ("code_challenge_method", "S256"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    assert_eq!(given, expected);
}

#[tokio::test]
async fn a_code_gives_a_grant_and_its_owner() {
    let world = world().await;
    let asked = world.client.authorize(&redirect(), "s").unwrap();
    world.next(Some(&asked), "Calendars.ReadWrite User.Read profile", |_| {});
    let granted = world.exchange(&asked).await.unwrap();
    let owner = granted.owner.unwrap();
    assert_eq!((owner.id, owner.name), (format!("{TENANT}/{USER}"), "anna@contoso.example".into()));
    let (path, sent) = world.endpoint.asked().pop().unwrap();
    assert_eq!(path, "/common/oauth2/v2.0/token");
    assert_eq!((&*sent["scope"], &*sent["grant_type"]), (SCOPES, "authorization_code"));
    assert_eq!(sent["client_secret"], "client-secret");
}

#[tokio::test]
async fn the_calendars_are_needed_in_either_spelling() {
    let world = world().await;
    for (scope, is_granted) in [
        (CALENDARS, true),
        ("calendars.readwrite", true),
        ("Mail.Read https://graph.microsoft.com/Calendars.ReadWrite", true),
        ("Calendars.Read openid", false),
        ("", false),
    ] {
        let asked = world.client.authorize(&redirect(), "s").unwrap();
        world.next(Some(&asked), scope, |_| {});
        match world.exchange(&asked).await {
            Ok(_) => assert!(is_granted, "{scope}"),
            Err(error) => {
                assert!(!is_granted && error.consent_step() == ConsentStep::Again, "{error:?}")
            }
        }
    }
}

#[tokio::test]
async fn a_token_of_another_directory_or_request_is_refused() {
    let world = world().await;
    let other = "11111111-1111-4111-8111-111111111111";
    type Change = fn(&mut Value);
    let changes: [Change; 4] = [
        |claims| claims["tid"] = "11111111-1111-4111-8111-111111111111".into(),
        |claims| claims["nonce"] = "x".into(),
        |claims| claims["oid"] = Value::Null,
        |claims| {
            claims["iss"] = "https://login.microsoftonline.us/x/v2.0".into();
        },
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let asked = world.client.authorize(&redirect(), "s").unwrap();
        world.next(Some(&asked), CALENDARS, change);
        let refused = world.exchange(&asked).await;
        assert!(matches!(refused, Err(Error::BadAnswer(_))), "{number}");
    }
    let asked = world.client.authorize(&redirect(), "s").unwrap();
    world.next(Some(&asked), CALENDARS, |claims| {
        claims["tid"] = other.into();
        claims["iss"] = format!("https://login.microsoftonline.com/{other}/v2.0").into();
    });
    let guest = world.exchange(&asked).await.unwrap().owner.unwrap();
    assert_eq!(guest.id, format!("{other}/{USER}"), "a guest there is another owner");
}

#[tokio::test]
async fn each_refresh_names_the_scopes_and_replaces_the_token() {
    let world = world().await;
    let grants = Grants::new(world.client.clone());
    let (owner, first) = (format!("{TENANT}/{USER}"), SecretString::from("0.first"));
    let grant = grants.open(&owner, &first, Arc::new(DiscardingStore));
    world.next(None, "Calendars.ReadWrite", |_| {});
    let first = grant.access_token().await.unwrap();
    grant.invalidate(&first);
    world.next(None, "Calendars.ReadWrite", |_| {});
    grant.access_token().await.unwrap();
    let sent: Vec<[String; 2]> = world
        .endpoint
        .asked()
        .into_iter()
        .map(|(_, fields)| ["scope", "refresh_token"].map(|name| fields[name].clone()))
        .collect();
    assert_eq!(
        sent,
        [[SCOPES, "0.first"], [SCOPES, "0.refresh"]].map(|pair| pair.map(str::to_owned))
    );
    assert_eq!(world.endpoint.keys_read(), 0, "a refresh needs no id_token");
}

#[tokio::test]
async fn conditional_access_from_one_minute_to_the_next_keeps_the_claims() {
    let world = world().await;
    let grants = Grants::new(world.client.clone());
    let grant = grants.open("o", &SecretString::from("0.first"), Arc::new(DiscardingStore));
    let claims = r#"{"access_token":{"capolids":{"essential":true,"values":["c"]}}}"#;
    let body = json!({
        "error": "invalid_grant", "suberror": "basic_action", "error_codes": [50076],
        "error_description": "AADSTS50076: secret", "claims": claims,
    });
    world.endpoint.next(400, &body.to_string());
    let Err(Error::NotGranted(why)) = grant.access_token().await else { panic!("it was given") };
    assert_eq!((why.step, why.ended), (ConsentStep::Again, true));
    assert_eq!(why.claims.as_ref().unwrap().as_str(), claims);
    assert!(!format!("{why} {why:?}").contains("secret"), "{why}");
    let again = world.client.authorize_with(&redirect(), "s", why.claims.as_ref()).unwrap();
    assert_eq!(fields(&again.url)["claims"], claims);
}

#[tokio::test]
async fn the_administrator_has_a_page_of_another_form() {
    let world = world().await;
    let page = world.client.administrator_url(&redirect(), "its-own-state").unwrap();
    assert!(
        page.as_str().starts_with(&format!("{}/organizations/v2.0/adminconsent?", world.base)),
        "{page}"
    );
    let expected = [
        ("client_id", "client-1"),
        ("redirect_uri", REDIRECT),
        ("scope", CALENDARS),
        ("state", "its-own-state"),
    ];
    let expected: Fields =
        expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into_iter().collect();
    assert_eq!(fields(&page), expected);
}

#[tokio::test]
async fn nothing_is_revoked_because_microsoft_has_no_revocation() {
    let world = world().await;
    world.client.revoke(&"0.refresh".into()).await.unwrap();
    assert_eq!(world.endpoint.asked(), []);
}

#[test]
fn settings_print_no_secret_and_know_other_clouds() {
    let login = Url::parse(LOGIN_URL).unwrap();
    let settings = OAuthSettings::new("client-1", "client-secret".into(), &login).unwrap();
    assert!(!format!("{settings:?}").contains("client-secret"));
    let other = OAuthSettings::new("client-1", "another".into(), &login).unwrap();
    assert!(settings != other && settings == settings.clone());
    let asked = "https://login.microsoftonline.com/common/discovery/v2.0/keys";
    assert_eq!(crate::oauth::OAuthProvider::id_tokens(&settings).unwrap().keys_url.as_str(), asked);
    for (url, is_other) in [
        (LOGIN_URL, false),
        ("https://graph.microsoft.com/v1.0", false),
        ("http://127.0.0.1:9000", false),
        ("https://login.microsoftonline.us", true),
        ("https://LOGIN.PARTNER.MICROSOFTONLINE.CN./x", true),
        ("https://dod-graph.microsoft.us/v1.0", true),
    ] {
        assert_eq!(is_sovereign(&Url::parse(url).unwrap()), is_other, "{url}");
    }
}
