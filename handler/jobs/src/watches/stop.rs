//! Stopping watches.

use jiff::Timestamp;
use records::account::AccountStatus;
use records::problem::Problem;
use records::snapshot::Snapshot;
use records::watch::{WatchRecord, WatchStatus};

use crate::{Error, Result, Scope, accounts};

/// The number of watches of one target that may exist although no answer came, and whose records
/// are kept until they send a notification or end.
const UNANSWERED: usize = 3;

/// Stops all of these watches except the ones named in `keep` and returns their number. The next
/// run tries again to stop a watch that could not be stopped.
pub(super) async fn stop_all(
    scope: &Scope,
    directory: &Snapshot,
    rows: &[WatchRecord],
    keep: &[&str],
    now: Timestamp,
) -> Result<usize> {
    let (mut over, mut unanswered) = (Vec::new(), 0);
    let stored = scope.directory();
    for row in rows.iter().filter(|row| !keep.contains(&row.id.as_str())) {
        if unanswered < UNANSWERED && may_exist(directory, row, now) {
            unanswered += 1;
            if row.state != WatchStatus::Ending {
                stored.change_watch(&row.id, |row| row.state = WatchStatus::Ending).await?;
            }
            continue;
        }
        match stop(scope, directory, row, now).await {
            Ok(()) => over.push(row.id.clone()),
            Err(problem) => {
                tracing::info!(account = %row.account, code = %problem.code, "a watch could not be \
                stopped yet; it is tried again within the hour");
                let ending = stored.change_watch(&row.id, |row| {
                    row.state = WatchStatus::Ending;
                    row.error = Some(problem.clone());
                });
                ending.await?;
            }
        }
    }
    stored.delete_watches(&over).await?;
    Ok(over.len())
}

/// Whether the watch may exist although the provider gave no answer: its first notification names
/// what is needed to stop it.
fn may_exist(directory: &Snapshot, row: &WatchRecord, now: Timestamp) -> bool {
    let is_connected = directory
        .account(&row.account)
        .is_ok_and(|account| account.state != AccountStatus::NeedsReconnect);
    row.resource.is_none()
        && row.state != WatchStatus::Refused
        && row.may_exist_unanswered()
        && now < row.expires
        && is_connected
}

/// Stops a watch, where the provider can be asked.
async fn stop(
    scope: &Scope,
    directory: &Snapshot,
    row: &WatchRecord,
    now: Timestamp,
) -> Result<(), Problem> {
    let resource = row.resource.as_deref();
    let resource = resource.filter(|_| now < row.expires && row.state != WatchStatus::Refused);
    let Some(resource) = resource else { return Ok(()) };
    // Without a valid consent the provider refuses, and the watch ends by itself.
    let Ok(account) = directory.account(&row.account) else { return Ok(()) };
    if account.state == AccountStatus::NeedsReconnect || !account.kind.pushes() {
        return Ok(());
    }
    let stopped = async {
        let provider = accounts::open_in(scope, directory, &account).await?;
        Ok(provider.delete_watch(&row.id, resource).await?)
    };
    match stopped.await {
        Err(Error::Provider(error)) if !error.is_transient() => {
            tracing::info!(account = %row.account, %error, "a watch could not be stopped, and ends \
            by itself within days");
            Ok(())
        }
        Err(error) => Err(Problem::from(&error)),
        Ok(()) => Ok(()),
    }
}
