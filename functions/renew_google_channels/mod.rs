//! Every hour, for providers whose watches are of one calendar each: missing watches are created,
//! watches are renewed before they end, and unneeded ones are stopped. If the timer is late, their
//! calendars are nudged too. Expired consents are deleted.

use futures::FutureExt;
use futures::future::BoxFuture;
use jobs::watches::WatchKind;
use jobs::{Services, consent};

use crate::renewal::renew;
use crate::trigger::{Disposition, Tick};

/// Renews watches. The next run repeats what failed.
pub fn run(services: &Services, tick: Tick) -> BoxFuture<'_, Disposition> {
    async move {
        if let Err(error) = consent::delete_expired(services).await {
            tracing::warn!(%error, "expired consents could not be deleted; tried again in an hour");
        }
        renew(services, WatchKind::Calendar, tick).await
    }
    .boxed()
}
