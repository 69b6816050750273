//! The state of a pair: its row as it was last read, the version of the row, and the commits that
//! replace it.

mod count_changes;
mod kept_facts;

use std::sync::PoisonError;

use engine::calendar::PairId;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use store::{MAX_COMMIT, Op, Row, Store, Table};
use tokio::sync::Mutex;

use super::batch::{Batch, Group};
use super::held_deletions::HeldDeletions;
use super::keys::{CHECKED, HELD_DELETIONS, PROBLEM, STATE};
use super::record::{ProblemRow, StateRecord};
use super::unlisted::Unlisted;
use crate::codec::{decode, encode};
use crate::{Error, Result};
use count_changes::CountChanges;

/// Rows read with one request.
const PAGE: usize = 1000;

/// The number of operations that a commit needs for the state itself.
const OWN_OPS: usize = 2;

#[derive(Serialize, Deserialize)]
struct CheckedRow {
    at: Timestamp,
}

/// The state of a pair, read without a lease.
pub struct StateSnapshot {
    /// As the last pass left it.
    pub row: StateRecord,
    /// When a check last found nothing to do, and the version of the row that says so. A pass
    /// creates that row.
    checked: Option<(Timestamp, String)>,
}

impl StateSnapshot {
    /// When the last pass ended, or a later check found nothing to do.
    pub fn last_checked(&self) -> Option<Timestamp> {
        self.row.last_sync.max(self.checked.as_ref().map(|(at, _)| *at))
    }

    /// Whether [`record_check`] can record a check.
    pub fn can_record_check(&self) -> bool {
        self.checked.is_some()
    }
}

/// Reads the state of a pair without a lease. One request.
pub async fn read_state_snapshot(store: &dyn Store, pair: &PairId) -> Result<StateSnapshot> {
    let rows = store.scan(Table::Pairs, pair.as_str(), STATE, None, OWN_OPS).await?;
    let mut look = StateSnapshot { row: StateRecord::default(), checked: None };
    for row in rows {
        match row.key.as_str() {
            STATE => look.row = decode(STATE, &row.value)?,
            CHECKED => {
                look.checked = Some((decode::<CheckedRow>(CHECKED, &row.value)?.at, row.etag))
            }
            _ => {}
        }
    }
    Ok(look)
}

