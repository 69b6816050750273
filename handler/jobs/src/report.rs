//! The results of passes, the state of each pair, and explanations: the structures of `--json`.

use engine::calendar::{AccountId, CalendarId, PairId};
use engine::event::EventId;
use engine::reason::Reason;
use jiff::Timestamp;
use records::account::{Account, AccountStatus};
use records::pair_state::quickness::Measured;
use records::problem::{EventProblem, Held, PairStatus, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::Next;
use crate::next_step::Told;

/// The answer of `sync`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    pub dry_run: bool,
    pub pairs: Vec<Run>,
}

impl Report {
    /// Whether a pair failed. A pair that holds deletions has not failed.
    pub fn failed(&self) -> bool {
        self.pairs.iter().any(|run| run.error.is_some())
    }
}

/// One pass over one pair.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    pub id: PairId,
    pub state: PairStatus,
    /// The number of `create` in `actions`.
    pub created: u64,
    /// The number of `change` in `actions`.
    pub changed: u64,
    /// The number of `delete` in `actions`.
    pub deleted: u64,
    /// The number of `skip` in `actions`.
    pub skipped: u64,
    /// One entry for each event, without content.
    pub actions: Vec<Action>,
    /// Events that another installation has copied, or created as copies; no copies were made of
    /// them.
    pub copied_by_another: u64,
    /// Deletions that wait for the owner's confirmation.
    pub held: Option<Held>,
    /// Why the pass ended early.
    pub error: Option<Problem>,
    /// The account or the calendar that the error is about, in words, where it is known.
    #[serde(skip)]
    pub place: Option<String>,
    /// Events still to be processed after an attempt that ended early. A pass that a user waits for
    /// does not end early.
    #[serde(skip)]
    pub remaining: u64,
    #[serde(skip)]
    pub next: Option<Next>,
    /// When an event that could not be synced is tried again, if there is one.
    #[serde(skip)]
    pub next_try: Option<Timestamp>,
}

impl Run {
    /// A pass that has done nothing yet.
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
            place: None,
            remaining: 0,
            next: None,
            next_try: None,
        }
    }

    /// Adds an action and counts it.
    pub fn push(&mut self, mut action: Action) {
        let event = EventId::new(action.event.as_str());
        action.series = event.in_series().map(|(series, _)| series.to_owned());
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Action {
    pub action: Verb,
    /// The calendar that is written to.
    #[schema(value_type = String)]
    pub calendar: CalendarId,
    /// The id of the origin.
    pub event: String,
    #[schema(value_type = Option<String>)]
    pub reason: Option<Reason>,
    /// The start: an instant, or a day.
    pub start: Option<String>,
    /// The end, exclusive.
    pub end: Option<String>,
    /// The series of the origin, where the origin is one occurrence that is an event of its own;
    /// [`Run::push`] sets it.
    pub series: Option<String>,
}

/// What was done with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// Created.
    Create,
    /// Written.
    Change,
    Delete,
    /// Left alone.
    Skip,
    /// A deletion that is held.
    Hold,
}

/// The answer of `status`, for one pair.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PairState {
    #[schema(value_type = String)]
    pub id: PairId,
    pub state: PairStatus,
    /// When the last complete pass ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_sync: Option<Timestamp>,
    /// When the next pass is due; `None` too where only a notification or the nightly pass causes
    /// one.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_sync: Option<Timestamp>,
    /// Seconds since the last complete pass.
    pub lag_seconds: Option<i64>,
    /// The number of copies.
    pub copies: u64,
    /// Events that another installation has copied, or created as copies.
    pub copied_by_another: u64,
    /// Deletions that wait for the owner's confirmation.
    pub held: Option<Held>,
    pub error: Option<Problem>,
    /// The number of events that a long pass has still to process: it is running, its attempt ended
    /// early, or it was cut off.
    #[serde(rename = "left")]
    pub remaining: Option<u64>,
    /// How long changes took, from the provider to our write; `None` where none was measured.
    pub quickness: Option<Measured>,
    /// The number of conflicts of the last thirty days; at most 200.
    pub conflicts: u64,
    /// The number of events that could not be copied; at most 1000.
    pub problems: u64,
    /// The first of these events; at most 100.
    pub problem_events: Vec<EventProblem>,
    /// When the cursors were last saved, by side (`from`, `to`).
    pub cursors: Cursors,
    /// What the pair needs of its owner, without any command, for pages and the API.
    #[serde(skip)]
    pub told: Option<Told>,
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
            quickness: None,
            conflicts: 0,
            problems: 0,
            problem_events: Vec::new(),
            cursors: Cursors::default(),
            told: None,
        }
    }
}

/// When the cursor of each calendar was last saved.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Cursors {
    /// The calendar of `--from`.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub from: Option<Timestamp>,
    /// The calendar of `--to`.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub to: Option<Timestamp>,
}

/// The answer of `explain`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Explanation {
    #[schema(value_type = String)]
    pub pair: PairId,
    /// The event that the user asked about.
    pub event: String,
    /// Whether the event has a copy.
    pub copied: bool,
    /// Why the event has no copy, or what is special about it.
    #[schema(value_type = Option<String>)]
    pub reason: Option<Reason>,
    /// The explanation as a text for users.
    pub message: String,
    /// The id of the copy.
    pub copy: Option<String>,
}

/// An account in `account list` and `status`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AccountState {
    #[schema(value_type = String)]
    pub id: AccountId,
    /// The kind of the account.
    #[schema(value_type = String)]
    pub provider: engine::provider::ProviderKind,
    pub name: String,
    /// `ok`, `needs_reconnect` or `unreachable`.
    pub state: String,
    pub error: Option<Problem>,
    /// What the account needs of its owner, without any command, for pages and the API.
    #[serde(skip)]
    pub told: Option<Told>,
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
            told: Told::of_account(account, now),
        }
    }
}

/// Receives the progress of a long job.
pub trait Progress: Send + Sync {
    /// More steps have become known.
    fn expect(&self, steps: u64);
    /// Steps were done.
    fn step(&self, steps: u64);
}

/// Ignores the progress.
pub struct Silent;

impl Progress for Silent {
    fn expect(&self, _steps: u64) {}
    fn step(&self, _steps: u64) {}
}
