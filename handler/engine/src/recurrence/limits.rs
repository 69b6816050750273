//! How much of a recurrence is read. Beyond it the recurrence is refused.

/// The longest rule that is read, in bytes.
pub(super) const LONGEST: usize = 512;
/// The most rules of one series.
pub(super) const MAX_RULES: usize = 3;
/// The most times of day that BYHOUR, BYMINUTE and BYSECOND may give together.
pub(super) const MAX_TIMES: usize = 24;
