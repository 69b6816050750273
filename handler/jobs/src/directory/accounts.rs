//! Accounts: a user at a provider, and the sealed secret with which we go there.

use std::sync::Arc;

use engine::calendar::AccountId;
use engine::provider::ProviderKind;
use providers::Provider;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use store::{Op, Row, Table};

use super::id::Address;
use super::identity::is_caldav;
use super::keep::AccountSecretStore;
use super::recognise::VerifiedAccount;
use super::standing::{AccountStatus, Suspended};
use super::{Snapshot, calendars, grants, lease, pairs, rows, sealed};
use crate::report::Problem;
use crate::{Error, Result, Services, channels};

/// The generation of an account that is connected for the first time.
const FIRST: u32 = 1;

/// An account as it is stored. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Its id: derived from provider, place and user, as they were typed when it was connected
    /// first.
    pub id: AccountId,
    /// Who keeps it.
    pub kind: ProviderKind,
    /// What to call it.
    pub name: String,
    /// The address that was given, in one spelling.
    pub url: String,
    /// The user name there.
    pub user: String,
    /// Where its calendars were found: the provider's own words
    /// ([`Connect::discover`](crate::Connect::discover)).
    pub endpoint: String,
    /// How often it has been connected: 1 at first. What an earlier secret was answered says
    /// nothing about this one.
    pub generation: u32,
    /// How it stands.
    pub state: AccountStatus,
    /// Why it does not stand well.
    #[serde(default)]
    pub error: Option<Problem>,
    /// Its provider has closed it for a while.
    #[serde(default)]
    pub parked: Option<Suspended>,
}

impl Account {
    /// Whether the connection that led to this found the account connected already.
    pub fn was_connected_before(&self) -> bool {
        self.generation > FIRST
    }
}

/// Connects an account: tries the credentials, then stores account and secret. The same account
/// again, however its address is spelled ([`super::recognise`]), gets the new secret, address and
/// endpoint, and keeps its id, its calendars and its pairs; its [`generation`](Account::generation)
/// says so.
///
/// # Errors
/// The provider's refusal, in which case nothing was stored, and nothing of an earlier connection
/// was changed.
pub async fn connect_account(
    services: &Services,
    kind: ProviderKind,
    url: &str,
    user: &str,
    secret: &SecretString,
) -> Result<Account> {
    let address = Address::parse(url)?;
    let user = checked_user(kind, user)?;
    if secret.expose_secret().is_empty() {
        return Err(Error::Provider(providers::Error::Credentials(
            "the password is empty; it was not sent".into(),
        )));
    }
    let endpoint = services.connect.discover(kind, &address.url, &user, secret).await?;
    let candidate = VerifiedAccount { kind, address, user, endpoint };
    let proven = candidate.proven(services, secret).await?;
    let account = store(services, candidate, proven, secret).await?;
    // Its homes may be others now: its calendars are found there at once, or else when they are
    // listed next.
    if is_caldav(kind)
        && account.was_connected_before()
        && let Err(error) = calendars::refresh(services, &account).await
    {
        tracing::debug!(account = %account.id, %error, "the calendars of an account that was \
        connected again could not be listed");
    }
    Ok(account)
}

