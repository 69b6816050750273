//! Listing the calendars of accounts.
//!
//! # Properties
//! * A calendar keeps its id while its address does not change. Where the homes of its account have
//!   moved, it keeps its id at its new address: the new address is that of the only unknown
//!   calendar with the former last segment. Where several calendars qualify, none keeps the id.
//! * A calendar in a current home of its account is never treated as moved: it was deleted there,
//!   even if another calendar has its name.
//! * Where a provider gives a calendar another id without an action of its owner
//!   ([`calendar_ids_change`](engine::provider::ProviderFacts::calendar_ids_change)), the new
//!   address is that of the only unknown calendar with the former name.

use std::collections::BTreeMap;

use engine::calendar::{AccountId, CalendarId, RemoteCalendar};
use futures::StreamExt;
use records::account::Account;
use records::calendar::CalendarRecord;
use records::codec;
use records::kinds::calendar_key;
use store::Op;

use super::account_status;
use super::open::open;
use crate::places::{Homes, last_segment, parent};
use crate::{Error, Result, Scope, ids};

/// Accounts listed at once.
const MAX_CONCURRENT: usize = 8;

/// What [`calendars`] found.
#[derive(Debug, Default)]
pub struct CalendarsFound {
    /// The calendars of the accounts that answered.
    pub calendars: Vec<CalendarRecord>,
    /// The accounts that did not answer, and why.
    pub failures: Vec<(AccountId, Error)>,
}

/// Lists the calendars of one account, or of all, and stores them. The failure of one account does
/// not affect the others.
///
/// # Errors
/// [`Error::NotFound`] for an account that is not connected; storage failures.
pub async fn calendars(scope: &Scope, only: Option<&AccountId>) -> Result<CalendarsFound> {
    let accounts = match only {
        Some(id) => vec![scope.directory().account(id).await?],
        None => scope.directory().accounts().await?,
    };
    let mut answers = futures::stream::iter(accounts)
        .map(|account| async move {
            let answer = refresh(scope, &account).await;
            (account, answer)
        })
        .buffered(MAX_CONCURRENT);
    let mut listing = CalendarsFound::default();
    while let Some((account, answer)) = answers.next().await {
        account_status::record_outcome(scope, &account, answer.as_ref().err()).await?;
        match answer {
            Ok(calendars) => listing.calendars.extend(calendars),
            Err(error) => listing.failures.push((account.id, error)),
        }
    }
    Ok(listing)
}

/// Lists the calendars of an account and stores them.
pub(super) async fn refresh(scope: &Scope, account: &Account) -> Result<Vec<CalendarRecord>> {
    let listed = open(scope, account).await?.calendars().await?;
    save_calendars(scope, account, listed).await
}

/// Stores the listed calendars of an account.
pub(super) async fn save_calendars(
    scope: &Scope,
    account: &Account,
    listed: Vec<RemoteCalendar>,
) -> Result<Vec<CalendarRecord>> {
    let known = scope.directory().calendars_of(&account.id).await?;
    let found = with_ids(account, &known, listed);
    let ends: Vec<CalendarId> = scope
        .directory()
        .pairs()
        .await?
        .into_iter()
        .flat_map(|pair| [pair.from, pair.to])
        .collect();
    let ops = difference(&known, &found, &ends)?;
    for chunk in ops.chunks(store::MAX_COMMIT) {
        scope.directory().commit(chunk).await?;
    }
    Ok(found)
}

/// The listed calendars with their ids.
fn with_ids(
    account: &Account,
    known: &[CalendarRecord],
    listed: Vec<RemoteCalendar>,
) -> Vec<CalendarRecord> {
    let moved = if account.kind.facts().calendar_ids_change {
        find_by_name(known, &listed)
    } else {
        Homes::of_account(account)
            .map(|homes| find_moved(&homes, known, &listed))
            .unwrap_or_default()
    };
    let id_at = |address: &str| {
        let there = known.iter().find(|row| row.address == address).map(|row| &row.id);
        let id = ids::calendar(&account.id, address);
        let taken = |id: &CalendarId| known.iter().any(|row| row.id == *id);
        match there.or(moved.get(address)) {
            Some(id) => id.clone(),
            None if taken(&id) => (1..)
                .map(|n| ids::next_calendar(&account.id, address, n))
                .find(|id| !taken(id))
                .unwrap_or(id),
            None => id,
        }
    };
    let row = |remote: RemoteCalendar| {
        let id = id_at(&remote.address);
        let RemoteCalendar { address, name, writable, zone, owned_at } = remote;
        let first = known
            .iter()
            .find(|row| row.id == id)
            .map(CalendarRecord::first_address)
            .filter(|first| *first != address);
        let first_address = first.map(str::to_owned);
        CalendarRecord {
            id,
            account: account.id.clone(),
            address,
            name,
            writable,
            zone,
            owned_at,
            first_address,
        }
    };
    listed.into_iter().map(row).collect()
}

