//! Pairs: made, looked up, switched off and on, ended.

use engine::calendar::{CalendarId, PairId};
use engine::pair::{Pair, Reach};
use serde::{Deserialize, Serialize};
use store::{Op, Table};

use super::check::check;
use super::identity::CalendarPlaces;
use super::overlap::{self, Overlap};
use super::{CalendarRecord, Snapshot, calendars, id, lease, rows};
use crate::{Error, Result, Services, channels, memory};

/// A pair to be made.
#[derive(Clone, Debug)]
pub struct NewPair {
    /// Events of this calendar are copied…
    pub from: CalendarId,
    /// …to this one.
    pub to: CalendarId,
    /// And the other way.
    pub two_way: bool,
    /// What is written to `to` shows only "Busy".
    pub private: bool,
    /// What is written to `from` shows only "Busy".
    pub private_back: bool,
    /// How far back events are looked at.
    pub window_past: Reach,
    /// How far ahead.
    pub window_future: Reach,
    /// Copies that another installation has made belong to this pair.
    pub take_over: bool,
}

impl NewPair {
    pub(super) fn into_pair(self, id: PairId) -> Pair {
        let Self {
            from,
            to,
            two_way,
            private,
            private_back,
            window_past,
            window_future,
            take_over: _,
        } = self;
        Pair {
            id,
            from,
            to,
            two_way,
            private,
            private_back,
            window_past,
            window_future,
            paused: false,
        }
    }
}

/// Copies went from one calendar to another one, and do so no more.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Ended {
    pub from: CalendarId,
    pub to: CalendarId,
}

/// Makes a pair. Nothing is synced yet.
///
/// # Errors
/// [`Error::NotFound`] for a calendar that no account has; [`Error::Request`] where the two cannot
/// be paired in this way, with what to do instead; the provider's failure where a calendar is not
/// known yet and cannot be asked for.
pub async fn add_pair(services: &Services, new: NewPair) -> Result<Pair> {
    let (from, to) = ends(services, &new).await?;
    // What can be said at once is said at once; and nobody else has to wait while calendars are
    // read.
    let (directory, places) = may_be_added(services, &new, &from, &to, &[]).await?;
    let mut overlaps = Vec::new();
    let (mut directory, mut places) = (directory, places);
    // Two ends that are reached in another way than before are two answers, of which the second
    // question follows from the first.
    while overlaps.len() < 2 {
        let Some(overlap) = overlap::find(services, &directory, &new, &places).await? else {
            break;
        };
        overlaps.push(overlap);
        (directory, places) = may_be_added(services, &new, &from, &to, &overlaps).await?;
    }
    let renamed = overlap::renamed(services, &directory, &new, &places).await;
    let _setup = lease::directory(services).await?;
    may_be_added(services, &new, &from, &to, &overlaps).await?;
    let take_over = new.take_over;
    let pair = new.into_pair(id::pair()?);
    if take_over {
        // Before the pair itself: the first pass is to know it.
        memory::change_state(services, &pair.id, |row| row.take_over = true).await?;
    }
    let mut ops = vec![Op::Insert { key: row_key(&pair.id), value: rows::encode(&pair)? }];
    ops.extend(
        renamed.into_iter().take(store::MAX_COMMIT - 1).map(|key| Op::Delete { key, etag: None }),
    );
    services.store.commit(Table::Directory, &services.owner, &ops).await?;
    channels::look(services, &pair).await;
    Ok(pair)
}

/// Whether a pair may be made, by the directory as it is now and by what calendars have been seen
/// to be one.
async fn may_be_added(
    services: &Services,
    new: &NewPair,
    from: &CalendarRecord,
    to: &CalendarRecord,
    overlaps: &[Overlap],
) -> Result<(Snapshot, CalendarPlaces)> {
    let directory = Snapshot::read(services).await?;
    for end in [from, to] {
        directory.account(&end.account)?;
    }
    let mut places = CalendarPlaces::read(&directory);
    for (one, other) in overlaps {
        places.unite(one, other);
    }
    check(new, from, to, &places, &directory.pairs()?)?;
    Ok((directory, places))
}

