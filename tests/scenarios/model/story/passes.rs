//! Passes: those that meet faults or are killed, and those that bring everything to rest.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::{Result, ensure};
use jobs::SyncOptions;
use jobs::report::{PairStatus, Run, Verb};
use simulators::faults::{Fault, On};

use super::Story;
use crate::world::Host;

/// Passes after the faults have stopped until everything must be at rest.
const CALM_PASSES: usize = 5;

impl Story {
    /// A pass that meets faults, or whose process is killed at some await, or both.
    pub(super) async fn troubled_pass(&mut self) -> Result<()> {
        self.passes += 1;
        let seed = self.rng.number();
        let odds = [0.0, 0.03, 0.12][self.rng.below(3)];
        for host in &self.stage.hosts {
            if odds > 0.0 {
                host.faults().randomly(seed, odds, On::any(), Fault::PASSING);
            }
        }
        let options = SyncOptions { full: self.rng.chance(0.15), dry_run: self.rng.chance(0.08), ..SyncOptions::default() };
        if self.rng.chance(0.45) {
            let most = if self.rng.chance(0.5) { 60 } else { 600 };
            let polls = 1 + self.rng.below(most);
            let survived = Mortal { life: polls, inner: Box::pin(self.stage.core.sync_with(options)) }.await;
            self.trace.push(match &survived {
                Some(run) => format!("pass: {}", line(run)),
                None => format!("pass killed after {polls} polls"),
            });
            drop(survived);
            // What the dead process had already handed to the system comes to its end before the next one starts.
            tokio::time::sleep(Duration::from_millis(15)).await;
            self.stage.core.restart().await?;
        } else {
            let run = self.stage.core.sync_with(options).await;
            self.trace.push(format!("pass (faults {odds}): {}", line(&run)));
        }
        self.stage.hosts.iter().for_each(|host| host.faults().clear());
        Ok(())
    }

    /// The faults have stopped: a bounded number of passes, then everything is as the rules say, and quiet.
    pub(super) async fn rest(&mut self) -> Result<()> {
        self.passes += 1;
        let mut quiet = false;
        for pass in 0..CALM_PASSES {
            self.stage.core.wait(1200);
            self.stage.hosts.iter().for_each(Host::reset_counts);
            let mut run = self.stage.core.sync_with(SyncOptions { full: pass == 1, ..SyncOptions::default() }).await;
            if run.state == PairStatus::Held {
                self.trace.push(format!("calm pass: {}", line(&run)));
                run = self.stage.core.sync_with(SyncOptions { confirm_deletions: true, ..SyncOptions::default() }).await;
            }
            self.trace.push(format!("calm pass: {}", line(&run)));
            ensure!(run.error.is_none(), "a calm pass failed: {:?}", run.error);
            ensure!(run.state == PairStatus::Ok, "a calm pass ended {:?}", run.state);
            let writes: u64 = self.stage.hosts.iter().map(|host| host.counts().writes()).sum();
            quiet = writes == 0 && run.actions.iter().all(|action| action.action == Verb::Skip);
            if quiet && pass >= 2 {
                break;
            }
        }
        ensure!(quiet, "not at rest after {CALM_PASSES} passes");
        Ok(())
    }
}

fn line(run: &Run) -> String {
    let error = run.error.as_ref().map(|error| error.code.clone()).unwrap_or_default();
    format!(
        "{:?} +{} ~{} -{} skipped {} held {:?} {error}",
        run.state,
        run.created,
        run.changed,
        run.deleted,
        run.skipped,
        run.held.as_ref().map(|held| held.deletions)
    )
}

/// A future whose process dies after so many polls.
pub(super) struct Mortal<'a, T> {
    pub life: usize,
    pub inner: Pin<Box<dyn Future<Output = T> + Send + 'a>>,
}

impl<T> Future for Mortal<'_, T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        if self.life == 0 {
            return Poll::Ready(None);
        }
        self.life -= 1;
        self.inner.as_mut().poll(context).map(Some)
    }
}
