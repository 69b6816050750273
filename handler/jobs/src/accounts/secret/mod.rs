//! What is sealed for an account: its secret, and where the secret may go.
//!
//! # Properties
//! * Provider, user and destinations are sealed together with the secret. A row of an account that
//!   names anything else gets no provider: nothing is sent, and the account has to be connected
//!   again. An attacker who can write rows, and cannot use the vault's key, sends no secret
//!   anywhere.
//! * The destinations are the origins of the address that was typed and of what was discovered from
//!   there; of a grant, the OAuth client that it was given to. Each is trusted because the secret
//!   was good there when the account was connected, or because a server that was trusted already
//!   has named it since.
//! * A row that is put back as it was opens with the destinations that it was sealed with, and with
//!   no others.
//!
//! # Rows
//! `{"v": 2, "sealed": …}` in [`Table::Secrets`], row `ID`. The sealed text is a line of JSON,
//! `{"kind", "user", "to"}`, and after its line feed the secret. It is sealed for the row `ID/2`: a
//! text of version 1, which is the bare secret sealed for the row `ID`, can never be read as one of
//! version 2, nor the other way round.
//!
//! # Rows of version 1
//! They say nothing of destinations, but the account's id is a hash of provider, address and user
//! as they were first typed, and the id is part of what is authenticated. Where the row of the
//! account, or its endpoint, still names that address, what was discovered at the same origin is
//! trusted; anything else is discovered anew from there. The row is then sealed as version 2.
//! Otherwise the account has to be connected again. So it has where an address is reached without
//! TLS and is not of this machine, as the id does not hold the scheme. The id has 50 bits: until
//! `vault rotate` has removed the key version that wrapped them, rows of version 1 are protected by
//! no more.

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

use crate::audit::{self, Actor};
use crate::ids::{self, Address};
use crate::{Error, Result, Scope};

/// How often a row is read again that another process wrote at the same moment.
const ATTEMPTS: usize = 8;

/// Whose secret it is, and where it may go.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SecretBinding {
    kind: ProviderKind,
    user: String,
    to: BTreeSet<String>,
}

impl SecretBinding {
    /// What the row of an account names.
    fn of(account: &Account) -> Self {
        let Account { kind, user, url, endpoint, .. } = account;
        Self { kind: *kind, user: user.clone(), to: destinations(*kind, url, endpoint) }
    }

    fn covers(&self, other: &Self) -> bool {
        self.kind == other.kind && self.user == other.user && self.to.is_superset(&other.to)
    }
}

/// Where a secret would be sent. What cannot be read as an address or an endpoint is compared as it
/// is.
fn destinations(kind: ProviderKind, url: &str, endpoint: &str) -> BTreeSet<String> {
    match endpoint.parse::<Endpoint>() {
        Ok(endpoint) if kind.is_caldav() => {
            let homes = endpoint.homes.iter().map(|home| home.url.as_str());
            homes.chain([url, &endpoint.base]).map(origin).collect()
        }
        // The addresses of a provider that grants consent come from the settings; its endpoint
        // names the client.
        _ => BTreeSet::from([origin(url), endpoint.to_owned()]),
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
        .map_err(|error| Error::Damaged(format!("a row cannot be written down: {error}")))?;
    let secret = secret.expose_secret();
    // Room for all from the start: a string that grows would leave the secret behind where it was.
    let mut text = Zeroizing::new(String::with_capacity(head.len() + 1 + secret.len()));
    text.push_str(&head);
    text.push('\n');
    text.push_str(secret);
    let row = seal_row_name(id, VERSION);
    let sealed =
        scope.vault.seal(seal_context(scope, &row), &SecretString::from(text.as_str())).await?;
    Ok(SecretRecord::new(sealed).encode()?)
}

/// The secret of an account, for what the account's row names. Rows of version 1, and those that an
/// earlier key has wrapped, are written anew.
///
/// # Errors
/// [`providers::Error::Credentials`] where the account's row names a destination that the secret
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
        tracing::debug!(%error, "a stored secret was not wrapped anew");
    }
    Ok((bound, secret))
}

/// Whether the row of the account still says what it was read to say: it may have been written
/// since, and the secret with it.
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

/// Wraps the secret in `row` with the newest version of the key, if it is not yet. A failure is
/// harmless: the old text opens as before, and the next use tries again.
async fn rewrap(scope: &Scope, id: &AccountId, row: &Row) -> Result<()> {
    match rewrapped(scope, id, row).await? {
        Some(value) => replace(scope, row, value).await.map(drop),
        None => Ok(()),
    }
}

/// What is to stand in a row, of any version, that is not wrapped with the newest version of the
/// key; `None` for one that is.
pub(super) async fn rewrapped(scope: &Scope, id: &AccountId, row: &Row) -> Result<Option<String>> {
    let SecretRecord { v, sealed } = SecretRecord::decode(row)?;
    let name = seal_row_name(id, v);
    let Some(sealed) = scope.vault.reseal(seal_context(scope, &name), &sealed).await? else {
        return Ok(None);
    };
    // It takes the place of the only copy: it is seen to open first.
    scope.vault.open(seal_context(scope, &name), &sealed).await?;
    Ok(Some(SecretRecord { v, sealed }.encode()?))
}

/// The version of the key that a row is wrapped with.
pub(super) fn key_version(row: &Row) -> Result<String> {
    Ok(vault::version_of(&SecretRecord::decode(row)?.sealed)?)
}

/// The same for a secret that its account may also send to where `found`, the account as its server
/// has described it just now, would.
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
        // Opened, it may have been written anew, here or by another process.
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

/// The row for a new secret, while the row of the account may still say where the earlier one went:
/// with what was sealed for that one, whatever the row of the account says. `None` where there is
/// nothing to add.
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
    // A row of version 1 says nothing of destinations, and what it holds is over.
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

/// A row of version 1.
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
            // Its server says where it is by now; what the row says is believed no more. The row
            // first: with it alone the next call comes here again.
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
        Err(error) => tracing::debug!(%error, "a stored secret was not sealed anew"),
    }
    Ok((bound, secret))
}

/// The address that the account was first connected with, by its id: the one that is stored, or
/// else, where it was connected again in another spelling, one of those that its server has named.
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

/// Whether others can listen on the way to an origin.
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

/// Writes a row anew; `false` where another process has: connected the account anew, or sealed the
/// secret as well.
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
         add`; if nobody has edited the storage or put back \
         a part of it, find out who can write to it"
    )))
}

fn address_changed() -> Error {
    let words = "the calendars of this account are at another address by now, which is used from \
    the next sync on";
    Error::Provider(providers::Error::Unreachable(words.into()))
}

fn unproven_legacy(account: &Account) -> Error {
    let id = &account.id;
    Error::Provider(providers::Error::Credentials(format!(
        "the password of the account {id} was stored by an earlier version of calrelay, which did \
        not say for which server, and the account was \
         connected again at another address or under another user name since, or is reached \
         without TLS. It was not sent anywhere, and nothing else was changed. Give it once \
         more: connect the account again with `calrelay account add`"
    )))
}

fn seal_context<'a>(scope: &'a Scope, row: &'a str) -> SealContext<'a> {
    SealContext { table: Table::Secrets.name(), partition: &scope.owner, row }
}

#[cfg(test)]
mod tests;
