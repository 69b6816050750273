//! Invitations.

use super::*;

const PUBLIC: &str = "https://calendars.example.org/oauth/google/callback";

impl ConsentWorld {
    async fn invite(&self) -> Token {
        invite(&self.scope, ProviderKind::Google).await.unwrap().ticket
    }

    async fn accept(
        &self,
        ticket: Option<&Token>,
        cookie: Option<&str>,
    ) -> Result<BrowserState, ConsentError> {
        let begun = accept(&self.scope, ProviderKind::Google, PUBLIC, ticket, cookie, None).await?;
        let query: BTreeMap<String, String> =
            Url::parse(&begun.location).unwrap().query_pairs().into_owned().collect();
        Ok(BrowserState {
            state: query["state"].clone(),
            cookie: begun.browser.expose().to_owned(),
        })
    }

    async fn invitations(&self) -> Vec<store::Row> {
        self.scope.store.scan(Table::Secrets, "invitation:local", "", None, 1000).await.unwrap()
    }

    fn at(&self, seconds: i64) {
        *self.clock.0.lock().unwrap() = seconds;
    }

    fn refuses(&self, error: Option<providers::Error>) {
        *self.provider.refuse.lock().unwrap() = error;
    }
}

fn not_ours<T>(outcome: &Result<T, ConsentError>) -> bool {
    matches!(outcome, Err(ConsentError::Unknown))
}

#[tokio::test]
async fn one_account_is_connected_and_the_link_is_used_up() {
    let world = world();
    let ticket = world.invite().await;
    let BrowserState { state, cookie } = world.accept(Some(&ticket), None).await.unwrap();
    world.finish(&format!("state={state}&code=c"), Some(&cookie)).await.unwrap();
    assert_eq!(
        (world.accounts().await, world.rows().await, world.invitations().await.len()),
        (1, 0, 0)
    );
    assert_eq!(world.provider.redeemed.lock().unwrap()[0][0], PUBLIC);
    assert!(not_ours(&world.accept(Some(&ticket), None).await));
    assert!(not_ours(&world.accept(Some(&ticket), Some(&cookie)).await));
    assert!(not_ours(&world.accept(None, Some(&cookie)).await));
}

#[tokio::test]
async fn it_belongs_to_the_browser_that_has_accepted_it() {
    let world = world();
    let ticket = world.invite().await;
    let first = world.accept(Some(&ticket), None).await.unwrap();
    let stranger = Token::random().unwrap();
    for cookie in [None, Some(stranger.expose()), Some(ticket.expose()), Some("x")] {
        assert!(
            not_ours(&world.accept(Some(&ticket), cookie).await),
            "the link alone is worth nothing any more"
        );
    }
    // That browser may begin again, with the link or without it, and keeps its cookie.
    for again in [Some(&ticket), None] {
        assert_eq!(world.accept(again, Some(&first.cookie)).await.unwrap().cookie, first.cookie);
    }
}

/// The secret in a link is not accepted as a cookie, nor the other way round.
#[tokio::test]
async fn link_and_cookie_do_not_stand_in_for_each_other() {
    let world = world();
    let ticket = world.invite().await;
    assert!(
        not_ours(&world.accept(None, Some(ticket.expose())).await),
        "the secret of an unused link is no cookie"
    );
    let BrowserState { cookie, .. } = world.accept(Some(&ticket), None).await.unwrap();
    assert!(
        not_ours(&world.accept(Token::parse(&cookie).as_ref(), None).await),
        "a cookie is no link"
    );
    world.accept(None, Some(&cookie)).await.unwrap();
}

#[tokio::test]
async fn of_many_that_accept_at_once_one_is_taken() {
    let world = world();
    let ticket = world.invite().await;
    let all = futures::future::join_all((0..10).map(|_| world.accept(Some(&ticket), None))).await;
    let taken: Vec<&BrowserState> = all.iter().filter_map(|one| one.as_ref().ok()).collect();
    assert_eq!((taken.len(), world.invitations().await.len()), (1, 1));
    world
        .finish(&format!("state={}&code=c", taken[0].state), Some(&taken[0].cookie))
        .await
        .unwrap();
}

#[tokio::test]
async fn two_windows_of_one_browser_connect_one_account() {
    let world = world();
    let ticket = world.invite().await;
    let first = world.accept(Some(&ticket), None).await.unwrap();
    let second = world.accept(None, Some(&first.cookie)).await.unwrap();
    world.finish(&format!("state={}&code=c", second.state), Some(&first.cookie)).await.unwrap();
    assert!(not_ours(
        &world.finish(&format!("state={}&code=c", first.state), Some(&first.cookie)).await
    ));
    assert_eq!(
        (world.accounts().await, world.redeemed()),
        (1, 1),
        "the second code was not even redeemed"
    );
}