/// All pairs, in the order of their ids.
pub async fn pairs(services: &Services) -> Result<Vec<Pair>> {
    rows::list(services, rows::PAIR).await
}

/// A pair.
///
/// # Errors
/// [`Error::NotFound`] where there is none of this id.
pub async fn pair(services: &Services, id: &PairId) -> Result<Pair> {
    rows::get(services, &row_key(id)).await?.map(|(pair, _)| pair).ok_or_else(|| missing(id))
}

/// Ends a pair and forgets all that was remembered of it. Its copies stay as ordinary events.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Request`] while a pass over it is under way.
pub async fn remove_pair(services: &Services, id: &PairId) -> Result<()> {
    let _setup = lease::directory(services).await?;
    remove_locked(services, id).await?;
    channels::end_unwanted(services).await;
    Ok(())
}

/// The same, for whoever holds the directory's lease.
pub(super) async fn remove_locked(services: &Services, id: &PairId) -> Result<()> {
    let ended = pair(services, id).await?;
    let _quiet = lease::pair(services, id).await?;
    let partition = id.as_str();
    loop {
        let page =
            services.store.scan(Table::Pairs, partition, "", None, store::MAX_COMMIT).await?;
        if page.is_empty() {
            break;
        }
        let ops: Vec<Op> =
            page.into_iter().map(|row| Op::Delete { key: row.key, etag: None }).collect();
        services.store.commit(Table::Pairs, partition, &ops).await?;
    }
    // What it has left in a calendar is no copy of another calendar's events.
    let mut ops = vec![Op::Delete { key: row_key(id), etag: None }];
    let ways = [Some((&ended.from, &ended.to)), ended.two_way.then_some((&ended.to, &ended.from))];
    for (from, to) in ways.into_iter().flatten() {
        ops.push(Op::Put {
            key: rows::ended_key(from, to),
            value: rows::encode(&Ended { from: from.clone(), to: to.clone() })?,
        });
    }
    services.store.commit(Table::Directory, &services.owner, &ops).await?;
    Ok(())
}

/// Switches a pair off: nothing is read or written for it until it is resumed. A pass that is under
/// way ends as it would have.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn pause_pair(services: &Services, id: &PairId) -> Result<Pair> {
    set_paused(services, id, true).await
}

/// Switches a pair on again.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn resume_pair(services: &Services, id: &PairId) -> Result<Pair> {
    set_paused(services, id, false).await
}

async fn set_paused(services: &Services, id: &PairId, paused: bool) -> Result<Pair> {
    let pair = rows::update(services, &row_key(id), |pair: &mut Pair| pair.paused = paused)
        .await?
        .ok_or_else(|| missing(id))?;
    match paused {
        true => channels::end_unwanted(services).await,
        false => channels::look(services, &pair).await,
    }
    Ok(pair)
}

/// Both calendars, as they were last seen. One that never was is asked for, and so is one that is
/// to be written to and could not be then: its owner may have given write access since.
async fn ends(services: &Services, new: &NewPair) -> Result<(CalendarRecord, CalendarRecord)> {
    let from = calendars::calendar(services, &new.from)
        .await?
        .filter(|from| from.writable || !new.two_way);
    let known = (from, calendars::calendar(services, &new.to).await?.filter(|to| to.writable));
    if let (Some(from), Some(to)) = known {
        return Ok((from, to));
    }
    let mut listing = calendars::calendars(services, None).await?;
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

fn missing(id: &PairId) -> Error {
    Error::NotFound(format!(
        "there is no pair {id}; `calrelay pair list` shows those that there are"
    ))
}

pub(super) fn row_key(id: &PairId) -> String {
    format!("{}{id}", rows::PAIR)
}
