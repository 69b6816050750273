//! What can go wrong at a provider, named by what the caller can do about it.

use std::time::Duration;

/// A provider's refusal or failure. No variant carries event content, credentials or a full
/// address.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The cursor is no longer known: list the window again.
    #[error("the server has forgotten how far this calendar was read")]
    CursorExpired,
    /// Somebody else wrote first: read again.
    #[error("the event was changed at the same moment")]
    ChangedMeanwhile,
    /// A create found an event under its name.
    #[error("an event of this name is there already")]
    Exists,
    /// The event is not there.
    #[error("the event is not there any more")]
    Gone,
    /// Other people are involved in the event and would be mailed.
    #[error("other people take part in this event, and writing to it could mail them")]
    HasGuests,
    /// The calendar is not there, or not for us.
    #[error("the calendar is not there any more")]
    CalendarMissing,
    /// The provider does not tell of changes in this calendar.
    #[error("the server does not tell of changes in this calendar")]
    NoPush,
    /// Wrong or withdrawn credentials: ask the owner.
    #[error("the server refused the sign-in")]
    Unauthorized,
    /// The owner has not agreed to everything that is needed; the words say to what.
    #[error("{0}")]
    Consent(String),
    /// The provider does not accept this program: its registration there, or a request that it
    /// should not have made. Says nothing about the account, whose owner can do nothing about it;
    /// whoever runs the program can.
    #[error("{0}")]
    Misconfigured(String),
    /// This user may not do this (a read-only calendar, a service not enabled).
    #[error("the server does not allow this: {0}")]
    Forbidden(String),
    /// The server refuses this event for good (too large, an invalid value…): other events are not
    /// affected.
    #[error("the server refused this event: {0}")]
    Refused(String),
    /// A new event was refused without a reason. Its name may have been used before, and be kept in
    /// a trash bin: another name may do. Where none does, this is what the refusal comes to.
    #[error("{0}")]
    NameRefused(Box<Error>),
    /// Too many requests; wait at least so long.
    #[error("the server asks to wait")]
    RateLimited {
        /// How long the server wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// Another 5xx, or a failure on the way: try later.
    #[error("the server cannot be reached or failed: {0}")]
    Unreachable(String),
    /// No connection, no answer in time, or the word of a server in front that there is none: try
    /// later.
    #[error("the server cannot be reached or failed: {0}")]
    NoAnswer(String),
    /// An answer that does not follow its protocol, or was cut off.
    #[error("the server's answer cannot be understood: {0}")]
    BadAnswer(String),
    /// The address may not be used (a private host, a wrong scheme, a redirect to elsewhere).
    #[error("this address is not allowed: {0}")]
    Address(String),
    /// The credentials have the wrong form, and were not sent.
    #[error("{0}")]
    Credentials(String),
}

impl Error {
    /// Whether trying later may help without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::RateLimited { .. }
                | Self::Unreachable(_)
                | Self::NoAnswer(_)
                | Self::BadAnswer(_)
                | Self::ChangedMeanwhile
        )
    }

    /// Whether the answer to a request about one event may concern that event alone, although it
    /// reads as if the calendar, the account or the server were meant. Before any of these is
    /// blamed, the calendar is asked by itself ([`crate::Provider::ask`]).
    pub fn may_concern_one_event(&self) -> bool {
        match self {
            Self::Forbidden(_)
            | Self::Unauthorized
            | Self::Refused(_)
            | Self::NameRefused(_)
            | Self::Unreachable(_)
            | Self::NoAnswer(_)
            | Self::BadAnswer(_)
            | Self::RateLimited { .. }
            | Self::Address(_) => true,
            Self::CursorExpired
            | Self::ChangedMeanwhile
            | Self::Exists
            | Self::Gone
            | Self::HasGuests
            | Self::CalendarMissing
            | Self::NoPush
            | Self::Consent(_)
            | Self::Misconfigured(_)
            | Self::Credentials(_) => false,
        }
    }

    /// What the server said, for a sentence about the event that it was said of.
    pub fn said(&self) -> String {
        match self {
            Self::Refused(words)
            | Self::Unreachable(words)
            | Self::NoAnswer(words)
            | Self::BadAnswer(words)
            | Self::Forbidden(words) => words.clone(),
            Self::NameRefused(error) => error.said(),
            Self::RateLimited { .. } => {
                "it asks to wait each time that it is asked for this event, and for nothing else"
                    .into()
            }
            error => error.to_string(),
        }
    }
}

/// The result of talking to a provider.
pub type Result<T, E = Error> = std::result::Result<T, E>;
