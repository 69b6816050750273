//! Switching a draft on.

use engine::calendar::PairId;
use engine::pair::Pair;
use records::kinds::pair_key;

use crate::{Result, Scope, watches};

/// Switches a draft on, and returns the pair and whether it was a draft until now. A pair that is
/// switched on stays as it is. A service that is running is notified in both cases: an earlier
/// start may have been interrupted before it did so.
///
/// # Errors
/// [`Error::NotFound`](crate::Error::NotFound).
pub async fn start_pair(scope: &Scope, id: &PairId) -> Result<(Pair, bool)> {
    let mut was_draft = false;
    let change = |pair: &mut Pair| {
        was_draft = pair.draft;
        pair.draft = false;
    };
    let pair = scope
        .directory()
        .update(&pair_key(id), change)
        .await?
        .ok_or_else(|| records::Error::NoPair(id.clone()))?;
    if pair.is_active() {
        watches::nudge_pair(scope, &pair).await;
    }
    Ok((pair, was_draft))
}
