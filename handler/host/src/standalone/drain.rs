//! The queue loop: takes messages, hands them to their functions, and treats them as the Functions
//! host would.
//!
//! # Properties
//! * At most `batchSize` messages of a queue are under way at once; more are taken when no more
//!   than `newBatchThreshold` are.
//! * A message is hidden while it is worked on, for a minute at a time. One whose process died
//!   comes back after that minute.
//! * A message that failed is hidden for `visibilityTimeout`; one that failed `maxDequeueCount`
//!   times goes to the poison queue, and one that was taken more often than that goes there without
//!   being worked on. What fails in a poison queue is dropped then.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use functions::binding::{self, Trigger};
use functions::host::Host;
use functions::trigger::{self, Disposition, FunctionCode};
use functions::{FUNCTIONS, Function};
use futures::future::BoxFuture;
use jobs::Services;
use store::Message;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::over;
use crate::run::invoke;
use crate::storage::Storage;

/// A message is hidden for so long while it is worked on; renewed in thirds.
const LEASE: Duration = Duration::from_secs(60);

/// A loop that has not gone round for so long hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// The name of this loop.
const NAME: &str = "queue";

/// The queue loop.
pub struct Drain {
    services: Arc<Services>,
    storage: Storage,
    host: Host,
    queues: Vec<Arc<DrainedQueue>>,
}

/// A queue and its function.
struct DrainedQueue {
    name: String,
    function: &'static Function,
    run: for<'a> fn(&'a Services, trigger::QueueMessage) -> BoxFuture<'a, Disposition>,
}

impl Drain {
    /// Over the queues of the table.
    ///
    /// # Errors
    /// Where a `function.json` cannot be used.
    pub fn new(
        services: Arc<Services>,
        storage: Storage,
        host: Host,
    ) -> Result<Self, binding::Error> {
        let mut queues = Vec::new();
        for function in &FUNCTIONS {
            if let (FunctionCode::Queue(run), Trigger::Queue { queue }) =
                (function.run, function.binding()?.trigger)
            {
                queues.push(Arc::new(DrainedQueue { name: queue, function, run }));
            }
        }
        Ok(Self { services, storage, host, queues })
    }

    /// Works until the end. What is under way then is finished, or cut off when the grace is over:
    /// it holds no lease any more when this returns.
    pub async fn run(self, ended: watch::Receiver<bool>, grace: Duration) {
        let mut tasks: JoinSet<usize> = JoinSet::new();
        let mut busy: BTreeMap<usize, usize> = BTreeMap::new();
        self.services.pace.progress.expect(NAME, PATIENCE);
        loop {
            for (index, queue) in self.queues.iter().enumerate() {
                let under_way = busy.get(&index).copied().unwrap_or_default();
                if under_way > self.host.queues.new_batch_threshold {
                    continue;
                }
                let room = self.host.queues.batch_size.saturating_sub(under_way);
                for message in self.take(queue, room).await {
                    *busy.entry(index).or_default() += 1;
                    let work = DrainWork {
                        services: self.services.clone(),
                        host: self.host,
                        queue: queue.clone(),
                    };
                    tasks.spawn(async move {
                        work.message(message).await;
                        index
                    });
                }
            }
            self.services.pace.progress.went_round(NAME);
            tokio::select! {
                () = over(ended.clone()) => break,
                () = self.storage.arrived() => {}
                () = tokio::time::sleep(self.host.queues.max_polling_interval) => {}
                Some(done) = tasks.join_next() => {
                    // Which one it was is not known after a panic; none gets out of `invoke`.
                    if let Ok(index) = done && let Some(count) = busy.get_mut(&index) {
                        *count = count.saturating_sub(1);
                    }
                }
            }
        }
        let _ =
            tokio::time::timeout(grace, async { while tasks.join_next().await.is_some() {} }).await;
        tasks.shutdown().await;
    }

    async fn take(&self, queue: &DrainedQueue, room: usize) -> Vec<Message> {
        match self.services.queue.take(&queue.name, room, LEASE).await {
            Ok(messages) => messages,
            Err(error) => {
                tracing::warn!(queue = %queue.name, %error, "the queue cannot be read");
                Vec::new()
            }
        }
    }
}

/// One message.
struct DrainWork {
    services: Arc<Services>,
    host: Host,
    queue: Arc<DrainedQueue>,
}

impl DrainWork {
    async fn message(&self, message: Message) {
        let most = self.host.queues.max_dequeue_count;
        if message.dequeue_count > most {
            return self.end(&message, None).await;
        }
        let DrainedQueue { function, run, .. } = &*self.queue;
        let input = trigger::QueueMessage {
            text: message.body.clone(),
            dequeue_count: message.dequeue_count,
        };
        let work = invoke(function.name, self.host.deadline(), run(&self.services, input));
        let (answer, message) = self.renewing(message, work).await;
        // Somebody else has it now, who will end it.
        let Some(message) = message else { return };
        self.end(&message, Some(answer)).await;
    }

    /// Works, and keeps the message hidden meanwhile. Without the message where it was lost to
    /// somebody else.
    async fn renewing(
        &self,
        message: Message,
        work: impl Future<Output = Disposition>,
    ) -> (Disposition, Option<Message>) {
        let mut work = std::pin::pin!(work);
        let mut held = Some(message);
        loop {
            tokio::select! {
                answer = &mut work => return (answer, held),
                () = tokio::time::sleep(LEASE / 3) => {
                    let Some(message) = &held else { continue };
                    match self.services.queue.extend(&self.queue.name, message, LEASE).await {
                        Ok(renewed) => held = Some(renewed),
                        Err(store::Error::Conflict(_)) => held = None,
                        Err(error) => tracing::debug!(%error, "a message could not be kept \
                        hidden; it may come twice"),
                    }
                }
            }
        }
    }

    /// `None`: it was not worked on, as it has been taken too often.
    async fn end(&self, message: &Message, answer: Option<Disposition>) {
        let (services, name) = (&self.services, &self.queue.name);
        let last = message.dequeue_count >= self.host.queues.max_dequeue_count;
        let ended = match answer {
            Some(Disposition::Done) => services.queue.delete(name, message).await,
            Some(Disposition::Retry) if !last => services
                .queue
                .extend(name, message, self.host.queues.visibility_timeout)
                .await
                .map(|_| ()),
            _ if name.ends_with("-poison") => {
                tracing::error!(queue = %name, "a poison message could not be dealt with, and was \
                dropped");
                services.queue.delete(name, message).await
            }
            _ => {
                tracing::warn!(queue = %name, times = message.dequeue_count, "a message failed \
                too often");
                services.queue.poison(name, message).await
            }
        };
        match ended {
            Ok(()) | Err(store::Error::Conflict(_)) => {}
            // It comes back when its time is up, and finds nothing left to do.
            Err(error) => {
                tracing::warn!(queue = %name, %error, "a message could not be put away; it comes \
                again")
            }
        }
    }
}
