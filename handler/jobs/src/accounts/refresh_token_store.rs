//! The store of an account's refresh token, and the status of the account that follows from its
//! token requests.
//!
//! For an account with a grant, the outcome of token requests is the only evidence of its status: a
//! calendar whose provider offers no state tag is polled without a request, and an access token may
//! be valid for an hour after the consent was revoked.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use engine::provider::ProviderKind;
use providers::{Provider, RefreshTokenStore};
use records::account::Account;
use secrecy::{ExposeSecret, SecretString};
use store::{Op, Table};

use super::{account_status, secret};
use crate::services::Services;
use crate::{Connect, Error, Result, Scope};

/// How often a row is read again because another process wrote it at that moment.
const ATTEMPTS: usize = 8;

/// Stores the secret of one account.
pub(super) struct AccountSecretStore {
    services: Services,
    owner: String,
    /// As opened, with the outcomes of token requests since.
    account: Mutex<Account>,
}

impl AccountSecretStore {
    pub(super) fn of(scope: &Scope, account: &Account) -> Self {
        // A provider holds its grant, and the grant holds this store: a store that held the
        // providers would be a reference cycle.
        let connect = Arc::new(NoProviders);
        let services = Services { connect, ..scope.services.clone() };
        Self { services, owner: scope.owner.clone(), account: Mutex::new(account.clone()) }
    }

    /// Made for each use: a scope that lives as long as a grant would keep what the process knows
    /// of its work for the owner.
    fn scope(&self) -> Scope {
        self.services.scope(&self.owner)
    }

    fn account(&self) -> Account {
        self.account.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Where another process writes the row at the same moment, the row is read again: it holds a
    /// token that is as new, or the same one, sealed with another key.
    async fn replace_stored(&self, old: &SecretString, new: &SecretString) -> Result<()> {
        let scope = &self.scope();
        let (store, owner) = (&scope.store, &scope.owner);
        let account = self.account();
        for attempt in 1.. {
            let Some(row) = store.get(Table::Secrets, owner, account.id.as_str()).await? else {
                return Ok(());
            };
            if secret::open(scope, &account, &row).await?.expose_secret() != old.expose_secret() {
                return Ok(());
            }
            let value = secret::seal(scope, &account, new).await?;
            let replace = Op::Replace { key: row.key, etag: row.etag, value };
            match store.commit(Table::Secrets, owner, &[replace]).await {
                Err(store::Error::Conflict(_)) if attempt < ATTEMPTS => {}
                outcome => return Ok(outcome.map(|_| ())?),
            }
        }
        Ok(())
    }

    async fn read_stored(&self) -> Result<Option<SecretString>> {
        let (scope, account) = (&self.scope(), self.account());
        match scope.store.get(Table::Secrets, &scope.owner, account.id.as_str()).await? {
            Some(row) => secret::open(scope, &account, &row).await.map(Some),
            None => Ok(None),
        }
    }
}

#[async_trait]
impl RefreshTokenStore for AccountSecretStore {
    async fn replace(&self, old: &SecretString, new: &SecretString) -> bool {
        match self.replace_stored(old, new).await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(account = %self.account().id, %error, "a new secret could not be \
                stored; it is tried again at the next use");
                false
            }
        }
    }

    async fn current(&self) -> Option<SecretString> {
        self.read_stored().await.unwrap_or_else(|error| {
            tracing::debug!(account = %self.account().id, %error, "the stored secret could not be \
            read again");
            None
        })
    }

    async fn record_outcome(&self, failure: Option<&providers::Error>) {
        let mut account = self.account();
        let failure = failure.cloned().map(Error::Provider);
        if let Err(error) =
            account_status::record_grant_outcome(&self.scope(), &mut account, failure.as_ref())
                .await
        {
            tracing::warn!(account = %account.id, %error, "the status of the account could not be \
            stored");
            return;
        }
        *self.account.lock().unwrap_or_else(PoisonError::into_inner) = account;
    }
}

/// Records the outcome of a request for a token of this account.
#[cfg(test)]
pub(crate) async fn record_token_request(
    scope: &Scope,
    account: &Account,
    failure: Option<&providers::Error>,
) {
    AccountSecretStore::of(scope, account).record_outcome(failure).await;
}

/// Reaches no provider.
struct NoProviders;

#[async_trait]
impl Connect for NoProviders {
    async fn discover(
        &self,
        _: ProviderKind,
        _: &str,
        _: &str,
        _: &SecretString,
    ) -> providers::Result<String> {
        Err(no_provider())
    }

    fn open(
        &self,
        _: ProviderKind,
        _: &str,
        _: &str,
        _: SecretString,
    ) -> providers::Result<Arc<dyn Provider>> {
        Err(no_provider())
    }
}

