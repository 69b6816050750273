//! Rotations that succeed, that are cut off at every point, and that run concurrently with other
//! work.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use async_trait::async_trait;
use engine::provider::ProviderKind;
use futures::future::join_all;
use jiff::Timestamp;
use providers::Provider;
use records::webhook_keys;
use secrecy::SecretString;
use store::{Op, Row, Store, Table};
use vault::KEY_FILE;

use super::*;
use crate::services::Services;
use crate::test_services::services;
use crate::{Clock, Connect, InProcess, accounts};

/// Finds every account; opening an account returns its secret in the error.
struct RotateServers;

#[async_trait]
impl Connect for RotateServers {
    async fn discover(
        &self,
        _: ProviderKind,
        url: &str,
        _: &str,
        _: &SecretString,
    ) -> providers::Result<String> {
        Ok(serde_json::json!({"base": url, "homes": [{"url": format!("{url}anna/")}]}).to_string())
    }
    fn open(
        &self,
        _: ProviderKind,
        _: &str,
        _: &str,
        secret: SecretString,
    ) -> providers::Result<Arc<dyn Provider>> {
        Err(providers::Error::Unreachable(secrecy::ExposeSecret::expose_secret(&secret).to_owned()))
    }
}

#[derive(Default)]
struct RotateClock(AtomicI64);

impl Clock for RotateClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// Storage that fails from a given request on.
struct Leaving {
    inner: Arc<dyn Store>,
    left: AtomicUsize,
}

impl Leaving {
    fn ask(&self) -> store::Result<&dyn Store> {
        let going = self
            .left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
        going.map(|_| &*self.inner).map_err(|_| store::Error::Unavailable("on purpose".into()))
    }
}

#[async_trait]
impl Store for Leaving {
    async fn get(&self, table: Table, partition: &str, key: &str) -> store::Result<Option<Row>> {
        self.ask()?.get(table, partition, key).await
    }
    async fn get_many(
        &self,
        table: Table,
        partition: &str,
        keys: &[String],
    ) -> store::Result<Vec<Row>> {
        self.ask()?.get_many(table, partition, keys).await
    }
    async fn scan(
        &self,
        table: Table,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> store::Result<Vec<Row>> {
        self.ask()?.scan(table, partition, prefix, after, limit).await
    }
    async fn commit(
        &self,
        table: Table,
        partition: &str,
        ops: &[Op],
    ) -> store::Result<Vec<String>> {
        self.ask()?.commit(table, partition, ops).await
    }
}

struct RotateWorld {
    scope: Scope,
    clock: Arc<RotateClock>,
    accounts: Vec<AccountId>,
    dir: tempfile::TempDir,
}

const SECRETS: [&str; 3] = ["first secret", "second secret", "third secret"];

async fn world() -> RotateWorld {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(RotateClock::default());
    let scope = services(dir.path(), Arc::new(RotateServers), clock.clone()).scope("local");
    let mut world = RotateWorld { scope, clock, accounts: Vec::new(), dir };
    for (n, secret) in SECRETS.into_iter().enumerate() {
        world.accounts.push(world.connect(n, secret).await);
    }
    world
}

impl RotateWorld {
    async fn connect(&self, n: usize, secret: &str) -> AccountId {
        let url = format!("https://dav{n}.example.org/");
        accounts::connect_account(
            &self.scope,
            ProviderKind::Caldav,
            &url,
            &format!("anna{n}"),
            &secret.into(),
        )
        .await
        .unwrap()
        .id
    }

    /// The secret of an account, or the error.
    async fn secret(&self, id: &AccountId) -> String {
        let account = &self.scope.directory().account(id).await.unwrap();
        match accounts::open(&self.scope, account).await {
            Err(Error::Provider(providers::Error::Unreachable(secret))) => secret,
            Err(error) => error.to_string(),
            Ok(_) => panic!("no provider is reached"),
        }
    }

    async fn assert_all_open(&self) {
        for (id, secret) in self.accounts.iter().zip(SECRETS) {
            assert_eq!(self.secret(id).await, secret);
        }
    }

    async fn row(&self, id: &AccountId) -> Row {
        self.scope.store.get(Table::Secrets, "local", id.as_str()).await.unwrap().unwrap()
    }

