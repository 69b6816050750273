//! How work on many watches is distributed over time.

use jiff::SignedDuration;

/// Targets worked on at once.
pub(super) const AT_ONCE: usize = 4;

/// From `-most` to `most`: one value for one id, evenly distributed over ids.
pub(super) fn spread(id: &str, most: SignedDuration) -> SignedDuration {
    let most = most.as_secs();
    let sum = id.bytes().fold(0_i64, |sum, b| (sum * 31 + i64::from(b)).rem_euclid(2 * most + 1));
    SignedDuration::from_secs(sum - most)
}

pub(super) fn signed(duration: std::time::Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