fn no_provider() -> providers::Error {
    providers::Error::Misconfigured("no provider is reached from here".into())
}

#[cfg(test)]
mod tests {

    use jiff::Timestamp;

    use super::*;
    use crate::accounts::connect_grant;
    use crate::test_services::{FixedClock, services};
    use records::account::AccountStatus;

    struct SecretEnv {
        scope: Scope,
        _dir: tempfile::TempDir,
    }

    impl SecretEnv {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let scope = services(
                dir.path(),
                Arc::new(NoProviders),
                Arc::new(FixedClock(Timestamp::UNIX_EPOCH)),
            )
            .scope("local");
            Self { scope, _dir: dir }
        }

        async fn connect(&self, secret: &str) -> Account {
            let (url, user) = ("https://www.googleapis.com/".into(), "anna@example.org".into());
            let granted =
                crate::Granted { url, user, endpoint: "{}".into(), secret: secret.into() };
            connect_grant(&self.scope, ProviderKind::Google, granted, None).await.unwrap()
        }

        async fn secret(&self, account: &Account) -> String {
            let row = self
                .scope
                .store
                .get(Table::Secrets, "local", account.id.as_str())
                .await
                .unwrap()
                .unwrap();
            secret::open(&self.scope, account, &row).await.unwrap().expose_secret().to_owned()
        }

        async fn state(&self, of: &Account) -> (AccountStatus, Option<String>) {
            let now = self.scope.directory().account(&of.id).await.unwrap();
            (now.state, now.error.map(|error| error.code))
        }
    }

    #[tokio::test]
    async fn a_new_secret_takes_the_place_of_the_one_it_came_from() {
        let world = SecretEnv::new();
        let account = world.connect("1//first").await;
        let drawer = AccountSecretStore::of(&world.scope, &account);
        assert!(drawer.replace(&"1//first".into(), &"1//second".into()).await);
        assert_eq!(world.secret(&account).await, "1//second");
        world.connect("1//anew").await;
        assert!(drawer.replace(&"1//second".into(), &"1//third".into()).await);
        assert_eq!(world.secret(&account).await, "1//anew", "its owner has connected it meanwhile");
    }

    #[tokio::test]
    async fn the_status_of_an_account_follows_its_grant() {
        let world = SecretEnv::new();
        let account = world.connect("1//first").await;
        let drawer = AccountSecretStore::of(&world.scope, &account);
        drawer.record_outcome(Some(&providers::Error::Misconfigured("x".into()))).await;
        assert_eq!(
            world.state(&account).await,
            (AccountStatus::Ok, None),
            "that is nothing its owner could mend"
        );
        drawer.record_outcome(Some(&providers::Error::Unauthorized)).await;
        assert_eq!(
            world.state(&account).await,
            (AccountStatus::NeedsReconnect, Some("unauthorized".into()))
        );
        drawer.record_outcome(Some(&providers::Error::Unreachable("x".into()))).await;
        assert_eq!(
            world.state(&account).await.0,
            AccountStatus::NeedsReconnect,
            "a server that is down makes no grant good again"
        );
        drawer.record_outcome(None).await;
        assert_eq!(world.state(&account).await, (AccountStatus::Ok, None), "access was given");

        let wait = |seconds| providers::Error::RateLimited {
            retry_after: Some(std::time::Duration::from_secs(seconds)),
        };
        drawer.record_outcome(Some(&wait(3600))).await;
        drawer.record_outcome(None).await;
        let closed = world.scope.directory().account(&account.id).await.unwrap();
        assert!(
            closed.suspended_for(Timestamp::UNIX_EPOCH).is_some(),
            "that access was given opens nothing that is closed"
        );

        world.connect("1//anew").await;
        drawer.record_outcome(Some(&providers::Error::Unauthorized)).await;
        assert_eq!(
            world.state(&account).await.0,
            AccountStatus::Ok,
            "the end of an earlier grant says nothing about this one"
        );
    }

    #[tokio::test]
    async fn of_two_instances_that_store_at_once_one_is_kept_and_both_succeed() {
        let world = SecretEnv::new();
        for round in 0..10 {
            let first = format!("1//first-{round}");
            let account = world.connect(&first).await;
            let instances =
                [0, 1].map(|_| Arc::new(AccountSecretStore::of(&world.scope, &account)));
            let (old, one, other) = (
                SecretString::from(first),
                SecretString::from("1//second-a"),
                SecretString::from("1//second-b"),
            );
            let (stored, also) =
                tokio::join!(instances[0].replace(&old, &one), instances[1].replace(&old, &other));
            assert!(stored && also);
            let kept = world.secret(&account).await;
            assert!(kept.starts_with("1//second-"), "{kept}");
            for instance in &instances {
                assert_eq!(instance.current().await.unwrap().expose_secret(), kept);
            }
        }
    }
}
