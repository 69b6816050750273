//! The directory of one owner: the rows of accounts, calendars, watches and pairs.

use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{Op, Row, Store, Table};

use crate::Result;
use crate::codec::{decode, encode};

/// The number of times that a row is read again because another process wrote it at that moment.
const ATTEMPTS: usize = 8;

/// Rows read with one request: the limit of storage.
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

    /// Writes all of these rows, or none of them.
    pub async fn commit(&self, ops: &[Op]) -> Result<Vec<String>> {
        Ok(self.store.commit(Table::Directory, self.owner, ops).await?)
    }

    /// Deletes rows. A row that does not exist counts as deleted.
    pub async fn delete(&self, keys: &[String]) -> Result<()> {
        for chunk in keys.chunks(store::MAX_COMMIT) {
            let ops: Vec<Op> =
                chunk.iter().map(|key| Op::Delete { key: key.clone(), etag: None }).collect();
            self.commit(&ops).await?;
        }
        Ok(())
    }

    /// A row and its ETag.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<(T, String)>> {
        match self.store.get(Table::Directory, self.owner, key).await? {
            Some(row) => Ok(Some((decode(&row.key, &row.value)?, row.etag))),
            None => Ok(None),
        }
    }

    /// All rows whose key begins with `prefix`, ordered by key.
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

    /// Changes an existing row; `None` where the row does not exist. The row is read again and
    /// changed again where another process wrote it meanwhile. A row that the change leaves as it
    /// was is not written.
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
