//! The sealed secret of an account, and the destinations that it may be sent to.
//!
//! # Properties
//! * Provider, user and destinations are sealed together with the secret. An account record that
//!   names anything else gets no provider: nothing is sent, and the account has to be connected
//!   again. An attacker who can write rows, but cannot use the vault's key, cannot have a secret
//!   sent anywhere.
//! * The destinations are the origins of the address that was typed and of what was discovered from
//!   there; for a grant, the OAuth client that the grant was given to. Each is trusted because the
//!   secret was accepted there when the account was connected, or because an already trusted server
//!   has named it since.
//! * An earlier row that is put back opens with the destinations that it was sealed with, and with
//!   no others.
//!
//! # Rows
//! `{"v": 2, "sealed": …}` in [`Table::Secrets`], row `ID`. The sealed text is a line of JSON,
//! `{"kind", "user", "to"}`, and after its line feed the secret. It is sealed for the row `ID/2`.
//! Therefore a text of version 1, which is the bare secret sealed for the row `ID`, cannot be read
//! as version 2, nor the other way round.
//!
//! # Rows of version 1
//! These rows hold no destinations. But the account's id is a hash of provider, address and user as
//! they were first typed, and the id is authenticated. Where the account record, or its endpoint,
//! still names that first address, a destination that was discovered at its origin is trusted;
//! anything else is discovered again from there. The row is then sealed as version 2. Otherwise the
//! account has to be connected again. It also has to be connected again where an address is reached
//! without TLS and is not on this machine, because the id does not cover the scheme. The id has 50
//! bits: until `vault rotate` has removed the key version that wrapped them, rows of version 1 have
//! no stronger protection.

use std::collections::BTreeSet;

use engine::calendar::AccountId;
use engine::provider::ProviderKind;
use providers::caldav::Endpoint;
use records::account::Account;
use records::kinds::account_key;
use records::secret::{SecretRecord, VERSION, seal_row_name};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use store::{Op, Row, Table};
use url::Url;
use vault::SealContext;
use zeroize::Zeroizing;

use super::grant_endpoint::with_claims;
use crate::audit::{self, Actor};
use crate::ids::{self, Address};
use crate::{Error, Result, Scope};

/// The number of times that a row is read again because another process wrote it at that moment.
const ATTEMPTS: usize = 8;

/// The user of a secret, and the destinations that the secret may be sent to.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SecretBinding {
    kind: ProviderKind,
    user: String,
    to: BTreeSet<String>,
}

impl SecretBinding {
    /// The binding that the record of an account asks for.
    fn of(account: &Account) -> Self {
        let Account { kind, user, url, endpoint, .. } = account;
        Self { kind: *kind, user: user.clone(), to: destinations(*kind, url, endpoint) }
    }

    fn covers(&self, other: &Self) -> bool {
        self.kind == other.kind && self.user == other.user && self.to.is_superset(&other.to)
    }
}

/// The destinations of an account's requests. An address or endpoint that cannot be parsed is
/// compared as text.
fn destinations(kind: ProviderKind, url: &str, endpoint: &str) -> BTreeSet<String> {
    match endpoint.parse::<Endpoint>() {
        Ok(endpoint) if kind.is_caldav() => {
            let homes = endpoint.homes.iter().map(|home| home.url.as_str());
            homes.chain([url, &endpoint.base]).map(origin).collect()
        }
        // The addresses of a provider that grants consent come from the settings; its endpoint
        // names the client and the owner. What it remembers of a refusal changes nothing.
        _ => BTreeSet::from([origin(url), with_claims(endpoint, None)]),
    }
}

fn origin(address: &str) -> String {
    Url::parse(address)
        .map_or_else(|_| address.to_owned(), |url| url.origin().ascii_serialization())
}

/// The row for the secret of an account.
pub(crate) async fn seal(
    scope: &Scope,
    account: &Account,
    secret: &SecretString,
) -> Result<String> {
    seal_for(scope, &account.id, &SecretBinding::of(account), secret).await
}

