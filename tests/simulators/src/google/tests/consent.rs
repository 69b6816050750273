//! Consent, codes, tokens, revocation.

use super::*;
use crate::google::paths;

const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more.";
const BACK: &str = "http://127.0.0.1:9/back";

/// The parameters of the page's address.
type Pairs = Vec<(&'static str, String)>;

fn challenge() -> String {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, VERIFIER.as_bytes());
    data_encoding::BASE64URL_NOPAD.encode(hash.as_ref())
}

fn address(w: &World, change: impl Fn(&mut Pairs)) -> String {
    let mut pairs = vec![
        ("client_id", CLIENT_ID.to_owned()),
        ("redirect_uri", BACK.to_owned()),
        ("response_type", "code".to_owned()),
        ("scope", SCOPES.join(" ")),
        ("state", "0123456789abcdef".to_owned()),
        ("access_type", "offline".to_owned()),
        ("prompt", "consent".to_owned()),
        ("code_challenge", challenge()),
        ("code_challenge_method", "S256".to_owned()),
    ];
    change(&mut pairs);
    Url::parse_with_params(w.server.url().join(paths::AUTHORIZE).unwrap().as_str(), pairs)
        .unwrap()
        .into()
}

fn part(url: &Url, name: &str) -> String {
    url.query_pairs()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

async fn post(w: &World, path: &str, pairs: &[(&str, &str)]) -> Said {
    let form: String =
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let answer = w
        .client
        .send("POST", path, &[("content-type", "application/x-www-form-urlencoded")], form)
        .await
        .unwrap();
    Said { status: answer.status, body: serde_json::from_slice(&answer.body).unwrap_or_default() }
}

async fn exchange(w: &World, code: &str, verifier: &str) -> Said {
    let pairs = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", BACK),
        ("code_verifier", verifier),
    ];
    let client = [("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)];
    post(w, paths::TOKEN, &[&pairs[..], &client].concat()).await
}

#[tokio::test]
async fn a_code_belongs_to_the_address_that_it_was_sent_to_and_lives_for_minutes() {
    let w = world().await;
    let code =
        async || part(&w.anna.consents(&address(&w, |_| ()), Consent::All).await.unwrap(), "code");
    let elsewhere = [
        ("grant_type", "authorization_code"),
        ("code", &code().await),
        ("redirect_uri", "http://127.0.0.1:9/other"),
        ("code_verifier", VERIFIER),
    ];
    let client = [("client_id", CLIENT_ID), ("client_secret", CLIENT_SECRET)];
    assert_eq!(
        post(&w, paths::TOKEN, &[&elsewhere[..], &client].concat()).await.text("error"),
        "redirect_uri_mismatch"
    );
    let late = code().await;
    w.server.clock().advance(jiff::SignedDuration::from_mins(11));
    assert_eq!(exchange(&w, &late, VERIFIER).await.text("error"), "invalid_grant");
    w.clean();
}

async fn refresh(w: &World, token: &str) -> Said {
    let pairs = [
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
        ("client_id", CLIENT_ID),
        ("client_secret", CLIENT_SECRET),
    ];
    post(w, paths::TOKEN, &pairs).await
}

#[tokio::test]
async fn from_consent_to_the_first_call() {
    let mut w = world().await;
    let back = w.anna.consents(&address(&w, |_| ()), Consent::All).await.unwrap();
    assert_eq!(
        (part(&back, "state"), part(&back, "error")),
        ("0123456789abcdef".to_owned(), String::new())
    );
    let given = exchange(&w, &part(&back, "code"), VERIFIER).await;
    assert_eq!(
        (given.status, given.body["expires_in"].as_i64(), given.text("token_type")),
        (200, Some(3599), "Bearer")
    );
    assert_eq!(given.text("scope"), SCOPES.join(" "));
    assert_eq!(
        exchange(&w, &part(&back, "code"), VERIFIER).await.text("error"),
        "invalid_grant",
        "a code works once"
    );
    let again = refresh(&w, given.text("refresh_token")).await;
    assert_eq!((again.status, again.body.get("refresh_token")), (200, None));
    w.token = again.text("access_token").to_owned();
    assert_eq!(w.list("").await.status, 200);
    assert_eq!(w.server.refreshes(), 1);
    w.server.clock().advance(jiff::SignedDuration::from_hours(1));
    assert_eq!(w.list("").await.refusal(), (401, "authError"), "an hour later it is over");
    w.clean();
}

#[tokio::test]
async fn a_person_may_grant_a_part_or_nothing() {
    let mut w = world().await;
    let back = w.anna.consents(&address(&w, |_| ()), Consent::Only(&[EVENTS])).await.unwrap();
    let given = exchange(&w, &part(&back, "code"), VERIFIER).await;
    assert_eq!(given.text("scope"), EVENTS);
    w.token = given.text("access_token").to_owned();
    assert_eq!(
        w.ask("GET", "users/me/calendarList", None).await.refusal(),
        (403, "insufficientPermissions")
    );
    assert_eq!(w.list("").await.status, 200);
    let back = w.anna.consents(&address(&w, |_| ()), Consent::Refused).await.unwrap();
    assert_eq!(
        (part(&back, "error"), part(&back, "code")),
        ("access_denied".to_owned(), String::new())
    );
    let back = w.anna.consents(&address(&w, |_| ()), Consent::Blocked).await.unwrap();
    assert_eq!(part(&back, "error"), "admin_policy_enforced");
    w.clean();
}

#[tokio::test]
async fn what_is_not_as_it_should_be_is_refused() {
    let w = world().await;
    let back = w.anna.consents(&address(&w, |_| ()), Consent::All).await.unwrap();
    let wrong = "another-verifier-of-forty-three-characters-or-more";
    assert_eq!(exchange(&w, &part(&back, "code"), wrong).await.text("error"), "invalid_grant");
    let pairs = [
        ("grant_type", "refresh_token"),
        ("refresh_token", "x"),
        ("client_id", CLIENT_ID),
        ("client_secret", "wrong"),
    ];
    let said = post(&w, paths::TOKEN, &pairs).await;
    assert_eq!((said.status, said.text("error")), (401, "invalid_client"));
    assert_eq!(refresh(&w, "never given").await.text("error"), "invalid_grant");
    w.clean();
    let changes: [(&str, &str); 6] = [
        ("redirect_uri", "https://elsewhere.example/"),
        ("code_challenge_method", "plain"),
        ("state", "short"),
        ("client_id", "another"),
        ("code_challenge", "short"),
        ("prompt", "always"),
    ];
    for (n, (name, value)) in changes.into_iter().enumerate() {
        let address = address(&w, |pairs| {
            pairs.iter_mut().filter(|(key, _)| *key == name).for_each(|(_, v)| value.clone_into(v))
        });
        assert!(w.anna.consents(&address, Consent::All).await.is_err(), "{name}");
        assert_eq!(w.server.violations().len(), n + 1, "{name}");
    }
    let twice = address(&w, |pairs| pairs.push(("state", "fedcba9876543210".to_owned())));
    assert!(w.anna.consents(&twice, Consent::All).await.is_err());
    assert_eq!(w.server.violations().last().unwrap(), "authorize: state twice");
    w.server.register_redirect("https://elsewhere.example/");
    let elsewhere = address(&w, |pairs| "https://elsewhere.example/".clone_into(&mut pairs[1].1));
    assert!(w.anna.consents(&elsewhere, Consent::All).await.is_ok());
}

#[tokio::test]
async fn a_refresh_token_comes_with_a_first_or_an_asked_for_consent_only() {
    let w = world().await;
    let token = async |change: &dyn Fn(&mut Pairs)| {
        let back = w.anna.consents(&address(&w, change), Consent::All).await.unwrap();
        exchange(&w, &part(&back, "code"), VERIFIER).await.body.get("refresh_token").is_some()
    };
    let quietly = |pairs: &mut Pairs| pairs.retain(|(name, _)| *name != "prompt");
    assert!(!token(&|pairs| pairs.retain(|(name, _)| *name != "access_type")).await, "online");
    assert!(token(&quietly).await, "the first time");
    assert!(!token(&quietly).await, "not again");
    assert!(token(&|_| ()).await, "unless it is asked for");
}

#[tokio::test]
async fn earlier_grants_are_merged_where_that_is_asked_for() {
    let w = world().await;
    w.anna.grant(&["https://www.googleapis.com/auth/calendar.readonly"]);
    let scopes = async |merge: &'static str| {
        let back = w
            .anna
            .consents(
                &address(&w, |pairs| pairs.push(("include_granted_scopes", merge.to_owned()))),
                Consent::All,
            )
            .await
            .unwrap();
        exchange(&w, &part(&back, "code"), VERIFIER).await.text("scope").split(' ').count()
    };
    assert_eq!((scopes("false").await, scopes("true").await), (2, 3));
}

#[tokio::test]
async fn a_dead_refresh_token_leaves_the_others_alive() {
    let w = world().await;
    let (dead, alive) = (w.anna.refresh_token(), w.anna.refresh_token());
    w.anna.kills(&dead);
    assert_eq!(
        (refresh(&w, &dead).await.text("error"), refresh(&w, &alive).await.status),
        ("invalid_grant", 200)
    );
    w.clean();
}

#[tokio::test]
async fn a_revocation_ends_everything_of_that_person() {
    let w = world().await;
    let (one, other) = (w.anna.refresh_token(), w.anna.refresh_token());
    let ben = w.server.account("ben@example.org").refresh_token();
    assert_eq!(post(&w, paths::REVOKE, &[("token", &one)]).await.status, 200);
    assert_eq!(refresh(&w, &other).await.text("error"), "invalid_grant");
    assert_eq!(w.list("").await.refusal(), (401, "authError"));
    assert_eq!(refresh(&w, &ben).await.status, 200);
    let said = post(&w, paths::REVOKE, &[("token", &one)]).await;
    assert_eq!((said.status, said.text("error")), (400, "invalid_token"));
    let ben_again = w.server.account("ben@example.org");
    ben_again.withdraws_consent();
    assert_eq!(
        (refresh(&w, &ben).await.text("error"), ben_again.living_refresh_tokens()),
        ("invalid_grant", 0)
    );
    w.clean();
    post(&w, paths::REVOKE, &[("token", &one), ("client_secret", CLIENT_SECRET)]).await;
    assert_eq!(w.server.violations(), ["revoke: one parameter is wanted, and no other"]);
}
