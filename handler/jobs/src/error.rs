//! What a job can fail with, by what is to be done about it.

/// A job's failure.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Talking to the provider failed.
    #[error(transparent)]
    Provider(#[from] providers::Error),
    /// Storage failed.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The vault failed.
    #[error(transparent)]
    Vault(#[from] vault::Error),
    /// The person asked for something that cannot be done; says what to do instead.
    #[error("{0}")]
    Request(String),
    /// Nothing of the id that was given is there; says where to look.
    #[error("{0}")]
    NotFound(String),
    /// A calendar of which copies are kept is suddenly empty, although its events are still there.
    #[error("the server listed a calendar as empty although its events are still there")]
    SuspiciousEmpty,
    /// Both ends of a pair are one calendar, reached in two ways.
    #[error(
        "both ends of this pair are the same calendar, reached in two ways: a copy would be a \
        second event beside its original"
    )]
    SameCalendar,
    /// Nothing by which a copy is known is left of what was written.
    #[error(
        "the calendar server does not show any copy under the name, the UID or the mark with \
        which it was written, so that copies cannot be told from other events; nothing was \
        changed in this sync, and the copies and their originals stay as they are"
    )]
    CopiesUnrecognised,
    /// In a first listing the server does not give an event that may be an earlier copy.
    #[error(
        "the calendar server does not give the event {event}, which may be an earlier copy \
        ({why}); so that no second copy is made beside it, nothing was written in this sync"
    )]
    Withheld {
        /// The event.
        event: String,
        /// What the server says.
        why: String,
    },
    /// The lease ran out, or somebody else has written what only its holder may write.
    #[error(
        "storage was out of reach for too long, and another sync may have taken this calendar over"
    )]
    Overtaken,
    /// A stored row cannot be read.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
}

/// The result of a job.
pub type Result<T, E = Error> = std::result::Result<T, E>;
