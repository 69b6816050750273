//! Every quarter of an hour, for providers whose watches are of a whole account each: as
//! `renew_google_channels`. A watch gets a later end a day before its end; what failed is tried
//! again after a quarter of an hour. Between two renewals it is asked once whether the watch
//! exists.

use futures::FutureExt;
use futures::future::BoxFuture;
use jobs::Services;
use jobs::watches::WatchKind;

use crate::renewal::renew;
use crate::trigger::{Disposition, Tick};

/// Renews watches. The next run repeats what failed.
pub fn run(services: &Services, tick: Tick) -> BoxFuture<'_, Disposition> {
    async move { renew(services, WatchKind::Account, tick).await }.boxed()
}
