//! What is wrong with a pair or with one of its events, as it is stored and shown.

use engine::calendar::{CalendarId, PairId};
use engine::reason::Reason;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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
