//! The failures of jobs, and what to do about them.

use std::time::Duration;

use engine::calendar::{CalendarId, PairId};

/// The failure of a job.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Provider(#[from] providers::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Vault(#[from] vault::Error),
    /// The request cannot be met; the text says what to do instead.
    #[error("{0}")]
    Request(String),
    /// The given id does not exist; the text says where to find ids.
    #[error("{0}")]
    NotFound(String),
    /// The pair was never switched on.
    #[error("the pair {0} is a draft, which was never switched on")]
    Draft(PairId),
    /// A calendar that holds copies was listed as empty although its events still exist.
    #[error("the server listed a calendar as empty although its events are still there")]
    SuspiciousEmpty,
    /// An account was to be connected again, and the consent is of another one.
    #[error("the account {chosen} was chosen, and not {expected}")]
    AnotherAccount { chosen: String, expected: String },
    /// Two calendars cannot be paired in this way; `words` say what to do instead.
    #[error("{words}")]
    NotPaired { why: NotPaired, words: String },
    /// Both ends of a pair are one calendar, reached in two ways.
    #[error(
        "both ends of this pair are the same calendar, reached in two ways: a copy would be a \
        second event beside its original"
    )]
    SameCalendar,
    /// Nothing that identifies a copy is left of what was written.
    #[error(
        "the calendar server does not show any copy under the name, the UID or the mark with \
        which it was written, so that copies cannot be distinguished from other events; nothing was \
        changed in this sync, and the copies and their originals stay as they are"
    )]
    CopiesUnrecognised,
    /// In a first listing, the server does not return an event that may be an earlier copy.
    #[error(
        "the calendar server does not give the event {event}, which may be an earlier copy \
        ({why}); so that no second copy is made beside it, nothing was written in this sync"
    )]
    Withheld {
        event: String,
        /// What the server says.
        why: String,
    },
    /// The lease has expired, or another process has written what only its holder may write.
    #[error(
        "storage was out of reach for too long, and another sync may have taken this calendar over"
    )]
    LeaseLost,
    /// A stored row cannot be read.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
}

/// Why two calendars cannot be paired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotPaired {
    /// This pair is between them already.
    Exists(PairId),
    /// Both are one calendar.
    SameCalendar,
    /// This calendar would be written to, and its account may not do that.
    NotWritable(CalendarId),
    /// The options contradict each other.
    Options,
}

/// What to do about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Storage or vault of this installation failed: the job is repeated for any cause.
    RetryStorage,
    /// The provider failed for now, or another process holds a lease: the job is repeated, after
    /// this time if the provider names one.
    RetryAfter(Option<Duration>),
    /// The owner has to connect the account again.
    Reconnect,
    /// The owner has to change the calendar or the pair.
    AskOwner,
    /// The operator has to change a setting or the program.
    AskAdministrator,
    /// Repeating the job does not help; the next sync reads the new state.
    GiveUp,
}

impl Error {
    /// What to do about the error.
    pub fn next(&self) -> Next {
        match self {
            Self::Provider(error) => of_provider(error),
            Self::Store(store::Error::NewerSchema { .. }) => Next::AskAdministrator,
            Self::Store(_) | Self::Vault(_) | Self::Damaged(_) | Self::LeaseLost => {
                Next::RetryStorage
            }
            // A request met another process that holds a lease, or an event that the server does
            // not return for now.
            Self::Request(_) | Self::Withheld { .. } => Next::RetryAfter(None),
            Self::AnotherAccount { .. } => Next::Reconnect,
            Self::NotPaired { .. } => Next::RetryAfter(None),
            Self::NotFound(_)
            | Self::Draft(_)
            | Self::SuspiciousEmpty
            | Self::SameCalendar
            | Self::CopiesUnrecognised => Next::AskOwner,
        }
    }
}

fn of_provider(error: &providers::Error) -> Next {
    use providers::Error as E;
    match error {
        E::Unauthorized | E::Consent(_) | E::NotGranted(_) | E::Credentials(_) => Next::Reconnect,
        E::RateLimited { retry_after } => Next::RetryAfter(*retry_after),
        E::Unreachable(_) | E::NoAnswer(_) | E::BadAnswer(_) | E::ChangedMeanwhile => {
            Next::RetryAfter(None)
        }
        E::Forbidden(_) | E::CalendarMissing | E::Address(_) | E::NotPublic(_) | E::HasGuests => {
            Next::AskOwner
        }
        E::Misconfigured(_) => Next::AskAdministrator,
        E::NameRefused(error) => of_provider(error),
        E::NoPush
        | E::Gone
        | E::Refused(_)
        | E::NotRepresentable(_)
        | E::CursorExpired
        | E::Exists => Next::GiveUp,
    }
}

impl From<records::Error> for Error {
    fn from(error: records::Error) -> Self {
        match error {
            records::Error::Store(error) => Self::Store(error),
            records::Error::Damaged(words) => Self::Damaged(words),
            records::Error::LeaseLost => Self::LeaseLost,
            error @ (records::Error::NoAccount(_) | records::Error::NoPair(_)) => {
                Self::NotFound(error.to_string())
            }
        }
    }
}

/// The result of a job.
pub type Result<T, E = Error> = std::result::Result<T, E>;
