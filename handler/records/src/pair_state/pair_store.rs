//! Mappings: found from both ends, written, deleted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::calendar::{CalendarId, PairId};
use engine::event::EventId;
use engine::mapping::{Mapping, MappingState};
use engine::marker::{MappingId, Marks};
use engine::pair::{Pair, PerSide, Side};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::{MAX_COMMIT, Op, Store, Table};

use super::batch::{Batch, Group};
use super::keys::{MAPPING, index_key, mapping_key, problem_key, series_prefix};
use super::locked_state::LockedState;
use super::record::{ProblemRow, StateRecord};
use crate::Result;
use crate::codec::{decode, encode};

const PAGE: usize = 500;

#[derive(Serialize, Deserialize)]
struct IndexRow {
    m: MappingId,
}

/// Reads and writes the rows of one pair.
pub struct PairStore<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) marks: &'a Marks,
    pub pair: &'a Pair,
    /// The addresses of the calendars from which the first release derived the ids of its mappings
    /// (`jobs::first_release`).
    pub(super) legacy_bases: OnceLock<PerSide<Option<String>>>,
    /// An origin has a mapping whose id is not derived from the origin's name.
    has_aliases: AtomicBool,
}

/// The mappings of some events.
#[derive(Debug, Default)]
pub struct Lookup {
    pub known: BTreeMap<EventId, Mapping>,
    /// Events without a mapping whose name belongs to the mapping of another event.
    pub taken: BTreeSet<EventId>,
}

impl<'a> PairStore<'a> {
    /// The rows of this pair.
    pub fn new(store: &'a dyn Store, marks: &'a Marks, pair: &'a Pair) -> Self {
        Self {
            store,
            marks,
            pair,
            legacy_bases: OnceLock::new(),
            has_aliases: AtomicBool::new(false),
        }
    }

    fn partition(&self) -> &str {
        self.pair.id.as_str()
    }

    /// The state and the problems of the pair. The caller holds the lease. One request.
    pub async fn read_state(&self) -> Result<(LockedState, Vec<ProblemRow>)> {
        let (locked, problems) = LockedState::read(self.store, &self.pair.id).await?;
        self.apply_state(&locked.row().await);
        Ok((locked, problems))
    }

    /// Applies what the state says about looking up mappings.
    pub fn apply_state(&self, row: &StateRecord) {
        self.has_aliases.fetch_or(row.has_aliases, Ordering::Relaxed);
        if let Some(bases) = &row.legacy_bases {
            // The addresses never change after they were set.
            let _ = self.legacy_bases.set(bases.clone());
        }
    }

    /// The mappings of these events of one calendar, whether the events are origins or copies.
    /// Reads one row for an event that its more likely name finds, two rows for other events.
    pub async fn lookup(&self, side: Side, ids: &[EventId]) -> Result<Lookup> {
        let mut found = Lookup::default();
        // In a one-way pair, no event of the target calendar is an origin. An origin whose mapping
        // has another name is rare.
        let (origins, indexed) = match side {
            Side::From => (true, self.pair.two_way || self.has_aliases.load(Ordering::Relaxed)),
            Side::To => (self.pair.two_way, true),
        };
        let rest = |found: &Lookup| {
            ids.iter().filter(|id| !found.known.contains_key(*id)).cloned().collect::<Vec<_>>()
        };
        if side == Side::To && indexed {
            self.indexed(side, rest(&found), &mut found).await?;
        }
        if origins {
            self.origins(side, rest(&found), &mut found).await?;
        }
        if side == Side::From && indexed {
            self.indexed(side, rest(&found), &mut found).await?;
        }
        Ok(found)
    }

    /// Adds the mappings whose ids are derived from these origins.
    async fn origins(&self, side: Side, ids: Vec<EventId>, found: &mut Lookup) -> Result<()> {
        let mut ids = ids;
        for legacy in [true, false] {
            let keys = ids
                .iter()
                .filter_map(|id| Some((mapping_key(self.derived(side, id, legacy)?), id.clone())))
                .collect();
            for (id, mapping) in self.get_many::<_, Mapping>(keys).await? {
                // An origin that was created again, or was renamed, keeps the mapping of its former
                // id.
                if mapping.side == side && mapping.origin.id == id {
                    found.known.insert(id, mapping);
                } else {
                    found.taken.insert(id);
                }
            }
            ids.retain(|id| !found.known.contains_key(id));
        }
        Ok(())
    }

    /// The mapping id that is derived from a name; `legacy` as in the first release, from the whole
    /// address.
    fn derived(&self, side: Side, id: &EventId, legacy: bool) -> Option<MappingId> {
        let base = self.legacy_bases.get().and_then(|bases| bases[side].as_deref());
        let id = match (legacy, base) {
            (true, Some(base)) => &EventId::new(format!("{base}{id}")),
            (true, None) => return None,
            (false, _) => id,
        };
        Some(self.marks.mapping(self.pair.calendar(side), self.pair.calendar(side.other()), id, 0))
    }

