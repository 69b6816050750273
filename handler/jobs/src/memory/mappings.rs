//! Mappings: looked up from both ends, noted, dropped.

use std::collections::BTreeMap;

use engine::calendar::CalendarId;
use engine::event::EventId;
use engine::mapping::Mapping;
use engine::marker::{MappingId, Marks};
use engine::pair::{Pair, Side};
use serde::{Deserialize, Serialize};
use store::{MAX_COMMIT, Op, Table};

use super::state::{Head, PairRow, ProblemRow};
use super::{MAPPING, decode, encode, index_key, mapping_key, problem_key};
use crate::{Result, Services};

/// Rows read with one request.
const PAGE: usize = 500;

#[derive(Serialize, Deserialize)]
struct IndexRow {
    m: MappingId,
}

/// Reads and writes what is remembered of one pair.
pub struct Memory<'a> {
    services: &'a Services,
    marks: &'a Marks,
    pair: &'a Pair,
}

/// What is to be remembered, row by row.
#[derive(Default)]
pub struct Notes {
    pub(super) groups: Vec<Group>,
}

/// Rows that are written together, or not at all.
pub(super) struct Group {
    pub ops: Vec<Op>,
    /// Change in the number of copies.
    pub copies: i64,
}

impl Notes {
    /// Nothing to write.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// How many mappings are noted.
    pub fn len(&self) -> usize {
        self.groups.len()
    }
}

impl<'a> Memory<'a> {
    /// For a pair.
    pub fn new(services: &'a Services, marks: &'a Marks, pair: &'a Pair) -> Self {
        Self { services, marks, pair }
    }

    fn partition(&self) -> &str {
        self.pair.id.as_str()
    }

    /// Where the pair stands, and which events could not be copied; for whoever holds its lease. One request.
    pub(crate) async fn begin(&self) -> Result<(Head, Vec<ProblemRow>)> {
        Head::read(self.services, &self.pair.id).await
    }

    /// The mappings of these events of one calendar, be they origins or copies.
    pub async fn lookup(&self, side: Side, ids: &[EventId]) -> Result<BTreeMap<EventId, Mapping>> {
        let calendar = self.pair.calendar(side);
        let other = self.pair.calendar(side.other());
        let mut wanted: BTreeMap<String, &EventId> = BTreeMap::new();
        for id in ids {
            wanted.insert(mapping_key(self.marks.mapping(calendar, other, id)), id);
            wanted.insert(index_key(self.marks, calendar, id), id);
        }
        let mut found = BTreeMap::new();
        let mut indirect: BTreeMap<String, &EventId> = BTreeMap::new();
        for (key, value) in self.get_many(wanted.keys().cloned().collect()).await? {
            let Some(id) = wanted.get(&key) else { continue };
            if key.starts_with(MAPPING) {
                let mapping: Mapping = decode(&key, &value)?;
                // An origin that was made again keeps the mapping of its former id.
                if mapping.side == side && mapping.origin.id == **id {
                    found.insert((*id).clone(), mapping);
                }
            } else {
                let index: IndexRow = decode(&key, &value)?;
                indirect.insert(mapping_key(index.m), id);
            }
        }
        for (key, value) in self.get_many(indirect.keys().cloned().collect()).await? {
            if let Some(id) = indirect.get(&key) {
                found.insert((*id).clone(), decode(&key, &value)?);
            }
        }
        Ok(found)
    }

    /// A mapping by its id.
    pub async fn mapping(&self, id: MappingId) -> Result<Option<Mapping>> {
        let key = mapping_key(id);
        let row = self.services.store.get(Table::Pairs, self.partition(), &key).await?;
        row.map(|row| decode(&key, &row.value)).transpose()
    }

    async fn get_many(&self, keys: Vec<String>) -> Result<Vec<(String, String)>> {
        let mut rows = Vec::new();
        for keys in keys.chunks(MAX_COMMIT) {
            rows.extend(self.services.store.get_many(Table::Pairs, self.partition(), keys).await?);
        }
        Ok(rows.into_iter().map(|row| (row.key, row.value)).collect())
    }

    /// A page of mappings, in the order of their ids, after a key; and the key after which the next page begins, unless this is the last.
    pub async fn page(&self, after: Option<&str>) -> Result<(Vec<Mapping>, Option<String>)> {
        let rows = self.services.store.scan(Table::Pairs, self.partition(), MAPPING, after, PAGE).await?;
        let next = rows.last().filter(|_| rows.len() == PAGE).map(|row| row.key.clone());
        let mappings: Result<Vec<Mapping>> = rows.iter().map(|row| decode(&row.key, &row.value)).collect();
        Ok((mappings?, next))
    }

    /// Notes a mapping as it is now; `before` is what was stored, if anything was.
    pub fn note(&self, notes: &mut Notes, before: Option<&Mapping>, now: &Mapping) -> Result<()> {
        let mut ops = vec![Op::Put { key: mapping_key(now.id), value: encode(now)? }];
        let keys_before = before.map(|mapping| self.index_keys(mapping)).unwrap_or_default();
        let keys_now = self.index_keys(now);
        ops.extend(keys_before.iter().filter(|key| !keys_now.contains(*key)).map(|key| Op::Delete { key: key.clone(), etag: None }));
        for key in keys_now.into_iter().filter(|key| !keys_before.contains(key)) {
            ops.push(Op::Put { key, value: encode(&IndexRow { m: now.id })? });
        }
        let copies = i64::from(now.is_live()) - i64::from(before.is_some_and(Mapping::is_live));
        notes.groups.push(Group { ops, copies });
        Ok(())
    }

    /// Drops a mapping.
    pub fn forget(&self, notes: &mut Notes, mapping: &Mapping) {
        let keys = self.index_keys(mapping).into_iter().chain([mapping_key(mapping.id)]);
        let ops = keys.map(|key| Op::Delete { key, etag: None }).collect();
        notes.groups.push(Group { ops, copies: -i64::from(mapping.is_live()) });
    }

    /// Notes an event that could not be copied.
    pub fn note_problem(&self, notes: &mut Notes, id: &EventId, row: &ProblemRow) -> Result<()> {
        let key = problem_key(self.marks, &row.problem.calendar, id);
        notes.groups.push(Group { ops: vec![Op::Put { key, value: encode(row)? }], copies: 0 });
        Ok(())
    }

    /// Drops such a note.
    pub fn forget_problem(&self, notes: &mut Notes, calendar: &CalendarId, id: &str) {
        let key = problem_key(self.marks, calendar, &EventId::new(id));
        notes.groups.push(Group { ops: vec![Op::Delete { key, etag: None }], copies: 0 });
    }

    /// Writes what was noted ([`Head::commit`]).
    pub(crate) async fn commit(&self, head: &Head, notes: Notes) -> Result<()> {
        head.commit(self.services, &self.pair.id, notes, None).await
    }

    /// The last write of a pass: what was noted, and where the pair stands from now on.
    pub(crate) async fn finish(&self, head: &Head, notes: Notes, row: PairRow) -> Result<()> {
        head.commit(self.services, &self.pair.id, notes, Some(row)).await
    }

    fn index_keys(&self, mapping: &Mapping) -> Vec<String> {
        let copies = self.pair.calendar(mapping.side.other());
        let origins = self.pair.calendar(mapping.side);
        let mut keys = vec![index_key(self.marks, copies, &mapping.copy.id)];
        if self.marks.mapping(origins, copies, &mapping.origin.id) != mapping.id {
            keys.push(index_key(self.marks, origins, &mapping.origin.id));
        }
        keys
    }
}
