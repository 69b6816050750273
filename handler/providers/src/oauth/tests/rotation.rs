//! Refresh tokens that change with each use, and what a grant remembers of refusals.

use super::*;

/// A row that two instances share: the later token replaces the one that it came from.
#[derive(Default)]
struct SharedRow {
    stored: Mutex<String>,
    replaced: Mutex<usize>,
}

#[async_trait]
impl RefreshTokenStore for Arc<SharedRow> {
    async fn replace(&self, old: &SecretString, new: &SecretString) -> bool {
        let mut stored = self.stored.lock().unwrap();
        if *stored == old.expose_secret() {
            *stored = new.expose_secret().to_owned();
            *self.replaced.lock().unwrap() += 1;
        }
        true
    }

    async fn current(&self) -> Option<SecretString> {
        Some(self.stored.lock().unwrap().clone().into())
    }

    async fn record_outcome(&self, _: Option<&Error>) {}
}

#[tokio::test]
async fn two_instances_that_refresh_one_token_at_once_both_go_on() {
    let world = world_of(rotating).await;
    let row = Arc::new(SharedRow::default());
    *row.stored.lock().unwrap() = "1//first".into();
    let instances: Vec<Arc<Grant>> = (0..2)
        .map(|_| {
            let grants = Grants::new(world.client.clone());
            grants.open("anna@example.org", &"1//first".into(), Arc::new(row.clone()))
        })
        .collect();
    world.next(200, &whole("1//second-a"));
    world.next(200, &whole("1//second-b"));
    let (one, other) = tokio::join!(instances[0].access_token(), instances[1].access_token());
    assert!(one.is_ok() && other.is_ok(), "both have access");
    let kept = row.stored.lock().unwrap().clone();
    assert!(kept.starts_with("1//second-") && *row.replaced.lock().unwrap() == 1, "{kept}");
    let sent: Vec<String> =
        world.asked().into_iter().map(|(_, fields)| fields["refresh_token"].clone()).collect();
    assert_eq!(sent, ["1//first", "1//first"], "the earlier token still works");
    // From then on both use the token in the row, and the row has the newest one.
    for (instance, token) in instances.iter().zip([one, other]) {
        instance.invalidate(&token.unwrap());
    }
    world.next(200, &whole("1//third"));
    instances[0].access_token().await.unwrap();
    assert_eq!(*row.stored.lock().unwrap(), "1//third");
    world.next(200, &whole("1//fourth"));
    instances[1].access_token().await.unwrap();
    let sent: Vec<String> =
        world.asked().into_iter().map(|(_, fields)| fields["refresh_token"].clone()).collect();
    assert_eq!(sent, [kept.clone(), kept], "neither goes on with a token of its own");
    assert_eq!(*row.stored.lock().unwrap(), "1//third", "the fourth one came from an earlier one");
}

#[tokio::test]
async fn a_dead_refresh_token_is_replaced_by_that_of_another_process() {
    let world = world_of(rotating).await;
    let row = Arc::new(SharedRow::default());
    *row.stored.lock().unwrap() = "1//other".into();
    let open = || {
        let grants = Grants::new(world.client.clone());
        grants.open("anna@example.org", &"1//first".into(), Arc::new(row.clone()))
    };
    world.next(400, DEAD);
    world.next(200, &whole("1//newest"));
    open().access_token().await.unwrap();
    let sent = || -> Vec<String> {
        world.asked().into_iter().map(|(_, fields)| fields["refresh_token"].clone()).collect()
    };
    assert_eq!(sent(), ["1//first", "1//other"]);
    assert_eq!(*row.stored.lock().unwrap(), "1//newest");
    // Where storage has no other one, the grant has ended.
    *row.stored.lock().unwrap() = "1//first".into();
    world.next(400, DEAD);
    assert!(matches!(open().access_token().await, Err(Error::Unauthorized)));
    assert_eq!(sent().len(), 1);
}

