//! Every hour: missing channels of Google are created, channels are replaced before they expire,
//! and unused ones are stopped. If the timer is late, their calendars are nudged too. Consents that
//! were started and never finished are deleted.

use futures::FutureExt;
use futures::future::BoxFuture;
use jobs::Services;

use crate::trigger::{Disposition, Tick};

/// Renews channels. The next run repeats what failed.
pub fn run(services: &Services, tick: Tick) -> BoxFuture<'_, Disposition> {
    async move {
        match jobs::consent::delete_expired(services).await {
            Ok(0) => {}
            Ok(cleared) => tracing::info!(cleared, "unanswered consents were deleted"),
            Err(error) => tracing::warn!(%error, "unanswered consents could not be deleted; the \
            next attempt is in an hour"),
        }
        match jobs::watches::renew(services, tick.past_due).await {
            Ok(tended) if tended == jobs::watches::RenewOutcome::default() => Disposition::Done,
            Ok(tended) => {
                let jobs::watches::RenewOutcome {
                    needed: wanted,
                    created: opened,
                    stopped: ended,
                    failed,
                } = tended;
                tracing::info!(wanted, opened, ended, failed, "channels renewed");
                Disposition::Done
            }
            Err(error) => {
                tracing::warn!(%error, "channels could not be renewed");
                Disposition::Retry
            }
        }
    }
    .boxed()
}
