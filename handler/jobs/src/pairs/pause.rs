//! Pausing and resuming pairs.

use engine::calendar::PairId;
use engine::pair::Pair;
use records::kinds::pair_key;

use crate::{Error, Result, Scope, watches};

/// Pauses a pair: no pass reads or writes its calendars until it is resumed. A running pass
/// continues to its end.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Draft`].
pub async fn pause_pair(scope: &Scope, id: &PairId) -> Result<Pair> {
    set_paused(scope, id, true).await
}

/// Resumes a pair.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Draft`].
pub async fn resume_pair(scope: &Scope, id: &PairId) -> Result<Pair> {
    set_paused(scope, id, false).await
}

async fn set_paused(scope: &Scope, id: &PairId, paused: bool) -> Result<Pair> {
    let change = |pair: &mut Pair| {
        if !pair.draft {
            pair.paused = paused;
        }
    };
    let pair = scope
        .directory()
        .update(&pair_key(id), change)
        .await?
        .ok_or_else(|| records::Error::NoPair(id.clone()))?;
    if pair.draft {
        return Err(Error::Draft(id.clone()));
    }
    match paused {
        true => watches::stop_unneeded(scope).await,
        false => watches::nudge_pair(scope, &pair).await,
    }
    Ok(pair)
}
