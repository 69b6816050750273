//! The queue listener of the Functions host, and where its messages come from: either storage, opened beside the program.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use simulators::functions_host::{Handler, Outcome, Received, Source};
use store::{Message, Queue};
use tokio::task::JoinSet;

/// The queue of nudges.
pub const QUEUE: &str = "sync-calendar";

/// A message is hidden for so long while it is worked on.
const LEASE: Duration = Duration::from_secs(600);
/// The host waits so long after the first look that finds nothing, then longer and longer.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Queues of either storage.
#[derive(Clone)]
pub struct Queues(pub Arc<dyn Queue>);

impl Source for Queues {
    async fn receive(&self, queue: &str, most: usize, hide: Duration) -> anyhow::Result<Vec<Received>> {
        let received = |m: Message| Received { id: m.id, receipt: m.receipt, text: m.body, dequeue_count: m.dequeue_count.into() };
        Ok(self.0.take(queue, most, hide).await?.into_iter().map(received).collect())
    }
    async fn delete(&self, queue: &str, received: &Received) -> anyhow::Result<()> {
        Ok(self.0.delete(queue, &message(received)).await?)
    }
    async fn release(&self, queue: &str, received: &Received, after: Duration) -> anyhow::Result<()> {
        self.0.extend(queue, &message(received), after).await?;
        Ok(())
    }
    async fn send(&self, queue: &str, text: &str) -> anyhow::Result<()> {
        Ok(self.0.put(queue, text, Duration::ZERO).await?)
    }
}

fn message(received: &Received) -> Message {
    let count = u32::try_from(received.dequeue_count).unwrap_or(u32::MAX);
    Message { id: received.id.clone(), receipt: received.receipt.clone(), body: received.text.clone(), dequeue_count: count }
}

/// Listens as the host does until so many messages were dealt with: takes a batch, delivers all of it at once, takes the next when few enough of
/// them are left.
///
/// # Errors
/// Where the queue fails, or the handler answers in a way that the host cannot live with.
pub async fn listen(handler: &Arc<Handler>, queues: &Queues, messages: u64) -> anyhow::Result<()> {
    let app = handler.app();
    let function = app.of_queue(QUEUE)?.clone();
    // What host.json sets, and what the host itself would take.
    let threshold = app.batch_size / 2;
    let mut under_way: JoinSet<anyhow::Result<bool>> = JoinSet::new();
    let (mut done, mut pause) = (0, FIRST_PAUSE);
    while done < messages {
        let batch = queues.receive(QUEUE, app.batch_size, LEASE).await?;
        if batch.is_empty() {
            // What fails comes back after visibilityTimeout.
            tokio::select! {
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(app.max_polling_interval),
                Some(one) = under_way.join_next() => done += u64::from(one??),
            }
            continue;
        }
        pause = FIRST_PAUSE;
        for received in batch {
            let (handler, queues, function, again) = (handler.clone(), queues.clone(), function.clone(), app.visibility_timeout);
            under_way.spawn(async move {
                let dealt_with = handler.deliver(&function, &received).await? == Outcome::Succeeded;
                if dealt_with {
                    queues.delete(QUEUE, &received).await?;
                } else {
                    queues.release(QUEUE, &received, again).await?;
                }
                Ok(dealt_with)
            });
        }
        while under_way.len() > threshold || (done + under_way.len() as u64 >= messages && !under_way.is_empty()) {
            done += u64::from(under_way.join_next().await.context("a message under way")???);
        }
    }
    Ok(())
}
