//! Every hour: missing watches are created, watches are renewed before they end, and unneeded ones are
//! stopped. If the timer is late, their calendars are nudged too. Expired consents are deleted.

use futures::FutureExt;
use futures::future::BoxFuture;
use jobs::watches::RenewOutcome;
use jobs::{Services, consent, watches};

use crate::trigger::{Disposition, Tick};

/// Renews watches. The next run repeats what failed.
pub fn run(services: &Services, tick: Tick) -> BoxFuture<'_, Disposition> {
    async move {
        if let Err(error) = consent::delete_expired(services).await {
            tracing::warn!(%error, "expired consents could not be deleted; tried again in an hour");
        }
        match watches::renew(services, tick.past_due).await {
            Ok(outcome) if outcome == RenewOutcome::default() => Disposition::Done,
            Ok(RenewOutcome { needed, created, stopped, failed }) => {
                tracing::info!(needed, created, stopped, failed, "watches renewed");
                Disposition::Done
            }
            Err(error) => Disposition::retry("watches could not be renewed", &error),
        }
    }
    .boxed()
}