async fn seal_for(
    scope: &Scope,
    id: &AccountId,
    bound: &SecretBinding,
    secret: &SecretString,
) -> Result<String> {
    let head = serde_json::to_string(bound)
        .map_err(|error| Error::Damaged(format!("a row cannot be encoded: {error}")))?;
    let secret = secret.expose_secret();
    // The full capacity is allocated at once: a string that grows would leave the secret in freed
    // memory.
    let mut text = Zeroizing::new(String::with_capacity(head.len() + 1 + secret.len()));
    text.push_str(&head);
    text.push('\n');
    text.push_str(secret);
    let row = seal_row_name(id, VERSION);
    let sealed =
        scope.vault.seal(seal_context(scope, &row), &SecretString::from(text.as_str())).await?;
    Ok(SecretRecord::new(sealed).encode()?)
}

/// The secret of an account, if it may be sent where the account record says. A row of version 1,
/// and a row that an earlier key version wrapped, is written again.
///
/// # Errors
/// [`providers::Error::Credentials`] where the account record names a destination that the secret
/// was not sealed for.
pub(super) async fn open(scope: &Scope, account: &Account, row: &Row) -> Result<SecretString> {
    open_with_binding(scope, account, row).await.map(|(_, secret)| secret)
}

async fn open_with_binding(
    scope: &Scope,
    account: &Account,
    row: &Row,
) -> Result<(SecretBinding, SecretString)> {
    let SecretRecord { v, sealed } = SecretRecord::decode(row)?;
    if v < VERSION {
        return migrate(scope, account, row, &sealed).await;
    }
    let (bound, secret) = unseal(scope, &account.id, &sealed).await?;
    if !bound.covers(&SecretBinding::of(account)) {
        return Err(if is_account_current(scope, account).await? {
            wrong_destination(account)
        } else {
            address_changed()
        });
    }
    if let Err(error) = rewrap(scope, &account.id, row).await {
        tracing::debug!(%error, "a stored secret could not be wrapped with the newest key version");
    }
    Ok((bound, secret))
}

/// Whether the stored account record still has the binding of `account`. Another process may have
/// written the account and its secret since.
async fn is_account_current(scope: &Scope, account: &Account) -> Result<bool> {
    let stored = scope.directory().get::<Account>(&account_key(&account.id)).await?;
    Ok(stored.is_none_or(|(stored, _)| SecretBinding::of(&stored) == SecretBinding::of(account)))
}

async fn unseal(
    scope: &Scope,
    id: &AccountId,
    sealed: &str,
) -> Result<(SecretBinding, SecretString)> {
    let text = scope.vault.open(seal_context(scope, &seal_row_name(id, VERSION)), sealed).await?;
    let parts = text.expose_secret().split_once('\n');
    let parts = parts.and_then(|(head, secret)| {
        Some((serde_json::from_str(head).ok()?, SecretString::from(secret)))
    });
    parts.ok_or(Error::Vault(vault::Error::CannotOpen))
}

/// Wraps the secret in `row` with the newest version of the key, unless it already is. A failure is
/// harmless: the old text can still be opened, and the next use tries again.
async fn rewrap(scope: &Scope, id: &AccountId, row: &Row) -> Result<()> {
    match rewrapped(scope, id, row).await? {
        Some(value) => replace(scope, row, value).await.map(drop),
        None => Ok(()),
    }
}

/// The value for a row of any version that is not wrapped with the newest version of the key;
/// `None` for a row that is.
pub(super) async fn rewrapped(scope: &Scope, id: &AccountId, row: &Row) -> Result<Option<String>> {
    let SecretRecord { v, sealed } = SecretRecord::decode(row)?;
    let name = seal_row_name(id, v);
    let Some(sealed) = scope.vault.reseal(seal_context(scope, &name), &sealed).await? else {
        return Ok(None);
    };
    // The new text replaces the only copy, so it is opened first.
    scope.vault.open(seal_context(scope, &name), &sealed).await?;
    Ok(Some(SecretRecord { v, sealed }.encode()?))
}

