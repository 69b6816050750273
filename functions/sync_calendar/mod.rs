//! A message of `sync-calendar`: one calendar is to be looked at.

use futures::FutureExt;
use futures::future::BoxFuture;
use jobs::Services;
use jobs::nudge::Nudge;

use crate::trigger::{Disposition, QueueMessage};

/// Syncs its pairs. A message that is no nudge is dropped: it would be none the next time either.
pub fn run(services: &Services, message: QueueMessage) -> BoxFuture<'_, Disposition> {
    async move {
        match Nudge::from_text(&message.text) {
            Ok(nudge) => jobs::sync_calendar(services, &nudge).await.into(),
            Err(error) => {
                tracing::error!(%error, "a message was dropped");
                Disposition::Done
            }
        }
    }
    .boxed()
}
