//! A message of `sync-calendar`: a nudge for one calendar.

use futures::FutureExt;
use futures::future::BoxFuture;
use jobs::Services;
use jobs::nudge::Nudge;

use crate::trigger::{Disposition, QueueMessage};

/// Syncs the pairs of the calendar. A message that is not a nudge is dropped, since a repetition
/// would not change it.
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
