//! Rows of the first release: there the id of a CalDAV event was its whole address, and now it is
//! the name within its calendar.
//!
//! # Properties
//! * A row that was moved half-way is moved again without harm: a name stays a name.
//! * Mappings keep their ids, which copies bear in their marks. Such an id was made of the address;
//!   so the address of the calendar is kept ([`PairRow::bases`](StateRecord::bases)), and an
//!   origin is still found with one read.

use engine::event::EventId;
use engine::mapping::Mapping;
use engine::pair::Side;
use providers::caldav::name_in_collection;
use records::account::Account;
use records::calendar::CalendarRecord;
use records::pair_state::{Batch, LockedState, PairStore, ProblemRow, StateRecord};

use crate::Result;

/// The address by which the first release has named the events of a calendar; it has followed no
/// calendar to another one.
pub(crate) fn base(account: &Account, calendar: &CalendarRecord) -> Option<String> {
    account.kind.is_caldav().then(|| format!("{}/", calendar.first_address().trim_end_matches('/')))
}

/// Moves the rows of a pair, once. For whoever holds its lease.
pub(crate) async fn migrate(
    memory: &PairStore<'_>,
    head: &LockedState,
    problems: &[ProblemRow],
    bases: [Option<String>; 2],
) -> Result<bool> {
    let row = head.row().await;
    if row.ids_are_names {
        return Ok(false);
    }
    if head.is_new().await {
        head.set_ids_are_names().await;
        return Ok(false);
    }
    let row = StateRecord { legacy_bases: Some(bases.clone()), ..row };
    memory.apply_state(&row);
    let name = |side: Side, id: &EventId| match &bases[side as usize] {
        Some(base) => name_in_collection(base, id),
        None => id.clone(),
    };
    let mut after = None;
    loop {
        let (page, next) = memory.page(after.as_deref()).await?;
        let mut notes = Batch::default();
        for before in page {
            let mut now: Mapping = before.clone();
            now.origin.id = name(before.side, &before.origin.id);
            now.copy.id = name(before.side.other(), &before.copy.id);
            if (&now.origin.id, &now.copy.id) != (&before.origin.id, &before.copy.id) {
                memory.note(&mut notes, Some(&before), &now)?;
            }
        }
        memory.commit(head, notes).await?;
        after = next;
        if after.is_none() {
            break;
        }
    }
    let mut notes = Batch::default();
    for before in problems {
        let side = if before.problem.calendar == memory.pair.from { Side::From } else { Side::To };
        let id = name(side, &EventId::new(before.problem.event.as_str()));
        if id.as_str() != before.problem.event {
            let mut now = before.clone();
            now.problem.event = id.to_string();
            memory.forget_problem(&mut notes, &before.problem.calendar, &before.problem.event);
            memory.note_problem(&mut notes, &id, &now)?;
        }
    }
    let row = StateRecord { legacy_bases: Some(bases), ids_are_names: true, ..head.row().await };
    memory.finish(head, notes, row).await?;
    tracing::info!(pair = %memory.pair.id, "the rows of this pair go by the names of events now");
    Ok(true)
}
