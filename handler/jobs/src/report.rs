//! What a pass did, the state of each pair, and why an event was or was not copied: the shapes of
//! `--json`.

use engine::calendar::{AccountId, CalendarId, PairId};
use engine::reason::Reason;
use jiff::Timestamp;
use records::account::{Account, AccountStatus};
use records::problem::{EventProblem, Held, PairStatus, Problem};
use serde::Serialize;

use crate::error::Next;

/// The answer of `sync`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Nothing was written.
    pub dry_run: bool,
    /// One entry a pair.
    pub pairs: Vec<Run>,
}

impl Report {
    /// Whether a pair failed. A held pair did not: somebody is asked.
    pub fn failed(&self) -> bool {
        self.pairs.iter().any(|run| run.error.is_some())
    }
}

/// One pass over one pair.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// The pair.
    pub id: PairId,
    /// How it stands after the pass.
    pub state: PairStatus,
    /// Number of `create` in `actions`.
    pub created: u64,
    /// Number of `change`.
    pub changed: u64,
    /// Number of `delete`.
    pub deleted: u64,
    /// Number of `skip`.
    pub skipped: u64,
    /// What was done, event by event; no content.
    pub actions: Vec<Action>,
    /// Events that another installation has copied, or made as copies: nothing was made beside
    /// them.
    pub copied_by_another: u64,
    /// Deletions that wait for a word of the owner.
    pub held: Option<Held>,
    /// Why the pass ended early.
    pub error: Option<Problem>,
    /// Events that are still to be gone through: the pass gave way to others, which none does that
    /// somebody waits for.
    #[serde(skip)]
    pub remaining: u64,
    /// What to do about the error.
    #[serde(skip)]
    pub next: Option<Next>,
}

impl Run {
    /// A pass in which nothing has happened yet.
    pub fn new(id: PairId, state: PairStatus) -> Self {
        Self {
            id,
            state,
            created: 0,
            changed: 0,
            deleted: 0,
            skipped: 0,
            actions: Vec::new(),
            copied_by_another: 0,
            held: None,
            error: None,
            remaining: 0,
            next: None,
        }
    }

    /// Adds an action and counts it.
    pub fn push(&mut self, action: Action) {
        match action.action {
            Verb::Create => self.created += 1,
            Verb::Change => self.changed += 1,
            Verb::Delete => self.deleted += 1,
            Verb::Skip => self.skipped += 1,
            Verb::Hold => {}
        }
        self.actions.push(action);
    }
}

/// One event of a pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Action {
    /// What was done.
    pub action: Verb,
    /// The calendar that is written to.
    pub calendar: CalendarId,
    /// The origin's event id.
    pub event: String,
    /// Why, where it is not plain.
    pub reason: Option<Reason>,
    /// Start: an instant, or a day.
    pub start: Option<String>,
    /// End, exclusive.
    pub end: Option<String>,
}

/// What was done with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Made.
    Create,
    /// Written to.
    Change,
    /// Deleted.
    Delete,
    /// Left alone.
    Skip,
    /// A deletion that waits.
    Hold,
}

/// The answer of `status`, without the accounts.
#[derive(Clone, Debug, Serialize)]
pub struct PairState {
    /// The pair.
    pub id: PairId,
    /// How it stands.
    pub state: PairStatus,
    /// The end of the last complete pass.
    pub last_sync: Option<Timestamp>,
    /// When the next one is due.
    pub next_sync: Option<Timestamp>,
    /// Seconds since the last complete pass.
    pub lag_seconds: Option<i64>,
    /// How many copies the pair keeps.
    pub copies: u64,
    /// Events that another installation has copied, or made as copies.
    pub copied_by_another: u64,
    /// Deletions that wait.
    pub held: Option<Held>,
    /// Why the last pass failed.
    pub error: Option<Problem>,
    /// Events that a pass of many has still to go through: one is under way, or gave way to others,
    /// or was cut off.
    #[serde(rename = "left")]
    pub remaining: Option<u64>,
    /// How many events could not be dealt with; at most 1000.
    pub problems: u64,
    /// The first of them, each with why; at most 100.
    pub problem_events: Vec<EventProblem>,
    /// When the cursors were last moved, by side (`from`, `to`).
    pub cursors: Cursors,
}

impl PairState {
    /// A pair whose rows cannot be read.
    pub fn unreadable(id: PairId, error: Problem) -> Self {
        Self {
            id,
            state: PairStatus::Error,
            last_sync: None,
            next_sync: None,
            lag_seconds: None,
            copies: 0,
            copied_by_another: 0,
            held: None,
            error: Some(error),
            remaining: None,
            problems: 0,
            problem_events: Vec::new(),
            cursors: Cursors::default(),
        }
    }
}

/// When each end was last read to its end.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Cursors {
    /// The calendar of `--from`.
    pub from: Option<Timestamp>,
    /// The calendar of `--to`.
    pub to: Option<Timestamp>,
}

/// The answer of `explain`.
#[derive(Clone, Debug, Serialize)]
pub struct Explanation {
    /// The pair.
    pub pair: PairId,
    /// The event asked about.
    pub event: String,
    /// Whether it has a copy.
    pub copied: bool,
    /// Why not, or what is special about it.
    pub reason: Option<Reason>,
    /// The same in words.
    pub message: String,
    /// The copy's id on the target.
    pub copy: Option<String>,
}

/// An account's row in `account list` and `status`.
#[derive(Clone, Debug, Serialize)]
pub struct AccountState {
    /// The account.
    pub id: AccountId,
    /// Who keeps it.
    pub provider: engine::provider::ProviderKind,
    /// What to call it.
    pub name: String,
    /// `ok`, `needs_reconnect` or `unreachable`.
    pub state: String,
    /// Why.
    pub error: Option<Problem>,
}

impl AccountState {
    /// The state of an account at this time.
    pub fn of(account: &Account, now: Timestamp) -> Self {
        let parked = account.suspended.as_ref().filter(|_| {
            account.state != AccountStatus::NeedsReconnect && account.suspended_for(now).is_some()
        });
        let (state, error) = match parked {
            Some(parked) => (AccountStatus::Unreachable, Some(parked.problem.clone())),
            None => (account.state, account.error.clone()),
        };
        Self {
            id: account.id.clone(),
            provider: account.kind,
            name: account.name.clone(),
            state: state.as_str().to_owned(),
            error,
        }
    }
}

/// Hears how far a long piece of work is.
pub trait Progress: Send + Sync {
    /// More steps have become known.
    fn expect(&self, steps: u64);
    /// Steps were done.
    fn step(&self, steps: u64);
}

/// Nobody listens.
pub struct Silent;

impl Progress for Silent {
    fn expect(&self, _steps: u64) {}
    fn step(&self, _steps: u64) {}
}
