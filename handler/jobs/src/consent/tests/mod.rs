//! Consents on real storage and a real vault; the provider records the requests.

mod grants;
mod invitations;
mod organisations;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use proptest::prelude::*;
use providers::Provider;
use store::Table;

use super::*;
use crate::connector::{ConsentRequest, Consents};
use crate::test_services::services;
use crate::{Clock, Connect};

/// A provider of consents that accepts every code as a consent of `anna@example.org`.
#[derive(Default)]
struct Consenting {
    redeemed: Mutex<Vec<[String; 3]>>,
    withdrawn: Mutex<Vec<String>>,
    refuse: Mutex<Option<providers::Error>>,
}

#[async_trait::async_trait]
impl Connect for Consenting {
    async fn discover(
        &self,
        _: ProviderKind,
        _: &str,
        _: &str,
        _: &SecretString,
    ) -> providers::Result<String> {
        Err(providers::Error::Unauthorized)
    }
    fn open(
        &self,
        _: ProviderKind,
        _: &str,
        _: &str,
        _: SecretString,
    ) -> providers::Result<Arc<dyn Provider>> {
        Err(providers::Error::Unauthorized)
    }
    fn consents(&self, _: ProviderKind) -> providers::Result<&dyn Consents> {
        Ok(self)
    }
}

#[async_trait::async_trait]
impl Consents for Consenting {
    fn ask(&self, redirect: &Url, state: &str) -> providers::Result<ConsentRequest> {
        let mut url = Url::parse("https://accounts.example.org/auth").unwrap();
        url.query_pairs_mut()
            .append_pair("redirect_uri", redirect.as_str())
            .append_pair("state", state);
        Ok(ConsentRequest { url, verifier: format!("verifier-{}", &state[..4]).into() })
    }
    async fn redeem(
        &self,
        redirect: &Url,
        code: &SecretString,
        verifier: &SecretString,
    ) -> providers::Result<Granted> {
        let asked =
            [redirect.as_str(), code.expose_secret(), verifier.expose_secret()].map(str::to_owned);
        self.redeemed.lock().unwrap().push(asked);
        let refused = self.refuse.lock().unwrap().clone();
        match refused {
            Some(error) => Err(error),
            None => self.adopt(&"1//token".into()).await,
        }
    }
    async fn adopt(&self, refresh_token: &SecretString) -> providers::Result<Granted> {
        let (url, user) = ("https://www.googleapis.com/".into(), "Anna@example.org".into());
        // The refresh token of another client has the client's name at its end.
        let client =
            refresh_token.expose_secret().rsplit_once('@').map_or("c1", |(_, client)| client);
        Ok(Granted {
            url,
            user,
            endpoint: format!(r#"{{"client":"{client}"}}"#),
            secret: refresh_token.clone(),
        })
    }
    async fn revoke(&self, refresh_token: &SecretString) -> providers::Result<()> {
        self.withdrawn.lock().unwrap().push(refresh_token.expose_secret().to_owned());
        self.refuse.lock().unwrap().clone().map_or(Ok(()), Err)
    }
}

/// A clock that the test sets, in seconds.
#[derive(Default)]
struct Hand(Mutex<i64>);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(*self.0.lock().unwrap()).unwrap()
    }
}

struct ConsentWorld {
    scope: Scope,
    provider: Arc<Consenting>,
    clock: Arc<Hand>,
    _dir: tempfile::TempDir,
}

const REDIRECT: &str = "http://127.0.0.1:7071/oauth/google/callback";

fn world() -> ConsentWorld {
    let dir = tempfile::tempdir().unwrap();
    let (provider, clock) = (Arc::new(Consenting::default()), Arc::new(Hand::default()));
    let scope = services(dir.path(), provider.clone(), clock.clone()).scope("local");
    ConsentWorld { scope, provider, clock, _dir: dir }
}

/// What the browser holds after the beginning.
struct BrowserState {
    state: String,
    cookie: String,
}

impl ConsentWorld {
    async fn begin(&self) -> BrowserState {
        self.begin_with(None).await
    }

    /// Begins in a browser that holds a cookie.
    async fn begin_with(&self, cookie: Option<&str>) -> BrowserState {
        let begun = begin(&self.scope, ProviderKind::Google, REDIRECT, cookie).await.unwrap();
        let query: BTreeMap<String, String> =
            Url::parse(&begun.location).unwrap().query_pairs().into_owned().collect();
        BrowserState { state: query["state"].clone(), cookie: begun.browser.expose().to_owned() }
    }

    async fn finish(&self, query: &str, cookie: Option<&str>) -> Result<Account, ConsentError> {
        finish(&self.scope, ProviderKind::Google, query, cookie, None).await.outcome
    }

    async fn rows(&self) -> usize {
        self.scope.store.scan(Table::Secrets, "consent:local", "", None, 1000).await.unwrap().len()
    }

    fn redeemed(&self) -> usize {
        self.provider.redeemed.lock().unwrap().len()
    }

