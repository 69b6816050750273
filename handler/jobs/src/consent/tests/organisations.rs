//! A provider whose owners have an id, whose administrators have to agree first, and which demands
//! claims.

use providers::oauth::OAuthRefusal;
use providers::{ClaimsRequest, ConsentStep, NotGranted};

use super::*;
use crate::accounts::GrantEndpoint;

const CALLBACK: &str = "https://calendars.example.org/oauth/microsoft/callback";
const KIND: ProviderKind = ProviderKind::Microsoft;

/// A code is accepted as the consent of the owner that it names: `OWNER NAME`.
#[derive(Default)]
struct Organisation {
    /// The claims of the last request.
    claims: Mutex<Option<String>>,
}

#[async_trait::async_trait]
impl Connect for Organisation {
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
impl Consents for Organisation {
    fn ask(&self, redirect: &Url, state: &str) -> providers::Result<ConsentRequest> {
        self.ask_with(redirect, state, None)
    }
    fn ask_with(
        &self,
        redirect: &Url,
        state: &str,
        claims: Option<&ClaimsRequest>,
    ) -> providers::Result<ConsentRequest> {
        *self.claims.lock().unwrap() = claims.map(|claims| claims.as_str().to_owned());
        let mut url = Url::parse("https://login.example.org/common/authorize").unwrap();
        url.query_pairs_mut()
            .append_pair("redirect_uri", redirect.as_str())
            .append_pair("state", state);
        Ok(ConsentRequest { url, verifier: "verifier".into() })
    }
    fn read_refusal(&self, refusal: &OAuthRefusal) -> providers::Error {
        let number = refusal.numbers().first().copied().unwrap_or_default();
        let step = match number {
            90_094 => ConsentStep::AskAdministrator,
            65_004 => ConsentStep::Declined,
            50_020 => ConsentStep::AnotherAccount,
            53_003 => ConsentStep::BlockedByPolicy,
            7_000_222 => return providers::Error::Misconfigured("the secret".into()),
            90_033 => return providers::Error::Unreachable("later".into()),
            _ => ConsentStep::Again,
        };
        not_granted(step, None)
    }
    fn administrator_url(&self, redirect: &Url, state: &str) -> Option<Url> {
        let mut url = Url::parse("https://login.example.org/organizations/adminconsent").unwrap();
        url.query_pairs_mut()
            .append_pair("redirect_uri", redirect.as_str())
            .append_pair("state", state);
        Some(url)
    }
    async fn redeem(
        &self,
        _: &Url,
        code: &SecretString,
        _: &SecretString,
    ) -> providers::Result<Granted> {
        self.adopt(code).await
    }
    async fn adopt(&self, code: &SecretString) -> providers::Result<Granted> {
        let (owner, user) = code.expose_secret().split_once('_').unwrap();
        let endpoint =
            GrantEndpoint { client: "c1".into(), owner: Some(owner.into()), claims: None };
        Ok(Granted {
            url: "https://graph.example.org/".into(),
            user: user.into(),
            endpoint: endpoint.encode().unwrap(),
            secret: code.clone(),
        })
    }
    async fn revoke(&self, _: &SecretString) -> providers::Result<()> {
        Ok(())
    }
}

fn not_granted(step: ConsentStep, claims: Option<&str>) -> providers::Error {
    providers::Error::NotGranted(Box::new(NotGranted {
        step,
        words: "no".into(),
        ended: true,
        claims: claims.map(|json| ClaimsRequest::parse(json).unwrap()),
    }))
}

struct OrganisationWorld {
    scope: Scope,
    provider: Arc<Organisation>,
    clock: Arc<Hand>,
    _dir: tempfile::TempDir,
}

fn world() -> OrganisationWorld {
    let dir = tempfile::tempdir().unwrap();
    let (provider, clock) = (Arc::new(Organisation::default()), Arc::new(Hand::default()));
    let scope = services(dir.path(), provider.clone(), clock.clone()).scope("local");
    OrganisationWorld { scope, provider, clock, _dir: dir }
}

fn state_of(url: &str) -> String {
    let url = Url::parse(url).unwrap();
    url.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned()
}

impl OrganisationWorld {
    async fn begin(&self) -> BrowserState {
        let begun = begin(&self.scope, KIND, CALLBACK, None).await.unwrap();
        BrowserState { state: state_of(&begun.location), cookie: begun.browser.expose().to_owned() }
    }

    async fn finish(&self, answer: &str) -> Result<Account, ConsentError> {
        let BrowserState { state, cookie } = self.begin().await;
        finish(&self.scope, KIND, &format!("state={state}&{answer}"), Some(&cookie), None)
            .await
            .outcome
    }

    /// What a person can do after this refusal.
    async fn way_after(&self, answer: &str) -> WayOn {
        let Err(ConsentError::Failed(error)) = self.finish(answer).await else {
            panic!("{answer} was no refusal")
        };
        way_on(&self.scope, KIND, CALLBACK, &error).await
    }

    async fn link(&self) -> String {
        administrator_link(&self.scope, KIND, CALLBACK).await.unwrap().unwrap()
    }

