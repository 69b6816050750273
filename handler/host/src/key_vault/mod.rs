//! The vault whose key is in Azure Key Vault: which key, with which identity, and the row of its
//! root.
//!
//! The wrapped root is one row of the table of secrets: partition `vault`, row `root`, in the
//! format of the other rows. The first process that needs it creates it. No version of this program
//! removes it.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use store::{Op, Row, Store, Table};
use vault::key_vault::{KeyIdentifier, KeyVaultIdentity};
use vault::{Envelope, Error, KeyVault, RootRow, SealContext, Vault};

const PARTITION: &str = "vault";
const ROOT: &str = "root";

/// The wrapping key, and the identity for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyVaultSettings {
    /// `CALRELAY_KEY_VAULT_KEY`.
    pub key: KeyIdentifier,
    /// In Azure the identity of the program (`AZURE_CLIENT_ID` names a user-assigned one),
    /// elsewhere the user who is signed in.
    pub identity: KeyVaultIdentity,
}

impl KeyVaultSettings {
    /// Reads the settings; `None` if the key is a file in the data directory.
    ///
    /// # Errors
    /// A text that says what is wrong with them.
    pub fn from<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Option<Self>, String> {
        let Some(key) = get("CALRELAY_KEY_VAULT_KEY") else { return Ok(None) };
        let key = key
            .parse()
            .map_err(|error| format!("CALRELAY_KEY_VAULT_KEY cannot be used: {error}"))?;
        // Azure sets this if the app has an identity.
        let identity = match get("IDENTITY_ENDPOINT") {
            Some(_) => {
                KeyVaultIdentity::Managed { client_id: get("AZURE_CLIENT_ID").map(str::to_owned) }
            }
            None => KeyVaultIdentity::Developer,
        };
        Ok(Some(Self { key, identity }))
    }
}

/// The vault. No request is sent yet; [`refuse_key_file`] must succeed before the vault is used.
pub fn open(wrapping: &KeyVaultSettings, store: Arc<dyn Store>) -> Arc<dyn Vault> {
    let key = KeyVault::new(wrapping.key.clone(), wrapping.identity.clone());
    Arc::new(Envelope::with_root_row(key, Arc::new(StoredRootRow { store })))
}

/// If the key is in Key Vault: checks that it was not a file before.
///
/// # Errors
/// If secrets are stored that were sealed with another key; or if storage fails.
pub async fn refuse_key_file(store: &dyn Store, owner: &str) -> jobs::Result<()> {
    let sealed_before = !store.scan(Table::Secrets, owner, "", None, 1).await?.is_empty();
    if sealed_before && !has_root(store).await? {
        let words = "CALRELAY_KEY_VAULT_KEY is set, and there are stored passwords that were \
        sealed with the key file in the data directory; \
                     nothing was changed. Leave the setting out, or begin with an empty data \
                     directory and connect the accounts again";
        return Err(Error::KeyFile(words.into()).into());
    }
    Ok(())
}

/// If the key is a file: checks that it was not in Key Vault before.
///
/// # Errors
/// If it was.
pub async fn refuse_key_vault(store: &dyn Store) -> jobs::Result<()> {
    if !has_root(store).await? {
        return Ok(());
    }
    let words = "the stored passwords were sealed with a key in Azure Key Vault, and \
    CALRELAY_KEY_VAULT_KEY is not set; nothing was changed. \
                 Set it to the identifier of that key";
    Err(Error::KeyFile(words.into()).into())
}

async fn has_root(store: &dyn Store) -> jobs::Result<bool> {
    Ok(store.get(Table::Secrets, PARTITION, ROOT).await?.is_some())
}

/// The row of the root.
struct StoredRootRow {
    store: Arc<dyn Store>,
}

/// The value of the row.
#[derive(Serialize, Deserialize)]
struct RootRowValue {
    v: u32,
    sealed: String,
}

impl StoredRootRow {
    async fn row(&self) -> vault::Result<Option<Row>> {
        self.store.get(Table::Secrets, PARTITION, ROOT).await.map_err(failed)
    }

    /// Returns whether the condition of `op` held.
    async fn write(&self, op: Op) -> vault::Result<bool> {
        match self.store.commit(Table::Secrets, PARTITION, &[op]).await {
            Ok(_) => Ok(true),
            Err(store::Error::Conflict(_)) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }
}

#[async_trait]
impl RootRow for StoredRootRow {
    fn context(&self) -> SealContext<'_> {
        SealContext { table: Table::Secrets.name(), partition: PARTITION, row: ROOT }
    }

    async fn read(&self) -> vault::Result<Option<String>> {
        self.row().await?.map(|row| sealed(&row)).transpose()
    }

    async fn insert(&self, text: &str) -> vault::Result<bool> {
        self.write(Op::Insert { key: ROOT.into(), value: value(text) }).await
    }

    async fn replace(&self, old: &str, new: &str) -> vault::Result<bool> {
        match self.row().await? {
            Some(row) if sealed(&row)? == old => {
                self.write(Op::Replace { key: ROOT.into(), etag: row.etag, value: value(new) })
                    .await
            }
            _ => Ok(false),
        }
    }
}

fn value(sealed: &str) -> String {
    serde_json::json!(RootRowValue { v: 1, sealed: sealed.into() }).to_string()
}

fn sealed(row: &Row) -> vault::Result<String> {
    match serde_json::from_str(&row.value) {
        Ok(RootRowValue { v: 1, sealed }) => Ok(sealed),
        _ => Err(Error::Row(
            "it is damaged, or was written by a newer calrelay; it was left unchanged".into(),
        )),
    }
}

fn failed(error: store::Error) -> Error {
    Error::Row(error.to_string())
}

#[cfg(test)]
mod tests;
