//! Compares calendars, and accounts, by their content, where their addresses do not show whether
//! they are identical. Reads, and writes nothing.
//!
//! # Properties
//! * Two calendars are proven identical where both list an identical set of names and versions,
//!   which is not empty, and the UIDs of the events that are read from both agree. Two empty
//!   calendars prove nothing, and events without versions prove nothing.
//! * Two accounts are proven identical by all of their calendars: these correspond one to one by
//!   the last segment of their addresses, each two are identical or both empty, and at least two
//!   are identical.
//! * A calendar may change between the two listings, so listings that differ are read once more.
//! * A copy of a server with all its files cannot be distinguished from the server itself.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use engine::change::Listed;
use engine::etag;
use engine::event::EventId;
use engine::uid::UidHash;
use futures::future::try_join;
use providers::{Error, Found, Provider, Result, Since};

use crate::places::last_segment;

/// The number of events that are read from both calendars.
const SAMPLE_SIZE: usize = 50;

/// The number of events that may appear in an empty calendar between two listings.
const MAX_NEW_EVENTS: usize = 10;

/// Accounts that do not list their calendars within this time are not compared.
const LISTING_TIMEOUT: Duration = Duration::from_secs(20);

/// A calendar as an account sees it.
#[derive(Clone, Copy)]
pub(crate) struct CalendarView<'a> {
    pub provider: &'a dyn Provider,
    pub address: &'a str,
}

/// The result of comparing two calendars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    /// Both are one calendar.
    Same,
    Empty,
    /// They are different, or nothing proves that they are identical.
    Unproven,
}

/// Compares two calendars.
///
/// # Errors
/// The failure of either provider; then nothing is proven.
pub(crate) async fn compare_calendars(
    one: CalendarView<'_>,
    other: CalendarView<'_>,
) -> Result<Comparison> {
    let mut listings = try_join(list(one), list(other)).await?;
    if listings.0 != listings.1 && listings.0.may_converge(&listings.1) {
        listings = try_join(list(one), list(other)).await?;
    }
    let (mine, theirs) = listings;
    if mine != theirs || !mine.has_all_versions {
        return Ok(Comparison::Unproven);
    }
    if mine.events.is_empty() {
        return Ok(Comparison::Empty);
    }
    let names = mine.sample();
    let (mine, theirs) =
        try_join(read_uids(one, &mine, &names), read_uids(other, &theirs, &names)).await?;
    let read = mine.values().any(Option::is_some);
    Ok(if read && mine == theirs { Comparison::Same } else { Comparison::Unproven })
}

/// An event as a pair has stored it.
pub(super) struct KnownEvent {
    pub etag: String,
    pub uid: Option<UidHash>,
}

/// Whether a calendar holds these events, which are given by their names.
///
/// # Errors
/// As [`compare_calendars`].
pub(super) async fn matches_known_events(
    view: CalendarView<'_>,
    events: &BTreeMap<String, KnownEvent>,
) -> Result<bool> {
    let mut shown = list(view).await?;
    let same = |name: &String, etag: &str| {
        events.get(name).is_some_and(|known| etag::is_same(&known.etag, etag))
    };
    shown.events.retain(|name, (_, etag)| same(name, etag));
    if shown.events.is_empty() || shown.events.len() * 10 < events.len() * 9 {
        return Ok(false);
    }
    let known = |name: &str| events.get(name).and_then(|known| known.uid);
    shown.events.retain(|name, _| known(name).is_some());
    let read = read_uids(view, &shown, &shown.sample()).await?;
    let agrees = |(name, uid): (&String, &Option<String>)| {
        uid.as_deref().and_then(UidHash::of) == known(name)
    };
    Ok(!read.is_empty() && read.iter().all(agrees))
}

