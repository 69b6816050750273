//! Rounds of delta: what changed in a range that is frozen in the token.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::asking::value;
use super::call::Call;
use super::item::{Item, Left};
use super::listing::{mounted, range, view_of};
use super::manners::{LostState, Manners};
use super::render::{self, View};
use super::reply::{Refusal, Reply};
use super::round::{Entry, Round, State};
use super::state::{Change, Folder, Records};
use super::{ids, zones};

pub(super) fn delta(records: &mut Records, call: &Call<'_>) -> Result<Reply, Refusal> {
    let key = mounted(records, call)?.1.key;
    if let Some(token) = value(&call.query, "$skiptoken") {
        let round = records.rounds.get(token).cloned();
        let round = round.ok_or_else(|| lost(call.manners, &restart(call, None)))?;
        current(records, call, &round.end, key)?;
        return page(records, call, Round::clone(&round));
    }
    let (state, groups) = match value(&call.query, "$deltatoken") {
        Some(token) => {
            let state = State::read(token)
                .ok_or_else(|| Refusal::new(400, "BadRequest", "Badly formed token."))?;
            current(records, call, &state, key)?;
            let groups = changes(records, call, &state);
            (state, groups)
        }
        None => {
            let (from, to) = range(call)?;
            let folder = &records.calendars[&key];
            let groups = folder
                .items
                .iter()
                .filter_map(|key| records.items.get(key))
                .map(|item| present(item, from, to, call.manners))
                .filter(|group| !group.is_empty())
                .collect();
            let generation = folder.sync_generation;
            (State { calendar: key, from, to, version: 0, generation, last: None }, groups)
        }
    };
    let first = state.version == 0;
    let last = groups.last().and_then(|group: &Vec<Entry>| match group.first() {
        Some(Entry::Event(key, _)) => Some(*key),
        _ => None,
    });
    let end = State { version: records.born, last: last.filter(|_| !first), ..state };
    let pages = pages(call, groups, first);
    page(records, call, Round { calendar: key, pages, next: 0, end, looped: false })
}

/// 410 and its likes.
pub(super) fn lost(manners: &Manners, location: &str) -> Refusal {
    match manners.lost_state {
        LostState::Gone => {
            let words = "The sync state generation is not found.";
            Refusal::new(410, "SyncStateNotFound", words).with("location", location.to_owned())
        }
        LostState::Invalid => Refusal::new(400, "SyncStateInvalid", "The sync state is invalid."),
        LostState::ResyncRequired => {
            Refusal::new(400, "resyncRequired", "Resync required. Replace any local items.")
        }
    }
}

fn restart(call: &Call<'_>, state: Option<&State>) -> String {
    match state {
        Some(state) => format!(
            "{}?startDateTime={}&endDateTime={}",
            call.address(),
            zones::short(state.from),
            zones::short(state.to)
        ),
        None => call.address(),
    }
}

/// Refuses a state of another calendar, or one that is forgotten.
fn current(
    records: &Records,
    call: &Call<'_>,
    state: &State,
    calendar: u64,
) -> Result<(), Refusal> {
    if state.calendar != calendar {
        return Err(Refusal::new(400, "BadRequest", "Badly formed token."));
    }
    if records.calendars[&calendar].sync_generation != state.generation {
        return Err(lost(call.manners, &restart(call, Some(state))));
    }
    Ok(())
}

/// What an event in the calendar has in the range.
fn present(item: &Item, from: Timestamp, to: Timestamp, manners: &Manners) -> Vec<Entry> {
    let mut group: Vec<Entry> =
        item.within(from, to).iter().map(|seen| Entry::Event(item.key, seen.day)).collect();
    if item.is_series() && manners.names_masters && !group.is_empty() {
        group.insert(0, Entry::Event(item.key, None));
    }
    group
}

/// What changed since a state, by event, in the order of the last change of each.
fn changes(records: &Records, call: &Call<'_>, state: &State) -> Vec<Vec<Entry>> {
    let Some(folder) = records.calendars.get(&state.calendar) else { return Vec::new() };
    let begin = folder.log.partition_point(|change| change.version <= state.version);
    let mut by_key: BTreeMap<u64, Vec<&Change>> = BTreeMap::new();
    for change in &folder.log[begin..] {
        by_key.entry(change.key).or_default().push(change);
    }
    let mut all: Vec<(u64, Vec<&Change>)> = by_key.into_iter().collect();
    all.sort_by_key(|(_, changes)| changes.last().map_or(0, |change| change.version));
    let again = state.last.filter(|last| {
        call.manners.repeats_entries
            && !all.iter().any(|(key, _)| key == last)
            && folder.items.contains(last)
    });
    let mut groups: Vec<Vec<Entry>> = again
        .and_then(|key| records.items.get(&key))
        .map(|item| present(item, state.from, state.to, call.manners))
        .into_iter()
        .collect();
    for (key, changes) in all {
        groups.push(one_change(records, call, state, folder, key, &changes));
    }
    groups.retain(|group| !group.is_empty());
    groups
}