    /// Adds the mappings that the index finds: of copies, and of origins whose mapping id is not
    /// derived from their name.
    async fn indexed(&self, side: Side, ids: Vec<EventId>, found: &mut Lookup) -> Result<()> {
        let calendar = self.pair.calendar(side);
        let keys = ids.into_iter().map(|id| (index_key(self.marks, calendar, &id), id)).collect();
        // The index row of a former name still points to the mapping.
        let mut indirect: BTreeMap<String, Vec<EventId>> = BTreeMap::new();
        for (id, index) in self.get_many::<_, IndexRow>(keys).await? {
            indirect.entry(mapping_key(index.m)).or_default().push(id);
        }
        for (ids, mapping) in self.get_many::<_, Mapping>(indirect).await? {
            let mapped = if mapping.side == side { &mapping.origin } else { &mapping.copy };
            if ids.contains(&mapped.id) {
                found.known.insert(mapped.id.clone(), mapping);
            }
        }
        Ok(())
    }

    /// The mappings of this pair with these ids.
    pub async fn mappings(
        &self,
        ids: impl IntoIterator<Item = MappingId>,
    ) -> Result<BTreeMap<MappingId, Mapping>> {
        let keys: BTreeMap<String, MappingId> =
            ids.into_iter().map(|id| (mapping_key(id), id)).collect();
        Ok(self.get_many(keys).await?.into_iter().collect())
    }

    /// The mappings among `ids` that belong to another of these pairs.
    pub async fn claimed_by_others(
        &self,
        pairs: &[PairId],
        ids: &BTreeSet<MappingId>,
    ) -> Result<BTreeSet<MappingId>> {
        let others: Vec<PairId> =
            pairs.iter().filter(|pair| **pair != self.pair.id).cloned().collect();
        claimed_by(self.store, &others, ids).await
    }

    /// A mapping by its id.
    pub async fn mapping(&self, id: MappingId) -> Result<Option<Mapping>> {
        let key = mapping_key(id);
        let row = self.store.get(Table::Pairs, self.partition(), &key).await?;
        row.map(|row| decode(&key, &row.value)).transpose()
    }

    /// The rows of these keys that exist, each with the value of `wanted` for its key.
    async fn get_many<K: Clone, T: DeserializeOwned>(
        &self,
        wanted: BTreeMap<String, K>,
    ) -> Result<Vec<(K, T)>> {
        let keys: Vec<String> = wanted.keys().cloned().collect();
        let mut found = Vec::new();
        for keys in keys.chunks(MAX_COMMIT) {
            for row in self.store.get_many(Table::Pairs, self.partition(), keys).await? {
                if let Some(asked) = wanted.get(&row.key) {
                    found.push((asked.clone(), decode(&row.key, &row.value)?));
                }
            }
        }
        Ok(found)
    }

    /// A page of mappings in the order of their ids, after a key; and the key after which the next
    /// page begins, unless this page is the last.
    pub async fn page(&self, after: Option<&str>) -> Result<(Vec<Mapping>, Option<String>)> {
        let rows = self.store.scan(Table::Pairs, self.partition(), MAPPING, after, PAGE).await?;
        let next = rows.last().filter(|_| rows.len() == PAGE).map(|row| row.key.clone());
        let mappings: Result<Vec<Mapping>> =
            rows.iter().map(|row| decode(&row.key, &row.value)).collect();
        Ok((mappings?, next))
    }

    /// Writes a mapping; `before` is the stored mapping, if there is one.
    pub fn note(&self, batch: &mut Batch, before: Option<&Mapping>, now: &Mapping) -> Result<()> {
        let mut ops = vec![Op::Put { key: mapping_key(now.id), value: encode(now)? }];
        let keys_before = before.map(|mapping| self.index_keys(mapping)).unwrap_or_default();
        let keys_now = self.index_keys(now);
        // The index row of a former name stays, because the name may belong to another mapping by
        // now. The row has no effect where it still points to this mapping.
        for key in keys_now.into_iter().filter(|key| !keys_before.contains(key)) {
            ops.push(Op::Put { key, value: encode(&IndexRow { m: now.id })? });
        }
        let is_by_another = |mapping: &Mapping| mapping.state == MappingState::CopiedByAnother;
        let is_archived = |mapping: &Mapping| mapping.state == MappingState::Archived;
        let aliased = self.has_alias(now);
        self.has_aliases.fetch_or(aliased, Ordering::Relaxed);
        batch.groups.push(Group {
            ops,
            copies: i64::from(now.is_live()) - i64::from(before.is_some_and(Mapping::is_live)),
            archived: i64::from(is_archived(now)) - i64::from(before.is_some_and(is_archived)),
            by_another: i64::from(is_by_another(now))
                - i64::from(before.is_some_and(is_by_another)),
            has_alias: aliased,
        });
        Ok(())
    }

