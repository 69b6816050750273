//! How a pass is to be run.

use engine::pair::Pair;
use engine::plan::Answer;

/// How a pass is to be run.
#[derive(Clone, Copy, Debug, Default)]
pub struct SyncOptions {
    /// Write nothing, neither to calendars nor to storage; report what would be done.
    pub dry_run: bool,
    /// List both calendars as a whole and correct drifted copies.
    pub full: bool,
    /// The owner releases what the deletion guard holds.
    pub confirm_deletions: bool,
    /// What the owner wants done about a calendar that was emptied or created anew.
    pub answer: Option<Answer>,
    /// No person waits for this pass: accounts whose credentials were refused are not asked, so
    /// that no provider locks them.
    pub background: bool,
}

impl SyncOptions {
    /// Whether such a pass may read the calendars of this pair. A draft is only previewed.
    pub(crate) fn may_read(self, pair: &Pair) -> bool {
        pair.is_active() || (pair.draft && self.dry_run)
    }
}