#[tokio::test]
async fn tokens_of_another_owner_are_not_used() {
    let world = world_of(|provider| {
        rotating(provider);
        *provider = provider.clone().with_id_tokens();
    })
    .await;
    let row = Arc::new(SharedRow::default());
    *row.stored.lock().unwrap() = "1//first".into();
    let answer = |oid: &str| {
        let claims = serde_json::json!({"iss": "x", "tid": "t", "oid": oid});
        let mut answer: serde_json::Value = serde_json::from_str(&whole("1//second")).unwrap();
        answer["id_token"] = crate::oauth::test_signer::token(0, &claims).into();
        answer.to_string()
    };
    let owner = format!("{:?}/{:?}", Some("t"), Some("bob"));
    let grants = Grants::new(world.client.clone());
    let grant = grants.open(&owner, &"1//first".into(), Arc::new(row.clone()));
    world.next(200, &answer("alice"));
    assert!(matches!(grant.access_token().await, Err(Error::BadAnswer(_))));
    assert_eq!(*row.stored.lock().unwrap(), "1//first", "the token of another owner is not kept");
    world.next(200, &answer("bob"));
    grant.access_token().await.unwrap();
    assert_eq!(*row.stored.lock().unwrap(), "1//second");
}

#[tokio::test]
async fn a_process_that_is_killed_before_the_row_was_written_leaves_a_token_that_works() {
    let world = world_of(rotating).await;
    let store = Arc::new(SwitchableStore::default());
    *store.fails.lock().unwrap() = true;
    let killed = Grants::new(world.client.clone());
    let grant = killed.open("anna@example.org", &"1//first".into(), store.clone());
    world.next(200, &whole("1//second"));
    assert!(grant.access_token().await.is_err(), "the row was not written");
    drop((grant, killed));
    *store.fails.lock().unwrap() = false;
    let next = Grants::new(world.client.clone());
    let grant = next.open("anna@example.org", &"1//first".into(), store.clone());
    world.next(200, &whole("1//third"));
    grant.access_token().await.unwrap();
    assert_eq!(*store.replaced.lock().unwrap(), ["1//first -> 1//third"]);
    let sent: Vec<String> =
        world.asked().into_iter().map(|(_, fields)| fields["refresh_token"].clone()).collect();
    assert_eq!(sent, ["1//first", "1//first"]);
}

#[tokio::test]
async fn a_refused_client_is_remembered_until_the_next_token() {
    let world = world().await;
    let grant = world.grant();
    assert_eq!(world.client.refused(), None);
    world.next(401, r#"{"error":"invalid_client"}"#);
    assert!(grant.access_token().await.is_err());
    assert_eq!(world.client.refused().as_deref(), Some("refused: invalid_client"));
    world.next(400, DEAD);
    assert!(world.exchange().await.is_err());
    assert!(world.client.refused().is_some(), "a refused code says nothing about the client");
    assert!(grant.access_token().await.is_ok());
    assert_eq!(world.client.refused(), None);
}

/// A store that keeps the steps and claims of outcomes.
#[derive(Default)]
struct RecordingStore(Mutex<Vec<Option<String>>>);

#[async_trait]
impl RefreshTokenStore for RecordingStore {
    async fn replace(&self, _: &SecretString, _: &SecretString) -> bool {
        true
    }

    async fn record_outcome(&self, failure: Option<&Error>) {
        self.0.lock().unwrap().push(match failure {
            Some(Error::NotGranted(why)) => Some(why.claims.as_ref().unwrap().as_str().to_owned()),
            other => other.map(|error| format!("{error:?}")),
        });
    }
}

#[tokio::test]
async fn claims_that_are_demanded_with_a_denial_are_kept() {
    let world = world().await;
    let store = Arc::new(RecordingStore::default());
    let grants = Grants::new(world.client.clone());
    let grant = grants.open("anna@example.org", &"1//refresh".into(), store.clone());
    grant.access_token().await.unwrap();
    let claims = r#"{"access_token":{"nbf":1}}"#;
    grant.record_claims(&"no claims".into()).await;
    grant.record_claims(&claims.into()).await;
    grant.record_denial(&Error::Unauthorized).await;
    assert_eq!(*store.0.lock().unwrap(), [None, Some(claims.to_owned())], "one denial, with them");
    world.asked();
    assert!(matches!(grant.access_token().await, Err(Error::NotGranted(_))));
    assert!(world.asked().is_empty(), "the owner has to act first");
}