    async fn put(&self, key: &str, value: &str) {
        let op = Op::Put { key: key.into(), value: value.into() };
        self.scope.store.commit(Table::Secrets, "local", &[op]).await.unwrap();
    }

    /// The versions of the key file, the oldest first.
    fn versions(&self) -> Vec<String> {
        versions(self.dir.path())
    }

    fn wait(&self, minutes: i64) {
        self.clock.0.fetch_add(60 * minutes, Ordering::Relaxed);
    }
}

fn versions(dir: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(dir.join(KEY_FILE)).unwrap();
    text.lines()
        .filter_map(|line| Some(line.strip_prefix("key ")?.split_once(' ')?.0.to_owned()))
        .collect()
}

#[tokio::test]
async fn all_secrets_are_wrapped_with_the_new_version() {
    let world = world().await;
    let before = world.versions();
    let marks = world.scope.vault.hash_key("marks").await.unwrap();
    let done = rotate_keys(&world.scope, false).await.unwrap();
    assert_eq!((done.rewrapped, done.failed.len(), done.removed, done.ended_watches), (3, 0, 0, 0));
    assert_eq!(world.versions(), [&*before[0], &*done.key]);
    for id in &world.accounts {
        assert!(world.row(id).await.value.contains(&done.key));
    }
    world.assert_all_open().await;
    assert_eq!(world.scope.vault.hash_key("marks").await.unwrap(), marks);
    let again = rotate_keys(&world.scope, false).await.unwrap();
    assert!(again.rewrapped == 3 && again.key != done.key && again.webhook_key != done.webhook_key);
    world.assert_all_open().await;
}

#[tokio::test]
async fn a_version_goes_an_hour_after_it_was_followed_and_never_before() {
    let world = world().await;
    let mut rotated = Vec::new();
    // In short intervals: another process may still hold what the first version has wrapped.
    for _ in 0..3 {
        rotated.push(rotate_keys(&world.scope, false).await.unwrap());
        world.wait(59);
    }
    assert_eq!(world.versions().len(), 4);
    world.wait(1);
    let last = rotate_keys(&world.scope, false).await.unwrap();
    assert_eq!(
        (last.removed, world.versions()),
        (3, vec![rotated[2].key.clone(), last.key.clone()])
    );
    world.wait(60);
    let next = rotate_keys(&world.scope, false).await.unwrap();
    assert_eq!((next.removed, world.versions()), (1, vec![last.key, next.key]));
    world.assert_all_open().await;
}

/// A clock that is set back counts as no time passed.
#[tokio::test]
async fn where_the_clock_was_set_back_nothing_goes() {
    let world = world().await;
    rotate_keys(&world.scope, false).await.unwrap();
    world.wait(-6000);
    assert_eq!(rotate_keys(&world.scope, false).await.unwrap().removed, 0);
    assert_eq!(world.versions().len(), 3);
}

/// A process seals with a version, and stores the sealed text after a rotation has ended.
#[tokio::test]
async fn a_secret_that_is_stored_late_opens_all_the_same() {
    let world = world().await;
    let late = world.row(&world.accounts[0]).await.value;
    world.wait(120);
    rotate_keys(&world.scope, false).await.unwrap();
    rotate_keys(&world.scope, false).await.unwrap();
    world.put(world.accounts[0].as_str(), &late).await;
    world.wait(120);
    world.assert_all_open().await;
    world.put(world.accounts[0].as_str(), &late).await;
    let done = rotate_keys(&world.scope, false).await.unwrap();
    assert_eq!(done.rewrapped, 3);
    assert!(
        world.versions().iter().any(|version| late.contains(version)),
        "it was named when the rotation began"
    );
    world.assert_all_open().await;
}

#[tokio::test]
async fn what_cannot_be_opened_is_named_and_left_and_the_others_go_on() {
    let world = world().await;
    let [foreign, damaged] = [&world.accounts[0], &world.accounts[1]];
    let moved = world.row(&world.accounts[2]).await.value;
    world.put(foreign.as_str(), &moved).await;
    world.put(damaged.as_str(), "{}").await;
    world.wait(120);
    rotate_keys(&world.scope, false).await.unwrap();
    world.wait(120);
    let done = rotate_keys(&world.scope, false).await.unwrap();
    assert_eq!((done.rewrapped, done.removed), (1, 0), "the damaged row names no key version");
    let mut left: Vec<&AccountId> = done.failed.iter().map(|(id, _)| id).collect();
    left.sort();
    let mut expected = vec![foreign, damaged];
    expected.sort();
    assert_eq!(left, expected);
    assert_eq!(
        (world.row(foreign).await.value, world.row(damaged).await.value),
        (moved, "{}".to_owned())
    );
    assert_eq!(world.secret(&world.accounts[2]).await, SECRETS[2]);
    for (_, error) in &done.failed {
        assert!(!SECRETS.iter().any(|secret| error.to_string().contains(secret)), "{error}");
    }
}

/// Rows of version 1, whose secrets are bound to another row name.
#[tokio::test]
async fn secrets_of_an_earlier_version_are_wrapped_too() {
    let world = world().await;
    let id = &world.accounts[0];
    let place =
        vault::SealContext { table: Table::Secrets.name(), partition: "local", row: id.as_str() };
    let sealed = world.scope.vault.seal(place, &SECRETS[0].into()).await.unwrap();
    world.put(id.as_str(), &format!(r#"{{"v":1,"sealed":"{sealed}"}}"#)).await;
    let done = rotate_keys(&world.scope, false).await.unwrap();
    assert_eq!((done.rewrapped, done.failed.len()), (3, 0));
    assert!(world.row(id).await.value.starts_with(r#"{"v":1"#));
    world.assert_all_open().await;
}

/// At every request of storage, from the first to the last.
#[tokio::test]
async fn a_rotation_that_breaks_off_anywhere_loses_nothing_and_the_next_goes_on() {
    let world = world().await;
    let mut requests = 0;
    loop {
        let store = Arc::new(Leaving {
            inner: world.scope.store.clone(),
            left: AtomicUsize::new(requests),
        });
        let dying = Services { store, ..world.scope.services.clone() }.scope(&world.scope.owner);
        let ended = rotate_keys(&dying, requests % 2 == 0).await;
        world.assert_all_open().await;
        world.wait(if requests % 3 == 0 { 1 } else { 61 });
        if ended.is_ok() {
            break;
        }
        requests += 1;
    }
    assert!(requests > 10, "it was broken off {requests} times");
    world.wait(61);
    let done = rotate_keys(&world.scope, false).await.unwrap();
    assert_eq!((done.rewrapped, done.failed.len()), (3, 0));
    world.wait(61);
    rotate_keys(&world.scope, false).await.unwrap();
    assert_eq!(world.versions().len(), 2, "what the broken ones have left is gone");
    world.assert_all_open().await;
}

/// Rotations, uses, and an account that gets a new secret meanwhile, each in a process of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everything_at_once_loses_nothing() {
    let world = world().await;
    for round in 0..5 {
        world.wait(61);
        let rotations = (0..3).map(|_| async {
            let scope = Services {
                in_process: Arc::new(InProcess::default()),
                ..world.scope.services.clone()
            }
            .scope(&world.scope.owner);
            rotate_keys(&scope, false).await.map(drop)
        });
        let uses = (0..10).map(|n| {
            let (world, n) = (&world, 1 + n % 2);
            async move {
                assert_eq!(world.secret(&world.accounts[n]).await, SECRETS[n], "round {round}")
            }
        });
        let anew = world.connect(0, SECRETS[0]);
        let (rotated, _, id) = futures::join!(join_all(rotations), join_all(uses), anew);
        assert!(rotated.iter().all(Result::is_ok), "{rotated:?}");
        assert_eq!(id, world.accounts[0]);
        world.assert_all_open().await;
    }
    world.wait(61);
    rotate_keys(&world.scope, false).await.unwrap();
    world.assert_all_open().await;
}

#[tokio::test]
async fn a_vault_that_cannot_be_used_stops_it_before_anything_is_begun() {
    let world = world().await;
    let file = world.dir.path().join(KEY_FILE);
    let away = world.dir.path().join("away");
    std::fs::rename(&file, &away).unwrap();
    assert!(matches!(rotate_keys(&world.scope, true).await, Err(Error::Vault(_))));
    std::fs::rename(&away, &file).unwrap();
    assert!(webhook_keys::read_webhook_keys(&*world.scope.store).await.unwrap().is_none());
    assert_eq!(world.versions().len(), 1);
    world.assert_all_open().await;
}
