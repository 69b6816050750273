//! The queue loop: takes messages and runs their functions, with the rules of the Functions host.
//!
//! # Properties
//! * At most `batchSize` messages of a queue are in progress; more are taken when at most
//!   `newBatchThreshold` are.
//! * A message is hidden while it is processed, for a minute at a time. If the process dies, the
//!   message becomes visible after that minute.
//! * A message that failed is hidden for `visibilityTimeout`; one that failed `maxDequeueCount`
//!   times goes to the poison queue, and one that was taken more often goes there without being
//!   processed. A message that fails as often in a poison queue is dropped.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use functions::binding::Trigger;
use functions::host_json::HostSettings;
use functions::trigger::{self, Disposition, FunctionCode};
use functions::{FUNCTIONS, Function};
use futures::future::BoxFuture;
use jobs::Services;
use store::Message;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::invoke::invoke;
use crate::shutdown::until_ended;
use crate::storage::Storage;

/// How long a message is hidden while it is processed; renewed after a third of it.
const VISIBILITY: Duration = Duration::from_secs(60);

/// A loop without an iteration for this time hangs.
const HANG_TIMEOUT: Duration = Duration::from_secs(120);

/// The name of this loop for `/health`.
const WATCHDOG_NAME: &str = "queue";

/// Processes the queues of the table.
pub struct QueueLoop {
    services: Arc<Services>,
    storage: Storage,
    host: HostSettings,
    queues: Vec<Arc<QueueBinding>>,
}

/// A queue and its function.
struct QueueBinding {
    name: String,
    function: &'static Function,
    run: for<'a> fn(&'a Services, trigger::QueueMessage) -> BoxFuture<'a, Disposition>,
}

impl QueueLoop {
    /// The loop for all queues of the table.
    ///
    /// # Errors
    /// Where a `function.json` cannot be used.
    pub fn new(
        services: Arc<Services>,
        storage: Storage,
        host: HostSettings,
    ) -> Result<Self, functions::Error> {
        let mut queues = Vec::new();
        for function in &FUNCTIONS {
            if let (FunctionCode::Queue(run), Trigger::Queue { queue }) =
                (function.run, function.binding()?.trigger)
            {
                queues.push(Arc::new(QueueBinding { name: queue, function, run }));
            }
        }
        Ok(Self { services, storage, host, queues })
    }

    /// Runs until the process ends. Messages in progress are then finished, or aborted after
    /// `grace`: when this returns, they hold no leases.
    pub async fn run(self, ended: watch::Receiver<bool>, grace: Duration) {
        let mut tasks: JoinSet<usize> = JoinSet::new();
        let mut busy: BTreeMap<usize, usize> = BTreeMap::new();
        self.services.in_process.loops.expect(WATCHDOG_NAME, HANG_TIMEOUT);
        loop {
            for (index, queue) in self.queues.iter().enumerate() {
                let under_way = busy.get(&index).copied().unwrap_or_default();
                if under_way > self.host.queues.new_batch_threshold {
                    continue;
                }
                let room = self.host.queues.batch_size.saturating_sub(under_way);
                for message in self.take(queue, room).await {
                    *busy.entry(index).or_default() += 1;
                    let work = MessageTask {
                        services: self.services.clone(),
                        host: self.host,
                        queue: queue.clone(),
                    };
                    tasks.spawn(async move {
                        work.process(message).await;
                        index
                    });
                }
            }
            self.services.in_process.loops.record_iteration(WATCHDOG_NAME);
            tokio::select! {
                () = until_ended(ended.clone()) => break,
                () = self.storage.arrived() => {}
                () = tokio::time::sleep(self.host.queues.max_polling_interval) => {}
                Some(done) = tasks.join_next() => {
                    // After a panic the queue is not known; `invoke` catches panics.
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

    async fn take(&self, queue: &QueueBinding, room: usize) -> Vec<Message> {
        match self.services.queue.take(&queue.name, room, VISIBILITY).await {
            Ok(messages) => messages,
            Err(error) => {
                tracing::warn!(queue = %queue.name, %error, "the queue cannot be read");
                Vec::new()
            }
        }
    }
}

/// Processes one message.
struct MessageTask {
    services: Arc<Services>,
    host: HostSettings,
    queue: Arc<QueueBinding>,
}

impl MessageTask {
    async fn process(&self, message: Message) {
        let most = self.host.queues.max_dequeue_count;
        if message.dequeue_count > most {
            return self.settle(&message, None).await;
        }
        let QueueBinding { function, run, .. } = &*self.queue;
        let input = trigger::QueueMessage {
            text: message.body.clone(),
            dequeue_count: message.dequeue_count,
        };
        let work = invoke(function.name, self.host.deadline(), run(&self.services, input));
        let (answer, message) = self.run_hidden(message, work).await;
        // Another consumer has taken the message, and will end it.
        let Some(message) = message else { return };
        self.settle(&message, Some(answer)).await;
    }

    /// Runs the work, and keeps the message hidden meanwhile. Returns no message if another
    /// consumer has taken it.
    async fn run_hidden(
        &self,
        message: Message,
        work: impl Future<Output = Disposition>,
    ) -> (Disposition, Option<Message>) {
        let mut work = std::pin::pin!(work);
        let mut held = Some(message);
        loop {
            tokio::select! {
                answer = &mut work => return (answer, held),
                () = tokio::time::sleep(VISIBILITY / 3) => {
                    let Some(message) = &held else { continue };
                    match self.services.queue.extend(&self.queue.name, message, VISIBILITY).await {
                        Ok(renewed) => held = Some(renewed),
                        Err(store::Error::Conflict(_)) => held = None,
                        Err(error) => tracing::debug!(%error, "a message could not be kept \
                        hidden; it may be processed twice"),
                    }
                }
            }
        }
    }

    /// Ends a message. Without an answer it was not processed, since it was taken too often.
    async fn settle(&self, message: &Message, answer: Option<Disposition>) {
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
                tracing::error!(queue = %name, "a poison message could not be processed, and was \
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
            // The message becomes visible again, and its repetition finds nothing to do.
            Err(error) => {
                tracing::warn!(queue = %name, %error, "a message could not be ended; it will be \
                repeated")
            }
        }
    }
}
