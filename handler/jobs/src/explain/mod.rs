//! Why an event was or was not copied: what is stored about it, and what the planner would decide
//! now.

mod verdict;

use std::collections::BTreeSet;

use engine::calendar::PairId;
use engine::event::EventId;
use engine::mapping::Mapping;
use engine::pair::{Pair, PerSide, Side};
use providers::caldav::name_in_collection;
use records::pair_state::PairStore;
use records::pair_state::proofs::{self, ProofRow};

use crate::keys::PairKeys;
use crate::report::Explanation;
use crate::sync::{End, ends};
use crate::{Error, Result, Scope, first_release, leases};

pub(crate) use verdict::{Explainer, PairPlaces, Verdict};

/// Explains an event, which may be an origin or a copy. It is named by its id, or by a path that
/// ends in its id.
///
/// # Errors
/// [`Error::NotFound`] where neither calendar of the pair has such an event; otherwise the
/// provider's failure.
pub async fn explain(scope: &Scope, pair: &PairId, event: &str) -> Result<Explanation> {
    let pair = scope.directory().pair(pair).await?;
    let ends = ends(scope, &pair).await?;
    let explained = Box::pin(explain_stored(scope, &pair, &ends, event)).await;
    if !matches!(explained, Ok(_) | Err(Error::NotFound(_))) {
        return explained;
    }
    let ids: BTreeSet<EventId> =
        ends.iter().flat_map(|(_, end)| possible_ids(end, event)).collect();
    let is_its_own = |row: &ProofRow| {
        [&row.origin, &row.copy].into_iter().any(|id| ids.contains(&EventId::new(id.as_str())))
    };
    let deletions = proofs::find(&*scope.store, &pair.id, is_its_own).await?;
    let Some(last) = deletions.first() else { return explained };
    let words: Vec<String> = deletions.iter().take(MAX_DELETIONS).map(ProofRow::in_words).collect();
    let words = words.join(" ");
    Ok(match explained {
        Ok(explained) => {
            Explanation { message: format!("{} Before: {words}", explained.message), ..explained }
        }
        Err(_) => Explanation {
            pair: pair.id,
            event: event.to_owned(),
            copied: false,
            reason: Some(last.reason),
            message: words,
            copy: None,
        },
    })
}

/// The number of deletions of one event that an explanation names.
const MAX_DELETIONS: usize = 3;

async fn explain_stored(
    scope: &Scope,
    pair: &Pair,
    ends: &PerSide<End>,
    event: &str,
) -> Result<Explanation> {
    let keys = PairKeys::new(scope, pair).await?;
    let pair_store = PairStore::new(&*scope.store, &keys.marks, pair);
    let bases = ends.as_ref().map(|end| first_release::base(&end.account, &end.calendar));
    migrate_rows(scope, pair, &pair_store, bases).await?;
    let places = PairPlaces {
        kinds: ends.as_ref().map(|end| end.account.kind),
        zones: ends.as_ref().map(|end| end.calendar.zone.clone()),
    };
    let explainer = Explainer::read(scope, pair, &places, &keys, &pair_store).await?;
    let answer = |verdict: Verdict| {
        let Verdict { copied, reason, message, copy } = verdict;
        Explanation {
            pair: pair.id.clone(),
            event: event.to_owned(),
            copied,
            reason,
            message,
            copy,
        }
    };
    for side in Side::BOTH.into_iter().filter(|side| may_be_at(ends, *side, event)) {
        let end = &ends[side];
        let ids = possible_ids(end, event);
        let known = pair_store.lookup(side, &ids).await?.known;
        if let Some((id, mapping)) = ids.iter().find_map(|id| known.get_key_value(id)) {
            let is_emptied = mapping.side == side && is_emptied(&explainer, mapping, ends).await?;
            return Ok(answer(explainer.of_known(side, id, mapping, is_emptied).await?));
        }
        let mut found = end.provider.fetch(&end.calendar.address, &ids).await?;
        found.sort_by_key(|fetched| ids.iter().position(|id| *id == fetched.id));
        for fetched in found {
            if let Some(verdict) = explainer.of_found(side, &fetched.id, &fetched.found).await? {
                return Ok(answer(verdict));
            }
        }
    }
    Err(Error::NotFound(format!(
        "neither calendar of the pair {} has an event {event}; `calrelay sync --json` lists the \
        ids of events",
        pair.id
    )))
}

/// Whether the copy disappeared together with all other copies of the pair, and the owner has not
/// answered yet.
async fn is_emptied(
    explainer: &Explainer<'_>,
    mapping: &Mapping,
    ends: &PerSide<End>,
) -> Result<bool> {
    let side = mapping.side.other();
    let end = &ends[side];
    Ok(explainer.emptied().contains(&side)
        && mapping.is_live()
        && !end.provider.exists(&end.calendar.address, &mapping.copy.id).await?)
}

/// Rows of the first release have other ids. They are migrated first, unless a pass is running,
/// which migrates them itself.
pub(crate) async fn migrate_rows(
    scope: &Scope,
    pair: &Pair,
    pair_store: &PairStore<'_>,
    bases: PerSide<Option<String>>,
) -> Result<()> {
    let (locked, _) = pair_store.read_state().await?;
    if locked.is_new().await || locked.row().await.ids_are_names {
        return Ok(());
    }
    let Ok(lease) = leases::pair_and_calendars(scope, pair, &[]).await else { return Ok(()) };
    let (locked, problems) = pair_store.read_state().await?;
    let moved = first_release::migrate(pair_store, &locked, &problems, bases).await;
    lease.end().await;
    moved.map(drop)
}

/// The number of ids that are tried for one text.
const MAX_IDS: usize = 8;

/// Whether the given event may be in the calendar on this side: a path below one of the two
/// calendars names no event of the other.
fn may_be_at(ends: &PerSide<End>, side: Side, event: &str) -> bool {
    let is_below =
        |side: Side| has_paths(&ends[side]) && event.starts_with(&ends[side].calendar.address);
    is_below(side) || !is_below(side.other())
}

/// The ids that the given text may mean: the name of the event in its calendar, or (where events
/// have paths) the end of a path. The longest name first.
fn possible_ids(end: &End, event: &str) -> Vec<EventId> {
    if !has_paths(end) {
        return vec![EventId::new(event)];
    }
    let name = name_in_collection(&end.calendar.address, &EventId::new(event));
    let tails = event.match_indices('/').rev().take(MAX_IDS).map(|(at, _)| &event[at + 1..]);
    let mut names: Vec<&str> = tails
        .chain([name.as_str()])
        .filter(|name| !name.is_empty() && !name.starts_with('/'))
        .collect();
    names.sort_by_key(|name| std::cmp::Reverse(name.len()));
    names.dedup();
    names.into_iter().map(EventId::new).collect()
}

fn has_paths(end: &End) -> bool {
    end.account.kind.is_caldav()
}
