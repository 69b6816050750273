//! A watch that gets a later end.

use records::snapshot::Snapshot;
use records::watch::WatchRecord;

use super::needed::Needed;
use crate::{Result, Scope, accounts};

/// Asks the provider for a later end of a watch; whether it gave one. Where it did not, another
/// watch has to replace this one.
///
/// # Errors
/// Storage failures.
pub(super) async fn renew_in_place(
    scope: &Scope,
    directory: &Snapshot,
    needed: &Needed,
    row: &WatchRecord,
) -> Result<bool> {
    let Some(resource) = row.resource.as_deref() else { return Ok(false) };
    let asked = async {
        let provider = accounts::open_in(scope, directory, &needed.account).await?;
        let renewed = provider.renew_watch(&row.id, resource, needed.facts.lifetime).await;
        renewed.map_err(crate::Error::from)
    };
    let renewed = match asked.await {
        Ok(renewed) => renewed,
        Err(error) => {
            tracing::info!(account = %row.account, %error, "a watch could not be renewed; another \
            one is created");
            None
        }
    };
    let Some(active) = renewed else { return Ok(false) };
    let stored = scope.directory();
    let changed = stored.change_watch(&row.id, |row| {
        row.expires = active.expires;
        row.resource = Some(active.resource.clone());
        (row.renew_now, row.error) = (false, None);
    });
    Ok(changed.await?.is_some())
}
