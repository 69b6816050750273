//! What is remembered of a pair: the rows of [`Table::Pairs`], partition = pair id.
//!
//! | row | holds | why so |
//! |---|---|---|
//! | `s` | [`PairRow`]: cursors, last pass, what is held | written once at the end of a pass |
//! | `n` | how many copies are kept | written together with the mappings it counts, so it is never wrong |
//! | `m:` + mapping id | [`Mapping`] | the id follows from the origin: an origin's mapping is one read |
//! | `x:` + name of an event | the mapping of a copy (or of an origin that was made again) | the other way in |
//! | `p:` + name of an event | [`ProblemRow`]: an event that could not be copied | for `status` |

use std::collections::BTreeMap;

use engine::calendar::{CalendarId, PairId};
use engine::change::Cursor;
use engine::event::EventId;
use engine::mapping::Mapping;
use engine::marker::{MappingId, Marks};
use engine::pair::{Pair, Side};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::{MAX_COMMIT, Op, Table};

use crate::report::{EventProblem, Held, PairStatus, Problem};
use crate::{Error, Result, Services};

/// The version of these rows.
const VERSION: u32 = 1;
const STATE: &str = "s";
const COUNT: &str = "n";
const MAPPING: &str = "m:";
const INDEX: &str = "x:";
const PROBLEM: &str = "p:";
/// Rows read with one request.
const PAGE: usize = 500;

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    v: u32,
    #[serde(flatten)]
    row: T,
}

/// Where a pair stands.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct PairRow {
    /// How far each calendar was read.
    #[serde(default)]
    pub from: Option<CursorRow>,
    /// The same for the other.
    #[serde(default)]
    pub to: Option<CursorRow>,
    /// The day whose window was last listed as a whole.
    #[serde(default)]
    pub listed_on: Option<Date>,
    /// The end of the last complete pass.
    #[serde(default)]
    pub last_sync: Option<Timestamp>,
    /// How the last pass ended.
    #[serde(default)]
    pub status: Option<PairStatus>,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<Problem>,
    /// Deletions that wait.
    #[serde(default)]
    pub held: Option<HeldRow>,
    /// Deletions made today, for the daily cap.
    #[serde(default)]
    pub deletions: Option<(Date, u64)>,
}

/// How far a calendar was read, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CursorRow {
    /// The provider's word.
    pub cursor: Cursor,
    /// When it was saved.
    pub at: Timestamp,
}

/// Deletions that wait, and since when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldRow {
    /// As it is shown.
    pub held: Held,
    /// Since then; a second look is due ten minutes later.
    pub since: Timestamp,
}

impl PairRow {
    /// The cursor of that end.
    pub fn cursor(&self, side: Side) -> Option<&Cursor> {
        match side {
            Side::From => self.from.as_ref(),
            Side::To => self.to.as_ref(),
        }
        .map(|row| &row.cursor)
    }

    /// Notes a cursor.
    pub fn set_cursor(&mut self, side: Side, cursor: Cursor, at: Timestamp) {
        let row = Some(CursorRow { cursor, at });
        match side {
            Side::From => self.from = row,
            Side::To => self.to = row,
        }
    }

    /// Deletions made on that day.
    pub fn deletions_on(&self, day: Date) -> u64 {
        self.deletions.filter(|(date, _)| *date == day).map_or(0, |(_, count)| count)
    }
}

#[derive(Serialize, Deserialize)]
struct CountRow {
    copies: u64,
}

#[derive(Serialize, Deserialize)]
struct IndexRow {
    m: MappingId,
}

/// An event that could not be copied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProblemRow {
    /// As it is shown.
    #[serde(flatten)]
    pub problem: EventProblem,
    /// The version that could not be copied.
    #[serde(default)]
    pub etag: Option<String>,
}

/// Reads and writes what is remembered of one pair.
pub struct Memory<'a> {
    services: &'a Services,
    marks: &'a Marks,
    pair: &'a Pair,
}

/// What is to be remembered, row by row; committed in transactions of at most a hundred.
#[derive(Default)]
pub struct Notes {
    ops: Vec<Vec<Op>>,
    /// Change in the number of copies.
    copies: i64,
}

