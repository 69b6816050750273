//! An account's grant at work: where its new refresh tokens go, and what becomes of the account when it ends.
//!
//! For an account that holds a grant this is the only evidence of how it stands. A calendar without a cheap mark of its state answers a glance
//! without anybody being asked, and an access token may live for an hour after consent was taken back.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use engine::calendar::ProviderKind;
use providers::{Keep, Provider};
use secrecy::{ExposeSecret, SecretString};
use store::{Op, Table};
use vault::Place;

use super::accounts::{self, Account, SealedSecret};
use super::rows;
use crate::{Connect, Error, Result, Services};

/// The place of an account's secret.
pub(super) struct Drawer {
    services: Services,
    /// As it was when it was opened, and as it stands by what was heard since.
    account: Mutex<Account>,
}

impl Drawer {
    pub(super) fn of(services: &Services, account: &Account) -> Self {
        // The providers hold their grants, and a grant holds this: it must not hold the providers.
        let services = Services { connect: Arc::new(Nobody), ..services.clone() };
        Self { services, account: Mutex::new(account.clone()) }
    }

    fn account(&self) -> Account {
        self.account.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn replace(&self, old: &SecretString, new: &SecretString) -> Result<()> {
        let Services { store, vault, owner, .. } = &self.services;
        let id = self.account().id;
        let place = Place { table: Table::Secrets.name(), partition: owner, row: id.as_str() };
        let Some(row) = store.get(Table::Secrets, owner, id.as_str()).await? else { return Ok(()) };
        let SealedSecret { sealed } = rows::decode(&row.key, &row.value)?;
        if vault.open(place, &sealed).await?.expose_secret() != old.expose_secret() {
            return Ok(());
        }
        let sealed = vault.seal(place, new).await?;
        let replace = Op::Replace { key: row.key, etag: row.etag, value: rows::encode(&SealedSecret { sealed })? };
        store.commit(Table::Secrets, owner, &[replace]).await?;
        Ok(())
    }
}

#[async_trait]
impl Keep for Drawer {
    async fn keep(&self, old: &SecretString, new: &SecretString) -> bool {
        match self.replace(old, new).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(account = %self.account().id, %error, "a new secret could not be stored; it is tried again at the next use");
                false
            }
        }
    }

    async fn stands(&self, failure: Option<&providers::Error>) {
        let mut account = self.account();
        let failure = failure.cloned().map(Error::Provider);
        if let Err(error) = accounts::record_grant(&self.services, &mut account, failure.as_ref()).await {
            tracing::warn!(account = %account.id, %error, "how the account stands could not be written down");
            return;
        }
        *self.account.lock().unwrap_or_else(PoisonError::into_inner) = account;
    }
}

/// No way to any provider: none is needed here.
struct Nobody;

#[async_trait]
impl Connect for Nobody {
    async fn discover(&self, _: ProviderKind, _: &str, _: &str, _: &SecretString) -> providers::Result<String> {
        Err(nobody())
    }

    fn open(&self, _: ProviderKind, _: &str, _: &str, _: SecretString) -> providers::Result<Arc<dyn Provider>> {
        Err(nobody())
    }
}

fn nobody() -> providers::Error {
    providers::Error::Misconfigured("no provider is reached from here".into())
}
