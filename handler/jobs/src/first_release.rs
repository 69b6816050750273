//! Migrates rows of the first release, where the id of a CalDAV event was its whole address; now it
//! is the name within its calendar.
//!
//! # Properties
//! * A row that is migrated twice is unchanged by the second migration.
//! * Mappings keep their ids, which copies have in their marks. Such an id was derived from the
//!   address. Therefore the address of the calendar is stored ([`StateRecord::legacy_bases`]), and
//!   an origin is still found with one read.

use engine::event::EventId;
use engine::mapping::Mapping;
use engine::pair::{PerSide, Side};
use providers::caldav::name_in_collection;
use records::account::Account;
use records::calendar::CalendarRecord;
use records::pair_state::{Batch, LockedState, PairStore, ProblemRow, StateRecord};

use crate::Result;

/// The address by which the first release named the events of a calendar. The first release did not
/// follow a calendar to a new address.
pub(crate) fn base(account: &Account, calendar: &CalendarRecord) -> Option<String> {
    account.kind.is_caldav().then(|| format!("{}/", calendar.first_address().trim_end_matches('/')))
}

/// Migrates the rows of a pair, once. The caller holds the lease of the pair.
pub(crate) async fn migrate(
    pair_store: &PairStore<'_>,
    locked: &LockedState,
    problems: &[ProblemRow],
    bases: PerSide<Option<String>>,
) -> Result<bool> {
    let row = locked.row().await;
    if row.ids_are_names {
        return Ok(false);
    }
    if locked.is_new().await {
        locked.set_ids_are_names().await;
        return Ok(false);
    }
    let row = StateRecord { legacy_bases: Some(bases.clone()), ..row };
    pair_store.apply_state(&row);
    let name = |side: Side, id: &EventId| match &bases[side] {
        Some(base) => name_in_collection(base, id),
        None => id.clone(),
    };
    let mut after = None;
    loop {
        let (page, next) = pair_store.page(after.as_deref()).await?;
        let mut batch = Batch::default();
        for before in page {
            let mut now: Mapping = before.clone();
            now.origin.id = name(before.side, &before.origin.id);
            now.copy.id = name(before.side.other(), &before.copy.id);
            if (&now.origin.id, &now.copy.id) != (&before.origin.id, &before.copy.id) {
                pair_store.note(&mut batch, Some(&before), &now)?;
            }
        }
        pair_store.commit(locked, batch).await?;
        after = next;
        if after.is_none() {
            break;
        }
    }
    let mut batch = Batch::default();
    for before in problems {
        let side =
            if before.problem.calendar == pair_store.pair.from { Side::From } else { Side::To };
        let id = name(side, &EventId::new(before.problem.event.as_str()));
        if id.as_str() != before.problem.event {
            let mut now = before.clone();
            now.problem.event = id.to_string();
            pair_store.forget_problem(&mut batch, &before.problem.calendar, &before.problem.event);
            pair_store.note_problem(&mut batch, &id, &now)?;
        }
    }
    let row = StateRecord { legacy_bases: Some(bases), ids_are_names: true, ..locked.row().await };
    pair_store.finish(locked, batch, row).await?;
    tracing::info!(pair = %pair_store.pair.id, "the rows of this pair were migrated to names of \
    events");
    Ok(true)
}