impl Notes {
    /// Nothing to write.
    pub fn is_empty(&self) -> bool {
        self.ops.is_empty()
    }
    /// How many mappings are noted.
    pub fn len(&self) -> usize {
        self.ops.len()
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

    /// Where the pair stands.
    pub async fn state(&self) -> Result<PairRow> {
        state(self.services, &self.pair.id).await
    }

    /// Notes where the pair stands: the last write of a pass.
    pub async fn save_state(&self, row: &PairRow) -> Result<()> {
        save_state(self.services, &self.pair.id, row).await
    }

    /// How many copies are kept.
    pub async fn copies(&self) -> Result<u64> {
        copies(self.services, &self.pair.id).await
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

    /// A page of mappings, in the order of their ids, after a key.
    pub async fn page(&self, after: Option<&str>) -> Result<Vec<(String, Mapping)>> {
        let rows = self.services.store.scan(Table::Pairs, self.partition(), MAPPING, after, PAGE).await?;
        rows.into_iter().map(|row| Ok((decode(&row.key, &row.value)?, row.key))).map(|pair| pair.map(|(m, key)| (key, m))).collect()
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
        notes.ops.push(ops);
        notes.copies += i64::from(now.is_live()) - i64::from(before.is_some_and(Mapping::is_live));
        Ok(())
    }

    /// Drops a mapping.
    pub fn forget(&self, notes: &mut Notes, mapping: &Mapping) {
        let keys = self.index_keys(mapping).into_iter().chain([mapping_key(mapping.id)]);
        notes.ops.push(keys.map(|key| Op::Delete { key, etag: None }).collect());
        notes.copies -= i64::from(mapping.is_live());
    }

    /// Notes an event that could not be copied.
    pub fn note_problem(&self, notes: &mut Notes, id: &EventId, row: &ProblemRow) -> Result<()> {
        let key = problem_key(self.marks, &row.problem.calendar, id);
        notes.ops.push(vec![Op::Put { key, value: encode(row)? }]);
        Ok(())
    }

    /// Drops such a note.
    pub fn forget_problem(&self, notes: &mut Notes, calendar: &CalendarId, id: &str) {
        let key = problem_key(self.marks, calendar, &EventId::new(id));
        notes.ops.push(vec![Op::Delete { key, etag: None }]);
    }

    /// Writes what was noted: each mapping with its index rows in one transaction, many of them together, and the count with them.
    pub async fn commit(&self, notes: Notes) -> Result<()> {
        let mut copies = i64::try_from(self.copies().await?).unwrap_or(i64::MAX);
        let mut batch: Vec<Op> = Vec::new();
        let mut groups = notes.ops.into_iter().peekable();
        while let Some(group) = groups.next() {
            batch.extend(group);
            let more = groups.peek().is_some_and(|next| batch.len() + next.len() < MAX_COMMIT);
            if more {
                continue;
            }
            // The count moves with the last transaction; a crash between two leaves it off by what the next full pass counts again.
            if groups.peek().is_none() && notes.copies != 0 {
                copies += notes.copies;
                batch.push(Op::Put { key: COUNT.into(), value: encode(&CountRow { copies: u64::try_from(copies).unwrap_or(0) })? });
            }
            self.services.store.commit(Table::Pairs, self.partition(), &std::mem::take(&mut batch)).await?;
        }
        Ok(())
    }

    /// Corrects the count, after all mappings were read.
    pub async fn set_copies(&self, copies: u64) -> Result<()> {
        let op = Op::Put { key: COUNT.into(), value: encode(&CountRow { copies })? };
        self.services.store.commit(Table::Pairs, self.partition(), &[op]).await?;
        Ok(())
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

/// Where a pair stands.
pub async fn state(services: &Services, pair: &PairId) -> Result<PairRow> {
    let row = services.store.get(Table::Pairs, pair.as_str(), STATE).await?;
    row.map(|row| decode(STATE, &row.value)).transpose().map(Option::unwrap_or_default)
}

/// Notes where a pair stands; for whoever holds the pair's lease.
pub async fn save_state(services: &Services, pair: &PairId, row: &PairRow) -> Result<()> {
    let op = Op::Put { key: STATE.into(), value: encode(row)? };
    services.store.commit(Table::Pairs, pair.as_str(), &[op]).await?;
    Ok(())
}

/// How many copies a pair keeps.
pub async fn copies(services: &Services, pair: &PairId) -> Result<u64> {
    let row = services.store.get(Table::Pairs, pair.as_str(), COUNT).await?;
    row.map(|row| decode(COUNT, &row.value)).transpose().map(|row: Option<CountRow>| row.map_or(0, |row| row.copies))
}

/// The events of a pair that could not be copied, at most `limit`.
pub async fn problems(services: &Services, pair: &PairId, limit: usize) -> Result<Vec<ProblemRow>> {
    let rows = services.store.scan(Table::Pairs, pair.as_str(), PROBLEM, None, limit.clamp(1, 1000)).await?;
    rows.into_iter().map(|row| decode(&row.key, &row.value)).collect()
}

fn mapping_key(id: MappingId) -> String {
    format!("{MAPPING}{}", String::from(id))
}

fn index_key(marks: &Marks, calendar: &CalendarId, id: &EventId) -> String {
    format!("{INDEX}{}", marks.row_name(calendar, id))
}

fn problem_key(marks: &Marks, calendar: &CalendarId, id: &EventId) -> String {
    format!("{PROBLEM}{}", marks.row_name(calendar, id))
}

fn encode<T: Serialize>(row: &T) -> Result<String> {
    serde_json::to_string(&Versioned { v: VERSION, row }).map_err(|_| Error::Damaged("a row cannot be written down".into()))
}

fn decode<T: DeserializeOwned>(key: &str, text: &str) -> Result<T> {
    let row: Versioned<T> = serde_json::from_str(text).map_err(|_| Error::Damaged(format!("the row {key} is not what it should be")))?;
    if row.v > VERSION {
        return Err(Error::Damaged(format!("the row {key} was written by a newer calrelay; use the newer program")));
    }
    Ok(row.row)
}
