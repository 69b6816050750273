//! Problems of a pair or of one of its events, as they are stored and shown.

use engine::calendar::{CalendarId, PairId};
use engine::pair::Pair;
use engine::reason::Reason;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The status of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PairStatus {
    /// The calendars are in step.
    Ok,
    /// Deletions wait for the owner's confirmation.
    Held,
    Error,
    /// Paused by the owner.
    Paused,
    /// Made and never switched on.
    Draft,
    /// An account must be connected again.
    NeedsReconnect,
}

impl PairStatus {
    /// The status of a pair of which no pass runs, by its switches alone; `None` for the others.
    pub fn by_switch(pair: &Pair) -> Option<Self> {
        match pair {
            Pair { draft: true, .. } => Some(Self::Draft),
            Pair { paused: true, .. } => Some(Self::Paused),
            _ => None,
        }
    }

    /// The name in `--json`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Held => "held",
            Self::Error => "error",
            Self::Paused => "paused",
            Self::Draft => "draft",
            Self::NeedsReconnect => "needs_reconnect",
        }
    }
}

/// Why a pair holds deletions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HeldKind {
    /// The pass would delete an unusual number of events.
    #[default]
    Deletions,
    /// A calendar of the pair was emptied, or was created again.
    Emptied,
}

/// Deletions that wait for the owner's confirmation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Held {
    #[serde(default)]
    pub kind: HeldKind,
    /// The number of deletions.
    pub deletions: u64,
    /// The number of copies.
    pub of: u64,
    /// The arguments of `calrelay` that release the deletions.
    pub confirm: Vec<String>,
    /// From when on a sync may make the deletions without a confirmation; `None` where only the
    /// owner's answer ends the hold. It is for people: it follows from what is stored of the hold,
    /// and a dry run, which stores nothing, has another time than the pass that follows it.
    #[serde(skip)]
    pub second_look: Option<Timestamp>,
}

impl Held {
    /// Held deletions of this pair.
    pub fn new(pair: &PairId, deletions: u64, of: u64) -> Self {
        let confirm =
            ["sync", "--pair", pair.as_str(), "--confirm-deletions"].map(str::to_owned).to_vec();
        Self { kind: HeldKind::Deletions, deletions, of, confirm, second_look: None }
    }

    /// The hold after a calendar was emptied: `gone` of `of` events are missing. The arguments
    /// create the events again; the other answer is `--leave-out`.
    pub fn emptied(pair: &PairId, gone: u64, of: u64) -> Self {
        let confirm = ["sync", "--pair", pair.as_str(), "--make-again"].map(str::to_owned).to_vec();
        Self { kind: HeldKind::Emptied, deletions: gone, of, confirm, second_look: None }
    }
}

/// A failure: a code for programs and a text for users.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// `unauthorized`, `not_found`, `unreachable`…
    pub code: String,
    /// What happened, what was kept safe, what to do next.
    pub message: String,
}

/// An event that could not be copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventProblem {
    /// The id of the event.
    pub event: String,
    #[schema(value_type = String)]
    pub calendar: CalendarId,
    #[schema(value_type = String)]
    pub reason: Reason,
    /// The reason as a text for users.
    pub message: String,
    /// The number of attempts, where the program tries again by itself.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tries: u32,
    /// When the next attempt is due; `None` where only a change of the event helps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_try: Option<Timestamp>,
}

impl EventProblem {
    /// The text for users, with the time of the next attempt.
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
