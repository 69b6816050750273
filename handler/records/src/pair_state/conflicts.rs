//! Conflicts: changes of both sides to one event that met. Times and names of fields, never
//! values; kept for thirty days, and the last two hundred of a pair.
//!
//! The rows are a ring: a new row takes the place of the oldest one. What the state of the pair
//! remembers of them (a number of rows a day) names those that are too old, so that nothing is
//! searched to delete them.

use std::collections::VecDeque;

use engine::calendar::{CalendarId, PairId};
use engine::event::{Field, Parts};
use engine::plan::Outcome;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use store::{Op, Store, Table};

use super::batch::{Batch, Group};
use super::keys::CONFLICT;
use crate::Result;
use crate::codec::{decode, encode};

/// How many days conflicts are kept.
pub const KEPT_DAYS: i64 = 30;
/// The most conflicts that are kept of a pair.
pub const MOST: usize = 200;

const ROWS: u64 = MOST as u64;
const PER_ROW: usize = 20;
/// The most rows that one pass deletes; the next day's pass deletes others.
const MOST_DELETED: u64 = 40;

/// Changes of both sides to one event that met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ConflictRow {
    /// The id of the origin.
    pub event: String,
    /// The calendar of the origin.
    #[schema(value_type = String)]
    pub calendar: CalendarId,
    /// When the pass found both changes.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The start of the event: an instant, or a day.
    pub start: Option<String>,
    /// The names of the fields that met; `occurrences` for single ones of a series.
    pub fields: Vec<String>,
    #[schema(value_type = String)]
    pub outcome: Outcome,
}

/// The names of these parts.
pub fn field_names(parts: &Parts) -> Vec<String> {
    let name = |field: &Field| match field {
        Field::Time => "time",
        Field::Title => "title",
        Field::Description => "description",
        Field::Location => "location",
        Field::Attendees => "guests",
        Field::Visibility => "visibility",
        Field::Busy => "busy",
    };
    let occurrences = (!parts.exceptions.is_empty()).then_some("occurrences");
    parts.fields.iter().map(name).chain(occurrences).map(str::to_owned).collect()
}

/// Conflicts of one pass, in the order in which they were found.
#[derive(Serialize, Deserialize)]
struct RingRow {
    n: u64,
    conflicts: Vec<ConflictRow>,
}

/// What the state of a pair remembers of its conflicts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictLog {
    /// The number of the next row.
    next: u64,
    /// By day, the oldest first: rows that are there, and conflicts.
    days: VecDeque<(Date, u64, u64)>,
}

impl ConflictLog {
    pub(super) fn is_empty(&self) -> bool {
        self.next == 0
    }

    /// The conflicts of the last thirty days, at most [`MOST`].
    pub fn count(&self, today: Date) -> u64 {
        let recent = self.days.iter().filter(|(day, ..)| *day >= oldest(today));
        recent.map(|(_, _, conflicts)| conflicts).sum::<u64>().min(ROWS)
    }

    /// Adds conflicts to a batch.
    pub(super) fn note(
        &mut self,
        batch: &mut Batch,
        today: Date,
        rows: &[ConflictRow],
    ) -> Result<()> {
        for rows in rows[rows.len().saturating_sub(MOST)..].chunks(PER_ROW) {
            let row = RingRow { n: self.next, conflicts: rows.to_vec() };
            let op = Op::Put { key: key(row.n), value: encode(&row)? };
            batch.groups.push(Group::of(vec![op]));
            self.next += 1;
            match self.days.back_mut().filter(|(day, ..)| *day >= today) {
                Some((_, count, conflicts)) => {
                    (*count, *conflicts) = (*count + 1, *conflicts + rows.len() as u64);
                }
                None => self.days.push_back((today, 1, rows.len() as u64)),
            }
            if self.rows() > ROWS {
                self.drop_oldest(1);
            }
        }
        Ok(())
    }

    /// Adds the deletion of rows that are too old to a batch.
    pub(super) fn prune(&mut self, batch: &mut Batch, today: Date) {
        let mut left = MOST_DELETED;
        while let Some((day, count, _)) = self.days.front().copied()
            && day < oldest(today)
            && left > 0
        {
            let first = self.next - self.rows();
            let deleted = count.min(left);
            for n in first..first + deleted {
                batch.groups.push(Group::of(vec![Op::Delete { key: key(n), etag: None }]));
            }
            self.drop_oldest(deleted);
            left -= deleted;
        }
    }

    fn rows(&self) -> u64 {
        self.days.iter().map(|(_, rows, _)| rows).sum()
    }

