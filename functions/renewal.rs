//! A run over the watches of one kind, for its timer.

use jobs::Services;
use jobs::doctor;
use jobs::watches::{self, RenewOutcome, WatchKind};

use crate::trigger::{Disposition, Tick};

/// Renews watches. The next run repeats what failed. A provider that has not answered this process
/// yet is asked whether it accepts this program, so that the health of the service shows it.
pub async fn renew(services: &Services, kind: WatchKind, tick: Tick) -> Disposition {
    if kind == WatchKind::Account {
        doctor::check_clients(&*services.connect).await;
    }
    match watches::renew(services, kind, tick.past_due).await {
        Ok(outcome) if outcome == RenewOutcome::default() => Disposition::Done,
        Ok(RenewOutcome { needed, created, renewed, stopped, failed }) => {
            tracing::info!(?kind, needed, created, renewed, stopped, failed, "watches renewed");
            Disposition::Done
        }
        Err(error) => Disposition::retry("watches could not be renewed", &error),
    }
}
