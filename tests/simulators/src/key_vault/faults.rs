//! What goes wrong with a vault.

use std::time::Duration;

/// What strikes a call. The challenge and the metadata service are struck by [`Fault::Cut`] and
/// [`Fault::Late`] only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Refused with 429, with this Retry-After in seconds if any.
    Throttled(Option<u64>),
    /// Refused with 503.
    Unavailable,
    /// The line is cut before an answer.
    Cut,
    /// Answered after this time.
    Late(Duration),
    /// Answered with 200 and a page of a proxy's.
    Page,
    /// Answered well, in the name of another key.
    OtherKey,
    /// Refused with 400 by something that is no vault.
    Proxy,
}
