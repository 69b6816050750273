//! The directory as it was at one moment: read at once, where row by row would cost a request each.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::calendar::{AccountId, CalendarId, PairId};
use engine::pair::Pair;
use providers::Provider;
use serde::de::DeserializeOwned;
use store::{Row, Table};
use tokio::sync::OnceCell;

use super::accounts::{self, Account};
use super::identity::CalendarPlaces;
use super::pairs::Ended;
use super::{CalendarRecord, WatchRecord, calendars, pairs, rows};
use crate::{Result, Services};

/// After so long, whoever begins something looks whether it was paused meanwhile.
const RECENT: Duration = Duration::from_secs(10);

/// Rows by their keys.
type RowsByKey = BTreeMap<String, Row>;

/// What one owner has, as it was at one moment. Whoever acts on it makes sure, under the lease, of
/// what may have changed and matters: a pair that is still there has its calendars and accounts
/// still, for their removal waits for the lease and takes the pair first.
pub struct Snapshot {
    read: Instant,
    rows: RowsByKey,
    /// The sealed secrets, read when the first is needed. All of an owner's: a handful, with one
    /// request.
    secrets: OnceCell<RowsByKey>,
}

impl Snapshot {
    /// Reads it. A row that cannot be understood harms only whoever asks for it.
    ///
    /// # Errors
    /// Storage failures.
    pub async fn read(services: &Services) -> Result<Self> {
        let read = Instant::now();
        Ok(Self { read, rows: all(services, Table::Directory).await?, secrets: OnceCell::new() })
    }

    /// Whether it was read just now: work that goes by it counts as begun by then.
    pub fn is_recent(&self) -> bool {
        self.read.elapsed() < RECENT
    }

    /// A pair, if there is one of this id.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged), here and below.
    pub fn pair(&self, id: &PairId) -> Result<Option<Pair>> {
        self.get(&pairs::row_key(id))
    }

    /// All pairs, in the order of their ids.
    pub fn pairs(&self) -> Result<Vec<Pair>> {
        self.list(rows::PAIR)
    }

    /// All pairs whose rows can be read: one that a newer program has written, or that is damaged,
    /// harms no other.
    pub fn readable_pairs(&self) -> Vec<Pair> {
        for id in self.pair_ids() {
            if let Err(error) = self.pair(&id) {
                tracing::warn!(pair = %id, %error, "a pair is passed over");
            }
        }
        self.readable(rows::PAIR)
    }

    /// All accounts whose rows can be read.
    pub(super) fn accounts(&self) -> Vec<Account> {
        self.readable(rows::ACCOUNT)
    }

    /// All calendars whose rows can be read.
    pub(super) fn calendars(&self) -> Vec<CalendarRecord> {
        self.readable(rows::CALENDAR)
    }

    /// The ids of all pairs, also of those whose row cannot be read.
    pub fn pair_ids(&self) -> Vec<PairId> {
        self.ids(rows::PAIR).map(PairId::new).collect()
    }

    /// The ids of all calendars.
    pub fn calendar_ids(&self) -> Vec<CalendarId> {
        self.ids(rows::CALENDAR).map(CalendarId::new).collect()
    }

    fn ids<'s>(&'s self, prefix: &'static str) -> impl Iterator<Item = &'s str> {
        self.rows.range(prefix.to_owned()..).map_while(move |(key, _)| key.strip_prefix(prefix))
    }

    /// Whether a calendar may hold what an ended pair has copied out of another calendar than this
    /// one, and one that is there still.
    pub fn has_left_copies(&self, calendar: &CalendarId, but_of: &CalendarId) -> bool {
        let ended = self.ended();
        if ended.is_empty() {
            return false;
        }
        let places = CalendarPlaces::read(self);
        ended.iter().any(|Ended { from, to }| {
            places.same(to, calendar)
                && places.knows(from)
                && !places.same(from, but_of)
                && !places.same(from, calendar)
        })
    }

    /// Ended pairs, by the calendars between which they copied.
    pub(super) fn ended(&self) -> Vec<Ended> {
        self.readable(rows::ENDED)
    }

    /// The rows about ended pairs that name one of these calendars.
    pub(super) fn ended_of(&self, calendars: &[&CalendarId]) -> Vec<String> {
        let named = self
            .ended()
            .into_iter()
            .filter(|Ended { from, to }| calendars.contains(&from) || calendars.contains(&to));
        named.map(|Ended { from, to }| rows::ended_key(&from, &to)).collect()
    }

    /// All channels.
    pub(crate) fn channels(&self) -> Result<Vec<WatchRecord>> {
        self.list(rows::CHANNEL)
    }

    /// A calendar as it was last seen; `None` where it never was.
    pub fn calendar(&self, id: &CalendarId) -> Result<Option<CalendarRecord>> {
        self.get(&calendars::row_key(id))
    }

    /// An account.
    ///
    /// # Errors
    /// [`Error::NotFound`](crate::Error::NotFound) where there is none of this id.
    pub fn account(&self, id: &AccountId) -> Result<Account> {
        accounts::of(id, self.get(&accounts::row_key(id))?.ok_or_else(|| accounts::missing(id))?)
    }

    /// As [`super::open`].
    pub async fn open(&self, services: &Services, account: &Account) -> Result<Arc<dyn Provider>> {
        let secrets = self.secrets.get_or_try_init(|| all(services, Table::Secrets)).await?;
        accounts::open_with(services, account, secrets.get(account.id.as_str())).await
    }

    fn list<T: DeserializeOwned>(&self, prefix: &str) -> Result<Vec<T>> {
        self.decoded(prefix).collect()
    }

    fn readable<T: DeserializeOwned>(&self, prefix: &str) -> Vec<T> {
        self.decoded(prefix).filter_map(Result::ok).collect()
    }

    fn decoded<T: DeserializeOwned>(&self, prefix: &str) -> impl Iterator<Item = Result<T>> {
        let rows = self
            .rows
            .range(prefix.to_owned()..)
            .take_while(move |(key, _)| key.starts_with(prefix));
        rows.map(|(key, row)| rows::decode(key, &row.value))
    }

    fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        self.rows.get(key).map(|row| rows::decode(key, &row.value)).transpose()
    }
}

/// All rows of the owner.
async fn all(services: &Services, table: Table) -> Result<RowsByKey> {
    let mut all = RowsByKey::new();
    loop {
        let after = all.last_key_value().map(|(key, _): (&String, &Row)| key.as_str());
        let page = services.store.scan(table, &services.owner, "", after, rows::PAGE).await?;
        let last = page.len() < rows::PAGE;
        all.extend(page.into_iter().map(|row| (row.key.clone(), row)));
        if last {
            return Ok(all);
        }
    }
}
