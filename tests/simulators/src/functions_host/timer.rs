//! The timer listener: one instance of an app fires a timer, and remembers in the app's storage
//! when it did.
//!
//! * What was missed while no host was there is made up for once, when one starts (`IsPastDue`).
//! * A timer does not overlap with itself, and a tick that failed is not repeated.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use super::app::Function;
use super::envelope::{self, Status};
use super::ncrontab::Schedule;
use super::shared::{Busy, Core};

/// What the instances of an app share about its timers; the real one is in blobs.
#[derive(Default)]
pub(super) struct Timers(Mutex<BTreeMap<String, Arc<Memory>>>);

/// What is remembered of one timer.
#[derive(Default)]
pub(super) struct Memory {
    /// Held by the instance that fires it.
    singleton: tokio::sync::Mutex<()>,
    status: Mutex<Option<Status>>,
}

/// When a timer fires.
pub(super) struct Timer {
    pub schedule: Schedule,
    /// What was missed is made up for.
    pub monitor: bool,
}

impl Timers {
    pub fn of(&self, name: &str) -> Arc<Memory> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(name.to_owned())
            .or_default()
            .clone()
    }
}

impl Memory {
    fn status(&self) -> Option<Status> {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn save(&self, status: Status) {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
    }
}

/// Fires a timer for as long as the host runs. `listening` ends when it is known when that will be,
/// or that another instance does it.
pub(super) async fn listen(
    core: Arc<Core>,
    function: Function,
    timer: Timer,
    memory: Arc<Memory>,
    listening: oneshot::Sender<()>,
) {
    let Timer { schedule, monitor } = timer;
    let (_singleton, listening) = match memory.singleton.try_lock() {
        Ok(first) => (first, Some(listening)),
        Err(_) => {
            drop(listening);
            (memory.singleton.lock().await, None)
        }
    };
    let remembered = memory.status().filter(|_| monitor);
    let Some(mut next) = schedule.after(core.clock.now()) else { return };
    let mut past_due = false;
    match remembered {
        Some(status) if status.next < core.clock.now() => {
            (next, past_due) = (core.clock.now(), true)
        }
        Some(_) => {}
        None => memory.save(Status { last: None, next }),
    }
    drop(listening);
    loop {
        core.clock.sleep_until(next).await;
        let busy = Busy::begin(&core);
        let now = core.clock.now();
        if past_due {
            core.count(&function.name, |tally| tally.past_due += 1);
        }
        let status = monitor.then(|| memory.status()).flatten();
        core.invoke(
            &function,
            &envelope::tick(&function.binding, &function.name, past_due, status, now),
        )
        .await;
        drop(busy);
        past_due = false;
        // By when it began: what fell into its run is left out.
        let Some(due) = schedule.after(core.clock.now().max(now)) else { return };
        next = due;
        memory.save(Status { last: Some(now), next });
    }
}
