//! What is needed to understand an object beyond its own text.

/// What is needed to understand an object beyond its own text.
#[derive(Clone, Copy)]
pub struct ObjectContext<'a> {
    /// Whether an address (lower-cased, without `mailto:`) is the account's own.
    pub is_me: &'a (dyn Fn(&str) -> bool + Send + Sync),
    /// The IANA zone of the calendar, for floating times that must become instants.
    pub zone: Option<&'a str>,
    /// What time it is, for series that must be expanded; where it is not known, what the object
    /// says of its last change.
    pub now: Option<jiff::Timestamp>,
}