fn one_change(
    records: &Records,
    call: &Call<'_>,
    state: &State,
    folder: &Folder,
    key: u64,
    changes: &[&Change],
) -> Vec<Entry> {
    let manners = call.manners;
    let item = records.items.get(&key);
    let Some(item) = item.filter(|_| folder.items.contains(&key)) else {
        let left = changes.iter().rev().find_map(|change| change.left.clone());
        let series = item.filter(|item| item.is_series() && !manners.deleted_series_is_one);
        return match (series, left) {
            (Some(item), _) => item
                .within(state.from, state.to)
                .iter()
                .map(|seen| {
                    Entry::Removed(Left { immutable: seen.id(true), regular: seen.id(false) })
                })
                .collect(),
            (None, Some(left)) => vec![Entry::Removed(left)],
            (None, None) => Vec::new(),
        };
    };
    if manners.silent_occurrences && changes.iter().all(|change| change.lost.is_some()) {
        return Vec::new();
    }
    let group = present(item, state.from, state.to, manners);
    if group.is_empty() && manners.removes_outsiders {
        let whole = item.whole();
        let left = Left { immutable: whole.id(true), regular: whole.id(false) };
        return vec![Entry::Removed(left)];
    }
    group
}

/// Groups on pages. A series is never split.
fn pages(call: &Call<'_>, groups: Vec<Vec<Entry>>, first: bool) -> Vec<Vec<Entry>> {
    let size = call.prefer.page.unwrap_or(call.manners.delta_page).clamp(1, 1_000);
    let mut pages = Vec::new();
    let mut page: Vec<Entry> = Vec::new();
    for group in groups {
        if !page.is_empty() && page.len() + group.len() > size {
            let again = page.last().cloned().filter(|_| call.manners.repeats_entries);
            pages.push(std::mem::take(&mut page));
            page.extend(again);
        }
        page.extend(group);
    }
    if call.manners.empty_pages && first {
        pages.insert(0, Vec::new());
    }
    pages.push(page);
    pages
}

/// One page, and the way on.
fn page(records: &mut Records, call: &Call<'_>, mut round: Round) -> Result<Reply, Refusal> {
    let folder = records.calendars.get(&round.calendar).ok_or_else(Refusal::not_found)?;
    let mount = records.mount_of(call.person, round.calendar);
    let view = view_of(records, call, folder, mount);
    let entries: Vec<Value> = round
        .pages
        .get(round.next)
        .into_iter()
        .flatten()
        .filter_map(|entry| shown(records, entry, view))
        .collect();
    let mut body = Map::new();
    let is_last = round.next + 1 >= round.pages.len();
    let endless = call.manners.endless_round && (round.looped || !entries.is_empty());
    if is_last && !endless {
        let link = format!("{}?$deltatoken={}", call.address(), round.end.write());
        body.insert("@odata.deltaLink".into(), json!(link));
    } else {
        if is_last {
            round.looped = true;
        } else {
            round.next += 1;
        }
        let number = records.next();
        let token =
            ids::opaque("S", &[&number.to_be_bytes()[..], b"skip state".as_slice()].concat());
        records.rounds.insert(token.clone(), Arc::new(round));
        let link = format!("{}?$skiptoken={token}", call.address());
        body.insert("@odata.nextLink".into(), json!(link));
    }
    body.insert("value".into(), json!(entries));
    Ok(call.reply(200, body, "Collection(event)"))
}

fn shown(records: &Records, entry: &Entry, view: View<'_>) -> Option<Value> {
    match entry {
        Entry::Removed(left) => {
            let id = if view.immutable() { &left.immutable } else { &left.regular };
            Some(json!({
                "@odata.type": "#microsoft.graph.event", "id": id,
                "@removed": {"reason": "deleted"},
            }))
        }
        Entry::Event(key, day) => {
            // What went away between two pages is said by the next round.
            let item = records.items.get(key).filter(|item| !item.deleted)?;
            Some(render::entry(&item.seen(*day)?, view))
        }
    }
}
