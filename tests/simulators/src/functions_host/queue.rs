//! Queues, as far as the host's listener needs them.

use std::future::Future;
use std::time::Duration;

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

/// A queue service.
pub trait Source: Send + Sync + 'static {
    /// Takes up to `most` visible messages, and hides them. A queue that is not there is empty.
    fn receive(
        &self,
        queue: &str,
        most: usize,
        hide: Duration,
    ) -> impl Future<Output = anyhow::Result<Vec<Received>>> + Send;
    /// Removes a message that was dealt with.
    fn delete(
        &self,
        queue: &str,
        message: &Received,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;
    /// Hides a message for so long from now on; gives its new receipt.
    fn hide(
        &self,
        queue: &str,
        message: &Received,
        time: Duration,
    ) -> impl Future<Output = anyhow::Result<String>> + Send;
    /// Puts a message in; makes the queue if need be.
    fn send(&self, queue: &str, text: &str) -> impl Future<Output = anyhow::Result<()>> + Send;
    /// How many messages can be taken at this moment. The host does not ask that; tests do, to know
    /// when to go on.
    fn waiting(&self, queue: &str) -> impl Future<Output = anyhow::Result<usize>> + Send;
}
