//! The queue listener: takes batches, delivers, and draws the host's conclusions.

use std::future::Future;
use std::time::Duration;

use futures::future::join_all;

use super::app::App;
use super::handler::{Handler, Outcome};

/// A message of any queue.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its id.
    pub id: String,
    /// Proof that it is ours.
    pub receipt: String,
    /// What it says.
    pub text: String,
    /// How often it has been taken, this time included.
    pub dequeue_count: u64,
}

/// Where messages come from: a queue service, as far as the listener needs it.
pub trait Source {
    /// Takes up to `most` visible messages, and hides them.
    fn receive(&self, queue: &str, most: usize, hide: Duration) -> impl Future<Output = anyhow::Result<Vec<Received>>>;
    /// Removes a message that was dealt with.
    fn delete(&self, queue: &str, message: &Received) -> impl Future<Output = anyhow::Result<()>>;
    /// Shows a message again after a while.
    fn release(&self, queue: &str, message: &Received, after: Duration) -> impl Future<Output = anyhow::Result<()>>;
    /// Puts a message in.
    fn send(&self, queue: &str, text: &str) -> impl Future<Output = anyhow::Result<()>>;
}

/// What came of one batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Messages that were dealt with.
    pub succeeded: usize,
    /// Messages that come back.
    pub failed: usize,
    /// Messages that went to the poison queue.
    pub poisoned: usize,
}

impl Drained {
    /// All messages of the batch.
    pub fn total(self) -> usize {
        self.succeeded + self.failed + self.poisoned
    }
}

/// The listener hides what it works on for so long, and renews that.
const LEASE: Duration = Duration::from_secs(600);

impl Handler {
    /// Takes one batch of a queue and delivers it, all at once.
    ///
    /// # Errors
    /// Where the queue fails, or the handler answers in a way that the host cannot live with.
    pub async fn drain(&self, source: &impl Source, queue: &str) -> anyhow::Result<Drained> {
        let app = self.app();
        let batch = source.receive(queue, app.batch_size, LEASE).await?;
        let mut drained = Drained::default();
        for one in join_all(batch.iter().map(|message| self.one(app, source, queue, message))).await {
            match one? {
                End::Succeeded => drained.succeeded += 1,
                End::Failed => drained.failed += 1,
                End::Poisoned => drained.poisoned += 1,
            }
        }
        Ok(drained)
    }

    /// Drains a queue until it shows nothing any more.
    ///
    /// # Errors
    /// As [`Handler::drain`].
    pub async fn drain_all(&self, source: &impl Source, queue: &str) -> anyhow::Result<Drained> {
        let mut all = Drained::default();
        loop {
            let Drained { succeeded, failed, poisoned } = self.drain(source, queue).await?;
            all = Drained { succeeded: all.succeeded + succeeded, failed: all.failed + failed, poisoned: all.poisoned + poisoned };
            if succeeded + failed + poisoned == 0 {
                return Ok(all);
            }
        }
    }

    async fn one(&self, app: &App, source: &impl Source, queue: &str, message: &Received) -> anyhow::Result<End> {
        let most = app.max_dequeue_count;
        if message.dequeue_count <= most && self.deliver(app.of_queue(queue)?, message).await? == Outcome::Succeeded {
            source.delete(queue, message).await?;
            return Ok(End::Succeeded);
        }
        if message.dequeue_count < most {
            source.release(queue, message, app.visibility_timeout).await?;
            return Ok(End::Failed);
        }
        // A poison queue has none of its own.
        if !queue.ends_with("-poison") {
            source.send(&format!("{queue}-poison"), &message.text).await?;
        }
        source.delete(queue, message).await?;
        Ok(End::Poisoned)
    }
}

enum End {
    Succeeded,
    Failed,
    Poisoned,
}
