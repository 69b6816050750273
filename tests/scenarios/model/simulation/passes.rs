//! Passes: those that meet faults or are killed, and those that bring everything to rest.

use std::time::Duration;

use anyhow::{Result, ensure};
use engine::plan::Answer;
use jobs::SyncOptions;
use jobs::report::{Run, Verb};
use records::problem::{HeldKind, PairStatus};
use simulators::faults::{Fault, On};

use super::rules::full;
use super::state::Simulation;
use crate::model::expected::Bond;
use crate::support::env_checks::reasons;
use crate::support::installation::Installation;
use crate::support::interrupt::KillAfter;
use crate::support::servers::Server;

/// Passes after the faults have stopped until everything must be at rest.
const CALM_PASSES: usize = 5;

/// Passes at the end of a simulation, in which nothing may grow.
const LAST_PASSES: usize = 3;

const DAY: i64 = 86_400;

impl Simulation {
    /// A pass that meets faults, or whose process is killed at some await, or both.
    pub(super) async fn faulty_pass(&mut self) -> Result<()> {
        self.passes += 1;
        let seed = self.rng.number();
        let odds = [0.0, 0.03, 0.12][self.rng.below(3)];
        for host in &self.env.servers {
            if odds > 0.0 {
                host.faults().randomly(seed, odds, On::any(), Fault::PASSING);
            }
        }
        let options = SyncOptions {
            full: self.rng.chance(0.15),
            dry_run: self.rng.chance(0.08),
            ..SyncOptions::default()
        };
        let which = self.second.as_ref().map_or(0, |_| self.rng.below(2));
        if self.rng.chance(0.45) {
            let most = if self.rng.chance(0.5) { 60 } else { 600 };
            let polls = 1 + self.rng.below(most);
            let survived =
                KillAfter { polls, inner: Box::pin(self.installation(which).sync_with(options)) }
                    .await;
            self.trace.push(match &survived {
                Some(run) => format!("pass{}: {}", of(which), line(run)),
                None => format!("pass{} killed after {polls} polls", of(which)),
            });
            drop(survived);
            // What the dead process had already handed to the system comes to its end before the
            // next one starts.
            tokio::time::sleep(Duration::from_millis(15)).await;
            let installation = if which == 0 {
                &mut self.env.installation
            } else {
                self.second.as_mut().unwrap_or(&mut self.env.installation)
            };
            installation.restart().await?;
        } else {
            let run = self.installation(which).sync_with(options).await;
            self.trace.push(format!("pass{} (faults {odds}): {}", of(which), line(&run)));
        }
        let struck = |host: &Server| {
            host.faults()
                .struck()
                .into_iter()
                .map(|struck| format!("{:?} {} {:?}", struck.kind, struck.path, struck.fault))
        };
        for (side, host) in self.env.servers.iter().enumerate() {
            let met: Vec<String> = struck(host).skip(self.met[side]).collect();
            if !met.is_empty() {
                self.trace.push(format!("  on side {side} it met {}", met.join(", ")));
                self.met[side] += met.len();
            }
        }
        self.env.servers.iter().for_each(|host| host.faults().clear());
        Ok(())
    }

    fn installation(&self, which: usize) -> &Installation {
        self.second.as_ref().filter(|_| which == 1).unwrap_or(&self.env.installation)
    }

    /// The faults have stopped: incremental passes, and then the passes of one night. After each
    /// everything is quiet within a few passes.
    pub(super) async fn rest(&mut self) -> Result<()> {
        self.until_quiet("calm pass").await?;
        let now = jobs::Clock::now(&*self.env.scope.clock).as_second();
        self.env.wait(DAY - now.rem_euclid(DAY) + 9_000);
        self.until_quiet("night").await
    }

    /// As [`Self::rest`], with full passes.
    pub(super) async fn full_rest(&mut self) -> Result<()> {
        for which in 0..=usize::from(self.second.is_some()) {
            self.calm_pass(which, "full pass", full()).await?;
        }
        self.until_quiet("after the full pass").await
    }