/// The new addresses of known calendars that have moved, with their ids.
fn find_moved(
    homes: &Homes,
    known: &[CalendarRecord],
    listed: &[RemoteCalendar],
) -> BTreeMap<String, CalendarId> {
    // A server that has moved may answer at an old home with new addresses.
    let as_asked = listed.iter().any(|remote| homes.contain(&remote.address));
    let is_home = |row: &CalendarRecord| match as_asked {
        true => homes.contain(&row.address),
        false => listed.iter().any(|remote| parent(&remote.address) == parent(&row.address)),
    };
    let lost = |row: &&CalendarRecord| {
        !is_home(row) && listed.iter().all(|remote| remote.address != row.address)
    };
    let lost: Vec<&CalendarRecord> = known.iter().filter(lost).collect();
    match_lost(
        &lost,
        &unknown_calendars(known, listed),
        |row| last_segment(&row.address),
        |remote| last_segment(&remote.address),
    )
}

/// The new addresses of known calendars that are listed under another id, with their ids.
fn find_by_name(
    known: &[CalendarRecord],
    listed: &[RemoteCalendar],
) -> BTreeMap<String, CalendarId> {
    let is_listed =
        |row: &&CalendarRecord| listed.iter().any(|remote| remote.address == row.address);
    let lost: Vec<&CalendarRecord> = known.iter().filter(|row| !is_listed(row)).collect();
    match_lost(
        &lost,
        &unknown_calendars(known, listed),
        |row| row.name.as_str(),
        |remote| remote.name.as_str(),
    )
}

/// The listed calendars at addresses that no record has.
fn unknown_calendars<'a>(
    known: &[CalendarRecord],
    listed: &'a [RemoteCalendar],
) -> Vec<&'a RemoteCalendar> {
    let is_unknown =
        |remote: &&RemoteCalendar| known.iter().all(|row| row.address != remote.address);
    listed.iter().filter(is_unknown).collect()
}

/// Gives each lost calendar the address of the unknown one with the same feature, where both are
/// the only ones that have it.
fn match_lost<'a>(
    lost: &[&'a CalendarRecord],
    unknown: &[&'a RemoteCalendar],
    of_lost: impl Fn(&'a CalendarRecord) -> &'a str,
    of_unknown: impl Fn(&'a RemoteCalendar) -> &'a str,
) -> BTreeMap<String, CalendarId> {
    let mut moved = BTreeMap::new();
    for row in lost {
        let feature = of_lost(row);
        let mut there = unknown.iter().filter(|remote| of_unknown(remote) == feature);
        let alone = lost.iter().filter(|other| of_lost(other) == feature).count() == 1;
        if let (Some(remote), None, true) = (there.next(), there.next(), alone) {
            moved.insert(remote.address.clone(), row.id.clone());
        }
    }
    moved
}

/// The operations that replace the known records by the listed ones. The record of a missing
/// calendar stays while a pair names it, so that the pair can report the missing calendar.
fn difference(
    known: &[CalendarRecord],
    found: &[CalendarRecord],
    ends: &[CalendarId],
) -> Result<Vec<Op>> {
    let mut ops = Vec::new();
    for row in found.iter().filter(|row| !known.contains(row)) {
        ops.push(Op::Put { key: calendar_key(&row.id), value: codec::encode(row)? });
    }
    for row in known
        .iter()
        .filter(|row| found.iter().all(|other| other.id != row.id) && !ends.contains(&row.id))
    {
        ops.push(Op::Delete { key: calendar_key(&row.id), etag: None });
    }
    Ok(ops)
}

#[cfg(test)]
mod tests;
