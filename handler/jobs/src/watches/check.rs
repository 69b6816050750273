//! Whether watches still exist: a provider may remove one and send no notification of that.

use std::collections::BTreeSet;

use engine::calendar::AccountId;
use engine::provider::WatchFacts;
use futures::StreamExt;
use jiff::Timestamp;
use records::snapshot::Snapshot;
use records::watch::{WatchRecord, WatchStatus};

use super::needed::{Needed, needed};
use super::notification::give_up_removed;
use super::spread::{AT_ONCE, signed, spread};
use crate::{Result, Scope, accounts};

/// Whether the provider can be asked if a watch exists.
pub(super) fn can_be_asked(row: &WatchRecord, facts: WatchFacts, now: Timestamp) -> bool {
    facts.check_after.is_some()
        && row.state == WatchStatus::Open
        && row.resource.is_some()
        && row.is_live(now)
}

/// Whether the provider is to be asked if a watch exists.
pub(super) fn is_due(row: &WatchRecord, facts: WatchFacts, now: Timestamp) -> bool {
    let Some(after) = facts.check_after else { return false };
    let left = signed(facts.lifetime) - signed(after) - spread(&row.id, signed(facts.spread));
    row.checked != Some(row.expires) && row.expires.duration_since(now) <= left
}

/// Asks the provider if a watch exists, and gives up one that does not.
///
/// # Errors
/// Storage failures.
pub(super) async fn give_up_where_removed(
    scope: &Scope,
    directory: &Snapshot,
    needed: &Needed,
    row: &mut WatchRecord,
) -> Result<()> {
    let stored = scope.directory();
    match end(scope, directory, needed, row).await {
        Ok(Some(expires)) => {
            let note = |row: &mut WatchRecord| {
                (row.expires, row.checked) = (expires, Some(expires));
            };
            stored.change_watch(&row.id, note).await?;
            note(row);
        }
        Ok(None) => {
            stored.change_watch(&row.id, give_up_removed).await?;
            give_up_removed(row);
            tracing::info!(account = %row.account, "the provider has removed a watch; another one \
            is created");
        }
        Err(error) => tracing::info!(account = %row.account, %error, "the provider did not say \
            whether a watch exists; it is asked again"),
    }
    Ok(())
}

/// The accounts whose watch is open by its record, and not at the provider. Nothing is changed. An
/// account that does not answer is not among them.
///
/// # Errors
/// Storage failures.
pub async fn removed_watches(scope: &Scope) -> Result<BTreeSet<AccountId>> {
    let (directory, now) = (scope.snapshot().await?, scope.clock.now());
    let (needed, rows) = (needed(&directory), directory.watches()?);
    let asked = needed.iter().filter_map(|(target, needed)| {
        let account = target.of_account().filter(|_| needed.may_ask(now))?;
        let of_account = rows.iter().filter(|row| row.account == *account);
        let row = of_account
            .filter(|row| can_be_asked(row, needed.facts, now))
            .max_by_key(|row| row.expires)?;
        Some((account, needed, row))
    });
    let asked: Vec<_> = asked
        .map(|(account, needed, row)| {
            let directory = &directory;
            async move {
                let end = end(scope, directory, needed, row).await;
                matches!(end, Ok(None)).then(|| account.clone())
            }
        })
        .collect();
    let found: Vec<_> = futures::stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
    Ok(found.into_iter().flatten().collect())
}

/// When the watch ends, according to the provider.
async fn end(
    scope: &Scope,
    directory: &Snapshot,
    needed: &Needed,
    row: &WatchRecord,
) -> Result<Option<Timestamp>> {
    let resource = row.resource.as_deref().unwrap_or_default();
    let provider = accounts::open_in(scope, directory, &needed.account).await?;
    Ok(provider.watch_end(&row.id, resource).await?)
}
