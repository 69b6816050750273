//! Settings, the row of the root, and the checks that only one of the two keys is used.

use std::collections::BTreeMap;

use store::Embedded;

use super::*;

const KEY: &str = "https://name.vault.azure.net/keys/wrapping";

fn storage(dir: &tempfile::TempDir) -> Arc<Embedded> {
    Arc::new(Embedded::open(dir.path(), || "2026-11-02T08:00:00Z".parse().unwrap()).unwrap())
}

fn settings(values: &[(&'static str, &'static str)]) -> Result<Option<KeyVaultSettings>, String> {
    let values: BTreeMap<_, _> = values.iter().copied().collect();
    KeyVaultSettings::from(|name| values.get(name).copied())
}

fn wrapping() -> KeyVaultSettings {
    settings(&[("CALRELAY_KEY_VAULT_KEY", KEY)]).unwrap().unwrap()
}

#[test]
fn who_asks_follows_from_where_the_program_runs() {
    assert_eq!(settings(&[("IDENTITY_ENDPOINT", "http://localhost/token")]), Ok(None));
    assert_eq!(wrapping().identity, KeyVaultIdentity::Developer);
    let mut values =
        vec![("CALRELAY_KEY_VAULT_KEY", KEY), ("IDENTITY_ENDPOINT", "http://localhost/token")];
    assert_eq!(
        settings(&values).unwrap().unwrap().identity,
        KeyVaultIdentity::Managed { client_id: None }
    );
    values.push(("AZURE_CLIENT_ID", "c1"));
    assert_eq!(
        settings(&values).unwrap().unwrap().identity,
        KeyVaultIdentity::Managed { client_id: Some("c1".into()) }
    );
}

#[test]
fn what_is_no_key_is_refused_by_name() {
    let refusal = settings(&[("CALRELAY_KEY_VAULT_KEY", "https://name.vault.azure.net/secrets/x")])
        .unwrap_err();
    assert!(
        refusal.starts_with("CALRELAY_KEY_VAULT_KEY cannot be used: it does not name a key"),
        "{refusal}"
    );
}

#[tokio::test]
async fn the_row_is_written_by_the_first_and_replaced_by_who_knows_it() {
    let dir = tempfile::tempdir().unwrap();
    let row = StoredRootRow { store: storage(&dir) };
    assert_eq!(row.read().await.unwrap(), None);
    assert!(!row.replace("one", "two").await.unwrap());
    assert!(row.insert("one").await.unwrap());
    assert!(!row.insert("other").await.unwrap());
    assert_eq!(row.read().await.unwrap().as_deref(), Some("one"));
    assert!(!row.replace("other", "two").await.unwrap());
    assert!(row.replace("one", "two").await.unwrap());
    assert_eq!(row.read().await.unwrap().as_deref(), Some("two"));
    for value in ["two", r#"{"v":2,"sealed":"x"}"#] {
        let op = Op::Put { key: ROOT.into(), value: value.into() };
        row.store.commit(Table::Secrets, PARTITION, &[op]).await.unwrap();
        assert!(matches!(row.read().await, Err(Error::Row(_))), "{value}");
    }
}

#[tokio::test]
async fn opening_sends_no_request_and_creates_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = storage(&dir);
    refuse_key_file(&*store, "local").await.unwrap();
    let _vault = open(&wrapping(), store.clone());
    assert!(!has_root(&*store).await.unwrap());
    assert!(refuse_key_vault(&*store).await.is_ok());
}

#[tokio::test]
async fn the_two_kinds_of_keys_are_not_mixed() {
    let dir = tempfile::tempdir().unwrap();
    let store = storage(&dir);
    let secret = Op::Put { key: "a1".into(), value: value("x") };
    store.commit(Table::Secrets, "local", &[secret]).await.unwrap();
    let refusal = refuse_key_file(&*store, "local").await.unwrap_err().to_string();
    assert!(refusal.contains("Leave the setting out"), "{refusal}");
    StoredRootRow { store: store.clone() }.insert("root").await.unwrap();
    assert!(refuse_key_file(&*store, "local").await.is_ok(), "sealed with this kind of key before");
    let refusal = refuse_key_vault(&*store).await.unwrap_err().to_string();
    assert!(refusal.contains("Set it to the identifier"), "{refusal}");
}