    /// Everything is at rest: no pass writes anything any more.
    pub(super) async fn does_not_grow(&mut self) -> Result<()> {
        for pass in 0..LAST_PASSES {
            for which in 0..=usize::from(self.second.is_some()) {
                let quiet = self.calm_pass(which, "last pass", SyncOptions::default()).await?;
                ensure!(quiet, "pass {pass} after the end still writes");
            }
        }
        Ok(())
    }

    async fn until_quiet(&mut self, what: &str) -> Result<()> {
        self.passes += 1;
        let mut quiet = false;
        for pass in 0..CALM_PASSES {
            quiet = true;
            for which in 0..=usize::from(self.second.is_some()) {
                quiet &= self.calm_pass(which, what, SyncOptions::default()).await?;
            }
            if quiet && pass >= 1 {
                break;
            }
        }
        ensure!(quiet, "not at rest after {CALM_PASSES} passes");
        Ok(())
    }

    /// A pass that has to end well, and whose questions the owner answers. Whether it wrote
    /// nothing.
    async fn calm_pass(&mut self, which: usize, what: &str, options: SyncOptions) -> Result<bool> {
        let installation = self.installation(which);
        installation.wait(1200);
        self.env.reset_counts();
        let mut run = installation.sync_with(options).await;
        for _ in 0..3 {
            if run.state != PairStatus::Held {
                break;
            }
            self.trace.push(format!("{what}{}: {}", of(which), line(&run)));
            let answer = self.answer(&run);
            let patience =
                if self.is_wide() && self.rng.chance(0.4) { 1 + self.rng.below(2) } else { 0 };
            for _ in 0..patience {
                self.installation(which).wait(700);
                run = self.installation(which).sync_with(SyncOptions::default()).await;
                self.trace.push(format!("{what}{}, no answer yet: {}", of(which), line(&run)));
            }
            if run.state != PairStatus::Held {
                break;
            }
            run = self.installation(which).sync_with(answer).await;
        }
        self.trace.push(format!("{what}{}: {}", of(which), line(&run)));
        ensure!(run.error.is_none(), "a calm pass failed: {:?}", run.error);
        ensure!(run.state == PairStatus::Ok, "a calm pass ended {:?}", run.state);
        let writes: u64 = self.env.writes().iter().sum();
        let most = 4 * self.facts.len() as u64 + 8;
        ensure!(writes <= most, "{writes} writes in one pass, for {} events", self.facts.len());
        Ok(writes == 0 && run.actions.iter().all(|action| action.action == Verb::Skip))
    }

    /// What the owner says to a hold.
    fn answer(&mut self, run: &Run) -> SyncOptions {
        if run.held.as_ref().is_none_or(|held| held.kind != HeldKind::Emptied) {
            // Where no copy was among them, the question was whether they are deleted.
            if let Some(emptied) = &self.emptied {
                for fact in self.facts.iter_mut().filter(|fact| {
                    fact.side == emptied.side && fact.bond == Bond::Kept && !fact.over
                }) {
                    fact.delete(emptied.side, self.passes);
                }
            }
            return SyncOptions { confirm_deletions: true, ..SyncOptions::default() };
        }
        let make_again = match &mut self.emptied {
            Some(emptied) => emptied.make_again,
            // A person has deleted all that there was.
            None => {
                self.all_deleted = true;
                true
            }
        };
        let answer = if make_again { Answer::MakeAgain } else { Answer::LeaveOut };
        SyncOptions { answer: Some(answer), ..SyncOptions::default() }
    }
}

fn of(which: usize) -> &'static str {
    if which == 0 { "" } else { " of the other installation" }
}

pub fn line(run: &Run) -> String {
    let error = run.error.as_ref().map(|error| error.code.clone()).unwrap_or_default();
    let held = run
        .held
        .as_ref()
        .map(|held| format!("{} {:?}", held.deletions, held.kind))
        .unwrap_or_default();
    let why = reasons(run).join(" ");
    format!(
        "{:?} +{} ~{} -{} skipped {} {why} {held}{error}",
        run.state, run.created, run.changed, run.deleted, run.skipped
    )
}
