//! Whether an account is one that cannot be asked any more, by what the pairs remember of its
//! calendars: its password was changed, or its server has another address by now.
//!
//! # Properties
//! * It is asked only where both sides cannot be read: what two calendars show now counts for more.
//! * Proof is that, of each calendar of which something is compare_stored, nine in ten events are
//!   listed under the same name in the same version, and that the UIDs of those that are read agree
//!   with what is compare_stored. What a pair has never seen says nothing.

use std::collections::BTreeMap;

use engine::calendar::{CalendarId, RemoteCalendar};
use engine::event::EventId;
use engine::pair::{Pair, Side};
use providers::Provider;
use providers::caldav::name_in_collection;
use records::account::Account;
use records::calendar::CalendarRecord;
use records::pair_state::PairStore;

use super::compare::{CalendarView, KnownEvent, matches_known_events};
use crate::keys::PairKeys;
use crate::places::last_segment;
use crate::{Result, Scope};

/// Whether what `own` shows is what is stored of the account.
///
/// # Errors
/// Whatever its provider says; storage failures.
pub(super) async fn matches_stored_events(
    scope: &Scope,
    own: &dyn Provider,
    account: &Account,
) -> Result<bool> {
    let rows = scope.directory().calendars_of(&account.id).await?;
    let mut stored: BTreeMap<CalendarId, BTreeMap<String, KnownEvent>> = BTreeMap::new();
    for pair in scope.directory().pairs().await? {
        for side in Side::BOTH {
            if let Some(row) = rows.iter().find(|row| row.id == *pair.calendar(side)) {
                add_known_events(
                    scope,
                    &pair,
                    side,
                    row,
                    stored.entry(row.id.clone()).or_default(),
                )
                .await?;
            }
        }
    }
    stored.retain(|_, events| !events.is_empty());
    if stored.is_empty() {
        return Ok(false);
    }
    let listed = own.calendars().await?;
    for row in &rows {
        let Some(events) = stored.get(&row.id) else { continue };
        let Some(address) = only_calendar_named(&listed, last_segment(&row.address)) else {
            return Ok(false);
        };
        if !matches_known_events(CalendarView { provider: own, address }, events).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The one calendar of this name.
fn only_calendar_named<'a>(listed: &'a [RemoteCalendar], name: &str) -> Option<&'a str> {
    let mut named = listed.iter().filter(|calendar| last_segment(&calendar.address) == name);
    named.next().filter(|_| named.next().is_none()).map(|calendar| calendar.address.as_str())
}

/// What a pair remembers of the calendar at one of its ends.
async fn add_known_events(
    scope: &Scope,
    pair: &Pair,
    side: Side,
    row: &CalendarRecord,
    events: &mut BTreeMap<String, KnownEvent>,
) -> Result<()> {
    let keys = PairKeys::new(scope, pair).await?;
    let memory = PairStore::new(&*scope.store, &keys.marks, pair);
    let mut after = None;
    loop {
        let (page, next) = memory.page(after.as_deref()).await?;
        for mapping in page.into_iter().filter(|mapping| mapping.is_live()) {
            let half = if mapping.side == side { mapping.origin } else { mapping.copy };
            if let Some(etag) = half.etag {
                events.insert(event_name(row, &half.id), KnownEvent { etag, uid: half.uid });
            }
        }
        after = next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// The first release has named events by their whole paths.
fn event_name(row: &CalendarRecord, id: &EventId) -> String {
    match id.as_str().starts_with('/') {
        true => name_in_collection(row.first_address(), id).to_string(),
        false => id.to_string(),
    }
}
