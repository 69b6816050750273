//! Wraps all secrets of an owner with a new version of the key.
//!
//! A row is replaced by its ETag, so that a secret that the owner replaces at that moment is kept.
//! The new text is opened before it replaces the old one. A secret that cannot be opened is
//! reported and not changed.

use std::collections::BTreeSet;

use engine::calendar::AccountId;
use records::directory::PAGE;
use store::{Op, Row, Table};

use super::secret;
use crate::{Error, Result, Scope};

/// The number of times that a row is read again because another process wrote it at that moment.
const ATTEMPTS: usize = 8;

/// The result of wrapping an owner's secrets.
#[derive(Debug, Default)]
pub(crate) struct Rewrapped {
    /// The number of secrets that were wrapped with the newest version. The other secrets already
    /// were.
    pub rewrapped: usize,
    /// The secrets that were not changed, and why.
    pub failed: Vec<(AccountId, Error)>,
}

/// Wraps all secrets with the newest version of the key.
///
/// # Errors
/// Storage failures. Secrets that were wrapped before the failure stay so; every secret can be
/// opened.
pub(crate) async fn rewrap(scope: &Scope) -> Result<Rewrapped> {
    let mut rewrapped = Rewrapped::default();
    for row in secrets(scope).await? {
        let id = AccountId::new(&row.key);
        match rewrap_row(scope, &id, row).await {
            Ok(done) => rewrapped.rewrapped += usize::from(done),
            Err(Error::Store(error)) => return Err(Error::Store(error)),
            Err(error) => rewrapped.failed.push((id, error)),
        }
    }
    Ok(rewrapped)
}

async fn rewrap_row(scope: &Scope, id: &AccountId, mut row: Row) -> Result<bool> {
    for _ in 0..ATTEMPTS {
        let Some(value) = secret::rewrapped(scope, id, &row).await? else { return Ok(false) };
        let replace = Op::Replace { key: row.key.clone(), etag: row.etag.clone(), value };
        match scope.store.commit(Table::Secrets, &scope.owner, &[replace]).await {
            Ok(_) => return Ok(true),
            Err(store::Error::Conflict(_)) => {}
            Err(error) => return Err(error.into()),
        }
        match scope.store.get(Table::Secrets, &scope.owner, &row.key).await? {
            Some(now) => row = now,
            None => return Ok(false),
        }
    }
    Err(Error::Store(store::Error::Conflict(0)))
}

/// The versions of the key that wrap an owner's secrets; `None` where a row does not name its
/// version.
pub(crate) async fn key_versions(scope: &Scope) -> Result<Option<BTreeSet<String>>> {
    Ok(secrets(scope).await?.iter().map(|row| secret::key_version(row).ok()).collect())
}

async fn secrets(scope: &Scope) -> Result<Vec<Row>> {
    let mut all: Vec<Row> = Vec::new();
    loop {
        let after = all.last().map(|row| row.key.as_str());
        let page = scope.store.scan(Table::Secrets, &scope.owner, "", after, PAGE).await?;
        let last = page.len() < PAGE;
        all.extend(page);
        if last {
            return Ok(all);
        }
    }
}
