//! Passes that bring everything to rest.

use anyhow::{Result, ensure};
use engine::plan::Answer;
use jobs::SyncOptions;
use jobs::report::Verb;
use records::problem::{HeldKind, PairStatus};

use super::Simulation;
use crate::model::simulation::line;
use crate::support::env_checks::FULL;

/// Passes after the faults have stopped until everything must be at rest.
const CALM_PASSES: usize = 6;

const DAY: i64 = 86_400;

impl Simulation {
    /// The faults have stopped: incremental passes, then those of one night, then a full one.
    pub(super) async fn rest(&mut self) -> Result<()> {
        self.until_quiet("calm pass").await?;
        let now = jobs::Clock::now(&*self.installation.scope.clock).as_second();
        self.wait(DAY - now.rem_euclid(DAY) + 9_000);
        self.until_quiet("night").await
    }

    pub(super) async fn full_rest(&mut self) -> Result<()> {
        self.calm_pass("full pass", FULL).await?;
        self.until_quiet("after the full pass").await
    }

    async fn until_quiet(&mut self, what: &str) -> Result<()> {
        for pass in 0..CALM_PASSES {
            if self.calm_pass(what, SyncOptions::default()).await? && pass >= 1 {
                return Ok(());
            }
        }
        anyhow::bail!("not at rest after {CALM_PASSES} passes ({what})")
    }

    /// A pass that has to end well, and whose questions the owner answers. Whether it wrote
    /// nothing.
    async fn calm_pass(&mut self, what: &str, options: SyncOptions) -> Result<bool> {
        self.wait(1200);
        self.servers.reset_counts();
        let mut run = self.installation.sync_with(options).await;
        for _ in 0..3 {
            if run.state != PairStatus::Held {
                break;
            }
            self.trace.push(format!("{what}: {}", line(&run)));
            let is_emptied = run.held.as_ref().is_some_and(|held| held.kind == HeldKind::Emptied);
            let answer = is_emptied.then_some(Answer::MakeAgain);
            let confirmed =
                SyncOptions { confirm_deletions: !is_emptied, answer, ..SyncOptions::default() };
            run = self.installation.sync_with(confirmed).await;
        }
        self.trace.push(format!("{what}: {}", line(&run)));
        ensure!(run.error.is_none(), "a calm pass failed: {:?}", run.error);
        ensure!(run.state == PairStatus::Ok, "a calm pass ended {:?}", run.state);
        let writes = self.servers.writes();
        Ok(writes == 0 && run.actions.iter().all(|action| action.action == Verb::Skip))
    }
}