    async fn answer(&self, query: &str) -> Option<AdministratorAnswer> {
        administrator_answer(&self.scope, KIND, query).await.unwrap()
    }

    async fn rows(&self) -> Vec<store::Row> {
        let partition = "administrator:local";
        self.scope.store.scan(Table::Secrets, partition, "", None, 1000).await.unwrap()
    }

    /// A request for a token fails with this error, or succeeds.
    async fn token_request(&self, account: &Account, failure: Option<providers::Error>) {
        let account = self.scope.directory().account(&account.id).await.unwrap();
        accounts::record_token_request(&self.scope, &account, failure.as_ref()).await;
    }
}

#[tokio::test]
async fn each_refusal_has_its_next_step() {
    let world = world();
    let refusal = |number: u32| format!("error=access_denied&error_description=AADSTS{number}:+x");
    assert_eq!(world.way_after(&refusal(50_020)).await, WayOn::AnotherAccount);
    assert_eq!(world.way_after(&refusal(53_003)).await, WayOn::BlockedByPolicy);
    assert_eq!(world.way_after(&refusal(50_076)).await, WayOn::Again);
    assert_eq!(world.way_after(&refusal(7_000_222)).await, WayOn::SetUpWrongly);
    assert_eq!(world.way_after(&refusal(90_033)).await, WayOn::Later);
    assert_eq!(world.rows().await, [], "no link was needed");
    for number in [90_094, 65_004] {
        let way = world.way_after(&refusal(number)).await;
        assert_eq!(matches!(way, WayOn::Declined { .. }), number == 65_004);
        let link = way.link().expect("a link");
        assert!(link.starts_with("https://login.example.org/organizations/adminconsent?"));
        let answer = format!("admin_consent=True&tenant=t&state={}", state_of(link));
        assert_eq!(world.answer(&answer).await, Some(AdministratorAnswer::Allowed));
    }
    assert!(world.scope.directory().accounts().await.unwrap().is_empty());
}

#[tokio::test]
async fn an_administrators_answer_connects_nothing_and_may_be_repeated() {
    let world = world();
    let state = state_of(&world.link().await);
    let allowed = format!("admin_consent=True&tenant=x&scope=y&state={state}");
    for _ in 0..2 {
        assert_eq!(world.answer(&allowed).await, Some(AdministratorAnswer::Allowed));
    }
    let refused = format!(
        "admin_consent=True&error=consent_required&error_description=AADSTS65004:+x&state={state}"
    );
    assert_eq!(world.answer(&refused).await, Some(AdministratorAnswer::Refused));
    // Without `True` nothing was allowed, with or without an error.
    for said in ["False", "false", "", "1"] {
        let answer = world.answer(&format!("admin_consent={said}&tenant=x&state={state}")).await;
        assert_eq!(answer, Some(AdministratorAnswer::Refused), "{said}");
    }
    // It is no answer to a consent, from whichever browser.
    let BrowserState { cookie, .. } = world.begin().await;
    for query in [allowed.clone(), format!("state={state}&code=t_anna@example.org")] {
        let ended = finish(&world.scope, KIND, &query, Some(&cookie), None).await.outcome;
        assert!(matches!(ended, Err(ConsentError::Unknown)), "{query}");
    }
    assert!(world.scope.directory().accounts().await.unwrap().is_empty());
    assert_eq!(world.answer(&allowed).await, Some(AdministratorAnswer::Allowed));
}

#[tokio::test]
async fn only_answers_to_a_link_of_this_installation_count() {
    let world = world();
    let state = state_of(&world.link().await);
    let waiting = world.begin().await.state;
    let other = Token::random().unwrap().expose().to_owned();
    for query in [
        String::new(),
        "admin_consent=True".into(),
        format!("state={state}"),
        format!("admin_consent=True&state={other}"),
        format!("admin_consent=True&state={waiting}"),
        format!("admin_consent=True&state={state}&state={state}"),
        format!("admin_consent=True&state={state}&code=t_anna@example.org"),
    ] {
        assert_eq!(world.answer(&query).await, None, "{query}");
    }
    let google = ProviderKind::Google;
    let query = format!("admin_consent=True&state={state}");
    assert_eq!(administrator_answer(&world.scope, google, &query).await.unwrap(), None);
    *world.clock.0.lock().unwrap() = 7 * 24 * 3600 + 1;
    assert_eq!(world.answer(&query).await, None, "a week is over");
}

#[tokio::test]
async fn links_are_few_and_storage_holds_no_state() {
    let world = world();
    let first = state_of(&world.link().await);
    for second in 1..=MAX_ASKED {
        *world.clock.0.lock().unwrap() = i64::try_from(second).unwrap();
        world.link().await;
    }
    let rows = world.rows().await;
    assert_eq!(rows.len(), MAX_ASKED);
    assert_eq!(world.answer(&format!("admin_consent=True&state={first}")).await, None);
    let last = state_of(&world.link().await);
    let stored: String =
        world.rows().await.iter().map(|row| format!("{} {}", row.key, row.value)).collect();
    assert!(!stored.contains(&last), "{stored}");
    *world.clock.0.lock().unwrap() = 8 * 24 * 3600;
    world.link().await;
    assert_eq!(world.rows().await.len(), 1, "those that are over are cleared away");
}

/// A person is known by the owner's id. The name is for display, may change, and may be another
/// person's in another directory.
#[tokio::test]
async fn the_owner_decides_which_account_it_is() {
    let world = world();
    let anna = world.finish("code=t1/o1_anna@example.org").await.unwrap();
    let renamed = world.finish("code=t1/o1_anna.new@example.org").await.unwrap();
    assert_eq!((&renamed.id, renamed.generation), (&anna.id, 2));
    assert_eq!((&*renamed.name, &*renamed.user), ("anna.new@example.org", "anna.new@example.org"));
    let guest = world.finish("code=t2/o1_anna@example.org").await.unwrap();
    let other = world.finish("code=t1/o2_anna.new@example.org").await.unwrap();
    assert!(!guest.was_connected_before() && !other.was_connected_before());
    let stored = world.scope.directory().accounts().await.unwrap();
    assert_eq!(stored.len(), 3, "{stored:?}");
}

#[tokio::test]
async fn claims_are_kept_with_the_account_and_used_in_the_next_request() {
    const POLICY: &str = r#"{"access_token":{"capolids":{"values":["c"]}}}"#;
    const NEVER_BEFORE: &str = r#"{"access_token":{"nbf":{"value":"1"}}}"#;
    let asked = |world: &OrganisationWorld| world.provider.claims.lock().unwrap().clone();
    let world = world();
    let anna = world.finish("code=t/o1_anna@example.org").await.unwrap();
    let ben = world.finish("code=t/o2_ben@example.org").await.unwrap();
    assert_eq!(asked(&world), None);
    let refused = |claims| Some(not_granted(ConsentStep::Again, claims));
    world.token_request(&anna, refused(Some(POLICY))).await;
    // A later refusal without claims, and a server that is down, forget nothing.
    world.token_request(&anna, refused(None)).await;
    world.token_request(&anna, Some(providers::Error::Unreachable("x".into()))).await;
    world.begin().await;
    assert_eq!(asked(&world).as_deref(), Some(POLICY));
    let stored = world.scope.directory().account(&anna.id).await.unwrap();
    assert_eq!(stored.state, AccountStatus::NeedsReconnect);
    assert_eq!(stored.error.unwrap().code, "unauthorized");
    // The secret is still opened: the claims are not part of its seal.
    let stored = world.scope.directory().account(&anna.id).await.unwrap();
    let opened = accounts::open(&world.scope, &stored).await;
    assert!(
        matches!(opened, Err(Error::Provider(providers::Error::Unauthorized))),
        "the secret was opened, and the provider of this test opens nothing"
    );

    world.token_request(&ben, refused(Some(NEVER_BEFORE))).await;
    world.begin().await;
    let both = asked(&world).unwrap();
    assert!(both.contains("capolids") && both.contains("nbf"), "{both}");

    world.finish("code=t/o1_anna@example.org").await.unwrap();
    world.begin().await;
    assert_eq!(asked(&world).as_deref(), Some(NEVER_BEFORE), "anna's are not needed any more");
    world.token_request(&ben, None).await;
    let stored = world.scope.directory().account(&ben.id).await.unwrap();
    assert_eq!((stored.state, stored.endpoint), (AccountStatus::Ok, ben.endpoint));
    world.begin().await;
    assert_eq!(asked(&world), None);
}

#[tokio::test]
async fn a_refused_client_changes_no_account() {
    let world = world();
    let anna = world.finish("code=t/o1_anna@example.org").await.unwrap();
    world.token_request(&anna, Some(providers::Error::Misconfigured("the secret".into()))).await;
    assert_eq!(world.scope.directory().account(&anna.id).await.unwrap(), anna);
}

#[tokio::test]
async fn connecting_again_takes_the_same_account_only() {
    let world = world();
    let anna = world.finish("code=t/o1_anna@example.org").await.unwrap();
    let again = |answer: &'static str| {
        let (scope, expected) = (&world.scope, Some(anna.id.clone()));
        async move {
            let begun = begin_on_page(scope, KIND, CALLBACK, None, expected).await.unwrap();
            let query = format!("state={}&{answer}", state_of(&begun.location));
            finish(scope, KIND, &query, Some(begun.browser.expose()), None).await
        }
    };
    let other = again("code=t/o2_ben@example.org").await;
    assert_eq!(other.began, Began::OnPage { expected: Some(anna.id.clone()) });
    let Err(ConsentError::Failed(Error::AnotherAccount { chosen, expected })) = other.outcome
    else {
        panic!("another account was connected")
    };
    assert_eq!((chosen.as_str(), expected.as_str()), ("ben@example.org", "anna@example.org"));
    assert_eq!(world.scope.directory().accounts().await.unwrap(), std::slice::from_ref(&anna));
    let same = again("code=t/o1_anna@example.org").await.outcome.unwrap();
    assert_eq!((same.id, same.generation), (anna.id, anna.generation + 1));
}
