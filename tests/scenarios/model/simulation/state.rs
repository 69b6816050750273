//! The state of one simulation.

use std::collections::BTreeSet;

use simulators::google::Push;
use simulators::rng::Rng;

use super::rules::Rules;
use crate::model::expected::Fact;
use crate::support::env::Env;
use crate::support::installation::Installation;
use crate::support::servers::Server;

/// How many times a simulation comes to rest.
pub(super) const EPOCHS: usize = 3;

/// The servers of a simulation, and what starts its passes.
#[derive(Clone, Copy, Debug)]
pub enum Mode {
    /// Simulated CalDAV servers, whose behaviour the seed chooses.
    Memory,
    /// On Radicale and Xandikos.
    Real,
    /// At Google, one of them or both.
    Google,
    /// As [`Place::Memory`]; people also use all fields, change values back and leave questions
    /// open, and the clock may be off.
    Wide,
    /// As [`Place::Google`], where no pass is asked for: calls, the queue and the clock drive
    /// everything.
    Pushed,
}

pub(super) struct Simulation {
    pub(super) rng: Rng,
    pub(super) env: Env<Server>,
    pub(super) mode: Mode,
    pub(super) rules: Rules,
    /// Another installation on the same calendars.
    pub(super) second: Option<Installation>,
    pub(super) facts: Vec<Fact>,
    /// Passes made so far.
    pub(super) passes: u32,
    /// Times given out so far; no time is used twice.
    pub(super) slots: u32,
    /// All data were lost once: origins that were made again before bear marks that nothing can
    /// verify.
    pub(super) lost: bool,
    /// The keys of marks that were there then.
    pub(super) lost_keys: BTreeSet<String>,
    /// A calendar was emptied since the last rest.
    pub(super) emptied: Option<Emptied>,
    /// A person deleted all copies by hand since the last rest, and had them made again.
    pub(super) all_deleted: bool,
    /// One-way: the object of an event that is not the pair's, as long as no person touches it.
    pub(super) unrelated: Option<String>,
    /// How many seconds this machine's clock is ahead of the servers'.
    pub(super) clock_off: i64,
    /// It was wrong since the last rest by so much that the window was another one.
    pub(super) clock_was_off: bool,
    /// Faults that passes have met so far, by side.
    pub(super) met: [usize; 2],
    pub(super) trace: Vec<String>,
    /// Where Google calls.
    pub(super) mail: Mail,
}

impl Drop for Simulation {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("    {}", self.trace.join("\n    "));
        }
    }
}

/// A calendar that was emptied or recreated, and the answer that its owner is going to give.
#[derive(Clone, Copy, Debug)]
pub(super) struct Emptied {
    pub(super) side: usize,
    pub(super) make_again: bool,
}

/// Calls on their way, and what has become of them.
#[derive(Default)]
pub(super) struct Mail {
    /// Not delivered yet, in no order.
    pub(super) waiting: Vec<Push>,
    /// How many of those that Google has made are known here.
    pub(super) known: usize,
    /// One was lost for good since the last rest.
    pub(super) lost: bool,
}

impl Simulation {
    pub(super) fn is_wide(&self) -> bool {
        matches!(self.mode, Mode::Wide)
    }
}
