//! Removing accounts, with their pairs, their watches and their grants.
//!
//! This job is not in `accounts`, because it also removes pairs and stops watches.
//!
//! # Properties
//! * Records that depend on the account are removed first and the account last: an interrupted
//!   removal can be repeated, because the account is still listed.
//! * Copies stay as ordinary events.

use engine::calendar::AccountId;
use records::kinds::{account_key, calendar_key};
use store::{Op, Table};

use crate::{Error, Result, Scope, accounts, leases, pairs, watches};

/// What a removal could not do.
#[derive(Debug, Default)]
pub struct Removal {
    /// Why the account's grant may still be valid at its provider. The account's owner can revoke
    /// it there.
    pub grant_left: Option<Error>,
}

/// Removes an account: its pairs with all their rows, its calendars, its secret. Copies stay as
/// ordinary events. A grant that no other owner holds is revoked.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Request`] while a pass over one of its pairs is running. What was
/// removed before the error stays removed, the account is still listed, and the removal can be
/// repeated.
pub async fn remove_account(scope: &Scope, id: &AccountId) -> Result<Removal> {
    let _setup = leases::directory(scope).await?;
    let removed = scope.directory().account(id).await?;
    let calendars = scope.directory().calendars_of(id).await?;
    for pair in scope.directory().pairs().await? {
        if calendars.iter().any(|calendar| calendar.id == pair.from || calendar.id == pair.to) {
            pairs::remove_locked(scope, &pair.id).await?;
        }
    }
    // Watches can be stopped only while the grant is valid.
    watches::stop_unneeded(scope).await;
    let grant_left = if removed.kind.is_connected_by_consent() {
        accounts::revoke(scope, &removed).await.err()
    } else {
        None
    };
    let secret = Op::Delete { key: id.to_string(), etag: None };
    scope.store.commit(Table::Secrets, &scope.owner, &[secret]).await?;
    let left: Vec<String> = scope
        .directory()
        .watches()
        .await?
        .into_iter()
        .filter(|row| row.account == *id)
        .map(|row| row.id)
        .collect();
    scope.directory().delete_watches(&left).await?;
    let ids: Vec<_> = calendars.iter().map(|calendar| &calendar.id).collect();
    let ended = scope.snapshot().await?.ended_keys(&ids);
    let keys: Vec<String> =
        ids.into_iter().map(calendar_key).chain(ended).chain([account_key(id)]).collect();
    scope.directory().delete(&keys).await?;
    Ok(Removal { grant_left })
}
