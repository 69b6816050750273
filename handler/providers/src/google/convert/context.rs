//! What is needed to understand an event beyond its own text.

/// What is needed to understand an event beyond its own text.
#[derive(Clone, Copy, Debug, Default)]
pub(in super::super) struct EventContext<'a> {
    /// The zone of the calendar.
    pub zone: Option<&'a str>,
    /// We see less of it than its owner (`freeBusyReader`, or private events as a `reader`).
    pub outsider: bool,
}