/// The version of the key that wraps a row.
pub(super) fn key_version(row: &Row) -> Result<String> {
    Ok(vault::version_of(&SecretRecord::decode(row)?.sealed)?)
}

/// Allows the secret of an account to be sent also to the destinations of `found`, the account as
/// its trusted server has just described it.
///
/// # Errors
/// As [`open`].
pub(super) async fn add_destinations(
    scope: &Scope,
    account: &Account,
    found: &Account,
) -> Result<()> {
    let mut begun = None;
    for _ in 0..ATTEMPTS {
        let Some(row) = scope.store.get(Table::Secrets, &scope.owner, account.id.as_str()).await?
        else {
            return Ok(());
        };
        let (mut bound, secret) = open_with_binding(scope, account, &row).await?;
        let more = SecretBinding::of(found);
        if bound.covers(&more) {
            return Ok(());
        }
        bound.to.extend(more.to);
        if begun.is_none() {
            begun = Some(
                audit::begin(scope, &Actor::program(), "account.move", account.id.as_str()).await,
            );
        }
        let value = seal_for(scope, &account.id, &bound, &secret).await?;
        // Opening the row may have written it again, here or in another process.
        if replace(scope, &row, value).await? {
            if let Some(begun) = begun {
                begun.end(scope, None, audit::DONE).await;
            }
            return Ok(());
        }
    }
    Err(Error::Request(format!(
        "the secret of the account {} is being written by other processes; nothing was changed, \
        try again",
        account.id
    )))
}

/// The row for a new secret that may be sent to the destinations of both the new and the earlier
/// account record, until the account record is replaced. The earlier destinations are those that
/// were sealed, even if the earlier record names others. `None` where there is nothing to add.
pub(super) async fn seal_for_both(
    scope: &Scope,
    account: &Account,
    earlier: &Account,
    secret: &SecretString,
) -> Result<Option<String>> {
    let Some(row) = scope.store.get(Table::Secrets, &scope.owner, account.id.as_str()).await?
    else {
        return Ok(None);
    };
    // A row of version 1 holds no destinations, and its secret is replaced.
    if SecretRecord::decode(&row)?.v < VERSION {
        return Ok(None);
    }
    let Ok((before, _)) = open_with_binding(scope, earlier, &row).await else { return Ok(None) };
    let mut bound = SecretBinding::of(account);
    if (bound.kind, &bound.user) != (before.kind, &before.user) || bound.covers(&before) {
        return Ok(None);
    }
    bound.to.extend(before.to);
    seal_for(scope, &account.id, &bound, secret).await.map(Some)
}

/// Opens a row of version 1 and seals it as version 2.
async fn migrate(
    scope: &Scope,
    account: &Account,
    row: &Row,
    sealed: &str,
) -> Result<(SecretBinding, SecretString)> {
    let secret = scope.vault.open(seal_context(scope, account.id.as_str()), sealed).await?;
    let first = first_address(account).ok_or_else(|| unproven_legacy(account))?;
    let mut bound = SecretBinding::of(account);
    if account.kind.is_caldav() && bound.to.iter().any(|to| is_exposed(to)) {
        return Err(unproven_legacy(account));
    }
    if account.kind.is_caldav() && bound.to.iter().any(|to| *to != origin(&first)) {
        let endpoint = scope.connect.discover(account.kind, &first, &account.user, &secret).await?;
        let found = Account { url: first, endpoint, ..account.clone() };
        let there = SecretBinding::of(&found);
        if there.to.iter().any(|to| is_exposed(to)) {
            return Err(unproven_legacy(account));
        }
        if !there.covers(&bound) {
            // The server names other addresses than the stored endpoint, so the stored endpoint is
            // not trusted. The account record is written first: with the record alone, the next
            // call migrates the row again.
            let begun =
                audit::begin(scope, &Actor::program(), "account.move", account.id.as_str()).await;
            scope
                .directory()
                .update(&account_key(&account.id), |stored: &mut Account| {
                    if stored.generation == account.generation {
                        (stored.url, stored.endpoint) = (found.url.clone(), found.endpoint.clone());
                    }
                })
                .await?;
            replace(scope, row, seal_for(scope, &account.id, &there, &secret).await?).await?;
            begun.end(scope, None, audit::DONE).await;
            return Err(address_changed());
        }
        bound = there;
    }
    match seal_for(scope, &account.id, &bound, &secret).await {
        Ok(value) => drop(replace(scope, row, value).await?),
        Err(error) => tracing::debug!(%error, "a stored secret could not be sealed as version 2"),
    }
    Ok((bound, secret))
}

