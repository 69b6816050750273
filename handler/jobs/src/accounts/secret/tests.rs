use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use providers::Provider;
use records::codec;
use vault::LocalKey;

use super::*;
use crate::test_services::{FixedClock, services};
use crate::{Connect, accounts};

const HERE: &str = "https://dav.example.org";
const THERE: &str = "https://dav.example.net";

/// Records where a password would be sent; `found` is the result of discovery.
#[derive(Default)]
struct Wires {
    found: Mutex<String>,
    sent: Mutex<Vec<String>>,
}

#[async_trait]
impl Connect for Wires {
    async fn discover(
        &self,
        _: ProviderKind,
        url: &str,
        _: &str,
        secret: &SecretString,
    ) -> providers::Result<String> {
        self.sent.lock().unwrap().push(format!("{url} {}", secret.expose_secret()));
        Ok(self.found.lock().unwrap().clone())
    }

    fn open(
        &self,
        _: ProviderKind,
        endpoint: &str,
        user: &str,
        secret: SecretString,
    ) -> providers::Result<Arc<dyn Provider>> {
        self.sent.lock().unwrap().push(format!("{endpoint} {user} {}", secret.expose_secret()));
        Err(providers::Error::Unreachable("there is no network".into()))
    }
}

struct SealedWorld {
    scope: Scope,
    wires: Arc<Wires>,
    dir: tempfile::TempDir,
}

fn world() -> SealedWorld {
    let dir = tempfile::tempdir().unwrap();
    let wires = Arc::new(Wires::default());
    let scope = services(dir.path(), wires.clone(), Arc::new(FixedClock(Timestamp::UNIX_EPOCH)))
        .scope("local");
    SealedWorld { scope, wires, dir }
}

fn endpoint(base: &str, home: &str) -> String {
    serde_json::json!({"base": format!("{base}/"), "homes": [{"url": format!("{home}/anna/")}]})
        .to_string()
}

impl SealedWorld {
    /// Connects an account at `url` whose calendars are found at `endpoint`.
    async fn connect(&self, url: &str, user: &str, endpoint: &str, secret: &str) -> Account {
        *self.wires.found.lock().unwrap() = endpoint.to_owned();
        let account =
            accounts::connect_account(&self.scope, ProviderKind::Caldav, url, user, &secret.into())
                .await
                .unwrap();
        self.wires.sent.lock().unwrap().clear();
        account
    }

    async fn row(&self, table: Table, key: &str) -> Row {
        self.scope.store.get(table, "local", key).await.unwrap().unwrap()
    }

    async fn put(&self, table: Table, key: &str, value: String) {
        self.scope
            .store
            .commit(table, "local", &[Op::Put { key: key.into(), value }])
            .await
            .unwrap();
    }

