//! Grants: consents that a provider remembers, and that are revoked when no owner needs them any
//! more.
//!
//! A revocation ends every permission that one person ever gave to this program, whichever owner
//! asked for it. Therefore each grant has a list of its holders: in [`Table::Directory`], partition
//! `grant:HASH` of provider, client and user, one row for each owner. The removal of the last
//! holder revokes the grant. Nothing orders a removal and the consent of another owner at the same
//! moment: the other owner may have to consent again.

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE32_NOPAD;
use engine::provider::ProviderKind;
use records::account::Account;
use records::codec;
use store::{Op, Table};

use super::grant_endpoint::{identity, with_claims};
use super::open::secret;
use crate::{Result, Scope};

/// Removes this owner from the holders of a grant. Returns whether no holder is left, so that the
/// grant has to be revoked. May be repeated.
pub(crate) async fn remove_holder(
    scope: &Scope,
    kind: ProviderKind,
    endpoint: &str,
    user: &str,
) -> Result<bool> {
    let partition = partition(kind, endpoint, user);
    let own = Op::Delete { key: scope.owner.clone(), etag: None };
    scope.store.commit(Table::Directory, &partition, &[own]).await?;
    Ok(scope.store.scan(Table::Directory, &partition, "", None, 1).await?.is_empty())
}

/// Adds this owner to the holders of a grant.
pub(super) async fn add_holder(scope: &Scope, partition: &str) -> Result<()> {
    let own = Op::Put { key: scope.owner.clone(), value: codec::encode(&serde_json::Map::new())? };
    scope.store.commit(Table::Directory, partition, &[own]).await?;
    Ok(())
}

/// The partition of the holders. The endpoint names the client that the grant was given to.
pub(super) fn partition(kind: ProviderKind, endpoint: &str, user: &str) -> String {
    let (endpoint, user) = (with_claims(endpoint, None), identity(user, endpoint));
    let hash = digest(&SHA256, [kind.as_str(), &endpoint, &user].join("\n").as_bytes());
    format!("grant:{}", BASE32_NOPAD.encode(hash.as_ref()).to_ascii_lowercase())
}

/// Revokes the grant of an account at its provider, unless another owner holds it.
///
/// # Errors
/// The provider's failure: the grant may still be valid.
pub(crate) async fn revoke(scope: &Scope, account: &Account) -> Result<()> {
    if !remove_holder(scope, account.kind, &account.endpoint, &account.user).await? {
        return Ok(());
    }
    if scope.store.get(Table::Secrets, &scope.owner, account.id.as_str()).await?.is_none() {
        return Ok(());
    }
    let secret = secret(scope, account).await?;
    Ok(scope.connect.consents(account.kind)?.revoke(&secret).await?)
}
