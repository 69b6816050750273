//! The limits of a series that is expanded.

/// The most occurrences that one call gives: ten years of days.
pub const MAX_OCCURRENCES: usize = 3_660;
/// The most rules of one series.
pub(super) const MAX_RULES: usize = 3;
/// The longest rule that is read, in bytes.
pub(super) const MAX_RULE_LENGTH: usize = 512;
/// The most times of day that BYHOUR, BYMINUTE and BYSECOND may give together.
pub(super) const MAX_TIMES: usize = 24;
