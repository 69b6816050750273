//! What a pass notes for people: it follows from what was done, and no pass depends on it.

use jiff::civil::Date;

use super::LockedState;
use crate::Result;
use crate::pair_state::batch::Batch;
use crate::pair_state::conflicts::ConflictRow;

impl LockedState {
    /// Adds conflicts to a batch. Stored with the next commit.
    pub async fn note_conflicts(
        &self,
        notes: &mut Batch,
        today: Date,
        rows: &[ConflictRow],
    ) -> Result<()> {
        self.saved.lock().await.row.conflicts.note(notes, today, rows)
    }

    /// Notes how many seconds some changes took. Stored with the next commit.
    pub async fn note_quickness(&self, today: Date, seconds: &[f64]) {
        self.saved.lock().await.row.quickness.note(today, seconds);
    }

    /// Adds the deletion of conflicts that are too old to a batch. Stored with the next commit.
    pub async fn prune_conflicts(&self, notes: &mut Batch, today: Date) {
        self.saved.lock().await.row.conflicts.prune(notes, today);
    }
}
