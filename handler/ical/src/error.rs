//! Why an object cannot be read or edited.

/// Why an object cannot be used; never quotes it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Unreadable(pub String);

/// Why an edit was not made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EditError {
    /// Other people take part; a server with scheduling would mail them (RFC 6638).
    #[error("other people take part in this event")]
    HasGuests,
    /// The object cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}