/// Stores an account whose secret was seen to be good. `proven` is the account that it was seen to
/// be.
pub(super) async fn store(
    services: &Services,
    found: VerifiedAccount,
    proven: Option<AccountId>,
    secret: &SecretString,
) -> Result<Account> {
    let _setup = lease::directory(services).await?;
    let known = Snapshot::read(services).await?.accounts();
    let proven = proven.filter(|id| known.iter().any(|account| account.id == *id));
    let id = found.known_among(&known).or(proven).unwrap_or_else(|| found.own_id());
    let VerifiedAccount { kind, address, user, endpoint } = found;
    let account = Account {
        name: name(kind, &user, &address.host),
        id,
        kind,
        url: address.url,
        user,
        endpoint,
        generation: FIRST,
        state: AccountStatus::Ok,
        error: None,
        parked: None,
    };
    let key = row_key(&account.id);

    // The secret first: an account whose secret is missing would be worth nothing, a secret without
    // account harms nobody and is replaced next time.
    let value = sealed::seal(services, &account, secret).await?;
    let put = |value: String| [Op::Put { key: account.id.to_string(), value }];
    let earlier = known.iter().find(|earlier| earlier.id == account.id);
    let both = match earlier {
        Some(earlier) => sealed::seal_both(services, &account, earlier, secret).await?,
        None => None,
    };
    let is_both = both.is_some();
    services
        .store
        .commit(Table::Secrets, &services.owner, &put(both.unwrap_or_else(|| value.clone())))
        .await?;
    let renewed = rows::update(services, &key, |stored: &mut Account| {
        *stored = Account { generation: stored.generation.wrapping_add(1), ..account.clone() };
    });
    if let Some(renewed) = renewed.await? {
        // By now only the new destinations are needed.
        if is_both
            && let Err(error) =
                services.store.commit(Table::Secrets, &services.owner, &put(value)).await
        {
            tracing::warn!(account = %renewed.id, %error, "the password may still be sent where \
            the account was before");
        }
        return Ok(renewed);
    }
    let insert = Op::Insert { key, value: rows::encode(&account)? };
    services.store.commit(Table::Directory, &services.owner, &[insert]).await?;
    Ok(account)
}

/// All accounts, in the order of their ids.
pub async fn accounts(services: &Services) -> Result<Vec<Account>> {
    rows::list(services, rows::ACCOUNT).await
}

/// An account.
///
/// # Errors
/// [`Error::NotFound`] where there is none of this id.
pub async fn account(services: &Services, id: &AccountId) -> Result<Account> {
    let (account, _) = rows::get(services, &row_key(id)).await?.ok_or_else(|| missing(id))?;
    of(id, account)
}

/// An account that was found in the row of `id`: not another one's, which would be worked with in
/// its place.
pub(super) fn of(id: &AccountId, account: Account) -> Result<Account> {
    if account.id == *id { Ok(account) } else { Err(rows::damaged(&row_key(id))) }
}

pub(super) fn missing(id: &AccountId) -> Error {
    Error::NotFound(format!(
        "there is no account {id}; `calrelay account list` shows those that are connected"
    ))
}

/// What a removal could not do.
#[derive(Debug, Default)]
pub struct Removal {
    /// The account's grant may still stand at its provider, and why. Its owner can end it there.
    pub grant_left: Option<Error>,
}

/// Forgets an account: its pairs with all that was remembered of them, its calendars, its secret.
/// Copies stay as ordinary events. A grant that nobody else holds is given back.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Request`] while a pass over one of its pairs is under way. What
/// was removed until then stays removed, the account is still listed, and the removal can be
/// repeated.
pub async fn remove_account(services: &Services, id: &AccountId) -> Result<Removal> {
    let _setup = lease::directory(services).await?;
    let removed = account(services, id).await?;
    let calendars = calendars::stored(services, id).await?;
    for pair in pairs::pairs(services).await? {
        if calendars.iter().any(|calendar| calendar.id == pair.from || calendar.id == pair.to) {
            pairs::remove_locked(services, &pair.id).await?;
        }
    }
    // They can be stopped only as long as the grant lives.
    channels::end_unwanted(services).await;
    let grant_left = match grants::is_granted(removed.kind) {
        true => give_back(services, &removed).await.err(),
        false => None,
    };
    let secret = Op::Delete { key: id.to_string(), etag: None };
    services.store.commit(Table::Secrets, &services.owner, &[secret]).await?;
    let left: Vec<String> = super::channels(services)
        .await?
        .into_iter()
        .filter(|row| row.account == *id)
        .map(|row| row.id)
        .collect();
    super::forget_channels(services, &left).await?;
    let ids: Vec<_> = calendars.iter().map(|calendar| &calendar.id).collect();
    let ended = Snapshot::read(services).await?.ended_of(&ids);
    let keys: Vec<String> =
        ids.into_iter().map(calendars::row_key).chain(ended).chain([row_key(id)]).collect();
    for chunk in keys.chunks(store::MAX_COMMIT) {
        let ops: Vec<Op> =
            chunk.iter().map(|key| Op::Delete { key: key.clone(), etag: None }).collect();
        services.store.commit(Table::Directory, &services.owner, &ops).await?;
    }
    Ok(Removal { grant_left })
}

