//! Series that are shown by their occurrences, because the calendar of the copies cannot hold their
//! rules.

use std::collections::BTreeSet;

use engine::event::EventId;
use engine::pair::{PerSide, Side};
use serde::{Deserialize, Serialize};
use store::{Op, Table};

use super::batch::{Batch, Group};
use super::keys::{EXPANDED, expanded_key};
use super::pair_store::PairStore;
use crate::Result;
use crate::codec::{decode, encode};

const PAGE: usize = 1000;

#[derive(Serialize, Deserialize)]
struct ExpandedRow {
    side: Side,
    event: EventId,
}

impl PairStore<'_> {
    /// The series of each calendar that are shown by their occurrences.
    pub async fn expanded(&self) -> Result<PerSide<BTreeSet<EventId>>> {
        let mut found = PerSide::<BTreeSet<EventId>>::default();
        let mut after: Option<String> = None;
        loop {
            let rows = self
                .store
                .scan(Table::Pairs, self.pair.id.as_str(), EXPANDED, after.as_deref(), PAGE)
                .await?;
            for row in &rows {
                let ExpandedRow { side, event } = decode(&row.key, &row.value)?;
                found[side].insert(event);
            }
            after = rows.last().filter(|_| rows.len() == PAGE).map(|row| row.key.clone());
            if after.is_none() {
                return Ok(found);
            }
        }
    }

    /// Notes that a series is shown by its occurrences from now on.
    pub fn note_expanded(&self, batch: &mut Batch, side: Side, event: &EventId) -> Result<()> {
        let key = expanded_key(self.marks, self.pair.calendar(side), event);
        let value = encode(&ExpandedRow { side, event: event.clone() })?;
        batch.groups.push(Group::of(vec![Op::Put { key, value }]));
        Ok(())
    }
}
