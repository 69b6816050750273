//! The next step of a problem, as data: the command line words it as a command, pages as a button,
//! and the API as a sentence.
//!
//! A stored [`Problem`] is a code and a text, whose text ends with the step of the command line.
//! Here the text is divided: what happened and what was kept safe stay as words without any
//! command, and the step follows from the code. So rows of earlier releases have a step too.

mod neutral;
#[cfg(test)]
mod tests;

use engine::calendar::AccountId;
use engine::pair::PerSide;
use engine::reason::Reason;
use jiff::{SignedDuration, Timestamp};
use providers::ConsentStep;
use records::account::{Account, AccountStatus};
use records::pair_state::{FailureStreak, StateRecord};
use records::problem::{EventProblem, Problem};
use serde::Serialize;

pub use neutral::{names_command, neutral};

use crate::Error;
use crate::error::Next;
use crate::problem::KEPT;

/// What a person can do about a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum NextStep {
    /// To connect the account again; `None` where it is not known which.
    Reconnect {
        account: Option<AccountId>,
    },
    /// To do the same again.
    Retry,
    /// To wait: it is tried again by the program, at this time if it is known.
    Wait {
        until: Option<Timestamp>,
    },
    /// To ask the administrator of the organisation, with this link where one was made
    /// ([`crate::consent::way_on`]).
    AskAdministrator {
        link: Option<String>,
    },
    /// Nothing for this person: the operator has to correct settings or storage.
    SetUp,
    /// To decide about what is held.
    LookAtHeld,
    /// To look at the calendar on its server, or to ask its owner for access.
    LookAtCalendar,
    /// To end the pair.
    EndPair,
    /// To resume the pair.
    Resume,
    /// To claim what another installation has made.
    TakeOver,
    /// To give something else than what was given.
    Correct,
    Nothing,
}

impl NextStep {
    /// The step as a sentence that names no command; empty where there is nothing to do.
    pub fn in_words(&self) -> String {
        let words = match self {
            Self::Reconnect { .. } => "Connect the account again.",
            Self::Retry => "Try again.",
            Self::Wait { until: Some(at) } => {
                return format!(
                    "It is tried again by itself at {}.",
                    at.strftime("%Y-%m-%d %H:%M UTC")
                );
            }
            Self::Wait { until: None } => "It is tried again by itself.",
            Self::AskAdministrator { link: Some(_) } => {
                "Send the link to the administrator of your organisation."
            }
            Self::AskAdministrator { link: None } => "Ask the administrator of your organisation.",
            Self::SetUp => "The operator of this installation has to correct it.",
            Self::LookAtHeld => "Look at what is held, and decide.",
            Self::LookAtCalendar => {
                "Look at the calendar on its server, or ask its owner for access."
            }
            Self::EndPair => "End the pair.",
            Self::Resume => "Resume the pair.",
            Self::TakeOver => "If the other installation is gone, claim what it made.",
            Self::Correct | Self::Nothing => "",
        };
        words.to_owned()
    }
}

/// A problem without any command: what happened, what was kept safe, and the next step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Told {
    pub code: String,
    pub happened: String,
    /// `None` where the text of what happened says it, or nothing was at risk.
    pub kept: Option<String>,
    pub next: NextStep,
}

