//! Opening accounts: makes a provider from the sealed secret.

use std::sync::Arc;

use providers::Provider;
use records::account::Account;
use records::snapshot::Snapshot;
use secrecy::SecretString;
use store::{Row, Table};

use super::refresh_token_store::AccountSecretStore;
use super::secret;
use crate::{Error, Result, Scope};

/// The provider of an account, made with its secret. No request is made, except once for an account
/// of an earlier version ([`super::secret`]).
///
/// # Errors
/// [`providers::Error::Credentials`] where no secret is stored for the account.
pub async fn open(scope: &Scope, account: &Account) -> Result<Arc<dyn Provider>> {
    let row = scope.store.get(Table::Secrets, &scope.owner, account.id.as_str()).await?;
    open_with(scope, account, row.as_ref()).await
}

/// The secret of an account.
///
/// # Errors
/// As [`open`].
pub(super) async fn secret(scope: &Scope, account: &Account) -> Result<SecretString> {
    let row = scope.store.get(Table::Secrets, &scope.owner, account.id.as_str()).await?;
    open_secret(scope, account, row.as_ref()).await
}

/// As [`open`], with the secrets in a snapshot of the directory.
///
/// # Errors
/// As [`open`].
pub(crate) async fn open_in(
    scope: &Scope,
    snapshot: &Snapshot,
    account: &Account,
) -> Result<Arc<dyn Provider>> {
    open_with(scope, account, snapshot.secret(&account.id).await?).await
}

async fn open_with(
    scope: &Scope,
    account: &Account,
    row: Option<&Row>,
) -> Result<Arc<dyn Provider>> {
    let secret = open_secret(scope, account, row).await?;
    let keep = Arc::new(AccountSecretStore::of(scope, account));
    Ok(scope.connect.open_with_token_store(
        account.kind,
        &account.endpoint,
        &account.user,
        secret,
        keep,
    )?)
}

async fn open_secret(scope: &Scope, account: &Account, row: Option<&Row>) -> Result<SecretString> {
    let Some(row) = row else {
        let key = &account.id;
        let words = format!(
            "the password of the account {key} is not stored any more; connect the account again \
            with `calrelay account add`"
        );
        return Err(Error::Provider(providers::Error::Credentials(words)));
    };
    secret::open(scope, account, row).await
}