    async fn accounts(&self) -> usize {
        self.scope.directory().accounts().await.unwrap().len()
    }
}

#[tokio::test]
async fn a_consent_connects_an_account() {
    let world = world();
    let BrowserState { state, cookie } = world.begin().await;
    let account =
        world.finish(&format!("state={state}&code=4%2F0abc&scope=x"), Some(&cookie)).await.unwrap();
    assert_eq!(
        (&*account.user, &*account.name, account.kind),
        ("anna@example.org", "anna@example.org", ProviderKind::Google)
    );
    let expected = [REDIRECT, "4/0abc", &format!("verifier-{}", &state[..4])].map(str::to_owned);
    assert_eq!(*world.provider.redeemed.lock().unwrap(), [expected]);
    assert_eq!(world.rows().await, 0);

    let BrowserState { state, cookie } = world.begin().await;
    let again = world.finish(&format!("code=c&state={state}"), Some(&cookie)).await.unwrap();
    assert_eq!((again.id, again.generation, world.accounts().await), (account.id, 2, 1));
}

#[tokio::test]
async fn an_answer_is_taken_once() {
    let world = world();
    let BrowserState { state, cookie } = world.begin().await;
    let query = format!("state={state}&code=c");
    world.finish(&query, Some(&cookie)).await.unwrap();
    assert!(matches!(world.finish(&query, Some(&cookie)).await, Err(ConsentError::Unknown)));
    assert_eq!(world.redeemed(), 1);
}

#[tokio::test]
async fn of_many_that_come_at_once_one_is_taken() {
    let world = Arc::new(world());
    let BrowserState { state, cookie } = world.begin().await;
    let query = format!("state={state}&code=c");
    let all = futures::future::join_all((0..20).map(|_| world.finish(&query, Some(&cookie)))).await;
    assert_eq!((all.iter().filter(|one| one.is_ok()).count(), world.redeemed()), (1, 1));
}

#[tokio::test]
async fn what_does_not_fit_redeems_nothing_and_uses_the_answer_up() {
    for change in [
        "no cookie",
        "another cookie",
        "a cookie of another consent",
        "too late",
        "from the future",
        "another provider's",
    ] {
        let world = world();
        let other = world.begin().await;
        let BrowserState { state, cookie } = world.begin().await;
        let cookie = match change {
            "no cookie" => None,
            "another cookie" => Some(Token::random().unwrap().expose().to_owned()),
            "a cookie of another consent" => Some(other.cookie),
            _ => Some(cookie),
        };
        match change {
            "too late" => *world.clock.0.lock().unwrap() = 601,
            "from the future" => *world.clock.0.lock().unwrap() = -601,
            _ => {}
        }
        let kind = if change == "another provider's" {
            ProviderKind::Icloud
        } else {
            ProviderKind::Google
        };
        let query = format!("state={state}&code=c");
        assert!(
            matches!(
                finish(&world.scope, kind, &query, cookie.as_deref(), None).await.outcome,
                Err(ConsentError::Unknown)
            ),
            "{change}"
        );
        assert_eq!(
            (world.redeemed(), world.accounts().await, world.rows().await),
            (0, 0, 1),
            "{change}: only the other one waits"
        );
    }
}

#[tokio::test]
async fn an_unknown_state_is_refused() {
    let world = world();
    let BrowserState { state, cookie } = world.begin().await;
    let forged = Token::random().unwrap().expose().to_owned();
    for query in [
        format!("state={forged}&code=c"),
        format!("state={state}&state={state}&code=c"),
        format!("state={}&code=c", &state[1..]),
        format!("state={state}%00&code=c"),
        "code=c".to_owned(),
        String::new(),
    ] {
        assert!(
            matches!(world.finish(&query, Some(&cookie)).await, Err(ConsentError::Unknown)),
            "{query}"
        );
    }
    assert_eq!((world.redeemed(), world.rows().await), (0, 1));
    world
        .finish(&format!("state={state}&code=c"), Some(&cookie))
        .await
        .expect("a forged one spoils nothing");
}

#[tokio::test]
async fn a_refusal_is_accepted_once_and_stores_nothing() {
    let world = world();
    for (query, consent) in [
        ("error=access_denied", true),
        ("error=admin_policy_enforced", true),
        ("error=invalid_scope", false),
        ("", false),
    ] {
        let BrowserState { state, cookie } = world.begin().await;
        let Err(ConsentError::Failed(Error::Provider(error))) =
            world.finish(&format!("state={state}&{query}"), Some(&cookie)).await
        else {
            panic!("{query}")
        };
        assert_eq!(error.needs_owner(), consent, "{query}");
    }
    assert_eq!((world.redeemed(), world.accounts().await, world.rows().await), (0, 0, 0));
}

#[tokio::test]
async fn what_the_provider_refuses_stores_nothing() {
    let world = world();
    *world.provider.refuse.lock().unwrap() =
        Some(providers::Error::Consent("tick both boxes".into()));
    let BrowserState { state, cookie } = world.begin().await;
    let refused = world.finish(&format!("state={state}&code=c"), Some(&cookie)).await;
    assert!(matches!(
        refused,
        Err(ConsentError::Failed(Error::Provider(providers::Error::Consent(_))))
    ));
    assert_eq!((world.accounts().await, world.rows().await), (0, 0));
}