impl Told {
    /// The problem as one text: what happened, what was kept safe, what to do next.
    pub fn detail(&self) -> String {
        let next = self.next.in_words();
        // Some refusals of providers say the step themselves.
        let is_said = self
            .happened
            .to_lowercase()
            .contains(next.trim_end_matches('.').to_lowercase().as_str());
        let next = if is_said { String::new() } else { next };
        let parts = [self.happened.as_str(), self.kept.as_deref().unwrap_or_default(), &next];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// An error of a request at this time. `account` is the account that the request is about.
    pub fn of_error(error: &Error, account: Option<&AccountId>, now: Timestamp) -> Self {
        Self::divided(&Problem::from(error), of_error(error, account, now))
    }

    /// As [`Self::of_error`], where the caller knows what was kept safe.
    pub fn of_error_keeping(
        error: &Error,
        kept: &str,
        account: Option<&AccountId>,
        now: Timestamp,
    ) -> Self {
        let told = Self::of_error(error, account, now);
        let kept = told.kept.as_ref().map(|_| kept.to_owned());
        Self { kept, ..told }
    }

    /// The problem of an account as it is stored, if it has one.
    pub fn of_account(account: &Account, now: Timestamp) -> Option<Self> {
        if account.state == AccountStatus::NeedsReconnect {
            let problem = account
                .error
                .clone()
                .unwrap_or_else(|| Problem { code: "unauthorized".into(), message: String::new() });
            let next = NextStep::Reconnect { account: Some(account.id.clone()) };
            return Some(Self::divided(&problem, next));
        }
        if let Some(suspended) = account.suspended.as_ref()
            && account.suspended_for(now).is_some()
        {
            let next = NextStep::Wait { until: Some(suspended.until) };
            return Some(Self::divided(&suspended.problem, next));
        }
        let problem = account.error.as_ref()?;
        Some(Self::divided(problem, of_stored(problem, [account], None)))
    }

    /// What a pair needs of its owner, as it is stored: the problem of its last pass, or what is
    /// held. `accounts` are those of its calendars.
    pub fn of_pair(
        state: &StateRecord,
        paused: bool,
        accounts: &PerSide<Option<Account>>,
        now: Timestamp,
    ) -> Option<Self> {
        if paused {
            return Some(Self {
                code: "paused".into(),
                happened: "The pair is paused, and nothing is changed by it.".into(),
                kept: None,
                next: NextStep::Resume,
            });
        }
        let Some(problem) = &state.error else {
            let held = state.held.as_ref()?;
            return Some(Self {
                code: "held".into(),
                happened: format!(
                    "{} of {} deletions or losses are unusual and wait for a decision.",
                    held.held.deletions, held.held.of
                ),
                kept: Some("Everything else goes on.".into()),
                next: NextStep::LookAtHeld,
            });
        };
        let known = || accounts.values().flatten();
        let suspended = known().filter(|account| account.suspended_for(now).is_some());
        let until = suspended.filter_map(|account| Some(account.suspended.as_ref()?.until)).max();
        let until = until.max(state.failing.map(FailureStreak::next_try));
        Some(Self::divided(problem, of_stored(problem, known(), until)))
    }

    /// An event that could not be copied.
    pub fn of_event(problem: &EventProblem) -> Self {
        let next = match (problem.reason, problem.next_try) {
            (_, Some(at)) => NextStep::Wait { until: Some(at) },
            (Reason::CopiedByAnother, None) => NextStep::TakeOver,
            _ => NextStep::Nothing,
        };
        let code = serde_json::to_value(problem.reason).ok();
        let code = code.as_ref().and_then(|code| code.as_str()).unwrap_or_default().to_owned();
        Self { code, happened: neutral(&problem.message), kept: None, next }
    }

    /// Divides the text of a problem: what follows the sentence about what was kept is a step of
    /// the command line.
    fn divided(problem: &Problem, next: NextStep) -> Self {
        let Problem { code, message } = problem;
        let (happened, kept) = match message.split_once(KEPT) {
            Some((happened, _)) => (happened.trim_end(), Some(KEPT.to_owned())),
            None => (message.as_str(), None),
        };
        Self { code: code.clone(), happened: neutral(happened), kept, next }
    }
}

/// The reason of an event in words that name no command.
pub fn reason_in_words(reason: Reason) -> String {
    neutral(reason.in_words())
}

fn of_error(error: &Error, account: Option<&AccountId>, now: Timestamp) -> NextStep {
    match error.next() {
        Next::Reconnect => match error {
            Error::Provider(error) => of_refusal(error, account),
            _ => NextStep::Reconnect { account: account.cloned() },
        },
        Next::RetryAfter(Some(wait)) => {
            let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
            NextStep::Wait { until: now.checked_add(wait).ok() }
        }
        Next::AskAdministrator => NextStep::SetUp,
        Next::GiveUp => NextStep::Nothing,
        Next::RetryAfter(None) | Next::RetryStorage | Next::AskOwner => of_kind(error, account),
    }
}

/// The step after a refusal that a person can end.
fn of_refusal(error: &providers::Error, account: Option<&AccountId>) -> NextStep {
    match error.consent_step() {
        ConsentStep::AskAdministrator | ConsentStep::BlockedByPolicy => {
            NextStep::AskAdministrator { link: None }
        }
        ConsentStep::SetUpWrongly => NextStep::SetUp,
        ConsentStep::Later => NextStep::Retry,
        ConsentStep::Again
        | ConsentStep::AllowMore
        | ConsentStep::AnotherAccount
        | ConsentStep::Declined => NextStep::Reconnect { account: account.cloned() },
    }
}

fn of_kind(error: &Error, account: Option<&AccountId>) -> NextStep {
    use providers::Error as P;
    use store::Error as S;
    match error {
        Error::Vault(vault::Error::CannotOpen) => NextStep::Reconnect { account: account.cloned() },
        Error::Vault(vault::Error::KeyFile(_))
        | Error::Store(S::Full | S::NewerSchema { .. } | S::TooLarge(_) | S::Failed(_))
        | Error::Damaged(_) => NextStep::SetUp,
        Error::Provider(P::Address(_) | P::NotPublic(_) | P::HasGuests) | Error::NotFound(_) => {
            NextStep::Correct
        }
        Error::Provider(P::Forbidden(_) | P::CalendarMissing) | Error::SuspiciousEmpty => {
            NextStep::LookAtCalendar
        }
        Error::SameCalendar | Error::CopiesUnrecognised => NextStep::EndPair,
        _ => NextStep::Retry,
    }
}

/// The step of a stored problem of these accounts, which the program tries again at `until`.
fn of_stored<'a>(
    problem: &Problem,
    accounts: impl IntoIterator<Item = &'a Account>,
    until: Option<Timestamp>,
) -> NextStep {
    let mut accounts = accounts.into_iter();
    let is_refused = |account: &&Account| account.state == AccountStatus::NeedsReconnect;
    let is_of_operator = |words: &str| words.contains("data directory") || words.contains("doctor");
    match problem.code.as_str() {
        "unauthorized" | "consent" | "credentials" => {
            NextStep::Reconnect { account: accounts.find(is_refused).map(|it| it.id.clone()) }
        }
        "vault" | "storage" => match accounts.find(is_refused) {
            Some(account) => NextStep::Reconnect { account: Some(account.id.clone()) },
            None if is_of_operator(step_of_commands(&problem.message)) => NextStep::SetUp,
            None => NextStep::Wait { until },
        },
        "address" => match accounts.find(|account| account.state != AccountStatus::Ok) {
            Some(account) if !account.kind.is_connected_by_consent() => {
                NextStep::Reconnect { account: Some(account.id.clone()) }
            }
            _ => NextStep::SetUp,
        },
        "disk_full" | "newer_version" | "settings" => NextStep::SetUp,
        "forbidden" | "not_found" | "suspicious_empty" => NextStep::LookAtCalendar,
        "same_calendar" | "unrecognised" => NextStep::EndPair,
        "no_push" | "no_channel" | "refused" | "has_guests" | "plan_limit" => NextStep::Nothing,
        _ => NextStep::Wait { until },
    }
}

/// What a stored text says that a user of the command line can do.
fn step_of_commands(message: &str) -> &str {
    message.split_once(KEPT).map_or("", |(_, step)| step)
}
