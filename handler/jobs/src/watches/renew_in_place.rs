//! A watch that gets a later end.

use records::problem::Problem;
use records::snapshot::Snapshot;
use records::watch::WatchRecord;

use super::needed::Needed;
use super::notification::give_up_removed;
use crate::{Error, Result, Scope, accounts};

/// How a renewal in place ended.
pub(super) enum InPlace {
    /// The watch has a later end.
    Renewed,
    /// Another watch has to replace this one.
    Replace,
    /// The provider could not be asked, or failed: the watch lives on, and is renewed by the next
    /// run.
    Later(Error),
}

/// Asks the provider for a later end of a watch. After an answer that was lost the watch may have
/// it already; asking again does no harm.
///
/// # Errors
/// Storage failures.
pub(super) async fn renew_in_place(
    scope: &Scope,
    directory: &Snapshot,
    needed: &Needed,
    row: &WatchRecord,
) -> Result<InPlace> {
    let Some(resource) = row.resource.as_deref() else { return Ok(InPlace::Replace) };
    let asked = async {
        let provider = accounts::open_in(scope, directory, &needed.account).await?;
        let renewed = provider.renew_watch(&row.id, resource, needed.facts.lifetime).await;
        renewed.map_err(Error::from)
    };
    let stored = scope.directory();
    match asked.await {
        Ok(Some(active)) => {
            let changed = stored.change_watch(&row.id, |row| {
                row.expires = active.expires;
                row.resource = Some(active.resource.clone());
                (row.renew_now, row.error) = (false, None);
            });
            Ok(if changed.await?.is_some() { InPlace::Renewed } else { InPlace::Replace })
        }
        Ok(None) => {
            stored.change_watch(&row.id, give_up_removed).await?;
            tracing::info!(account = %row.account, "the provider does not know a watch any more; \
            another one is created");
            Ok(InPlace::Replace)
        }
        Err(Error::Provider(error)) if !error.is_transient() => {
            tracing::info!(account = %row.account, %error, "a watch could not be renewed; another \
            one is created");
            Ok(InPlace::Replace)
        }
        Err(error) => {
            let problem = Problem::from(&error);
            stored.change_watch(&row.id, |row| row.error = Some(problem.clone())).await?;
            Ok(InPlace::Later(error))
        }
    }
}
