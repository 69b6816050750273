//! Grants: consents that a provider remembers, and that are given back when nobody needs them any
//! more.
//!
//! A revocation ends everything that one person ever allowed this program, whoever asked for it. So
//! each grant has a list of those who hold it: in [`Table::Directory`], partition `grant:HASH` of
//! provider, client and user, a row an owner. The last one to let go gives it back. Between
//! somebody's letting go and somebody else's consent at the same moment nothing stands: the latter
//! may have to consent again.

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE32_NOPAD;
use engine::provider::ProviderKind;
use secrecy::ExposeSecret;
use store::{Op, Table};

use super::accounts::{self, Account};
use super::id::{self, Address};
use super::recognise::VerifiedAccount;
use super::rows;
use crate::consent::Granted;
use crate::{Error, Result, Services};

/// Connects the account of a grant. The same account again gets the new refresh token, and keeps
/// its id and its pairs.
///
/// # Errors
/// Storage and vault failures.
pub async fn connect_grant(
    services: &Services,
    kind: ProviderKind,
    granted: Granted,
) -> Result<Account> {
    let Granted { url, user, endpoint, secret } = granted;
    if secret.expose_secret().is_empty() {
        return Err(Error::Provider(providers::Error::BadAnswer(
            "the provider gave an empty token".into(),
        )));
    }
    let address = Address::parse(&url)?;
    let user = accounts::checked_user(kind, &user)?;
    if let Ok(earlier) = accounts::account(services, &id::account(kind, &address, &user)).await
        && earlier.endpoint != endpoint
    {
        // It was given to another client, which we are no more: nobody can give it back for us.
        let_go(services, kind, &earlier.endpoint, &user).await?;
    }
    hold(services, &partition(kind, &endpoint, &user)).await?;
    accounts::store(services, VerifiedAccount { kind, address, user, endpoint }, None, &secret)
        .await
}

/// Takes this owner from the list of those who hold a grant. Whether nobody is left, so that it is
/// to be given back. May be repeated.
pub(super) async fn let_go(
    services: &Services,
    kind: ProviderKind,
    endpoint: &str,
    user: &str,
) -> Result<bool> {
    let partition = partition(kind, endpoint, user);
    let own = Op::Delete { key: services.owner.clone(), etag: None };
    services.store.commit(Table::Directory, &partition, &[own]).await?;
    Ok(services.store.scan(Table::Directory, &partition, "", None, 1).await?.is_empty())
}

/// Whether accounts of this kind hold a grant, and not a password.
pub(crate) fn is_granted(kind: ProviderKind) -> bool {
    match kind {
        ProviderKind::Google => true,
        ProviderKind::Caldav | ProviderKind::Icloud => false,
    }
}

async fn hold(services: &Services, partition: &str) -> Result<()> {
    let own =
        Op::Put { key: services.owner.clone(), value: rows::encode(&serde_json::Map::new())? };
    services.store.commit(Table::Directory, partition, &[own]).await?;
    Ok(())
}

/// The endpoint names the client that the grant was given to.
fn partition(kind: ProviderKind, endpoint: &str, user: &str) -> String {
    let hash = digest(&SHA256, [kind.as_str(), endpoint, user].join("\n").as_bytes());
    format!("grant:{}", BASE32_NOPAD.encode(hash.as_ref()).to_ascii_lowercase())
}