    /// Stores the secret as earlier versions sealed it.
    async fn seal_as_before(&self, account: &Account, secret: &str) {
        let sealed = self
            .scope
            .vault
            .seal(seal_context(&self.scope, account.id.as_str()), &secret.into())
            .await
            .unwrap();
        self.put(Table::Secrets, account.id.as_str(), format!(r#"{{"v":1,"sealed":"{sealed}"}}"#))
            .await;
    }

    /// What opening the account sends, and its error, by the account's row and by a snapshot.
    async fn use_of(&self, id: &AccountId) -> (Vec<String>, Error) {
        let scope = &self.scope;
        let by_row = async { accounts::open(scope, &scope.directory().account(id).await?).await };
        let first = by_row.await.err().unwrap();
        let by_snapshot = async {
            let directory = scope.snapshot().await?;
            crate::accounts::open_in(scope, &directory, &directory.account(id)?).await
        };
        let second = by_snapshot.await.err().unwrap();
        assert_eq!(first.to_string(), second.to_string());
        (std::mem::take(&mut self.wires.sent.lock().unwrap()), first)
    }

    async fn use_of_once(&self, id: &AccountId) -> (Vec<String>, Error) {
        let scope = &self.scope;
        let error = accounts::open(scope, &scope.directory().account(id).await.unwrap())
            .await
            .err()
            .unwrap();
        (std::mem::take(&mut self.wires.sent.lock().unwrap()), error)
    }

    async fn is_refused(&self, id: &AccountId) {
        let (sent, error) = self.use_of(id).await;
        assert_eq!(sent, [""; 0]);
        let Error::Provider(providers::Error::Credentials(words)) = error else {
            panic!("{error}")
        };
        assert!(words.contains("not sent anywhere") && words.contains("account add"), "{words}");
    }

    async fn cannot_open(&self, id: &AccountId) {
        let (sent, error) = self.use_of(id).await;
        assert!(sent.is_empty(), "{sent:?}");
        assert!(matches!(error, Error::Vault(vault::Error::CannotOpen)), "{error}");
    }

    async fn is_sent(&self, id: &AccountId, to: &str) {
        let (sent, _) = self.use_of(id).await;
        assert_eq!(sent, [to, to]);
    }
}

#[tokio::test]
async fn a_row_that_was_edited_gets_no_password() {
    let world = world();
    let account = world.connect(HERE, "anna", &endpoint(HERE, HERE), "geheim").await;
    let (key, good) = (format!("account:{}", account.id), codec::encode(&account).unwrap());
    world.is_sent(&account.id, &format!("{} anna geheim", endpoint(HERE, HERE))).await;
    let edits: [(&str, &str, String); 8] = [
        ("another server", "endpoint", endpoint(THERE, THERE)),
        ("another base", "endpoint", endpoint(THERE, HERE)),
        ("another home", "endpoint", endpoint(HERE, THERE)),
        ("another port", "endpoint", endpoint(HERE, "https://dav.example.org:8443")),
        ("without TLS", "endpoint", endpoint("http://dav.example.org", HERE)),
        ("no endpoint", "endpoint", "{}".into()),
        ("where discovery begins", "url", format!("{THERE}/")),
        ("another user", "user", "ben".into()),
    ];
    for (what, field, value) in edits {
        let mut row: serde_json::Value = serde_json::from_str(&good).unwrap();
        row[field] = value.into();
        world.put(Table::Directory, &key, row.to_string()).await;
        eprintln!("{what}");
        world.is_refused(&account.id).await;
    }
    world.put(Table::Directory, &key, good.replace("caldav", "icloud")).await;
    world.is_refused(&account.id).await;
    world.put(Table::Directory, &key, good).await;
    world.is_sent(&account.id, &format!("{} anna geheim", endpoint(HERE, HERE))).await;
}

#[tokio::test]
async fn rows_that_were_swapped_open_nothing() {
    let world = world();
    let anna = world.connect(HERE, "anna", &endpoint(HERE, HERE), "geheim").await;
    let ben = world.connect(THERE, "ben", &endpoint(THERE, THERE), "secret").await;
    let ids = [anna.id.as_str(), ben.id.as_str()];
    for (table, prefix) in [(Table::Secrets, ""), (Table::Directory, "account:")] {
        let keys = ids.map(|id| format!("{prefix}{id}"));
        let [one, other] = [world.row(table, &keys[0]).await, world.row(table, &keys[1]).await];
        world.put(table, &keys[0], other.value.clone()).await;
        world.put(table, &keys[1], one.value.clone()).await;
        for id in [&anna.id, &ben.id] {
            let (sent, error) = world.use_of(id).await;
            assert_eq!(sent, [""; 0], "{table:?}");
            assert!(
                matches!(error, Error::Vault(vault::Error::CannotOpen) | Error::Damaged(_)),
                "{error}"
            );
        }
        world.put(table, &keys[0], one.value).await;
        world.put(table, &keys[1], other.value).await;
    }
    world.is_sent(&anna.id, &format!("{} anna geheim", endpoint(HERE, HERE))).await;
}

#[tokio::test]
async fn a_row_that_was_put_back_sends_the_password_nowhere_new() {
    let world = world();
    let key = |account: &Account| format!("account:{}", account.id);
    let before = world.connect(HERE, "anna", &endpoint(HERE, THERE), "old").await;
    let rows_before = (
        world.row(Table::Directory, &key(&before)).await.value,
        world.row(Table::Secrets, before.id.as_str()).await.value,
    );
    // The calendars are on another server now.
    let now = world.connect(HERE, "anna", &endpoint(HERE, HERE), "new").await;
    let rows_now = (
        world.row(Table::Directory, &key(&now)).await.value,
        world.row(Table::Secrets, now.id.as_str()).await.value,
    );
    assert_eq!(before.id, now.id);

    world.put(Table::Directory, &key(&now), rows_before.0.clone()).await;
    world.is_refused(&now.id).await;
    // The earlier secret is sent only where it was sent before.
    world.put(Table::Secrets, now.id.as_str(), rows_before.1.clone()).await;
    world.is_sent(&now.id, &format!("{} anna old", endpoint(HERE, THERE))).await;
    world.put(Table::Directory, &key(&now), rows_now.0).await;
    world.is_sent(&now.id, &format!("{} anna old", endpoint(HERE, HERE))).await;
}

#[tokio::test]
async fn a_server_that_moved_is_where_the_password_may_go_from_then_on() {
    let world = world();
    let account = world.connect(HERE, "anna", &endpoint(HERE, HERE), "geheim").await;
    let moved = Account { endpoint: endpoint(HERE, THERE), ..account.clone() };
    add_destinations(&world.scope, &account, &moved).await.unwrap();
    let key = format!("account:{}", account.id);
    for known in [&account, &moved] {
        world.put(Table::Directory, &key, codec::encode(known).unwrap()).await;
        world.is_sent(&account.id, &format!("{} anna geheim", known.endpoint)).await;
    }
    let before = world.row(Table::Secrets, account.id.as_str()).await.value;
    add_destinations(&world.scope, &account, &moved).await.unwrap();
    assert_eq!(
        world.row(Table::Secrets, account.id.as_str()).await.value,
        before,
        "what it may do already is not written anew"
    );
    let elsewhere =
        Account { endpoint: endpoint("https://dav.example.com", HERE), ..account.clone() };
    assert!(
        add_destinations(&world.scope, &elsewhere, &moved).await.is_err(),
        "an edited row names no further servers"
    );
}

#[tokio::test]
async fn an_earlier_secret_is_sealed_anew_with_where_it_may_go() {
    let world = world();
    let account = world.connect(HERE, "anna", &endpoint(HERE, HERE), "geheim").await;
    world.seal_as_before(&account, "geheim").await;
    let sent = format!("{} anna geheim", endpoint(HERE, HERE));
    world.is_sent(&account.id, &sent).await;
    let row = world.row(Table::Secrets, account.id.as_str()).await.value;
    assert!(row.starts_with(r#"{"v":2,"#), "{row}");
    world.is_sent(&account.id, &sent).await;
    // A text of one version cannot be read as the other.
    world.put(Table::Secrets, account.id.as_str(), row.replace(r#""v":2"#, r#""v":1"#)).await;
    world.cannot_open(&account.id).await;
    world.seal_as_before(&account, "geheim").await;
    let old =
        world.row(Table::Secrets, account.id.as_str()).await.value.replace(r#""v":1"#, r#""v":2"#);
    world.put(Table::Secrets, account.id.as_str(), old).await;
    world.cannot_open(&account.id).await;
}

#[tokio::test]
async fn an_earlier_secret_goes_only_where_its_first_address_leads() {
    let world = world();
    let account = world.connect(HERE, "anna", &endpoint(HERE, HERE), "geheim").await;
    let key = format!("account:{}", account.id);
    world.seal_as_before(&account, "geheim").await;
    let asked = format!("{HERE}/ geheim");
    let row = |account: &Account| codec::encode(account).unwrap();
    // The record names another server than the address, and discovery from the address does not
    // lead there: the record is not trusted.
    world
        .put(
            Table::Directory,
            &key,
            row(&Account { endpoint: endpoint(THERE, THERE), ..account.clone() }),
        )
        .await;
    let (sent, error) = world.use_of_once(&account.id).await;
    assert_eq!(sent, [asked.as_str()]);
    assert!(matches!(error, Error::Provider(providers::Error::Unreachable(_))), "{error}");
    world.is_sent(&account.id, &format!("{} anna geheim", endpoint(HERE, HERE))).await;
    world.seal_as_before(&account, "geheim").await;
    // The address itself was edited: the endpoint still names the first address.
    world
        .put(Table::Directory, &key, row(&Account { url: format!("{THERE}/"), ..account.clone() }))
        .await;
    let (sent, error) = world.use_of_once(&account.id).await;
    assert_eq!(sent, [asked.as_str()]);
    assert!(matches!(error, Error::Provider(providers::Error::Unreachable(_))), "{error}");
    world.is_sent(&account.id, &format!("{} anna geheim", endpoint(HERE, HERE))).await;
    world.seal_as_before(&account, "geheim").await;
    // Without TLS the id does not change.
    let plain = |text: &str| text.replace("https://", "http://");
    let edited =
        Account { url: plain(&account.url), endpoint: plain(&account.endpoint), ..account.clone() };
    assert_eq!(
        ids::account(edited.kind, &crate::ids::Address::parse(&edited.url).unwrap(), &edited.user),
        account.id
    );
    world.put(Table::Directory, &key, codec::encode(&edited).unwrap()).await;
    world.is_refused(&account.id).await;
    // Discovery from the address leads to another server, as the record says.
    *world.wires.found.lock().unwrap() = endpoint(THERE, THERE);
    world
        .put(
            Table::Directory,
            &key,
            codec::encode(&Account { endpoint: endpoint(THERE, THERE), ..account.clone() })
                .unwrap(),
        )
        .await;
    let (sent, _) = world.use_of(&account.id).await;
    let opened = format!("{} anna geheim", endpoint(THERE, THERE));
    assert_eq!(sent, [asked, opened.clone(), opened], "asked once, and sealed with what was found");
}

#[tokio::test]
async fn a_grant_belongs_to_its_client_and_a_newer_version_is_named() {
    let world = world();
    let (url, endpoint) =
        ("https://www.googleapis.com/".to_owned(), r#"{"client":"one"}"#.to_owned());
    let granted = crate::Granted {
        url,
        user: "anna@example.org".into(),
        endpoint,
        secret: "1//first".into(),
    };
    let account = crate::accounts::connect_grant(&world.scope, ProviderKind::Google, granted, None)
        .await
        .unwrap();
    world.seal_as_before(&account, "1//first").await;
    world.is_sent(&account.id, r#"{"client":"one"} anna@example.org 1//first"#).await;
    let edited = Account { endpoint: r#"{"client":"two"}"#.into(), ..account.clone() };
    world
        .put(Table::Directory, &format!("account:{}", account.id), codec::encode(&edited).unwrap())
        .await;
    world.is_refused(&account.id).await;
    world.put(Table::Secrets, account.id.as_str(), r#"{"v":3,"sealed":"x"}"#.into()).await;
    assert!(world.use_of(&account.id).await.1.to_string().contains("newer calrelay"));
}

#[tokio::test]
async fn after_a_rotation_a_secret_is_wrapped_anew_when_it_is_used() {
    let world = world();
    let account = world.connect(HERE, "anna", &endpoint(HERE, HERE), "geheim").await;
    let used = async || {
        assert_eq!(world.use_of(&account.id).await.0.len(), 2);
        world.row(Table::Secrets, account.id.as_str()).await.value
    };
    let before = world.row(Table::Secrets, account.id.as_str()).await.value;
    assert_eq!(used().await, before, "up to date: nothing is written");
    let version = LocalKey::open(world.dir.path()).unwrap().rotate().unwrap();
    let anew = used().await;
    assert!(anew.contains(&format!("v1.{version}.")), "{anew}");
    assert_eq!(used().await, anew, "once");
}

#[tokio::test]
async fn an_earlier_account_that_was_connected_again_in_another_spelling_goes_on() {
    let world = world();
    let account = world.connect(HERE, "anna", &endpoint(HERE, HERE), "geheim").await;
    let key = format!("account:{}", account.id);
    for address in
        [format!("{HERE}/dav/anna/"), format!("{HERE}/.well-known/caldav"), format!("{HERE}/anna/")]
    {
        world.seal_as_before(&account, "geheim").await;
        world
            .put(
                Table::Directory,
                &key,
                codec::encode(&Account { url: address, ..account.clone() }).unwrap(),
            )
            .await;
        world.is_sent(&account.id, &format!("{} anna geheim", endpoint(HERE, HERE))).await;
    }
    // At another origin nothing names the address of the first connection.
    world.seal_as_before(&account, "geheim").await;
    let elsewhere =
        Account { url: format!("{THERE}/"), endpoint: endpoint(THERE, THERE), ..account.clone() };
    world.put(Table::Directory, &key, codec::encode(&elsewhere).unwrap()).await;
    world.is_refused(&account.id).await;
}

#[tokio::test]
async fn an_account_that_moves_opens_whichever_of_its_rows_was_written_last() {
    let world = world();
    let before = world.connect(HERE, "anna", &endpoint(HERE, THERE), "old").await;
    let key = format!("account:{}", before.id);
    let moved = Account { endpoint: endpoint(HERE, "https://dav.example.com"), ..before.clone() };
    // The process ends between the two writes.
    let value = seal_for_both(&world.scope, &moved, &before, &"new".into()).await.unwrap().unwrap();
    world.put(Table::Secrets, before.id.as_str(), value).await;
    world.is_sent(&before.id, &format!("{} anna new", before.endpoint)).await;
    world.put(Table::Directory, &key, codec::encode(&moved).unwrap()).await;
    world.is_sent(&before.id, &format!("{} anna new", moved.endpoint)).await;
    // A destination from an edited account record is not accepted.
    let edited = Account { endpoint: endpoint("https://evil.example", HERE), ..moved.clone() };
    assert!(seal_for_both(&world.scope, &before, &edited, &"new".into()).await.unwrap().is_none());
    // After both writes, the earlier server gets no request any more.
    *world.wires.found.lock().unwrap() = endpoint(HERE, HERE);
    let now = world.connect(HERE, "anna", &endpoint(HERE, HERE), "newer").await;
    assert_eq!(now.id, before.id);
    world
        .put(
            Table::Directory,
            &key,
            codec::encode(&Account { generation: now.generation, ..moved }).unwrap(),
        )
        .await;
    world.is_refused(&before.id).await;
}

#[tokio::test]
async fn a_secret_that_is_wrapped_anew_meanwhile_learns_of_its_new_server() {
    let world = world();
    let account = world.connect(HERE, "anna", &endpoint(HERE, HERE), "geheim").await;
    LocalKey::open(world.dir.path()).unwrap().rotate().unwrap();
    let moved = Account { endpoint: endpoint(HERE, THERE), ..account.clone() };
    add_destinations(&world.scope, &account, &moved).await.unwrap();
    world
        .put(Table::Directory, &format!("account:{}", account.id), codec::encode(&moved).unwrap())
        .await;
    world.is_sent(&account.id, &format!("{} anna geheim", endpoint(HERE, THERE))).await;
}