/// Records that a check found nothing to do. This needs no lease, because no pass depends on the
/// row. A conflict means that another process recorded a check; it is ignored.
pub async fn record_check(
    store: &dyn Store,
    pair: &PairId,
    look: &StateSnapshot,
    at: Timestamp,
) -> Result<()> {
    let Some((_, etag)) = &look.checked else { return Ok(()) };
    let op =
        Op::Replace { key: CHECKED.into(), etag: etag.clone(), value: encode(&CheckedRow { at })? };
    match store.commit(Table::Pairs, pair.as_str(), &[op]).await {
        Ok(_) | Err(store::Error::Conflict(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The state of a pair; `last_sync` is when the last pass ended, or a later check found nothing to
/// do.
pub async fn read_state(store: &dyn Store, pair: &PairId) -> Result<StateRecord> {
    let look = read_state_snapshot(store, pair).await?;
    Ok(StateRecord { last_sync: look.last_checked(), ..look.row })
}

/// Changes the state of a pair. The caller holds the lease of the pair. A state that the change
/// leaves as it was is not written.
pub async fn change_state(
    store: &dyn Store,
    pair: &PairId,
    change: impl FnOnce(&mut StateRecord),
) -> Result<()> {
    let (head, _) = LockedState::read(store, pair).await?;
    if head.is_new().await {
        head.set_ids_are_names().await;
    }
    let before = head.row().await;
    let mut row = before.clone();
    change(&mut row);
    if row == before {
        return Ok(());
    }
    head.commit(store, pair, Batch::default(), Some(row)).await
}

/// The events of a pair that could not be copied, at most `limit`.
pub async fn problems(store: &dyn Store, pair: &PairId, limit: usize) -> Result<Vec<ProblemRow>> {
    let rows = store.scan(Table::Pairs, pair.as_str(), PROBLEM, None, limit.clamp(1, PAGE)).await?;
    rows.into_iter().map(|row| decode(&row.key, &row.value)).collect()
}

/// A page of the events that could not be copied, after the one that a cursor names, and the cursor
/// of the next page; `None` where the cursor names none.
pub async fn problems_page(
    store: &dyn Store,
    pair: &PairId,
    cursor: Option<&str>,
    limit: usize,
) -> Result<Option<(Vec<ProblemRow>, Option<String>)>> {
    let after = cursor.map(|cursor| format!("{PROBLEM}{cursor}"));
    if let Some(after) = &after
        && store.get(Table::Pairs, pair.as_str(), after).await?.is_none()
    {
        return Ok(None);
    }
    let limit = limit.clamp(1, PAGE - 1);
    let (partition, after) = (pair.as_str(), after.as_deref());
    let mut rows = store.scan(Table::Pairs, partition, PROBLEM, after, limit + 1).await?;
    let is_last = rows.len() <= limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| !is_last).map(|row| row.key[PROBLEM.len()..].to_owned());
    let rows: Result<_> = rows.into_iter().map(|row| decode(&row.key, &row.value)).collect();
    Ok(Some((rows?, next)))
}

/// The state of a pair whose lease the caller holds: the row as it was last read or written, and
/// its version.
pub struct LockedState {
    saved: Mutex<StoredState>,
    /// Not part of the row's mutex: a write in progress records its event when no task polls it,
    /// and must not wait for a commit.
    unlisted: std::sync::Mutex<Unlisted>,
}

struct StoredState {
    row: StateRecord,
    /// `None` before the first commit.
    etag: Option<String>,
    has_checked_row: bool,
    held_deletions: HeldDeletions,
    held_rows: usize,
}

impl LockedState {
    /// Reads the state and the problems of a pair.
    pub async fn read(store: &dyn Store, pair: &PairId) -> Result<(Self, Vec<ProblemRow>)> {
        let mut saved = StoredState {
            row: StateRecord::default(),
            etag: None,
            has_checked_row: false,
            held_deletions: HeldDeletions::default(),
            held_rows: 0,
        };
        let mut problems = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page: Vec<Row> =
                store.scan(Table::Pairs, pair.as_str(), STATE, after.as_deref(), PAGE).await?;
            let last = page.len() < PAGE;
            for row in page {
                match row.key.as_str() {
                    STATE => (saved.row, saved.etag) = (decode(STATE, &row.value)?, Some(row.etag)),
                    CHECKED => saved.has_checked_row = true,
                    key if key.starts_with(HELD_DELETIONS) => {
                        saved.held_deletions.add_row(key, &row.value)?;
                        saved.held_rows += 1;
                    }
                    key if key.starts_with(PROBLEM) => problems.push(decode(key, &row.value)?),
                    _ => {}
                }
                after = Some(row.key);
            }
            if last {
                let awaited = std::sync::Mutex::new(saved.row.unlisted.clone());
                return Ok((Self { saved: Mutex::new(saved), unlisted: awaited }, problems));
            }
        }
    }

    /// The row as it was last read or written.
    pub async fn row(&self) -> StateRecord {
        self.saved.lock().await.row.clone()
    }

    /// Whether nothing is stored for the pair: the pair is new, or was removed.
    pub async fn is_new(&self) -> bool {
        self.saved.lock().await.etag.is_none()
    }

    /// The number of copies.
    pub async fn copies(&self) -> u64 {
        self.saved.lock().await.row.copies
    }

    /// The number of copies that do not lie before the window.
    pub async fn current_copies(&self) -> u64 {
        let saved = self.saved.lock().await;
        saved.row.copies.saturating_sub(saved.row.archived)
    }

    /// The deletions that are held.
    pub async fn held_deletions(&self) -> HeldDeletions {
        self.saved.lock().await.held_deletions.clone()
    }

    /// Replaces the deletions that are held.
    pub async fn note_held_deletions(
        &self,
        notes: &mut Batch,
        members: HeldDeletions,
    ) -> Result<()> {
        let mut saved = self.saved.lock().await;
        if saved.held_deletions != members {
            let (ops, rows) = members.rows(saved.held_rows)?;
            notes.groups.extend(ops.into_iter().map(|op| Group::of(vec![op])));
            (saved.held_deletions, saved.held_rows) = (members, rows);
        }
        Ok(())
    }

    /// The number of events that another installation has copied, once this batch is committed.
    pub async fn copied_by_another(&self, notes: &Batch) -> u64 {
        let noted = notes.groups.iter().map(|group| group.by_another).sum();
        self.saved.lock().await.row.copied_by_another.saturating_add_signed(noted)
    }

    /// The events that were created and not listed yet.
    pub fn unlisted(&self) -> Unlisted {
        self.unlisted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the events that were created and not listed yet. Stored with the next commit.
    pub fn change_unlisted(&self, change: impl FnOnce(&mut Unlisted)) {
        change(&mut self.unlisted.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Corrects the counts after all mappings were read. Stored with the next commit.
    pub async fn set_counts(&self, copies: u64, archived: u64, by_another: u64) {
        let mut saved = self.saved.lock().await;
        (saved.row.copies, saved.row.archived, saved.row.copied_by_another) =
            (copies, archived, by_another);
    }

    /// A new pair uses names as event ids from its beginning. Stored with the next commit.
    pub async fn set_ids_are_names(&self) {
        self.saved.lock().await.row.ids_are_names = true;
    }

    /// Whether an event that the owner left out may come back under another name.
    pub async fn has_left_out(&self) -> bool {
        self.saved.lock().await.row.left_out
    }

    /// Sets whether an event that the owner left out may come back under another name. Stored with
    /// the next commit.
    pub async fn set_left_out(&self, left_out: bool) {
        self.saved.lock().await.row.left_out = left_out;
    }

    /// Series of this pair are shown by their occurrences from now on. Stored with the next commit.
    pub async fn set_has_expanded(&self) {
        self.saved.lock().await.row.has_expanded = true;
    }

    /// The day of the oldest deletion whose proof is kept.
    pub async fn proofs_since(&self) -> Option<Date> {
        self.saved.lock().await.row.proofs_since
    }

    /// Sets the day of the oldest proof to `today`, unless there is an older proof. Stored with the
    /// next commit.
    pub async fn note_proofs_since(&self, today: Date) {
        self.saved.lock().await.row.proofs_since.get_or_insert(today);
    }

    /// Sets the day of the oldest proof after older proofs were deleted. Stored with the next
    /// commit.
    pub async fn set_proofs_since(&self, oldest: Option<Date>) {
        self.saved.lock().await.row.proofs_since = oldest;
    }

    /// Sets the number of events that the pass has still to process. Stored with the next commit.
    pub async fn set_remaining(&self, left: u64) {
        self.saved.lock().await.row.remaining = Some(left);
    }

    /// Writes a batch: each mapping with its index rows in one transaction, and as many groups in
    /// one transaction as fit. The last transaction also writes the new state of the pair, if `now`
    /// is given; its counts are ignored, because the counts follow from the batch.
    ///
    /// # Errors
    /// [`Error::LeaseLost`] where another process has written the state since; then this value
    /// writes nothing more.
    pub async fn commit(
        &self,
        store: &dyn Store,
        pair: &PairId,
        notes: Batch,
        now: Option<StateRecord>,
    ) -> Result<()> {
        // Commits run one after another: each replaces the version that the commit before has
        // written.
        let mut saved = self.saved.lock().await;
        let mut groups = notes.groups.into_iter().peekable();
        let mut batch: Vec<Op> = Vec::new();
        let mut sums = CountChanges::default();
        while let Some(group) = groups.next() {
            sums.add(&group);
            batch.extend(group.ops);
            // A transaction cannot contain a row twice.
            let touches = |next: &Group| {
                next.ops.iter().any(|op| batch.iter().any(|other| other.key() == op.key()))
            };
            if groups.peek().is_some_and(|next| {
                batch.len() + next.ops.len() > MAX_COMMIT - OWN_OPS || touches(next)
            }) {
                let row = StateRecord {
                    unlisted: self.unlisted().stored(saved.row.pass_count + 1),
                    ..saved.row.clone()
                };
                saved
                    .replace(
                        store,
                        pair,
                        std::mem::take(&mut batch),
                        std::mem::take(&mut sums),
                        row,
                    )
                    .await?;
            }
        }
        match now {
            Some(row) => {
                let row = StateRecord {
                    unlisted: self.unlisted().stored(saved.row.pass_count + 1),
                    ..row
                };
                saved.replace(store, pair, batch, sums, row).await
            }
            None if batch.is_empty() => Ok(()),
            None => {
                let row = StateRecord {
                    unlisted: self.unlisted().stored(saved.row.pass_count + 1),
                    ..saved.row.clone()
                };
                saved.replace(store, pair, batch, sums, row).await
            }
        }
    }
}

impl StoredState {
    async fn replace(
        &mut self,
        store: &dyn Store,
        pair: &PairId,
        mut ops: Vec<Op>,
        sums: CountChanges,
        row: StateRecord,
    ) -> Result<()> {
        // These fields follow from what was written before; the caller's values are ignored.
        let row = StateRecord {
            copies: self.row.copies.saturating_add_signed(sums.copies),
            archived: self.row.archived.saturating_add_signed(sums.archived),
            copied_by_another: self.row.copied_by_another.saturating_add_signed(sums.by_another),
            has_aliases: self.row.has_aliases || sums.aliased,
            left_out: self.row.left_out,
            has_expanded: self.row.has_expanded,
            proofs_since: self.row.proofs_since,
            conflicts: self.row.conflicts.clone(),
            quickness: self.row.quickness.clone(),
            ids_are_names: self.row.ids_are_names || row.ids_are_names,
            ..row
        };
        let (key, value) = (STATE.to_owned(), encode(&row)?);
        ops.push(match &self.etag {
            Some(etag) => Op::Replace { key, etag: etag.clone(), value },
            None => Op::Insert { key, value },
        });
        let at = ops.len() - 1;
        if let (false, Some(at)) = (self.has_checked_row, row.last_sync) {
            ops.push(Op::Put { key: CHECKED.into(), value: encode(&CheckedRow { at })? });
        }
        let etags = match store.commit(Table::Pairs, pair.as_str(), &ops).await {
            Ok(etags) => etags,
            Err(store::Error::Conflict(_)) => return Err(Error::LeaseLost),
            Err(error) => return Err(error.into()),
        };
        self.etag = etags.into_iter().nth(at);
        self.has_checked_row |= row.last_sync.is_some();
        self.row = row;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
