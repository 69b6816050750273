//! Compares an account with the stored events of a connected account that cannot be read any more,
//! because its password was changed or its server has another address.
//!
//! # Properties
//! * Stored events are compared only where the calendars of both accounts cannot be read: the
//!   present content of two calendars is better evidence.
//! * The accounts are proven identical where, for each calendar with stored events, nine in ten
//!   events are listed under the stored name in the stored version, and the UIDs of the events that
//!   are read agree with the stored ones. Events that no pair has stored are ignored.

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

/// Whether the calendars of `own` hold the stored events of the account.
///
/// # Errors
/// The provider's failure; storage failures.
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

/// The address of the only listed calendar with this last segment.
fn only_calendar_named<'a>(listed: &'a [RemoteCalendar], name: &str) -> Option<&'a str> {
    let mut named = listed.iter().filter(|calendar| last_segment(&calendar.address) == name);
    named.next().filter(|_| named.next().is_none()).map(|calendar| calendar.address.as_str())
}

/// Adds the events that a pair has stored of the calendar on this side.
async fn add_known_events(
    scope: &Scope,
    pair: &Pair,
    side: Side,
    row: &CalendarRecord,
    events: &mut BTreeMap<String, KnownEvent>,
) -> Result<()> {
    let keys = PairKeys::new(scope, pair).await?;
    let pair_store = PairStore::new(&*scope.store, &keys.marks, pair);
    let mut after = None;
    loop {
        let (page, next) = pair_store.page(after.as_deref()).await?;
        for mapping in page.into_iter().filter(|mapping| mapping.is_live()) {
            let mapped = if mapping.side == side { mapping.origin } else { mapping.copy };
            if let Some(etag) = mapped.etag {
                events.insert(event_name(row, &mapped.id), KnownEvent { etag, uid: mapped.uid });
            }
        }
        after = next;
        if after.is_none() {
            return Ok(());
        }
    }
}

/// The name of an event in its calendar. The first release named events by their whole paths.
fn event_name(row: &CalendarRecord, id: &EventId) -> String {
    match id.as_str().starts_with('/') {
        true => name_in_collection(row.first_address(), id).to_string(),
        false => id.to_string(),
    }
}
