//! A run over the watches of one kind, for its timer.

use jobs::Services;
use jobs::watches::{self, RenewOutcome, WatchKind};

use crate::trigger::{Disposition, Tick};

/// Renews watches. The next run repeats what failed.
pub async fn renew(services: &Services, kind: WatchKind, tick: Tick) -> Disposition {
    match watches::renew(services, kind, tick.past_due).await {
        Ok(outcome) if outcome == RenewOutcome::default() => Disposition::Done,
        Ok(RenewOutcome { needed, created, renewed, stopped, failed }) => {
            tracing::info!(?kind, needed, created, renewed, stopped, failed, "watches renewed");
            Disposition::Done
        }
        Err(error) => Disposition::retry("watches could not be renewed", &error),
    }
}
