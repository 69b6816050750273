//! The timers, each by its schedule.
//!
//! A timer does not overlap with itself: what strikes while it runs is left out, and so is what was
//! missed while the process was not there; every function behind a timer looks at how things stand,
//! not at what happened since. Those for which that is not enough strike at the start. Polls may
//! overlap, a few of them: a server that is slow to answer one poll keeps no other server's changes
//! waiting.

use std::sync::Arc;
use std::time::Duration;

use functions::FUNCTIONS;
use functions::binding::Trigger;
use functions::trigger::{Disposition, FunctionCode, Tick};
use futures::future::BoxFuture;
use jobs::Services;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::over;
use crate::run::invoke;
use crate::schedule::Schedule;

/// The longest sleep: a machine that was asleep, or whose clock was set, is noticed after so long.
const NAP: Duration = Duration::from_secs(30);

/// So many polls are under way at the most.
const OVERLAP: usize = 8;

/// Three polls that are left out in a row are no chance.
const POLLS: u32 = 3;

/// One timer.
pub struct Timer {
    name: &'static str,
    run: for<'a> fn(&'a Services, Tick) -> BoxFuture<'a, Disposition>,
    schedule: Schedule,
    /// Strikes when it starts, too.
    at_once: bool,
    /// Without it no work is done: it ends within this time and that of an invocation, again and
    /// again.
    vital: Option<Duration>,
}

/// All timers of the table. Polls strike at their own cadence, and at once.
///
/// # Errors
/// Where a schedule cannot be used.
pub fn timers(poll: Duration) -> Result<Vec<Timer>, String> {
    let mut timers = Vec::new();
    for function in &FUNCTIONS {
        let timer =
            match (function.run, function.binding().map_err(|error| error.to_string())?.trigger) {
                (FunctionCode::Poll(run), _) => Timer {
                    name: function.name,
                    run,
                    schedule: Schedule::Every(poll),
                    at_once: true,
                    vital: Some(poll * POLLS),
                },
                (FunctionCode::Timer(run), Trigger::Timer { schedule }) => Timer {
                    name: function.name,
                    run,
                    schedule: Schedule::parse(&schedule)?,
                    at_once: false,
                    vital: None,
                },
                (FunctionCode::Upkeep(run), Trigger::Timer { schedule }) => Timer {
                    name: function.name,
                    run,
                    schedule: Schedule::parse(&schedule)?,
                    at_once: true,
                    vital: None,
                },
                _ => continue,
            };
        timers.push(timer);
    }
    Ok(timers)
}

impl Timer {
    /// Strikes until the end.
    pub async fn run(
        self,
        services: Arc<Services>,
        deadline: Duration,
        ended: watch::Receiver<bool>,
    ) {
        let progress = &services.pace.progress;
        if let Some(within) = self.vital {
            progress.expect(self.name, within + deadline);
        }
        // Cut off where this ends.
        let mut under_way = JoinSet::new();
        let most = if self.vital.is_some() { OVERLAP } else { 1 };
        let mut next = if self.at_once {
            Some(services.clock.now())
        } else {
            self.schedule.after(services.clock.now())
        };
        // Whatever strikes at the start should have struck while nobody was there.
        let mut past_due = self.at_once;
        while let Some(due) = next {
            let now = services.clock.now();
            if due > now {
                let left = Duration::try_from(now.duration_until(due)).unwrap_or(NAP).min(NAP);
                tokio::select! {
                    () = tokio::time::sleep(left) => {}
                    Some(_) = under_way.join_next() => progress.went_round(self.name),
                    () = over(ended.clone()) => return,
                }
                // A clock that was set back must not keep a timer waiting for the difference.
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
                    _ = under_way.join_next() => progress.went_round(name),
                    () = over(ended.clone()) => return,
                }
            }
        }
        over(ended).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_timer_of_the_table_is_there() {
        let timers = timers(Duration::from_secs(7)).unwrap();
        let names: Vec<_> = timers.iter().map(|timer| (timer.name, timer.at_once)).collect();
        assert_eq!(
            names,
            [("poll_caldav", true), ("reconcile", false), ("renew_google_channels", true)]
        );
        let vital: Vec<_> = timers.iter().map(|timer| timer.vital).collect();
        assert_eq!(
            vital,
            [Some(Duration::from_secs(21)), None, None],
            "without polls no work is done"
        );
        assert!(
            matches!(timers[0].schedule, Schedule::Every(span) if span == Duration::from_secs(7))
        );
    }
}
