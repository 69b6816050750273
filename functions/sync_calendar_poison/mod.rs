//! A message of `sync-calendar-poison`: a nudge that failed for good. Its pairs are marked, so that
//! their owner sees it, and it is dropped.

use futures::FutureExt;
use futures::future::BoxFuture;
use jobs::Services;
use jobs::nudge::Nudge;

use crate::trigger::{Disposition, QueueMessage};

/// Marks them.
pub fn run(services: &Services, message: QueueMessage) -> BoxFuture<'_, Disposition> {
    async move {
        match Nudge::from_text(&message.text) {
            Ok(nudge) => jobs::give_up_on_calendar(services, &nudge.calendar_id).await.into(),
            Err(error) => {
                tracing::error!(%error, "a message was dropped");
                Disposition::Done
            }
        }
    }
    .boxed()
}
