//! Every `CALRELAY_POLL_SECONDS`: CalDAV servers send no notifications, so their calendars are
//! polled, and changed ones are nudged.

use futures::FutureExt;
use futures::future::BoxFuture;
use jobs::Services;

use crate::trigger::{Disposition, Tick};

/// Polls. The next poll repeats what failed.
pub fn run(services: &Services, _tick: Tick) -> BoxFuture<'_, Disposition> {
    async move {
        match jobs::poll_calendars(services).await {
            Ok(polled) => {
                tracing::debug!(
                    pairs = polled.pairs,
                    due = polled.due,
                    sent = polled.sent,
                    "polled"
                );
                Disposition::Done
            }
            Err(error) => {
                tracing::warn!(%error, "the calendars could not be polled");
                Disposition::Retry
            }
        }
    }
    .boxed()
}
