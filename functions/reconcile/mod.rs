//! Every night: all calendars are nudged, so that the window moves on and what a lost message left
//! behind is found; and what is old leaves the audit trail.

use futures::FutureExt;
use futures::future::BoxFuture;
use jobs::Services;

use crate::trigger::{Disposition, Tick};

/// Nudges. A night that failed is made up for by the polls of the morning.
pub fn run(services: &Services, tick: Tick) -> BoxFuture<'_, Disposition> {
    async move {
        if let Err(error) = jobs::audit::clear(services).await {
            tracing::warn!(%error, "old entries of the audit trail could not be cleared away; the \
            next night tries again");
        }
        match jobs::reconcile(services).await {
            Ok(nightly) => {
                tracing::info!(
                    pairs = nightly.pairs,
                    sent = nightly.sent,
                    past_due = tick.past_due,
                    "nightly pass begun"
                );
                Disposition::Done
            }
            Err(error) => {
                tracing::warn!(%error, "the nightly pass could not begin");
                Disposition::Retry
            }
        }
    }
    .boxed()
}
