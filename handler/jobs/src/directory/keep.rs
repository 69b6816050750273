//! Secrets that providers replace: stored in the place of the old one.

use std::sync::Arc;

use async_trait::async_trait;
use engine::calendar::AccountId;
use providers::Keep;
use secrecy::{ExposeSecret, SecretString};
use store::{Op, Store, Table};
use vault::{Place, Vault};

use super::accounts::SealedSecret;
use super::rows;
use crate::{Result, Services};

/// The place of an account's secret.
pub(super) struct Drawer {
    store: Arc<dyn Store>,
    vault: Arc<dyn Vault>,
    owner: String,
    account: AccountId,
}

impl Drawer {
    pub(super) fn of(services: &Services, account: &AccountId) -> Self {
        let Services { store, vault, owner, .. } = services.clone();
        Self { store, vault, owner, account: account.clone() }
    }

    async fn replace(&self, old: &SecretString, new: &SecretString) -> Result<()> {
        let place = Place { table: Table::Secrets.name(), partition: &self.owner, row: self.account.as_str() };
        let Some(row) = self.store.get(Table::Secrets, &self.owner, self.account.as_str()).await? else { return Ok(()) };
        let SealedSecret { sealed } = rows::decode(&row.key, &row.value)?;
        if self.vault.open(place, &sealed).await?.expose_secret() != old.expose_secret() {
            return Ok(());
        }
        let sealed = self.vault.seal(place, new).await?;
        let replace = Op::Replace { key: row.key, etag: row.etag, value: rows::encode(&SealedSecret { sealed })? };
        self.store.commit(Table::Secrets, &self.owner, &[replace]).await?;
        Ok(())
    }
}

#[async_trait]
impl Keep for Drawer {
    async fn keep(&self, old: &SecretString, new: &SecretString) -> bool {
        match self.replace(old, new).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(account = %self.account, %error, "a new secret could not be stored; it is tried again at the next use");
                false
            }
        }
    }
}
