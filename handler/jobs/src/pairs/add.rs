//! Adding pairs.

use engine::calendar::CalendarId;
use engine::pair::Pair;
use records::calendar::CalendarRecord;
use records::kinds::pair_key;
use records::snapshot::Snapshot;
use records::{codec, pair_state};
use store::Op;

use super::check::check;
use super::new_pair::NewPair;
use super::overlap::{self, Overlap};
use crate::places::CalendarPlaces;
use crate::{Error, Result, Scope, accounts, ids, leases, watches};

/// Adds a pair. Nothing is synced yet, and a draft is not synced before it is started.
///
/// # Errors
/// [`Error::NotFound`] for a calendar that no account has; [`Error::NotPaired`] where the two
/// calendars cannot be paired in this way, with what to do instead; the provider's failure where a
/// calendar is not known yet and cannot be listed.
pub async fn add_pair(scope: &Scope, new: NewPair) -> Result<Pair> {
    let (from, to) = ends(scope, &new).await?;
    // The first check fails early and needs no lease, so no other process waits while calendars are
    // read.
    let (directory, places) = check_addable(scope, &new, &from, &to, &[]).await?;
    let mut overlaps = Vec::new();
    let (mut directory, mut places) = (directory, places);
    // Both ends may be known under other ids: then the second comparison depends on the result of
    // the first.
    while overlaps.len() < 2 {
        let Some(overlap) = overlap::find(scope, &directory, &new, &places).await? else {
            break;
        };
        overlaps.push(overlap);
        (directory, places) = check_addable(scope, &new, &from, &to, &overlaps).await?;
    }
    let renamed = overlap::ended_keys_under_other_names(scope, &directory, &new, &places).await;
    let _setup = leases::directory(scope).await?;
    check_addable(scope, &new, &from, &to, &overlaps).await?;
    let take_over = new.take_over;
    let pair = new.into_pair(ids::pair()?);
    if take_over {
        // Written before the pair itself, so that the first pass reads it.
        pair_state::change_state(&*scope.store, &pair.id, |row| row.take_over = true).await?;
    }
    let mut ops = vec![Op::Insert { key: pair_key(&pair.id), value: codec::encode(&pair)? }];
    ops.extend(
        renamed.into_iter().take(store::MAX_COMMIT - 1).map(|key| Op::Delete { key, etag: None }),
    );
    scope.directory().commit(&ops).await?;
    if pair.is_active() {
        watches::nudge_pair(scope, &pair).await;
    }
    Ok(pair)
}

/// Whether the pair may be added, by the present directory and by the calendars that were found to
/// be identical.
async fn check_addable(
    scope: &Scope,
    new: &NewPair,
    from: &CalendarRecord,
    to: &CalendarRecord,
    overlaps: &[Overlap],
) -> Result<(Snapshot, CalendarPlaces)> {
    let directory = scope.snapshot().await?;
    for end in [from, to] {
        directory.account(&end.account)?;
    }
    let mut places = CalendarPlaces::read(&directory);
    for (one, other) in overlaps {
        places.merge(one, other);
    }
    check(new, from, to, &places, &directory.pairs()?)?;
    Ok((directory, places))
}

/// Both calendars as they were last listed. A calendar is listed again if it was never listed, or
/// if it has to be writable and was not: its owner may have given write access since.
async fn ends(scope: &Scope, new: &NewPair) -> Result<(CalendarRecord, CalendarRecord)> {
    let from =
        scope.directory().calendar(&new.from).await?.filter(|from| from.writable || !new.two_way);
    let known = (from, scope.directory().calendar(&new.to).await?.filter(|to| to.writable));
    if let (Some(from), Some(to)) = known {
        return Ok((from, to));
    }
    let mut listing = accounts::calendars(scope, None).await?;
    let mut find = |id: &CalendarId| {
        if let Some(row) = listing.calendars.iter().find(|row| row.id == *id) {
            return Ok(row.clone());
        }
        // The calendar may belong to an account that did not answer: then that failure is the
        // reason.
        match listing.failures.pop() {
            Some((_, error)) => Err(error),
            None => Err(Error::NotFound(format!(
                "there is no calendar {id}; `calrelay calendars` lists those that can be paired"
            ))),
        }
    };
    let from = match known.0 {
        Some(row) => row,
        None => find(&new.from)?,
    };
    let to = match known.1 {
        Some(row) => row,
        None => find(&new.to)?,
    };
    Ok((from, to))
}
