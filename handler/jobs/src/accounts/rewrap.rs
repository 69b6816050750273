//! All secrets of an owner, wrapped anew after a rotation of the key.
//!
//! A row is replaced by its version, so that a secret that its owner replaces at the same moment
//! stays as it is, and the new text is seen to open before it takes the place of the old one. What
//! cannot be opened is named and left as it is.

use std::collections::BTreeSet;

use engine::calendar::AccountId;
use records::directory::PAGE;
use store::{Op, Row, Table};

use super::secret;
use crate::{Error, Result, Scope};

/// So often a row is read again that others write at the same moment.
const ATTEMPTS: usize = 8;

/// What became of an owner's secrets.
#[derive(Debug, Default)]
pub(crate) struct Rewrapped {
    /// So many were wrapped anew; the others were already.
    pub rewrapped: usize,
    /// These were left as they are, and why.
    pub failed: Vec<(AccountId, Error)>,
}

/// Wraps all of them with the newest version of the key.
///
/// # Errors
/// Storage failures: what was wrapped anew until then stays so, and everything opens.
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

/// The versions of the key that an owner's secrets are wrapped with; `None` where a row does not
/// say.
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
