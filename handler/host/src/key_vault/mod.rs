//! The vault whose key is in Azure Key Vault: which key, as whom it is asked, and where its root is
//! kept.
//!
//! The wrapped root is one row of the secrets: partition `vault`, row `root`, in the shape of the
//! others. It is made with the first work that needs it, by whichever process comes first, and by
//! no version of this program ever removed.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use store::{Op, Row, Store, Table};
use vault::key_vault::{KeyIdentifier, KeyVaultIdentity};
use vault::{Envelope, Error, KeyVault, RootRow, SealContext, Vault};

const PARTITION: &str = "vault";
const ROOT: &str = "root";

/// Which key wraps, and as whom it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapping {
    /// `CALRELAY_KEY_VAULT_KEY`.
    pub key: KeyIdentifier,
    /// In Azure the identity of the program (`AZURE_CLIENT_ID` names a user-assigned one),
    /// elsewhere whoever is signed in.
    pub identity: KeyVaultIdentity,
}

impl Wrapping {
    /// What the settings say; `None` where the key is a file in the data directory.
    ///
    /// # Errors
    /// In words, what is wrong with them.
    pub fn from<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Option<Self>, String> {
        let Some(key) = get("CALRELAY_KEY_VAULT_KEY") else { return Ok(None) };
        let key = key
            .parse()
            .map_err(|error| format!("CALRELAY_KEY_VAULT_KEY cannot be used: {error}"))?;
        // Azure's own sign that there is an identity to be had.
        let identity = match get("IDENTITY_ENDPOINT") {
            Some(_) => {
                KeyVaultIdentity::Managed { client_id: get("AZURE_CLIENT_ID").map(str::to_owned) }
            }
            None => KeyVaultIdentity::Developer,
        };
        Ok(Some(Self { key, identity }))
    }
}

/// The vault. Nobody is asked for anything yet; [`check`] must have been passed before it is used.
pub fn open(wrapping: &Wrapping, store: Arc<dyn Store>) -> Arc<dyn Vault> {
    let key = KeyVault::new(wrapping.key.clone(), wrapping.identity.clone());
    Arc::new(Envelope::with_root_row(key, Arc::new(StoredRoot { store })))
}

/// Where the key is to be in Key Vault: that it was not a file before.
///
/// # Errors
/// Where secrets are stored that were sealed with another key; or where storage fails.
pub async fn check(store: &dyn Store, owner: &str) -> jobs::Result<()> {
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

/// Where the key is to be a file: that it was not in Key Vault before.
///
/// # Errors
/// Where it was.
pub async fn refuse_if_used(store: &dyn Store) -> jobs::Result<()> {
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

/// The row.
struct StoredRoot {
    store: Arc<dyn Store>,
}

/// What it holds.
#[derive(Serialize, Deserialize)]
struct Text {
    v: u32,
    sealed: String,
}

impl StoredRoot {
    async fn row(&self) -> vault::Result<Option<Row>> {
        self.store.get(Table::Secrets, PARTITION, ROOT).await.map_err(failed)
    }

    /// Whether the condition of `op` held.
    async fn write(&self, op: Op) -> vault::Result<bool> {
        match self.store.commit(Table::Secrets, PARTITION, &[op]).await {
            Ok(_) => Ok(true),
            Err(store::Error::Conflict(_)) => Ok(false),
            Err(error) => Err(failed(error)),
        }
    }
}

#[async_trait]
impl RootRow for StoredRoot {
    fn place(&self) -> SealContext<'_> {
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
    serde_json::json!(Text { v: 1, sealed: sealed.into() }).to_string()
}

fn sealed(row: &Row) -> vault::Result<String> {
    match serde_json::from_str(&row.value) {
        Ok(Text { v: 1, sealed }) => Ok(sealed),
        _ => Err(Error::Row(
            "it is damaged, or was written by a newer calrelay; it was left as it is".into(),
        )),
    }
}

fn failed(error: store::Error) -> Error {
    Error::Row(error.to_string())
}

#[cfg(test)]
mod tests;
