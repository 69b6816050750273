//! The directory of one owner: the rows of accounts, calendars, watches and pairs.

use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Op, Row, Store, Table};

use crate::Result;
use crate::codec::{decode, encode};

/// How often a row is read again after another process has written it at the same moment.
const ATTEMPTS: usize = 8;

/// Rows taken with one request: as many as storage gives.
pub const PAGE: usize = 1000;

/// The rows of one owner in [`Table::Directory`].
#[derive(Clone, Copy)]
pub struct Directory<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) owner: &'a str,
}

impl<'a> Directory<'a> {
    /// The directory of this owner.
    pub fn new(store: &'a dyn Store, owner: &'a str) -> Self {
        Self { store, owner }
    }

    /// Writes rows, all or none.
    pub async fn commit(&self, ops: &[Op]) -> Result<Vec<String>> {
        Ok(self.store.commit(Table::Directory, self.owner, ops).await?)
    }

    /// Deletes rows; those that are gone already count as deleted.
    pub async fn delete(&self, keys: &[String]) -> Result<()> {
        for chunk in keys.chunks(store::MAX_COMMIT) {
            let ops: Vec<Op> =
                chunk.iter().map(|key| Op::Delete { key: key.clone(), etag: None }).collect();
            self.commit(&ops).await?;
        }
        Ok(())
    }

    /// One row, and its ETag.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<(T, String)>> {
        match self.store.get(Table::Directory, self.owner, key).await? {
            Some(row) => Ok(Some((decode(&row.key, &row.value)?, row.etag))),
            None => Ok(None),
        }
    }

    /// All rows whose key begins with `prefix`, in the order of their keys.
    pub async fn list<T: DeserializeOwned>(&self, prefix: &str) -> Result<Vec<T>> {
        let mut values = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page: Vec<Row> = self
                .store
                .scan(Table::Directory, self.owner, prefix, after.as_deref(), PAGE)
                .await?;
            for row in &page {
                values.push(decode(&row.key, &row.value)?);
            }
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.key.clone()),
                _ => return Ok(values),
            }
        }
    }

    /// Changes a row that is there, and reads it again where another process has written it meanwhile;
    /// `None` where there is none. A change that leaves the row as it was is not written.
    pub async fn update<T>(&self, key: &str, mut change: impl FnMut(&mut T)) -> Result<Option<T>>
    where
        T: Serialize + DeserializeOwned + Clone + PartialEq,
    {
        let mut attempt = 0;
        loop {
            let Some((before, etag)) = self.get::<T>(key).await? else { return Ok(None) };
            let mut after = before.clone();
            change(&mut after);
            if after == before {
                return Ok(Some(after));
            }
            let op = Op::Replace { key: key.to_owned(), etag, value: encode(&after)? };
            match self.store.commit(Table::Directory, self.owner, &[op]).await {
                Ok(_) => return Ok(Some(after)),
                Err(store::Error::Conflict(_)) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }
}
