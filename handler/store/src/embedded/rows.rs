//! Rows in the file.

use std::collections::BTreeSet;

use async_trait::async_trait;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use super::Embedded;
use super::fault::EmbeddedFault;
use super::schema;
use crate::limits::check_commit;
use crate::{Error, Op, Result, Row, Store, Table};

/// The most rows that one scan returns.
const MAX_SCAN: u16 = 1_000;

#[async_trait]
impl Store for Embedded {
    async fn get(&self, table: Table, partition: &str, row: &str) -> Result<Option<Row>> {
        let keys = BTreeSet::from([row.to_owned()]);
        Ok(self.read_keys(table, partition, keys).await?.pop())
    }

    async fn get_many(&self, table: Table, partition: &str, rows: &[String]) -> Result<Vec<Row>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        self.read_keys(table, partition, rows.iter().cloned().collect()).await
    }

    async fn scan(
        &self,
        table: Table,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row>> {
        let (partition, prefix) = (partition.to_owned(), prefix.to_owned());
        let after = after.map(str::to_owned);
        let limit = u16::try_from(limit).unwrap_or(MAX_SCAN).clamp(1, MAX_SCAN);
        let work = move |db: &mut rusqlite::Connection| {
            // One lower bound, so that the primary key finds the first row; the prefix ends the
            // scan.
            let (sql, from) = match after {
                Some(after) if after >= prefix => (
                    "SELECT rk, etag, value FROM rows WHERE tbl = ?1 AND pk = ?2 AND rk > ?3 \
                    ORDER BY rk LIMIT ?4",
                    after,
                ),
                _ => (
                    "SELECT rk, etag, value FROM rows WHERE tbl = ?1 AND pk = ?2 AND rk >= ?3 \
                    ORDER BY rk LIMIT ?4",
                    prefix.clone(),
                ),
            };
            let mut select = db.prepare_cached(sql)?;
            let mut found = select.query(params![table.name(), partition, from, limit])?;
            let mut rows = Vec::new();
            while let Some(row) = found.next()? {
                let row = read(row)?;
                if !row.key.starts_with(&prefix) {
                    break;
                }
                rows.push(row);
            }
            Ok(rows)
        };
        self.readers.run(work).await
    }

    async fn commit(&self, table: Table, partition: &str, ops: &[Op]) -> Result<Vec<String>> {
        check_commit(partition, ops)?;
        if ops.is_empty() {
            return Ok(Vec::new());
        }
        let (partition, ops) = (partition.to_owned(), ops.to_vec());
        let work = move |db: &mut rusqlite::Connection| {
            db.pragma_update(None, "synchronous", durability(table))?;
            let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let first = schema::next_number(&tx, ops.len())?;
            let mut etags = Vec::with_capacity(ops.len());
            for ((index, op), etag) in ops.iter().enumerate().zip(first..) {
                if !apply(&tx, table, &partition, op, etag)? {
                    // Dropping the transaction rolls it back.
                    return Err(Error::Conflict(index).into());
                }
                etags.push(if matches!(op, Op::Delete { .. }) {
                    String::new()
                } else {
                    etag.to_string()
                });
            }
            tx.commit()?;
            Ok(etags)
        };
        self.writer.run(work).await
    }
}

impl Embedded {
    async fn read_keys(
        &self,
        table: Table,
        partition: &str,
        keys: BTreeSet<String>,
    ) -> Result<Vec<Row>> {
        let partition = partition.to_owned();
        let work = move |db: &mut rusqlite::Connection| {
            // One transaction, so that the rows are a consistent snapshot.
            let tx = db.transaction()?;
            let mut rows = Vec::new();
            {
                let mut select = tx.prepare_cached(
                    "SELECT rk, etag, value FROM rows WHERE tbl = ?1 AND pk = ?2 AND rk = ?3",
                )?;
                for key in keys {
                    rows.extend(
                        select.query_row(params![table.name(), partition, key], read).optional()?,
                    );
                }
            }
            tx.finish()?;
            Ok(rows)
        };
        self.readers.run(work).await
    }
}

/// What survives a power failure (see `embedded`).
fn durability(table: Table) -> &'static str {
    match table {
        Table::Directory | Table::Secrets => "FULL",
        Table::Pairs => "NORMAL",
    }
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row { key: row.get(0)?, etag: row.get::<_, i64>(1)?.to_string(), value: row.get(2)? })
}

/// One operation; `false` if its condition did not hold.
fn apply(
    tx: &Transaction<'_>,
    table: Table,
    partition: &str,
    op: &Op,
    new: i64,
) -> Result<bool, EmbeddedFault> {
    let tbl = table.name();
    let changed = match op {
        Op::Insert { key, value } => tx
            .prepare_cached(
                "INSERT INTO rows (tbl, pk, rk, etag, value) VALUES (?1, ?2, ?3, ?4, \
            ?5) ON CONFLICT DO NOTHING",
            )?
            .execute(params![tbl, partition, key, new, value])?,
        Op::Put { key, value } => tx
            .prepare_cached(
                "INSERT INTO rows (tbl, pk, rk, etag, value) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO UPDATE SET etag = excluded.etag, value = excluded.value",
            )?
            .execute(params![tbl, partition, key, new, value])?,
        Op::Replace { key, etag, value } => match etag_number(etag) {
            Some(old) => tx
                .prepare_cached(
                    "UPDATE rows SET etag = ?4, value = ?5 WHERE tbl = ?1 AND pk = ?2 \
                AND rk = ?3 AND etag = ?6",
                )?
                .execute(params![tbl, partition, key, new, value, old])?,
            None => 0,
        },
        Op::Delete { key, etag: Some(etag) } => match etag_number(etag) {
            Some(old) => tx
                .prepare_cached(
                    "DELETE FROM rows WHERE tbl = ?1 AND pk = ?2 AND rk = ?3 AND etag \
                = ?4",
                )?
                .execute(params![tbl, partition, key, old])?,
            None => 0,
        },
        Op::Delete { key, etag: None } => {
            tx.prepare_cached(
                "DELETE FROM rows WHERE tbl = ?1 AND pk = ?2 AND rk = \
            ?3",
            )?
            .execute(params![tbl, partition, key])?;
            1
        }
    };
    Ok(changed == 1)
}

/// A foreign ETag matches no row.
fn etag_number(etag: &str) -> Option<i64> {
    etag.parse().ok()
}
