//! Findings where storage, vault or accounts fail.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::provider::ProviderKind;
use providers::Provider;
use secrecy::SecretString;
use store::{Acquired, Leases, Message, Op, Queue, Row, Store, Table};

use super::*;
use crate::services::{Scope, Services};
use crate::setup::{Finding, Setup};
use crate::test_services::{self, FixedClock};
use crate::{Connect, nudge};

fn clock() -> FixedClock {
    FixedClock("2026-07-01T12:00:00Z".parse().unwrap())
}

struct OfflineProvider;

#[async_trait]
impl Connect for OfflineProvider {
    async fn discover(
        &self,
        _: ProviderKind,
        _: &str,
        _: &str,
        _: &SecretString,
    ) -> providers::Result<String> {
        Ok("here".into())
    }
    fn open(
        &self,
        _: ProviderKind,
        _: &str,
        _: &str,
        _: SecretString,
    ) -> providers::Result<Arc<dyn Provider>> {
        Err(providers::Error::Unreachable("no server is there".into()))
    }
}

/// Storage that allows only reading, as Azure does for an identity with a reader's role; or that
/// never answers.
#[derive(Clone, Copy)]
enum Broken {
    ReadOnly,
    Silent,
}

const REFUSED: &str = "the storage account refuses access (status 403)";

impl Broken {
    async fn read<T>(self, answer: T) -> store::Result<T> {
        match self {
            Self::ReadOnly => Ok(answer),
            Self::Silent => std::future::pending().await,
        }
    }
    async fn write<T>(self) -> store::Result<T> {
        match self {
            Self::ReadOnly => Err(store::Error::Failed(REFUSED.into())),
            Self::Silent => std::future::pending().await,
        }
    }
}

#[async_trait]
impl Store for Broken {
    async fn get(&self, _: Table, _: &str, _: &str) -> store::Result<Option<Row>> {
        self.read(None).await
    }
    async fn get_many(&self, _: Table, _: &str, _: &[String]) -> store::Result<Vec<Row>> {
        self.read(Vec::new()).await
    }
    async fn scan(
        &self,
        _: Table,
        _: &str,
        _: &str,
        _: Option<&str>,
        _: usize,
    ) -> store::Result<Vec<Row>> {
        self.read(Vec::new()).await
    }
    async fn commit(&self, _: Table, _: &str, _: &[Op]) -> store::Result<Vec<String>> {
        self.write().await
    }
}

#[async_trait]
impl Queue for Broken {
    async fn put(&self, _: &str, _: &str, _: Duration) -> store::Result<()> {
        self.write().await
    }
    async fn take(&self, _: &str, _: usize, _: Duration) -> store::Result<Vec<Message>> {
        self.write().await
    }
    async fn delete(&self, _: &str, _: &Message) -> store::Result<()> {
        self.write().await
    }
    async fn extend(&self, _: &str, _: &Message, _: Duration) -> store::Result<Message> {
        self.write().await
    }
    async fn poison(&self, _: &str, _: &Message) -> store::Result<()> {
        self.write().await
    }
    async fn len(&self, _: &str) -> store::Result<u64> {
        self.read(3).await
    }
}

#[async_trait]
impl Leases for Broken {
    async fn acquire(&self, _: &str, _: &[&str]) -> store::Result<Acquired> {
        self.write().await
    }
    fn pause(&self) -> Duration {
        Duration::from_secs(1)
    }
}

fn scope() -> (Scope, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let scope = test_services::services(dir.path(), Arc::new(OfflineProvider), Arc::new(clock()))
        .scope("local");
    (scope, dir)
}

fn broken(broken: Broken) -> (Scope, tempfile::TempDir) {
    let (scope, dir) = scope();
    let setup = Setup { azure_storage: true, ..Setup::default() };
    let (store, queue, leases) = (Arc::new(broken), Arc::new(broken), Arc::new(broken));
    (
        Services { store, queue, leases, setup: Arc::new(setup), ..scope.services }
            .scope(&scope.owner),
        dir,
    )
}

fn of<'a>(findings: &'a [Finding], check: &str) -> &'a Finding {
    findings
        .iter()
        .find(|finding| finding.check == check)
        .unwrap_or_else(|| panic!("no {check} in {findings:?}"))
}

#[tokio::test]
async fn a_fresh_installation_is_well_and_stays_empty() {
    let (scope, _dir) = scope();
    for how in [AccountChecks::Live, AccountChecks::Stored] {
        let findings = findings(&scope, how).await;
        assert!(findings.iter().all(|finding| finding.ok && finding.fix.is_none()), "{findings:?}");
        for check in [
            "storage:rows",
            "storage:queue",
            "storage:leases",
            "vault",
            "accounts",
            "work",
            "clock",
        ] {
            of(&findings, check);
        }
    }
    for table in Table::ALL {
        assert_eq!(scope.store.scan(table, "doctor", "", None, 10).await.unwrap(), []);
    }
    assert_eq!(scope.queue.len(nudge::QUEUE).await.unwrap(), 0);
    assert!(
        scope.leases.acquire("doctor", &["doctor"]).await.unwrap().taken().is_some(),
        "it was given back"
    );
}

