//! The timers, each with its schedule.
//!
//! A timer does not overlap with itself: ticks are skipped while it runs and while the process does
//! not run, since every function of a timer looks at the current state. Timers for which that is
//! not enough also run at the start. A few polls may overlap: a server that answers slowly does not
//! delay the changes of other servers.

use std::sync::Arc;
use std::time::Duration;

use functions::FUNCTIONS;
use functions::binding::Trigger;
use functions::trigger::{Disposition, FunctionCode, Tick};
use futures::future::BoxFuture;
use jobs::Services;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::invoke::invoke;
use crate::schedule::Schedule;
use crate::shutdown::until_ended;

/// The longest sleep, after which a clock that was set, or a machine that slept, is noticed.
const MAX_SLEEP: Duration = Duration::from_secs(30);

/// The most concurrent polls.
const MAX_CONCURRENT_POLLS: usize = 8;

/// This many missed polls in a row count as a hang.
const MISSED_POLLS: u32 = 3;

pub struct Timer {
    name: &'static str,
    run: for<'a> fn(&'a Services, Tick) -> BoxFuture<'a, Disposition>,
    schedule: Schedule,
    /// Whether the timer also runs at the start.
    at_start: bool,
    /// If set, `/health` fails unless a run ends within this time plus the deadline of an
    /// invocation.
    watchdog: Option<Duration>,
}

/// All timers of the table. Polls run at the interval of the settings, and at the start.
///
/// # Errors
/// If a schedule cannot be used.
pub fn timers(poll: Duration) -> Result<Vec<Timer>, String> {
    let mut timers = Vec::new();
    for function in &FUNCTIONS {
        let timer =
            match (function.run, function.binding().map_err(|error| error.to_string())?.trigger) {
                (FunctionCode::Poll(run), _) => Timer {
                    name: function.name,
                    run,
                    schedule: Schedule::Interval(poll),
                    at_start: true,
                    watchdog: Some(poll * MISSED_POLLS),
                },
                (FunctionCode::Timer(run), Trigger::Timer { schedule }) => Timer {
                    name: function.name,
                    run,
                    schedule: Schedule::parse(&schedule)?,
                    at_start: false,
                    watchdog: None,
                },
                (FunctionCode::TimerAtStart(run), Trigger::Timer { schedule }) => Timer {
                    name: function.name,
                    run,
                    schedule: Schedule::parse(&schedule)?,
                    at_start: true,
                    watchdog: None,
                },
                _ => continue,
            };
        timers.push(timer);
    }
    Ok(timers)
}

impl Timer {
    /// Runs the function at its times until the process ends.
    pub async fn run(
        self,
        services: Arc<Services>,
        deadline: Duration,
        ended: watch::Receiver<bool>,
    ) {
        let progress = &services.in_process.loops;
        if let Some(within) = self.watchdog {
            progress.expect(self.name, within + deadline);
        }
        // Dropping the set aborts the runs in progress.
        let mut under_way = JoinSet::new();
        let most = if self.watchdog.is_some() { MAX_CONCURRENT_POLLS } else { 1 };
        let mut next = if self.at_start {
            Some(services.clock.now())
        } else {
            self.schedule.after(services.clock.now())
        };
        // A run at the start replaces one that was due while no process was running.
        let mut past_due = self.at_start;
        while let Some(due) = next {
            let now = services.clock.now();
            if due > now {
                let left =
                    Duration::try_from(now.duration_until(due)).unwrap_or(MAX_SLEEP).min(MAX_SLEEP);
                tokio::select! {
                    () = tokio::time::sleep(left) => {}
                    Some(_) = under_way.join_next() => progress.record_iteration(self.name),
                    () = until_ended(ended.clone()) => return,
                }
                // After the clock was set back, a timer must not wait for the difference.
                if let Some(sooner) = self.schedule.after(services.clock.now()) {
                    next = Some(due.min(sooner));
                }
                continue;
            }
            next = self.schedule.after(now);
            let (name, run, at) = (self.name, self.run, services.clone());
            under_way
                .spawn(async move { invoke(name, deadline, run(&at, Tick { past_due })).await });
            past_due = false;
            while under_way.len() >= most {
                tokio::select! {
                    _ = under_way.join_next() => progress.record_iteration(name),
                    () = until_ended(ended.clone()) => return,
                }
            }
        }
        until_ended(ended).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_timer_of_the_table_is_there() {
        let timers = timers(Duration::from_secs(7)).unwrap();
        let names: Vec<_> = timers.iter().map(|timer| (timer.name, timer.at_start)).collect();
        assert_eq!(
            names,
            [
                ("poll_caldav", true),
                ("reconcile", false),
                ("renew_google_channels", true),
                ("renew_graph_subscriptions", true)
            ]
        );
        let vital: Vec<_> = timers.iter().map(|timer| timer.watchdog).collect();
        assert_eq!(
            vital,
            [Some(Duration::from_secs(21)), None, None, None],
            "without polls no work is done"
        );
        assert!(
            matches!(timers[0].schedule, Schedule::Interval(span) if span == Duration::from_secs(7))
        );
    }
}