/// Whether both providers open one account.
///
/// # Errors
/// As [`compare_calendars`].
pub(super) async fn is_same_account(one: &dyn Provider, other: &dyn Provider) -> Result<bool> {
    let listed =
        tokio::time::timeout(LISTING_TIMEOUT, try_join(one.calendars(), other.calendars())).await;
    let (mine, theirs) = listed
        .map_err(|_| Error::Unreachable("it has not listed its calendars in time".into()))??;
    let [mine, theirs] = [mine, theirs]
        .map(|all| all.into_iter().map(|calendar| calendar.address).collect::<Vec<_>>());
    let Some(matched) = match_calendars(&mine, &theirs) else { return Ok(false) };
    let mut proven = false;
    for (mine, theirs) in matched {
        match compare_calendars(
            CalendarView { provider: one, address: mine },
            CalendarView { provider: other, address: theirs },
        )
        .await?
        {
            Comparison::Same => proven = true,
            Comparison::Empty => {}
            Comparison::Unproven => return Ok(false),
        }
    }
    Ok(proven)
}

/// Pairs of addresses; `None` where the addresses do not correspond one to one.
fn match_calendars<'a>(
    mine: &'a [String],
    theirs: &'a [String],
) -> Option<Vec<(&'a str, &'a str)>> {
    let by_name = |all: &'a [String]| {
        let named: BTreeMap<&str, &str> =
            all.iter().map(|address| (last_segment(address), address.as_str())).collect();
        Some(named).filter(|named| named.len() == all.len())
    };
    let (mine, theirs) = (by_name(mine)?, by_name(theirs)?);
    mine.keys().eq(theirs.keys()).then(|| mine.into_values().zip(theirs.into_values()).collect())
}

/// The listing of a calendar.
struct ListedCalendar {
    /// The events with their versions, by their names in the calendar.
    events: BTreeMap<String, (EventId, String)>,
    /// Every event has a version.
    has_all_versions: bool,
}

impl PartialEq for ListedCalendar {
    fn eq(&self, other: &Self) -> bool {
        let of = |shown: &'_ Self| {
            shown
                .events
                .iter()
                .map(|(name, (_, etag))| (name.clone(), etag.clone()))
                .collect::<Vec<_>>()
        };
        self.has_all_versions == other.has_all_versions
            && self.events.len() == other.events.len()
            && of(self) == of(other)
    }
}

impl ListedCalendar {
    /// Whether changes of one moment may explain the difference: the listings share an event, or
    /// one is empty and the other nearly empty.
    fn may_converge(&self, other: &Self) -> bool {
        let (fewer, more) =
            if self.events.len() < other.events.len() { (self, other) } else { (other, self) };
        fewer.events.keys().any(|name| more.events.contains_key(name))
            || (fewer.events.is_empty() && more.events.len() <= MAX_NEW_EVENTS)
    }

    /// Names that are evenly distributed over the listing.
    fn sample(&self) -> Vec<String> {
        let step = self.events.len().div_ceil(SAMPLE_SIZE).max(1);
        self.events.keys().step_by(step).cloned().collect()
    }
}

async fn list(view: CalendarView<'_>) -> Result<ListedCalendar> {
    let listed = view.provider.list_changes(view.address, Since::Everything, None).await?.listed;
    let mut shown = ListedCalendar { events: BTreeMap::new(), has_all_versions: true };
    for line in listed {
        let Listed::Present { id, etag, .. } = line else { continue };
        shown.has_all_versions &= etag.is_some();
        let etag = etag.as_deref().map(etag::core).unwrap_or_default().to_owned();
        shown.events.insert(id.as_str().to_owned(), (id, etag));
    }
    Ok(shown)
}

/// The UIDs of these events; `None` for an event that cannot be read.
async fn read_uids(
    view: CalendarView<'_>,
    shown: &ListedCalendar,
    names: &[String],
) -> Result<HashMap<String, Option<String>>> {
    let ids: Vec<EventId> =
        names.iter().filter_map(|name| shown.events.get(name)).map(|(id, _)| id.clone()).collect();
    let mut uids = HashMap::new();
    for batch in ids.chunks(view.provider.batch().max(1)) {
        for fetched in view.provider.fetch(view.address, batch).await? {
            let uid = match fetched.found {
                Found::Event(event) => Some(event.uid).filter(|uid| !uid.is_empty()),
                Found::Unreadable { .. } | Found::Refused(_) | Found::NoEvent | Found::NotFound => {
                    None
                }
            };
            uids.insert(fetched.id.as_str().to_owned(), uid);
        }
    }
    Ok(uids)
}

#[cfg(test)]
mod tests;