async fn give_back(services: &Services, account: &Account) -> Result<()> {
    if !grants::let_go(services, account.kind, &account.endpoint, &account.user).await? {
        return Ok(());
    }
    if services.store.get(Table::Secrets, &services.owner, account.id.as_str()).await?.is_none() {
        return Ok(());
    }
    let secret = secret(services, account).await?;
    Ok(services.connect.consents(account.kind)?.withdraw(&secret).await?)
}

/// A provider for an account: opens its secret. No request is made, but for an account of an
/// earlier version, once ([`super::sealed`]).
///
/// # Errors
/// [`providers::Error::Credentials`] where no secret is stored for it.
pub async fn open(services: &Services, account: &Account) -> Result<Arc<dyn Provider>> {
    let row = services.store.get(Table::Secrets, &services.owner, account.id.as_str()).await?;
    open_with(services, account, row.as_ref()).await
}

/// Its secret.
///
/// # Errors
/// As [`open`].
pub(super) async fn secret(services: &Services, account: &Account) -> Result<SecretString> {
    let row = services.store.get(Table::Secrets, &services.owner, account.id.as_str()).await?;
    unsealed(services, account, row.as_ref()).await
}

/// The same as [`open`], with the row of its secret.
pub(super) async fn open_with(
    services: &Services,
    account: &Account,
    row: Option<&Row>,
) -> Result<Arc<dyn Provider>> {
    let secret = unsealed(services, account, row).await?;
    let keep = Arc::new(AccountSecretStore::of(services, account));
    Ok(services.connect.open_kept(account.kind, &account.endpoint, &account.user, secret, keep)?)
}

async fn unsealed(
    services: &Services,
    account: &Account,
    row: Option<&Row>,
) -> Result<SecretString> {
    let Some(row) = row else {
        let key = &account.id;
        let words = format!(
            "the password of the account {key} is not stored any more; connect the account again \
            with `calrelay account add`"
        );
        return Err(Error::Provider(providers::Error::Credentials(words)));
    };
    sealed::open(services, account, row).await
}

pub(super) fn checked_user(kind: ProviderKind, user: &str) -> Result<String> {
    let user = user.trim();
    let refuse = |why: &str| Err(Error::Provider(providers::Error::Credentials(why.to_owned())));
    if user.is_empty() {
        return refuse("the user name is empty; nothing was sent");
    }
    // RFC 7617 section 2: neither can be told apart from the password, or sent at all.
    if user.contains(|c: char| c.is_control() || c == ':') {
        return refuse(
            "a user name cannot contain a colon or a control character; nothing was sent",
        );
    }
    Ok(match kind {
        // They are e-mail addresses, and neither Apple nor Google tells capitals apart.
        ProviderKind::Icloud | ProviderKind::Google => user.to_lowercase(),
        ProviderKind::Caldav => user.to_owned(),
    })
}

fn name(kind: ProviderKind, user: &str, host: &str) -> String {
    match kind {
        ProviderKind::Icloud | ProviderKind::Google => user.to_owned(),
        ProviderKind::Caldav => format!("{user} on {host}"),
    }
}

pub(super) fn row_key(id: &AccountId) -> String {
    format!("{}{id}", rows::ACCOUNT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_names_that_could_not_be_sent_are_refused() {
        for user in ["", "  ", "anna:bert", "anna\nbert", "anna\u{0}"] {
            assert!(
                matches!(
                    checked_user(ProviderKind::Caldav, user),
                    Err(Error::Provider(providers::Error::Credentials(_)))
                ),
                "{user:?}"
            );
        }
        assert_eq!(checked_user(ProviderKind::Caldav, " Anna ").unwrap(), "Anna");
        assert_eq!(
            checked_user(ProviderKind::Icloud, "Anna@Example.org").unwrap(),
            "anna@example.org"
        );
    }
}
