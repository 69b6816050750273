//! Why a recurrence is not expanded.

/// A recurrence that is refused: it is malformed, has no clear meaning, or would cost more than any
/// calendar needs.
///
/// The text of a rule is never part of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsupported {
    /// The rule is longer than 512 bytes.
    #[error("its rule is longer than {} bytes", super::limits::MAX_RULE_LENGTH)]
    TooLong,
    /// The event has more than three rules.
    #[error("it has more than {} rules", super::limits::MAX_RULES)]
    TooManyRules,
    /// FREQ is MINUTELY or SECONDLY, or HOURLY for an all-day event.
    #[error("it repeats more often than every hour, or an all-day event more often than every day")]
    TooFrequent,
    /// BYHOUR, BYMINUTE and BYSECOND together give more than 24 times.
    #[error("its rule names more than {} times of day", super::limits::MAX_TIMES)]
    TooManyTimes,
    /// More occurrences, or more periods without one, than are looked at.
    #[error("it repeats more often than can be worked out in reasonable time")]
    TooMany,
    /// A part of the rule is missing, twice there, or has a value that RFC 5545 does not allow.
    #[error("{0} in its rule is missing or not valid")]
    Malformed(&'static str),
    /// A part that neither RFC 5545 nor we know.
    #[error("its rule has a part that is not known")]
    UnknownPart,
    /// RSCALE or SKIP (RFC 7529) ask for another calendar than ours, or other months' ends.
    #[error("its rule follows another calendar or moves dates that do not exist")]
    OtherCalendar,
}
