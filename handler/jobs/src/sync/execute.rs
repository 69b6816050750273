//! Goes through all candidates of a pass: they are read ahead, decided about and written, batch by
//! batch, and what was done is stored as the pass goes on.

use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use records::pair_state::EventPosition;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::candidate::Candidate;
use super::changes::Changes;
use super::context::Context;
use super::identity::EventIdentities;
use super::pass_result::PassResult;
use super::record::COMMIT_EVERY;
use super::resumption::Resumption;
use crate::in_process::CALL_BUDGET;
use crate::{Error, Result};

/// The most events of a batch: their intents, two rows each, fit into one commit with the state.
const MAX_BATCH: usize = 49;
/// How long after the end of its time a pass still writes what it has read.
const GRACE: Duration = Duration::from_secs(60);
/// The batches that are read ahead of the writes.
const READ_AHEAD: usize = 2;

impl Context<'_> {
    /// Goes through all candidates, batch by batch, several writes at once. Returns how many remain
    /// where a background pass has to give way.
    pub(super) async fn execute(
        &self,
        changes: Changes,
        mut identities: EventIdentities,
        resumption: &mut Resumption,
        result: &mut PassResult,
    ) -> Result<u64> {
        let candidates = resumption.remaining(self.candidates(changes, &mut identities));
        let places: Vec<Option<EventPosition>> = candidates.iter().map(Candidate::place).collect();
        let total = candidates.len() as u64;
        self.progress.expect(total);
        // After the end nothing more is read; what was read already is written, unless that takes
        // too long.
        let end = self.options.background.then(|| self.end_of_time());
        let (is_over, is_grace_over) = (
            || end.is_some_and(|end| Instant::now() >= end),
            || end.is_some_and(|end| Instant::now() >= end + GRACE),
        );
        let batch = self
            .ends
            .values()
            .map(|end| end.provider.batch())
            .min()
            .unwrap_or(1)
            .clamp(1, MAX_BATCH);
        let parallel =
            self.ends.values().map(|end| end.provider.parallel_writes()).min().unwrap_or(1).max(1);
        let mut batches: Vec<Vec<Candidate>> = Vec::new();
        let mut candidates = candidates.into_iter().peekable();
        while candidates.peek().is_some() {
            batches.push(candidates.by_ref().take(batch).collect());
        }
        // Reading and writing go on at once, and both are polled all the time: a future that is not
        // polled could hold a permit of the provider's rate limit for which the other one waits.
        let (sender, mut receiver) = mpsc::channel(READ_AHEAD);
        let read = async move {
            for (n, batch) in batches.into_iter().enumerate() {
                if n > 0 && is_over() {
                    break;
                }
                let steps = self.prepare(batch, &mut identities).await;
                let failed = steps.is_err();
                // The channel is closed after a write has failed.
                if sender.send(steps).await.is_err() || failed {
                    break;
                }
            }
        };
        let write = async move {
            let stop = AtomicBool::new(false);
            let stopped = || stop.load(Ordering::Relaxed) || is_grace_over();
            let steps = stream::poll_fn(|context| {
                if stopped() { Poll::Ready(None) } else { receiver.poll_recv(context) }
            });
            let mut applied_all = Box::pin(
                steps
                    .map_ok(|steps| stream::iter(steps.into_iter().map(Ok::<_, Error>)))
                    .try_flatten()
                    .take_while(|_| std::future::ready(!stopped()))
                    .map(|step| async move { Box::pin(self.apply(step?)).await })
                    .buffer_unordered(parallel),
            );
            let (mut failure, mut remaining) = (None, total);
            while let Some(applied) = applied_all.next().await {
                self.progress.step(1);
                remaining = remaining.saturating_sub(1);
                match applied {
                    Ok(applied) => self.record(applied, result)?,
                    // No further step begins. Those under way are finished, so that the next pass
                    // need not find out how they ended.
                    Err(error) => {
                        stop.store(true, Ordering::Relaxed);
                        failure.get_or_insert(error);
                    }
                }
                if result.batch.len() >= COMMIT_EVERY {
                    if total > MAX_BATCH as u64 {
                        self.locked.set_remaining(remaining).await;
                    }
                    self.commit(result).await?;
                }
            }
            drop(applied_all);
            match failure {
                None => {
                    // Only whole batches count: within a batch the steps end in any order.
                    let done =
                        usize::try_from(total - remaining).unwrap_or_default() / batch * batch;
                    resumption.advance(&places[..done.min(places.len())], result);
                    Ok(remaining)
                }
                Some(error) => {
                    self.commit(result).await?;
                    Err(error)
                }
            }
        };
        futures::join!(read, write).1
    }

    /// When a background pass gives way: sooner where listing was fast, because the next pass has
    /// to list again.
    fn end_of_time(&self) -> Instant {
        let now = Instant::now();
        let listing = now.saturating_duration_since(self.pass_began);
        (now + self.scope.in_process.attempt_limit(listing)).min(self.call_began + CALL_BUDGET)
    }
}
