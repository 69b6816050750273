//! When the window of a pair is listed completely: on the first pass of a day, when it moves on,
//! and where the changes since the cursor are not enough. The days of the window are
//! [`engine::pair::Pair::window`].

use records::pair_state::StateRecord;

use super::context::Context;

/// Whether the window is listed as a whole besides the changes since the cursor.
pub(super) fn is_relisted(context: &Context<'_>, state: &StateRecord) -> bool {
    // A write found an event gone that no listing named: a whole listing shows what else is.
    let has_found_gone = context.retry.is_some_and(|retry| !retry.suspects.is_empty());
    must_relist(context, state) || has_found_gone
}

/// Held deletions were found in a whole listing: a pass that lists only changes would not find
/// them.
pub(super) fn must_relist(context: &Context<'_>, state: &StateRecord) -> bool {
    state.window_is_due(context.now) || state.held.is_some()
}
