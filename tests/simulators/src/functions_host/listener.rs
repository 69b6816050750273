//! The queue listener: takes batches, hands messages over, and draws the host's conclusions.
//!
//! * A batch is taken when no more than `newBatchThreshold` messages are under way, so that
//!   `batchSize + newBatchThreshold` is the most.
//! * What is under way is hidden for ten minutes, and again for ten minutes after each five. A host
//!   that dies leaves it hidden.
//! * A failure shows the message again after `visibilityTimeout`; at `maxDequeueCount` it goes to
//!   the poison queue instead. A message that was taken more often than that goes there without
//!   being handed over.
//! * A poison queue has none of its own: what fails there stays hidden until its ten minutes are
//!   over, and comes again.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::app::Function;
use super::envelope;
use super::queue::{Received, Source};
use super::shared::{Busy, Core, Outcome};

/// What is under way is hidden for so long, and renewed at half of it.
const LEASE: Duration = Duration::from_secs(600);
/// An empty queue is looked at again after so long, and then after twice as long, up to
/// `maxPollingInterval`.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// A queue with its function.
pub(super) struct Listener<S> {
    pub core: Arc<Core>,
    pub source: Arc<S>,
    pub queue: String,
    pub function: Function,
}

impl<S: Source> Listener<S> {
    /// Listens for as long as the host runs.
    pub async fn listen(self) {
        let this = Arc::new(self);
        let app = &this.core.app;
        let mut under_way: JoinSet<()> = JoinSet::new();
        let mut pause = FIRST_PAUSE;
        loop {
            while under_way.try_join_next().is_some() {}
            if under_way.len() > app.new_batch_threshold {
                under_way.join_next().await;
                continue;
            }
            let looking = Busy::begin(&this.core);
            // A service that is away is asked again, like one that has nothing.
            let batch =
                this.source.receive(&this.queue, app.batch_size, LEASE).await.unwrap_or_default();
            let found = !batch.is_empty();
            for message in batch {
                let (this, busy) = (this.clone(), Busy::begin(&this.core));
                under_way.spawn(async move {
                    this.message(message).await;
                    drop(busy);
                });
            }
            drop(looking);
            if found {
                pause = FIRST_PAUSE;
                continue;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(app.max_polling_interval);
        }
    }

    async fn message(&self, mut message: Received) {
        let most = self.core.app.max_dequeue_count;
        if message.dequeue_count > most {
            return self.poison(&message).await;
        }
        let now = self.core.clock.now();
        let body = envelope::message(&self.function.binding, &self.function.name, &message, now);
        let outcome = {
            let mut work = std::pin::pin!(self.core.invoke(&self.function, &body));
            loop {
                tokio::select! {
                    outcome = &mut work => break outcome,
                    () = tokio::time::sleep(LEASE / 2) => {
                        // One that cannot be renewed may come twice.
                        if let Ok(receipt) = self.source.hide(&self.queue, &message, LEASE).await {
                            message.receipt = receipt;
                        }
                    }
                }
            }
        };
        // What cannot be put away comes again when its ten minutes are over.
        match outcome {
            Outcome::Succeeded => drop(self.source.delete(&self.queue, &message).await),
            Outcome::Failed if self.is_poison() => {}
            Outcome::Failed if message.dequeue_count >= most => self.poison(&message).await,
            Outcome::Failed => drop(
                self.source.hide(&self.queue, &message, self.core.app.visibility_timeout).await,
            ),
        }
    }

    fn is_poison(&self) -> bool {
        self.queue.ends_with("-poison")
    }

    async fn poison(&self, message: &Received) {
        if !self.is_poison()
            && self.source.send(&format!("{}-poison", self.queue), &message.text).await.is_ok()
        {
            self.core.count(&self.function.name, |tally| tally.poisoned += 1);
            drop(self.source.delete(&self.queue, message).await);
        }
    }
}
