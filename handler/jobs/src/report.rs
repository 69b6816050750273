//! What a pass did, the state of each pair, and why an event was or was not copied: the shapes of
//! `--json`.

use engine::calendar::{AccountId, CalendarId, PairId};
use engine::reason::Reason;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
    pub left: u64,
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
            left: 0,
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

/// How a pair stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairStatus {
    /// In step.
    Ok,
    /// Deletions wait for a word of the owner.
    Held,
    /// The last pass failed.
    Error,
    /// Switched off by its owner.
    Paused,
    /// An account must be connected again.
    NeedsReconnect,
}

impl PairStatus {
    /// The name in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Held => "held",
            Self::Error => "error",
            Self::Paused => "paused",
            Self::NeedsReconnect => "needs_reconnect",
        }
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

/// Why a pair holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldKind {
    /// It would delete an unusual number of events.
    #[default]
    Deletions,
    /// One of its calendars was emptied, or made anew.
    Emptied,
}

/// What waits for a word of the owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Why.
    #[serde(default)]
    pub kind: HeldKind,
    /// How many.
    pub deletions: u64,
    /// Of how many copies.
    pub of: u64,
    /// The arguments after `calrelay` that release them.
    pub confirm: Vec<String>,
}

impl Held {
    /// With the arguments for this pair.
    pub fn new(pair: &PairId, deletions: u64, of: u64) -> Self {
        let confirm =
            ["sync", "--pair", pair.as_str(), "--confirm-deletions"].map(str::to_owned).to_vec();
        Self { kind: HeldKind::Deletions, deletions, of, confirm }
    }

    /// The same where a calendar was emptied: `gone` events of `of`. The other answer is
    /// `--leave-out`.
    pub fn emptied(pair: &PairId, gone: u64, of: u64) -> Self {
        let confirm = ["sync", "--pair", pair.as_str(), "--make-again"].map(str::to_owned).to_vec();
        Self { kind: HeldKind::Emptied, deletions: gone, of, confirm }
    }
}

/// Something that went wrong, in a code for programs and words for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// `unauthorized`, `not_found`, `unreachable`…
    pub code: String,
    /// What happened, what was kept safe, what to do next.
    pub message: String,
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
    pub left: Option<u64>,
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
            left: None,
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

/// An event that could not be copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventProblem {
    /// Its id.
    pub event: String,
    /// Where it stands.
    pub calendar: CalendarId,
    /// Why.
    pub reason: Reason,
    /// The same in words.
    pub message: String,
    /// How often it was tried, where it is tried again by itself.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tries: u32,
    /// When it is tried again; none where only a change of the event helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try: Option<Timestamp>,
}

impl EventProblem {
    /// In words, with when it is tried again.
    pub fn in_words(&self) -> String {
        match self.next_try {
            Some(next) if self.tries > 0 => {
                let times = if self.tries == 1 {
                    "once".to_owned()
                } else {
                    format!("{} times", self.tries)
                };
                let next = next.strftime("%Y-%m-%d %H:%M UTC");
                format!(
                    "{} It was tried {times}, and is tried again at {next}, or at once by \
                    `calrelay sync --full`.",
                    self.message
                )
            }
            _ => self.message.clone(),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(n: &u32) -> bool {
    *n == 0
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