    fn drop_oldest(&mut self, rows: u64) {
        if let Some((_, count, _)) = self.days.front_mut() {
            *count = count.saturating_sub(rows);
            if *count == 0 {
                self.days.pop_front();
            }
        }
    }
}

/// The first day whose conflicts are kept.
fn oldest(today: Date) -> Date {
    today.saturating_sub(KEPT_DAYS.days())
}

fn key(n: u64) -> String {
    format!("{CONFLICT}{:03}", n % ROWS)
}

/// The position of a conflict: the number of its row, and its place there.
pub type ConflictPosition = (u64, usize);

/// The conflicts since an instant, the latest first, at most [`MOST`]. One request.
pub async fn list(
    store: &dyn Store,
    pair: &PairId,
    since: Timestamp,
) -> Result<Vec<(ConflictPosition, ConflictRow)>> {
    let rows = store.scan(Table::Pairs, pair.as_str(), CONFLICT, None, MOST).await?;
    let mut found = Vec::new();
    for row in rows {
        let RingRow { n, conflicts } = decode(&row.key, &row.value)?;
        let placed = conflicts.into_iter().enumerate();
        found.extend(placed.map(|(place, conflict)| ((n, place), conflict)));
    }
    found.retain(|(_, conflict)| conflict.at >= since);
    found.sort_by_key(|(position, _)| std::cmp::Reverse(*position));
    found.truncate(MOST);
    Ok(found)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;
    use store::Embedded;

    use super::*;

    const TODAY: Date = date(2026, 3, 10);

    fn at(day: Date) -> Timestamp {
        engine::zone::day_instant(day)
    }

    fn row(event: usize, day: Date) -> ConflictRow {
        ConflictRow {
            event: format!("e{event}"),
            calendar: CalendarId::new("c1"),
            at: at(day),
            start: None,
            fields: vec!["time".into()],
            outcome: Outcome::FromWins,
        }
    }

    async fn store_batch(store: &Embedded, batch: Batch) {
        for group in batch.groups {
            store.commit(Table::Pairs, "p1", &group.ops).await.unwrap();
        }
    }

    async fn listed(store: &Embedded, today: Date) -> Vec<String> {
        let since = at(oldest(today));
        let found = list(store, &PairId::new("p1"), since).await.unwrap();
        found.into_iter().map(|(_, row)| row.event).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        /// However conflicts come, the last ones are listed, as many as are counted; no more rows
        /// are there than the ring has, and after days without any none is left.
        #[test]
        fn the_last_conflicts_of_a_month_are_there(
            passes in prop::collection::vec((0_i64..9, 0_usize..45), 1..40),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let dir = tempfile::tempdir().unwrap();
                let store = Embedded::open(dir.path(), || Timestamp::UNIX_EPOCH).unwrap();
                let (mut log, mut today, mut all) = (ConflictLog::default(), TODAY, Vec::new());
                for (days, count) in passes {
                    today = today.saturating_add(days.days());
                    let rows: Vec<_> = (0..count).map(|n| row(all.len() + n, today)).collect();
                    let mut batch = Batch::default();
                    log.prune(&mut batch, today);
                    log.note(&mut batch, today, &rows).unwrap();
                    store_batch(&store, batch).await;
                    all.extend(rows);
                    let recent = all.iter().rev().filter(|row| row.at >= at(oldest(today)));
                    let wanted: Vec<_> =
                        recent.take(MOST).map(|row| row.event.clone()).collect();
                    assert_eq!(listed(&store, today).await, wanted);
                    assert_eq!(log.count(today), wanted.len() as u64);
                }
                for _ in 0..8 {
                    today = today.saturating_add(KEPT_DAYS.days());
                    let mut batch = Batch::default();
                    log.prune(&mut batch, today);
                    assert!(batch.groups.len() as u64 <= MOST_DELETED);
                    store_batch(&store, batch).await;
                }
                let rows = store.scan(Table::Pairs, "p1", "", None, 1000).await.unwrap();
                let left = log.days.iter().filter(|(day, ..)| *day < oldest(today)).count();
                assert!((rows.is_empty(), left) == (true, 0), "{} rows", rows.len());
            });
        }
    }

    #[test]
    fn parts_have_names_and_no_values() {
        let mut parts = Parts::default();
        parts.fields.extend([Field::Title, Field::Time, Field::Attendees]);
        parts.exceptions.insert(engine::event::OriginalStart::Day(TODAY));
        assert_eq!(field_names(&parts), ["time", "title", "guests", "occurrences"]);
    }
}