#[tokio::test]
async fn after_a_refusal_or_an_incomplete_consent_the_browser_may_try_again() {
    let world = world();
    let ticket = world.invite().await;
    let mut sent = world.accept(Some(&ticket), None).await.unwrap();
    world.refuses(Some(providers::Error::Consent("tick both boxes".into())));
    for query in ["error=access_denied", "code=c"] {
        let answer =
            world.finish(&format!("state={}&{query}", sent.state), Some(&sent.cookie)).await;
        assert!(matches!(answer, Err(ConsentError::Failed(_))), "{query}");
        sent = world.accept(None, Some(&sent.cookie)).await.unwrap();
    }
    world.refuses(None);
    world.finish(&format!("state={}&code=c", sent.state), Some(&sent.cookie)).await.unwrap();
    assert_eq!((world.accounts().await, world.invitations().await.len()), (1, 0));
}

#[tokio::test]
async fn it_is_over_after_half_an_hour_whatever_was_begun_with_it() {
    let world = world();
    let (unused, ticket) = (world.invite().await, world.invite().await);
    world.at(1800 - 60);
    let BrowserState { state, cookie } = world.accept(Some(&ticket), None).await.unwrap();
    world.at(1801);
    assert!(not_ours(&world.finish(&format!("state={state}&code=c"), Some(&cookie)).await));
    assert!(
        not_ours(&world.accept(Some(&unused), None).await)
            && not_ours(&world.accept(None, Some(&cookie)).await)
    );
    assert_eq!((world.accounts().await, world.redeemed()), (0, 0));
    assert_eq!(
        (delete_expired(&world.scope).await.unwrap(), delete_expired(&world.scope).await.unwrap()),
        (2, 0)
    );
    world.invite().await;
    world.at(3602);
    world.invite().await;
    assert_eq!(world.invitations().await.len(), 1, "those that are over are cleared away");
}

#[tokio::test]
async fn an_unknown_link_is_refused() {
    let world = world();
    let ticket = world.invite().await;
    let BrowserState { cookie, .. } = world.begin().await;
    assert!(
        not_ours(&world.accept(Some(&Token::random().unwrap()), Some(&cookie)).await),
        "the cookie of another way does not count"
    );
    let icloud =
        accept(&world.scope, ProviderKind::Icloud, PUBLIC, Some(&ticket), None, None).await;
    assert!(matches!(icloud, Err(ConsentError::Unknown)), "another provider's");
    let text = ticket.expose();
    assert_eq!(ticket_of(&format!("ticket={text}")), Some(text.to_owned()));
    for pairs in [
        format!("ticket={text}&ticket={text}"),
        format!("ticket={text}x"),
        "ticket=".into(),
        "ticket".into(),
        "x".repeat(9000),
    ] {
        assert_eq!(ticket_of(&pairs), None, "{pairs:.80}");
    }
}

fn ticket_of(pairs: &str) -> Option<String> {
    super::parse_ticket(pairs.as_bytes()).map(|token| token.expose().to_owned())
}

#[tokio::test]
async fn where_nothing_can_be_begun_the_link_is_kept() {
    let world = world();
    let ticket = world.invite().await;
    let redirect = Url::parse(PUBLIC).unwrap();
    for _ in 0..MAX_PENDING {
        let way = pending::ConsentRoute {
            provider: ProviderKind::Google,
            redirect: &redirect,
            began: &Began::Invited,
        };
        let [state, browser] = [Token::random().unwrap(), Token::random().unwrap()];
        pending::put(&world.scope, way, &state, &browser, None, &"verifier".into()).await.unwrap();
    }
    // Consents without an invitation have a limit of their own.
    world.begin().await;
    assert!(matches!(
        world.accept(Some(&ticket), None).await,
        Err(ConsentError::Failed(Error::Request(_)))
    ));
    world.at(700);
    world.accept(Some(&ticket), None).await.unwrap();
}

#[tokio::test]
async fn valid_invitations_are_few_and_storage_holds_no_secret() {
    let world = world();
    let mut tickets = Vec::new();
    for _ in 0..MAX_INVITATIONS {
        tickets.push(world.invite().await);
    }
    assert!(matches!(invite(&world.scope, ProviderKind::Google).await, Err(Error::Request(_))));
    let BrowserState { cookie, .. } = world.accept(Some(&tickets[0]), None).await.unwrap();
    // A link that a browser has accepted waits no more, and leaves its place to another one.
    tickets.push(world.invite().await);
    assert!(matches!(invite(&world.scope, ProviderKind::Google).await, Err(Error::Request(_))));
    let stored: String = world
        .invitations()
        .await
        .iter()
        .map(|row| format!("{} {}\n", row.key, row.value))
        .collect();
    assert!(
        tickets.iter().map(Token::expose).chain([&*cookie]).all(|secret| !stored.contains(secret)),
        "{stored}"
    );
}
