//! What can go wrong at a provider, named by what the caller can do about it.

use std::time::Duration;

use crate::not_granted::{ConsentStep, NotGranted};

/// A provider's refusal or failure. No variant contains event content, credentials or a full
/// address.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The provider no longer knows the cursor: list the window again.
    #[error("the server has forgotten how far this calendar was read")]
    CursorExpired,
    /// Another client wrote first: read again.
    #[error("the event was changed at the same moment")]
    ChangedMeanwhile,
    /// There is an event under the name of the new one.
    #[error("an event of this name is there already")]
    Exists,
    /// There is no such event.
    #[error("the event is not there any more")]
    Gone,
    /// Other people are involved in the event and would be mailed.
    #[error("other people take part in this event, and writing to it could mail them")]
    HasGuests,
    /// There is no such calendar.
    #[error("the calendar is not there any more")]
    CalendarMissing,
    /// The provider has no watch for this calendar.
    #[error("the server does not send notifications of changes in this calendar")]
    NoPush,
    /// Wrong or withdrawn credentials: the owner has to connect the account again.
    #[error("the server refused the sign-in")]
    Unauthorized,
    /// The owner has not granted everything that is needed; the text says what.
    #[error("{0}")]
    Consent(String),
    /// The provider gives no access until a person has done something that it names: the owner on
    /// the provider's page, or the administrator of the owner's organisation.
    #[error("{0}")]
    NotGranted(Box<NotGranted>),
    /// The provider does not accept this program: its registration there, or a wrong request. The
    /// account is not the cause; the operator of the program can help, its owner cannot.
    #[error("{0}")]
    Misconfigured(String),
    /// This user may not do this (a read-only calendar, a service not enabled).
    #[error("the server does not allow this: {0}")]
    Forbidden(String),
    /// The server refuses this event permanently (too large, an invalid value…); other events are
    /// not affected.
    #[error("the server refused this event: {0}")]
    Refused(String),
    /// The calendar cannot hold how the event repeats; nothing of it was left there.
    #[error("the calendar cannot hold how this event repeats: {0}")]
    NotRepresentable(String),
    /// A new event was refused without a reason. The name may be in use by an event in
    /// a trash bin; another name may work. Where none works, the inner error applies.
    #[error("{0}")]
    NameRefused(Box<Error>),
    /// Too many requests.
    #[error("the server asks to wait")]
    RateLimited {
        /// The least time to wait.
        retry_after: Option<Duration>,
    },
    /// Another 5xx, or a failure of the connection: try later.
    #[error("the server cannot be reached or failed: {0}")]
    Unreachable(String),
    /// No connection, no answer in time, or a proxy's statement that the server does not answer:
    /// try later.
    #[error("the server cannot be reached or failed: {0}")]
    NoAnswer(String),
    /// An answer that does not follow its protocol, or was cut off.
    #[error("the server's answer cannot be understood: {0}")]
    BadAnswer(String),
    /// The address may not be used (a private host, a wrong scheme, a redirect to elsewhere).
    #[error("this address is not allowed: {0}")]
    Address(String),
    /// Only the settings may allow the address: it is in a private network, or is one that only
    /// servers in a private network have.
    #[error("this address is not allowed: {0}")]
    NotPublic(String),
    /// The credentials have the wrong form and were not sent.
    #[error("{0}")]
    Credentials(String),
}

impl Error {
    /// A consent gave no grant.
    pub(crate) fn at_consent(step: ConsentStep, words: impl Into<String>) -> Self {
        let words = words.into();
        Self::NotGranted(Box::new(NotGranted { step, words, ended: false, claims: None }))
    }

    /// The error for a calendar that exists, as far as its server says, and that it does not let
    /// this account read.
    pub fn closed_calendar() -> Self {
        Self::Forbidden("this account has no right to read the calendar".into())
    }

    /// Whether a later try may succeed without any action by a person.
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

    /// Whether an error of a request about one event may concern that event alone, although it
    /// names the calendar, the account or the server. A request for the calendar alone
    /// ([`crate::Provider::ask`]) shows which of them is the cause.
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
            | Self::Address(_)
            | Self::NotPublic(_) => true,
            Self::CursorExpired
            | Self::ChangedMeanwhile
            | Self::Exists
            | Self::Gone
            | Self::HasGuests
            | Self::NotRepresentable(_)
            | Self::CalendarMissing
            | Self::NoPush
            | Self::Consent(_)
            | Self::NotGranted(_)
            | Self::Misconfigured(_)
            | Self::Credentials(_) => false,
        }
    }

    /// Whether the grant or the password of the account gives no access until its owner connects it
    /// again.
    pub fn needs_owner(&self) -> bool {
        matches!(self, Self::Unauthorized | Self::Consent(_) | Self::NotGranted(_))
    }

    /// What a person can do about a consent that failed with this error.
    pub fn consent_step(&self) -> ConsentStep {
        match self {
            Self::NotGranted(why) => why.step,
            Self::Unauthorized | Self::Consent(_) | Self::Credentials(_) => ConsentStep::Again,
            error if error.is_transient() => ConsentStep::Later,
            _ => ConsentStep::SetUpWrongly,
        }
    }

    /// The server's answer, for a sentence about the event.
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
