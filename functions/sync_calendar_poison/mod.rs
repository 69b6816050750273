//! A message of `sync-calendar-poison`: a nudge that failed too often. The pairs of its calendar
//! are marked for their owner, and the message is dropped.

use futures::FutureExt;
use futures::future::BoxFuture;
use jobs::Services;
use jobs::nudge::Nudge;

use crate::trigger::{Disposition, QueueMessage};

/// Marks the pairs of the calendar.
pub fn run(services: &Services, message: QueueMessage) -> BoxFuture<'_, Disposition> {
    async move {
        match Nudge::from_text(&message.text) {
            Ok(nudge) => jobs::give_up_on_calendar(services, &nudge).await.into(),
            Err(error) => {
                tracing::error!(%error, "a message was dropped");
                Disposition::Done
            }
        }
    }
    .boxed()
}