    /// Deletes all mappings of events that were left alone, so that the next pass decides about
    /// these events again.
    pub async fn forget_left_alone(&self, locked: &LockedState) -> Result<()> {
        let mut after = None;
        loop {
            let (page, next) = self.page(after.as_deref()).await?;
            let mut batch = Batch::default();
            for mapping in page.iter().filter(|mapping| mapping.is_left_alone()) {
                self.forget(&mut batch, mapping);
            }
            self.commit(locked, batch).await?;
            after = next;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    /// Deletes a mapping.
    pub fn forget(&self, batch: &mut Batch, mapping: &Mapping) {
        let keys = self.index_keys(mapping).into_iter().chain([mapping_key(mapping.id)]);
        let ops = keys.map(|key| Op::Delete { key, etag: None }).collect();
        let by_another = -i64::from(mapping.state == MappingState::CopiedByAnother);
        let archived = -i64::from(mapping.state == MappingState::Archived);
        batch.groups.push(Group {
            copies: -i64::from(mapping.is_live()),
            archived,
            by_another,
            ..Group::of(ops)
        });
    }

    /// Writes an event that could not be copied.
    pub fn note_problem(&self, batch: &mut Batch, id: &EventId, row: &ProblemRow) -> Result<()> {
        let key = problem_key(self.marks, &row.problem.calendar, id);
        batch.groups.push(Group::of(vec![Op::Put { key, value: encode(row)? }]));
        Ok(())
    }

    /// Deletes an event that could not be copied.
    pub fn forget_problem(&self, batch: &mut Batch, calendar: &CalendarId, id: &str) {
        let key = problem_key(self.marks, calendar, &EventId::new(id));
        batch.groups.push(Group::of(vec![Op::Delete { key, etag: None }]));
    }

    /// Commits a batch ([`LockedState::commit`]).
    pub async fn commit(&self, locked: &LockedState, batch: Batch) -> Result<()> {
        locked.commit(self.store, &self.pair.id, batch, None).await
    }

    /// The last commit of a pass: a batch and the new state of the pair.
    pub async fn finish(&self, locked: &LockedState, batch: Batch, row: StateRecord) -> Result<()> {
        locked.commit(self.store, &self.pair.id, batch, Some(row)).await
    }

    fn index_keys(&self, mapping: &Mapping) -> Vec<String> {
        let copies = self.pair.calendar(mapping.side.other());
        let origins = self.pair.calendar(mapping.side);
        let mut keys = Vec::new();
        // The existing event may be an origin of this pair, and is found as one.
        if mapping.state != MappingState::AlreadyThere {
            keys.push(index_key(self.marks, copies, &mapping.copy.id));
        }
        if self.has_alias(mapping) {
            keys.push(index_key(self.marks, origins, &mapping.origin.id));
        }
        for (calendar, id) in [(origins, &mapping.origin.id), (copies, &mapping.copy.id)] {
            if let Some((series, _)) = id.in_series() {
                let prefix = series_prefix(self.marks, calendar, &EventId::new(series));
                keys.push(format!("{prefix}{}", String::from(mapping.id)));
            }
        }
        keys
    }

    /// The mappings of the occurrences of a series that are events of their own in this calendar.
    pub async fn occurrences(&self, side: Side, series: &EventId) -> Result<Vec<Mapping>> {
        let prefix = series_prefix(self.marks, self.pair.calendar(side), series);
        let (mut after, mut found) = (None::<String>, Vec::new());
        loop {
            let rows = self
                .store
                .scan(Table::Pairs, self.partition(), &prefix, after.as_deref(), PAGE)
                .await?;
            let ids = rows
                .iter()
                .map(|row| Ok(decode::<IndexRow>(&row.key, &row.value)?.m))
                .collect::<Result<Vec<_>>>()?;
            found.extend(self.mappings(ids).await?.into_values());
            after = rows.last().filter(|_| rows.len() == PAGE).map(|row| row.key.clone());
            if after.is_none() {
                break;
            }
        }
        // The row of a former name still points to the mapping.
        found.retain(|mapping| {
            let mapped = if mapping.side == side { &mapping.origin } else { &mapping.copy };
            mapped.id.in_series().is_some_and(|(own, _)| own == series.as_str())
        });
        Ok(found)
    }

    fn has_alias(&self, mapping: &Mapping) -> bool {
        [true, false].iter().all(|legacy| {
            self.derived(mapping.side, &mapping.origin.id, *legacy) != Some(mapping.id)
        })
    }
}

/// The mappings among `ids` that belong to one of these pairs.
pub async fn claimed_by(
    store: &dyn Store,
    pairs: &[PairId],
    ids: &BTreeSet<MappingId>,
) -> Result<BTreeSet<MappingId>> {
    let mut found = BTreeSet::new();
    for pair in pairs {
        let keys: Vec<String> =
            ids.iter().filter(|id| !found.contains(*id)).map(|id| mapping_key(*id)).collect();
        for keys in keys.chunks(MAX_COMMIT) {
            let rows = store.get_many(Table::Pairs, pair.as_str(), keys).await?;
            found.extend(rows.iter().filter_map(|row| {
                MappingId::try_from(row.key.strip_prefix(MAPPING)?.to_owned()).ok()
            }));
        }
    }
    Ok(found)
}