#[tokio::test]
async fn missing_roles_are_named_where_storage_is_read_only() {
    let (scope, _dir) = broken(Broken::ReadOnly);
    let findings = findings(&scope, AccountChecks::Stored).await;
    for (check, role) in [
        ("storage:rows", "Storage Table Data Contributor on the tables"),
        ("storage:queue", "Storage Queue Data Contributor"),
        ("storage:leases", "Storage Table Data Contributor on the table leases"),
    ] {
        let finding = of(&findings, check);
        assert!(!finding.ok && finding.message.contains("403"), "{finding:?}");
        assert!(finding.fix.as_ref().is_some_and(|fix| fix.contains(role)), "{finding:?}");
    }
    let work = of(&findings, "work");
    assert!(!work.ok && work.message.starts_with("3 calendars failed for good"), "{work:?}");
}

#[tokio::test(start_paused = true)]
async fn storage_that_never_answers_delays_no_check_beyond_its_limit() {
    let (scope, _dir) = broken(Broken::Silent);
    let begun = tokio::time::Instant::now();
    let health = crate::health(&scope, true).await;
    assert!(begun.elapsed() <= TIMEOUT + Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(!health.ok && !health.storage && health.detail.is_none());
    let findings = health.findings.unwrap();
    assert!(
        of(&findings, "storage:rows").message.contains("no answer within 30 s"),
        "{findings:?}"
    );
    assert!(of(&findings, "clock").ok, "what can be looked at is looked at");
}

#[tokio::test]
async fn a_live_check_names_an_account_that_does_not_answer_and_a_stored_check_names_no_user() {
    let (scope, _dir) = scope();
    let url = "https://dav.example.org/";
    let account = crate::accounts::connect_account(
        &scope,
        ProviderKind::Caldav,
        url,
        "anna",
        &"secret".to_owned().into(),
    )
    .await
    .unwrap();
    let asked = findings(&scope, AccountChecks::Live).await;
    let check = format!("account:{}", account.id);
    assert!(!of(&asked, &check).ok && of(&asked, &check).message.contains("anna"), "{asked:?}");
    let remembered = findings(&scope, AccountChecks::Stored).await;
    assert!(remembered.iter().all(|finding| !finding.message.contains("anna")), "{remembered:?}");
    assert!(
        remembered.iter().any(|finding| finding.check.starts_with("account")),
        "{remembered:?}"
    );
}

#[tokio::test]
async fn details_carry_the_settings_and_probes_do_not() {
    let (scope, _dir) = scope();
    let setup =
        Setup { findings: vec![Finding::bad("settings", "Odd.", "Mend it.")], ..Setup::default() };
    let scope = Services { setup: Arc::new(setup), ..scope.services }.scope(&scope.owner);
    let health = crate::health(&scope, true).await;
    assert!(health.ok, "there is something to mend, and it works all the same");
    assert_eq!(health.findings.unwrap()[0].message, "Odd.");
    let probe = serde_json::to_value(crate::health(&scope, false).await).unwrap();
    assert_eq!(
        probe,
        serde_json::json!({"ok": true, "storage": true, "vault": true, "work": true})
    );
}

/// A provider that refuses the client of this installation.
struct RefusedClient;

#[async_trait]
impl Connect for RefusedClient {
    async fn discover(
        &self,
        _: ProviderKind,
        _: &str,
        _: &str,
        _: &SecretString,
    ) -> providers::Result<String> {
        Ok("here".into())
    }
    fn open(
        &self,
        _: ProviderKind,
        _: &str,
        _: &str,
        _: SecretString,
    ) -> providers::Result<Arc<dyn Provider>> {
        Err(providers::Error::Misconfigured("the secret has expired".into()))
    }
    fn refused_clients(&self) -> Vec<(ProviderKind, String)> {
        vec![(ProviderKind::Microsoft, "the secret has expired".into())]
    }
}

#[tokio::test]
async fn a_refused_client_is_found_and_changes_no_account() {
    let dir = tempfile::tempdir().unwrap();
    let scope = test_services::services(dir.path(), Arc::new(RefusedClient), Arc::new(clock()))
        .scope("local");
    let endpoint = r#"{"client":"c1","owner":"t/o"}"#.to_owned();
    let (url, user) = ("https://graph.example.org/".into(), "anna@example.org".into());
    let granted = crate::Granted { url, user, endpoint, secret: "r".into() };
    let account = crate::accounts::connect_grant(&scope, ProviderKind::Microsoft, granted, None)
        .await
        .unwrap();
    for how in [AccountChecks::Live, AccountChecks::Stored] {
        let findings = findings(&scope, how).await;
        let client = of(&findings, "client:microsoft");
        assert!(!client.ok && client.message == "The secret has expired.", "{client:?}");
        assert_eq!(scope.directory().account(&account.id).await.unwrap(), account, "{how:?}");
    }
}
