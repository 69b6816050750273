//! The directory of one owner as it was at one moment, read with one request.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::calendar::{AccountId, CalendarId, PairId};
use engine::pair::Pair;
use serde::de::DeserializeOwned;
use store::{Row, Store, Table};
use tokio::sync::OnceCell;

use crate::account::{self, Account};
use crate::calendar::CalendarRecord;
use crate::directory::PAGE;
use crate::kinds::{
    ACCOUNT, CALENDAR, ENDED, PAIR, WATCH, account_key, calendar_key, ended_key, pair_key,
};
use crate::pair::EndedPair;
use crate::watch::WatchRecord;
use crate::{Result, codec};

/// A snapshot that is older is not recent: a pair may have been paused since.
const RECENT: Duration = Duration::from_secs(10);

/// Rows by their keys.
type RowsByKey = BTreeMap<String, Row>;

/// The directory of one owner as it was at one moment.
///
/// A job that uses a snapshot reads records that may have changed again, under the lease of its
/// pair. While a pair exists, its calendars and accounts exist: their removal waits for the lease
/// of the pair and removes the pair first.
pub struct Snapshot {
    store: Arc<dyn Store>,
    owner: String,
    read: Instant,
    rows: RowsByKey,
    /// The sealed secrets of all accounts of the owner, read at the first use.
    secrets: OnceCell<RowsByKey>,
}

impl Snapshot {
    /// Reads the directory. A row that cannot be understood is an error only for a call that reads
    /// that row.
    ///
    /// # Errors
    /// Storage failures.
    pub async fn read(store: &Arc<dyn Store>, owner: &str) -> Result<Self> {
        let read = Instant::now();
        let rows = read_all(&**store, owner, Table::Directory).await?;
        let (store, owner) = (store.clone(), owner.to_owned());
        Ok(Self { store, owner, read, rows, secrets: OnceCell::new() })
    }

    /// Whether the snapshot was read just now: a job that uses it counts as begun at that moment.
    pub fn is_recent(&self) -> bool {
        self.read.elapsed() < RECENT
    }

    /// A pair; `None` where there is no pair with this id.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged), here and below.
    pub fn pair(&self, id: &PairId) -> Result<Option<Pair>> {
        self.get(&pair_key(id))
    }

    /// All pairs, in the order of their ids.
    pub fn pairs(&self) -> Result<Vec<Pair>> {
        self.list(PAIR)
    }

    /// All pairs whose rows can be read. A row that is damaged, or that a newer program wrote, is
    /// logged and skipped.
    pub fn readable_pairs(&self) -> Vec<Pair> {
        for id in self.pair_ids() {
            if let Err(error) = self.pair(&id) {
                tracing::warn!(pair = %id, %error, "a pair is skipped, because its rows cannot be \
                read");
            }
        }
        self.readable(PAIR)
    }

    /// All accounts whose rows can be read.
    pub fn accounts(&self) -> Vec<Account> {
        self.readable(ACCOUNT)
    }

    /// All calendars whose rows can be read.
    pub fn calendars(&self) -> Vec<CalendarRecord> {
        self.readable(CALENDAR)
    }

    /// The ids of all pairs, including pairs whose row cannot be read.
    pub fn pair_ids(&self) -> Vec<PairId> {
        self.ids(PAIR).map(PairId::new).collect()
    }

    /// The ids of all calendars.
    pub fn calendar_ids(&self) -> Vec<CalendarId> {
        self.ids(CALENDAR).map(CalendarId::new).collect()
    }

    fn ids<'s>(&'s self, prefix: &'static str) -> impl Iterator<Item = &'s str> {
        self.rows.range(prefix.to_owned()..).map_while(move |(key, _)| key.strip_prefix(prefix))
    }

    /// Pairs that were removed, by the calendars between which they copied.
    pub fn ended_pairs(&self) -> Vec<EndedPair> {
        self.readable(ENDED)
    }

    /// The keys of the rows about removed pairs that name one of these calendars.
    pub fn ended_keys(&self, calendars: &[&CalendarId]) -> Vec<String> {
        let named = self
            .ended_pairs()
            .into_iter()
            .filter(|EndedPair { from, to }| calendars.contains(&from) || calendars.contains(&to));
        named.map(|EndedPair { from, to }| ended_key(&from, &to)).collect()
    }

    /// All watches.
    pub fn watches(&self) -> Result<Vec<WatchRecord>> {
        self.list(WATCH)
    }

    /// A calendar as it was last listed; `None` where it was never listed.
    pub fn calendar(&self, id: &CalendarId) -> Result<Option<CalendarRecord>> {
        self.get(&calendar_key(id))
    }

    /// An account.
    ///
    /// # Errors
    /// [`Error::NoAccount`](crate::Error::NoAccount).
    pub fn account(&self, id: &AccountId) -> Result<Account> {
        account::with_id(id, self.get(&account_key(id))?)
    }

    /// The row of the sealed secret of an account; `None` where there is none. The first call reads
    /// the rows of all accounts of the owner with one request.
    pub async fn secret(&self, id: &AccountId) -> Result<Option<&Row>> {
        let (store, owner) = (&*self.store, &self.owner);
        let secrets =
            self.secrets.get_or_try_init(|| read_all(store, owner, Table::Secrets)).await?;
        Ok(secrets.get(id.as_str()))
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
        rows.map(|(key, row)| codec::decode(key, &row.value))
    }

    fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        self.rows.get(key).map(|row| codec::decode(key, &row.value)).transpose()
    }
}

/// All rows of the owner.
async fn read_all(store: &dyn Store, owner: &str, table: Table) -> Result<RowsByKey> {
    let mut all = RowsByKey::new();
    loop {
        let after = all.last_key_value().map(|(key, _): (&String, &Row)| key.as_str());
        let page = store.scan(table, owner, "", after, PAGE).await?;
        let last = page.len() < PAGE;
        all.extend(page.into_iter().map(|row| (row.key.clone(), row)));
        if last {
            return Ok(all);
        }
    }
}