#[tokio::test]
async fn pending_consents_are_few_and_expire() {
    let world = world();
    let first = world.begin().await;
    for n in 1..MAX_PENDING {
        *world.clock.0.lock().unwrap() = i64::try_from(n).unwrap();
        world.begin().await;
    }
    // The oldest consent is deleted for the next one.
    let last = world.begin().await;
    assert_eq!(world.rows().await, MAX_PENDING);
    let ended = world.finish(&format!("state={}&code=c", first.state), Some(&first.cookie)).await;
    assert!(matches!(ended, Err(ConsentError::Unknown)));
    assert!(
        world.finish(&format!("state={}&code=c", last.state), Some(&last.cookie)).await.is_ok()
    );
    *world.clock.0.lock().unwrap() = 700;
    world.begin().await;
    assert_eq!(world.rows().await, 1, "those that are over are cleared away");
}

#[tokio::test]
async fn a_browser_has_one_consent_under_way() {
    let world = world();
    let other = world.begin().await;
    let first = world.begin().await;
    let mut last = first.cookie.clone();
    let mut sent = Vec::new();
    for _ in 0..2 * MAX_PENDING {
        let next = world.begin_with(Some(&last)).await;
        last.clone_from(&next.cookie);
        sent.push(next);
    }
    assert_eq!(world.rows().await, 2, "no other consent was deleted");
    let end = async |of: &BrowserState| {
        world.finish(&format!("state={}&code=c", of.state), Some(&of.cookie)).await
    };
    assert!(matches!(end(&first).await, Err(ConsentError::Unknown)));
    assert!(end(&sent[2 * MAX_PENDING - 1]).await.is_ok());
    assert!(end(&other).await.is_ok(), "another browser's is untouched");
}

#[tokio::test]
async fn expired_consents_are_deleted_without_another_consent() {
    let world = world();
    let partition = "consent:local";
    for _ in 0..3 {
        world.begin().await;
    }
    *world.clock.0.lock().unwrap() = 300;
    let BrowserState { state, cookie } = world.begin().await;
    let broken = store::Op::Insert { key: "broken".into(), value: "{".into() };
    world.scope.store.commit(Table::Secrets, partition, &[broken]).await.unwrap();
    *world.clock.0.lock().unwrap() = 601;
    assert_eq!((delete_expired(&world.scope).await.unwrap(), world.rows().await), (4, 1));
    assert_eq!(delete_expired(&world.scope).await.unwrap(), 0);
    assert!(
        world.finish(&format!("state={state}&code=c"), Some(&cookie)).await.is_ok(),
        "that one was still waited for"
    );
}

#[tokio::test]
async fn storage_holds_neither_state_nor_cookie_nor_verifier() {
    let world = world();
    let BrowserState { state, cookie } = world.begin().await;
    for row in world.scope.store.scan(Table::Secrets, "consent:local", "", None, 10).await.unwrap()
    {
        let text = format!("{} {}", row.key, row.value);
        assert!(
            !text.contains(&state) && !text.contains(&cookie) && !text.contains("verifier-"),
            "{text}"
        );
    }
    let token = Token::random().unwrap();
    assert!(!format!("{token:?}").contains(token.expose()));
}

proptest! {
    /// Every query is parsed or refused, nothing of it is quoted, and a state always has the form
    /// of a token.
    #[test]
    fn hostile_queries_are_answered_calmly(query in hostile()) {
        let answer = AuthorizationResponse::parse(&query);
        if let Some(state) = answer.state() {
            let parsed = Token::parse(state.expose()).map(|token| token.hash());
            prop_assert_eq!(parsed, Some(state.hash()));
        }
        match answer.code() {
            Ok(code) => {
                let code = code.expose_secret();
                prop_assert!(code.bytes().all(|b| b.is_ascii_graphic()) && code.len() <= 2048);
            }
            Err(error) => prop_assert!(!error.to_string().contains("hostile"), "{}", error),
        }
    }
}

/// Queries with the right names and any values, repeated and in any order.
fn hostile() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        Just("state"),
        Just("code"),
        Just("error"),
        Just("error_description"),
        Just("st%61te"),
        Just("")
    ];
    let value = prop_oneof![
        "[A-Za-z0-9_-]{43}",
        "\\PC{0,60}",
        "(%[0-9a-f]{2}){0,20}",
        "hostile.{0,20}",
        Just("access_denied".to_owned()),
        "a{2040,2060}",
        Just("%".to_owned()),
    ];
    let pair = (name, value, prop_oneof![Just("="), Just(""), Just("==")])
        .prop_map(|(name, value, sign)| format!("{name}{sign}{value}"));
    proptest::collection::vec(pair, 0..8).prop_map(|pairs| pairs.join("&"))
}
