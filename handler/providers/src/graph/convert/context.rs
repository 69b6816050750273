//! What is needed to understand and to write an event beyond its own text.

use std::ops::Range;

use jiff::Timestamp;

use super::super::zones::ZoneNames;

/// What is needed to understand an event beyond its own text.
#[derive(Clone, Copy, Debug, Default)]
pub(in super::super) struct EventContext<'a> {
    /// The address of the owner of the account, in any case; never a proof of anything.
    pub me: Option<&'a str>,
    /// We see less of private events than their owner (`canViewPrivateItems` is false).
    pub outsider: bool,
    /// Of an instance: whether its series is one of whole days. `None` where that is not known;
    /// then it is taken to be as the instance is.
    pub series_of_days: Option<bool>,
}

/// What is needed to write an event beyond what it shows.
#[derive(Clone, Debug)]
pub(in super::super) struct WriteContext<'a> {
    /// The names of zones that the account accepts.
    pub zones: ZoneNames<'a>,
    /// Where the occurrences of a series are looked at.
    pub window: Range<Timestamp>,
}