/// The address of the first connection, which has the account's id: the stored address, or else
/// (where the account was connected again in another spelling) an address that its server named.
fn first_address(account: &Account) -> Option<String> {
    let endpoint = account.endpoint.parse::<Endpoint>().ok().filter(|_| account.kind.is_caldav());
    let named = endpoint.iter().flat_map(|endpoint| {
        let homes = endpoint.homes.iter().map(|home| home.url.clone());
        homes.chain(endpoint.principal.clone()).chain([endpoint.base.clone()])
    });
    let all: Vec<String> = std::iter::once(account.url.clone()).chain(named).collect();
    let roots = all.iter().flat_map(|address| {
        ["/", "/.well-known/caldav"].map(|path| format!("{}{path}", origin(address)))
    });
    let is_first = |address: &String| {
        Address::parse(address)
            .is_ok_and(|address| ids::account(account.kind, &address, &account.user) == account.id)
    };
    all.iter().cloned().chain(roots).find(is_first)
}

/// Whether another machine on the network path can read requests to an origin.
fn is_exposed(origin: &str) -> bool {
    let Ok(url) = Url::parse(origin) else { return true };
    let is_loopback = match url.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() != "https" && !is_loopback
}

/// Replaces a row by its ETag; `false` where another process has written it: connected the account
/// again, or sealed the secret as well.
async fn replace(scope: &Scope, row: &Row, value: String) -> Result<bool> {
    let replace = Op::Replace { key: row.key.clone(), etag: row.etag.clone(), value };
    match scope.store.commit(Table::Secrets, &scope.owner, &[replace]).await {
        Ok(_) => Ok(true),
        Err(store::Error::Conflict(_)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn wrong_destination(account: &Account) -> Error {
    let id = &account.id;
    Error::Provider(providers::Error::Credentials(format!(
        "the stored password of the account {id} belongs to another server or user than the ones \
        that are stored with it, so it was not sent \
         anywhere. Nothing else was changed. Connect the account again with `calrelay account \
         add`; unless you have edited the storage or restored a part of it, find out which other \
         people can write to it"
    )))
}

fn address_changed() -> Error {
    let words = "the calendars of this account are at a new address, which is used from the next \
    sync on";
    Error::Provider(providers::Error::Unreachable(words.into()))
}

fn unproven_legacy(account: &Account) -> Error {
    let id = &account.id;
    Error::Provider(providers::Error::Credentials(format!(
        "the password of the account {id} was stored by an earlier version of calrelay, which did \
        not store the server of a password, and since then the account was connected again at \
        another address or under another user name, or it is reached without TLS. The password \
        was not sent anywhere, and nothing else was changed. Connect the account again with \
        `calrelay account add`"
    )))
}

fn seal_context<'a>(scope: &'a Scope, row: &'a str) -> SealContext<'a> {
    SealContext { table: Table::Secrets.name(), partition: &scope.owner, row }
}

#[cfg(test)]
mod tests;
