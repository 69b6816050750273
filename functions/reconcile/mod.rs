//! Every night: all calendars are nudged, so that windows move on and changes of lost messages are
//! found. Old entries of the audit trail are deleted.

use futures::FutureExt;
use futures::future::BoxFuture;
use jobs::Services;

use crate::trigger::{Disposition, Tick};

/// Nudges all calendars. The next polls repeat what failed.
pub fn run(services: &Services, tick: Tick) -> BoxFuture<'_, Disposition> {
    async move {
        if let Err(error) = jobs::audit::delete_expired(services).await {
            tracing::warn!(%error, "old entries of the audit trail could not be deleted; tried \
            again in the next night");
        }
        match jobs::reconcile(services).await {
            Ok(jobs::PollOutcome { pairs, sent, .. }) => {
                tracing::info!(pairs, sent, past_due = tick.past_due, "nightly pass started");
                Disposition::Done
            }
            Err(error) => Disposition::retry("the nightly pass could not be started", &error),
        }
    }
    .boxed()
}
