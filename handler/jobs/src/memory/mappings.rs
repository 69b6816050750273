//! Mappings: looked up from both ends, noted, dropped.

use std::collections::BTreeMap;

use engine::calendar::CalendarId;
use engine::event::EventId;
use engine::mapping::Mapping;
use engine::marker::{MappingId, Marks};
use engine::pair::{Pair, Side};
use serde::de::DeserializeOwned;
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
        Head::read(&*self.services.store, &self.pair.id).await
    }

    /// The mappings of these events of one calendar, be they origins or copies. One row for each that its likelier name finds, two for others.
    pub async fn lookup(&self, side: Side, ids: &[EventId]) -> Result<BTreeMap<EventId, Mapping>> {
        let mut found = match side {
            Side::From => self.origins(side, ids.iter()).await?,
            Side::To => self.indexed(side, ids.iter()).await?,
        };
        // Of a one-way pair no origin was ever made again, and no event of the other calendar is one.
        if self.pair.two_way {
            let rest: Vec<&EventId> = ids.iter().filter(|id| !found.contains_key(*id)).collect();
            found.extend(match side {
                Side::From => self.indexed(side, rest.into_iter()).await?,
                Side::To => self.origins(side, rest.into_iter()).await?,
            });
        }
        Ok(found)
    }

    /// Those of which these are the origins, and always were.
    async fn origins(&self, side: Side, ids: impl Iterator<Item = &EventId>) -> Result<BTreeMap<EventId, Mapping>> {
        let (calendar, other) = (self.pair.calendar(side), self.pair.calendar(side.other()));
        let keys: BTreeMap<String, &EventId> = ids.map(|id| (mapping_key(self.marks.mapping(calendar, other, id)), id)).collect();
        let mut found = BTreeMap::new();
        for (id, mapping) in self.get_many::<Mapping>(keys).await? {
            // An origin that was made again keeps the mapping of its former id.
            if mapping.side == side && mapping.origin.id == *id {
                found.insert(id.clone(), mapping);
            }
        }
        Ok(found)
    }

    /// Those of which these are the copies, or origins that were made again.
    async fn indexed(&self, side: Side, ids: impl Iterator<Item = &EventId>) -> Result<BTreeMap<EventId, Mapping>> {
        let calendar = self.pair.calendar(side);
        let keys = ids.map(|id| (index_key(self.marks, calendar, id), id)).collect();
        let indirect = self.get_many::<IndexRow>(keys).await?.into_iter().map(|(id, index)| (mapping_key(index.m), id)).collect();
        Ok(self.get_many(indirect).await?.into_iter().map(|(id, mapping)| (id.clone(), mapping)).collect())
    }

    /// A mapping by its id.
    pub async fn mapping(&self, id: MappingId) -> Result<Option<Mapping>> {
        let key = mapping_key(id);
        let row = self.services.store.get(Table::Pairs, self.partition(), &key).await?;
        row.map(|row| decode(&key, &row.value)).transpose()
    }

    /// The rows of these keys, as many as there are, each with what was asked for by its key.
    async fn get_many<'k, T: DeserializeOwned>(&self, wanted: BTreeMap<String, &'k EventId>) -> Result<Vec<(&'k EventId, T)>> {
        let keys: Vec<String> = wanted.keys().cloned().collect();
        let mut found = Vec::new();
        for keys in keys.chunks(MAX_COMMIT) {
            for row in self.services.store.get_many(Table::Pairs, self.partition(), keys).await? {
                if let Some(id) = wanted.get(&row.key) {
                    found.push((*id, decode(&row.key, &row.value)?));
                }
            }
        }
        Ok(found)
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
        head.commit(&*self.services.store, &self.pair.id, notes, None).await
    }

    /// The last write of a pass: what was noted, and where the pair stands from now on.
    pub(crate) async fn finish(&self, head: &Head, notes: Notes, row: PairRow) -> Result<()> {
        head.commit(&*self.services.store, &self.pair.id, notes, Some(row)).await
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
