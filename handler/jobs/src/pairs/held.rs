//! What a pair holds.

use engine::calendar::PairId;
use records::pair_state::read_state;
use records::problem::HeldKind;

use crate::{Result, Scope};

/// What of a pair waits for its owner's answer, if anything does.
///
/// # Errors
/// Storage failures.
pub async fn held_kind(scope: &Scope, id: &PairId) -> Result<Option<HeldKind>> {
    Ok(read_state(&*scope.store, id).await?.held.map(|row| row.held.kind))
}
