use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use data_encoding::BASE64URL_NOPAD;
use url::{Url, form_urlencoded};

use super::*;

const REDIRECT: &str = "http://127.0.0.1:8080/oauth/microsoft/callback";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters";
const STATE: &str = "a-state-of-32-characters-0123456";

impl World {
    pub(super) fn authorize(
        &self,
        tenant: &str,
        change: impl FnOnce(&mut Vec<(&'static str, String)>),
    ) -> String {
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, VERIFIER.as_bytes());
        let mut pairs = vec![
            ("client_id", CLIENT_ID.to_owned()),
            ("response_type", "code".to_owned()),
            ("redirect_uri", REDIRECT.to_owned()),
            ("response_mode", "query".to_owned()),
            ("scope", SCOPES.join(" ")),
            ("state", STATE.to_owned()),
            ("nonce", "a-nonce-of-some-characters".to_owned()),
            ("code_challenge", BASE64URL_NOPAD.encode(hash.as_ref())),
            ("code_challenge_method", "S256".to_owned()),
            ("prompt", "select_account".to_owned()),
        ];
        change(&mut pairs);
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        format!("{}/{tenant}/oauth2/v2.0/authorize?{query}", self.graph.login_url())
    }

    fn admin_consent(&self, tenant: &str) -> String {
        let pairs = [
            ("client_id", CLIENT_ID),
            ("scope", CALENDARS),
            ("redirect_uri", REDIRECT),
            ("state", STATE),
        ];
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        format!("{}/{tenant}/v2.0/adminconsent?{query}", self.graph.login_url())
    }

    pub(super) async fn token(&self, pairs: &[(&str, &str)]) -> Said {
        let mut form = form_urlencoded::Serializer::new(String::new());
        let usual = [
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
            ("scope", &SCOPES.join(" ")),
        ];
        for (name, value) in usual {
            if !pairs.iter().any(|(given, _)| *given == name) {
                form.append_pair(name, value);
            }
        }
        form.extend_pairs(pairs);
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let path = "/common/oauth2/v2.0/token";
        let answer = self.client.send("POST", path, &kind, form.finish()).await.unwrap();
        Said { status: answer.status, body: serde_json::from_slice(&answer.body).unwrap() }
    }

    pub(super) async fn redeem(&self, code: &str) -> Said {
        let grant = ("grant_type", "authorization_code");
        self.token(&[
            grant,
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    pub(super) async fn refresh(&self, token: &str) -> Said {
        self.token(&[("grant_type", "refresh_token"), ("refresh_token", token)]).await
    }

    /// The claims of an id_token whose signature holds against the published keys.
    pub(super) async fn claims(&self, token: &str) -> Option<Value> {
        let keys = self.client.send("GET", "/common/discovery/v2.0/keys", &[], "").await.unwrap();
        let keys: Value = serde_json::from_slice(&keys.body).unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let (head, claims) = signed.split_once('.').unwrap();
        let read = |part: &str| -> Value {
            serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
        };
        let kid = &read(head)["kid"];
        let key = keys["keys"].as_array().unwrap().iter().find(|key| &key["kid"] == kid)?;
        assert!(key.get("alg").is_none(), "Entra's keys name no algorithm");
        let number =
            |name: &str| BASE64URL_NOPAD.decode(key[name].as_str().unwrap().as_bytes()).unwrap();
        let public = RsaPublicKeyComponents { n: number("n"), e: number("e") };
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
        let holds = public.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature);
        holds.ok().map(|()| read(claims))
    }
}

pub(super) fn pair(url: &Url, name: &str) -> String {
    let found = url.query_pairs().find(|(given, _)| given == name);
    found.map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn numbers_of(said: &Said) -> (u16, &str, &Value) {
    (said.status, said.text("error"), &said.body["error_codes"][0])
}

#[tokio::test]
async fn a_person_consents_and_a_code_becomes_tokens() {
    let world = world().await;
    let back = world.anna.consents(&world.authorize("common", |_| {}), Consent::All).await.unwrap();
    assert_eq!((back.path(), pair(&back, "state").as_str()), ("/oauth/microsoft/callback", STATE));
    let code = pair(&back, "code");
    let given = world.redeem(&code).await;
    assert_eq!((given.status, &given.body["expires_in"]), (200, &json!(3_599)));
    assert!(given.text("scope").split(' ').any(|scope| scope == CALENDARS));
    assert!(!given.text("scope").contains("offline_access"), "never named");
    let claims = world.claims(given.text("id_token")).await.unwrap();
    let tenant = world.anna.tenant();
    assert_eq!(claims["iss"], format!("https://login.microsoftonline.com/{}/v2.0", tenant.id()));
    assert_eq!(
        (&claims["aud"], &claims["nonce"]),
        (&json!(CLIENT_ID), &json!("a-nonce-of-some-characters"))
    );
    assert_eq!((&claims["oid"], &claims["tid"]), (&json!(world.anna.oid()), &json!(tenant.id())));
    assert_eq!(numbers_of(&world.redeem(&code).await), (400, "invalid_grant", &json!(54_005)));

    let first = given.text("refresh_token").to_owned();
    let next = world.refresh(&first).await;
    assert_eq!(next.status, 200);
    assert_ne!(next.text("refresh_token"), first, "every refresh gives a new one");
    assert_eq!(world.refresh(&first).await.status, 200, "the old one works on");
    let world = World { token: next.text("access_token").to_owned(), ..world };
    assert_eq!(world.get("/me/calendars").await.status, 200);
    assert_eq!(world.graph.refreshes(), 2);
    world.clean();
    world.graph.manners(|manners| manners.old_refresh_tokens_work = false);
    assert_eq!(world.refresh(&first).await.status, 400);
}

#[tokio::test]
async fn an_administrator_comes_first_where_the_tenant_says_so() {
    let world = world().await;
    let tenant = world.graph.tenant("strict.example.com");
    tenant.set_policy(Policy::Administrator);
    let ben = tenant.account("ben@strict.example.com");
    let chief = tenant.account("chief@strict.example.com").is_administrator();
    let address = world.authorize("common", |_| {});
    let back = ben.consents(&address, Consent::All).await.unwrap();
    assert_eq!(pair(&back, "error"), "access_denied");
    assert!(pair(&back, "error_description").starts_with("AADSTS90094"));
    world.graph.manners(|manners| manners.administrator_number = 65_004);
    let back = ben.consents(&address, Consent::All).await.unwrap();
    assert!(pair(&back, "error_description").starts_with("AADSTS65004"));
    assert_eq!(pair(&back, "error_subcode"), "cancel");

    let link = world.admin_consent("organizations");
    assert!(ben.approves(&link, true).await.is_err(), "no administrator");
    let back = chief.approves(&link, false).await.unwrap();
    let said = (pair(&back, "admin_consent"), pair(&back, "error"));
    assert_eq!(said, ("True".to_owned(), "consent_required".to_owned()));
    assert!(!tenant.has_consented());
    let back = chief.approves(&world.admin_consent(tenant.id()), true).await.unwrap();
    assert_eq!((pair(&back, "tenant").as_str(), tenant.has_consented()), (tenant.id(), true));
    let back = ben.consents(&address, Consent::All).await.unwrap();
    let given = world.redeem(&pair(&back, "code")).await;
    assert_eq!(given.status, 200);
    world.clean();
    tenant.withdraws_consent();
    let refused = world.refresh(given.text("refresh_token")).await;
    assert_eq!(numbers_of(&refused), (400, "invalid_grant", &json!(65_001)));
    assert_eq!(refused.body["suberror"], "consent_required");
    assert!(chief.approves(&world.admin_consent("common"), true).await.is_err(), "not common");
    assert_eq!(world.graph.violations().len(), 1);
}

#[tokio::test]
async fn conditional_access_wants_claims_and_takes_them() {
    let world = world().await;
    let token = world.anna.refresh_token();
    let claims = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
    world.anna.needs_claims(Some(claims));
    let refused = world.raw("GET", "/me/calendars", &[], None).await;
    let encoded = data_encoding::BASE64.encode(claims.as_bytes());
    assert_eq!(refused.status, 401);
    let challenge = refused.header("www-authenticate");
    assert!(challenge.contains("error=\"insufficient_claims\""));
    assert!(challenge.contains(&format!("claims=\"{encoded}\"")));
    let said = world.refresh(&token).await;
    assert_eq!(numbers_of(&said), (400, "interaction_required", &json!(50_076)));
    assert!(said.text("claims").contains("capolids"));
    let with_claims = world.authorize("common", |pairs| pairs.push(("claims", claims.to_owned())));
    let back = world.anna.consents(&with_claims, Consent::All).await.unwrap();
    let given = world.redeem(&pair(&back, "code")).await;
    assert_eq!(world.refresh(given.text("refresh_token")).await.status, 200);
    let world = World { token: given.text("access_token").to_owned(), ..world };
    assert_eq!(world.get("/me/calendars").await.status, 200);
    world.anna.needs_claims(None);
    assert_eq!(world.refresh(&token).await.status, 200, "the way back");
    world.clean();
}

#[tokio::test]
async fn every_number_is_an_error_of_its_row() {
    let world = world().await;
    let token = world.anna.refresh_token();
    for number in numbers() {
        world.anna.is_refused_with(Some(number));
        let refused = world.refresh(&token).await;
        assert!(refused.status >= 400, "{number}");
        assert_eq!(refused.body["error_codes"], json!([number]));
        let words = format!("AADSTS{number}: ");
        assert!(refused.text("error_description").starts_with(&words));
    }
    world.anna.is_refused_with(None);
    let back = world
        .anna
        .consents(&world.authorize("common", |_| {}), Consent::Number(50_105))
        .await
        .unwrap();
    assert!(pair(&back, "error_description").starts_with("AADSTS50105"));
    let refused = world.anna.consents(&world.authorize("common", |_| {}), Consent::Refused).await;
    assert_eq!(pair(&refused.unwrap(), "error_subcode"), "cancel");
    world.anna.sessions_are_revoked();
    assert_eq!(world.refresh(&token).await.body["error_codes"], json!([50_173]));
    world.clean();
}

#[tokio::test]
async fn secrets_scopes_and_keys_are_checked() {
    let world = world().await;
    let token = world.anna.refresh_token();
    let form = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token.as_str()),
        ("client_secret", "no"),
    ];
    let wrong = world.token(&form).await;
    assert_eq!(numbers_of(&wrong), (401, "invalid_client", &json!(7_000_215)));
    world.graph.expire_secret(true);
    assert_eq!(
        numbers_of(&world.refresh(&token).await),
        (401, "invalid_client", &json!(7_000_222))
    );
    world.graph.expire_secret(false);
    world.graph.manners(|manners| manners.scope_form = ScopeForm::Short);
    let given = world.refresh(&token).await;
    assert!(given.text("scope").split(' ').any(|scope| scope == "Calendars.ReadWrite"));
    let without = Consent::Without("Calendars.ReadWrite");
    let back = world.anna.consents(&world.authorize("common", |_| {}), without).await.unwrap();
    let given = world.redeem(&pair(&back, "code")).await;
    assert!(!given.text("scope").contains("Calendars"));

    let old = world.refresh(&token).await.text("id_token").to_owned();
    world.graph.rotate_keys(false);
    assert!(world.claims(&old).await.is_some(), "the old key is still published");
    let new = world.refresh(&token).await.text("id_token").to_owned();
    assert!(world.claims(&new).await.is_some());
    world.graph.rotate_keys(true);
    assert!(world.claims(&new).await.is_none());
    for wrong in [IdToken::Forged, IdToken::UnknownKey] {
        world.graph.manners(|manners| manners.id_token = wrong);
        let token = world.refresh(&token).await.text("id_token").to_owned();
        assert!(world.claims(&token).await.is_none(), "{wrong:?}");
    }
    world.clean();
    let strange = world.authorize("common", |pairs| pairs.push(("access_type", "x".to_owned())));
    assert!(world.anna.consents(&strange, Consent::All).await.is_err());
    let elsewhere =
        world.authorize("common", |pairs| pairs[2].1 = "https://evil.example.net".to_owned());
    assert!(world.anna.consents(&elsewhere, Consent::All).await.is_err());
    assert_eq!(world.graph.violations().len(), 2);
}

#[tokio::test]
async fn guests_and_personal_accounts_are_other_people() {
    let world = world().await;
    let foreign = world.graph.tenant("foreign.example.com");
    let guest = world.anna.guest_in(&foreign);
    assert_ne!(guest.oid(), world.anna.oid());
    let address = world.authorize(foreign.id(), |_| {});
    assert!(world.anna.consents(&address, Consent::All).await.is_err(), "50020");
    let back = guest.consents(&address, Consent::All).await.unwrap();
    let given = world.redeem(&pair(&back, "code")).await;
    let world = World { token: given.text("access_token").to_owned(), ..world };
    let none = world.get("/me/calendars").await;
    assert_eq!(none.refusal(), (404, "MailboxNotEnabledForRESTAPI"));
    let pat = world.graph.personal("pat@outlook.example");
    let world = World { token: pat.access_token(), ..world };
    assert_eq!(world.get("/me/calendars").await.status, 200);
    assert_eq!(pat.tenant().id(), PERSONAL_TENANT);
    assert!(pat.consents(&world.authorize("organizations", |_| {}), Consent::All).await.is_err());
    world.clean();
}
