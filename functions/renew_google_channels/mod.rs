//! Every hour: channels through which Google tells of changes are opened where one is missing,
//! followed before they end, and stopped where nobody needs them any more. After a time in which
//! nobody was there, all their calendars are looked at as well. And consents that were begun and
//! never answered are cleared away.

use futures::FutureExt;
use futures::future::BoxFuture;
use jobs::Services;

use crate::trigger::{Disposition, Tick};

/// Renews. What fails is tried again by the next run.
pub fn run(services: &Services, tick: Tick) -> BoxFuture<'_, Disposition> {
    async move {
        match jobs::consent::clear(services).await {
            Ok(0) => {}
            Ok(cleared) => tracing::info!(
                cleared,
                "consents that nobody answered were cleared \
            away"
            ),
            Err(error) => tracing::warn!(%error, "consents that nobody answered could not be \
            cleared away; it is tried again in an hour"),
        }
        match jobs::channels::renew(services, tick.past_due).await {
            Ok(tended) if tended == jobs::channels::RenewOutcome::default() => Disposition::Done,
            Ok(tended) => {
                let jobs::channels::RenewOutcome { wanted, opened, ended, failed } = tended;
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
