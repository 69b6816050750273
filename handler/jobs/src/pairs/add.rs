//! Pairs added.

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

/// Makes a pair. Nothing is synced yet.
///
/// # Errors
/// [`Error::NotFound`] for a calendar that no account has; [`Error::Request`] where the two cannot
/// be paired in this way, with what to do instead; the provider's failure where a calendar is not
/// known yet and cannot be asked for.
pub async fn add_pair(scope: &Scope, new: NewPair) -> Result<Pair> {
    let (from, to) = ends(scope, &new).await?;
    // What can be said at once is said at once; and nobody else has to wait while calendars are
    // read.
    let (directory, places) = check_addable(scope, &new, &from, &to, &[]).await?;
    let mut overlaps = Vec::new();
    let (mut directory, mut places) = (directory, places);
    // Two ends that are reached in another way than before are two answers, of which the second
    // question follows from the first.
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
        // Before the pair itself: the first pass is to know it.
        pair_state::change_state(&*scope.store, &pair.id, |row| row.take_over = true).await?;
    }
    let mut ops = vec![Op::Insert { key: pair_key(&pair.id), value: codec::encode(&pair)? }];
    ops.extend(
        renamed.into_iter().take(store::MAX_COMMIT - 1).map(|key| Op::Delete { key, etag: None }),
    );
    scope.directory().commit(&ops).await?;
    watches::nudge_pair(scope, &pair).await;
    Ok(pair)
}

/// Whether a pair may be made, by the directory as it is now and by what calendars have been seen
/// to be one.
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

/// Both calendars, as they were last seen. One that never was is asked for, and so is one that is
/// to be written to and could not be then: its owner may have given write access since.
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
        // It may be behind an account that did not answer: then that is what went wrong.
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
