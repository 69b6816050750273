//! The source of messages for the stand-in for the Functions host: either storage, opened beside
//! the program.

use std::sync::Arc;
use std::time::Duration;

use simulators::functions_host::{Received, Source};
use store::{Message, Queue};

/// The queue of nudges.
pub const QUEUE: &str = "sync-calendar";

/// Queues of either storage.
#[derive(Clone)]
pub struct Queues(pub Arc<dyn Queue>);

impl Source for Queues {
    async fn receive(
        &self,
        queue: &str,
        most: usize,
        hide: Duration,
    ) -> anyhow::Result<Vec<Received>> {
        let received = |m: Message| Received {
            id: m.id,
            receipt: m.receipt,
            text: m.body,
            dequeue_count: m.dequeue_count.into(),
        };
        Ok(self.0.take(queue, most, hide).await?.into_iter().map(received).collect())
    }
    async fn delete(&self, queue: &str, received: &Received) -> anyhow::Result<()> {
        Ok(self.0.delete(queue, &message(received)).await?)
    }
    async fn hide(
        &self,
        queue: &str,
        received: &Received,
        time: Duration,
    ) -> anyhow::Result<String> {
        Ok(self.0.extend(queue, &message(received), time).await?.receipt)
    }
    async fn send(&self, queue: &str, text: &str) -> anyhow::Result<()> {
        Ok(self.0.put(queue, text, Duration::ZERO).await?)
    }
    /// Those under way as well: here a queue is waited for until it is empty.
    async fn waiting(&self, queue: &str) -> anyhow::Result<usize> {
        Ok(self.0.len(queue).await?.try_into()?)
    }
}

fn message(received: &Received) -> Message {
    let count = u32::try_from(received.dequeue_count).unwrap_or(u32::MAX);
    Message {
        id: received.id.clone(),
        receipt: received.receipt.clone(),
        body: received.text.clone(),
        dequeue_count: count,
    }
}
