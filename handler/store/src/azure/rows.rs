//! Rows in Azure Tables.
//!
//! # What each call costs
//! `get` is one transaction. `scan` is one for each page of at most 1,000 rows. `commit` is one for
//! up to 100 rows, plus one the first time that a table is used. If a row that is to be deleted is
//! missing, it costs one more for each unconditional delete, and one for the commit without them.
//!
//! `get_many` is one transaction a key: point reads, sixteen at a time. The alternative, a filter
//! with `RowKey eq … or RowKey eq …`, holds at most fifteen comparisons, so 100 keys would be 8
//! transactions instead of 100. But the service does not turn such a filter into point reads: it
//! scans the partition and answers in pages (each with a continuation token, and a transaction).
//! The cost would grow with the number of events of the pair, while one changed event needs two or
//! three keys. A point read takes a few milliseconds in a partition of any size.

use std::collections::BTreeSet;

use async_trait::async_trait;
use aws_lc_rs::rand;
use data_encoding::BASE64URL_NOPAD;
use futures::{StreamExt, TryStreamExt, stream};

use super::batch::BatchOutcome;
use super::fault::{AzureFault, ServiceRefusal};
use super::table::Tables;
use super::{Azure, keys};
use crate::limits::check_commit;
use crate::{Error, Op, Result, Row, Store, Table};

/// Concurrent point reads.
const MAX_CONCURRENT_READS: usize = 16;

/// The most rows that one query returns.
const MAX_PAGE: usize = 1000;

/// How often a change set is built again.
const ATTEMPTS: u32 = 6;

/// An ETag that no row has.
const STALE: &str = "W/\"datetime'0001-01-01T00%3A00%3A00Z'\"";

#[async_trait]
impl Store for Azure {
    async fn get(&self, table: Table, partition: &str, row: &str) -> Result<Option<Row>> {
        let found =
            self.tables.get(table.name(), &keys::write(partition), &keys::write(row)).await?;
        Ok(found.map(|entity| entity.into_row()).transpose()?)
    }

    async fn get_many(&self, table: Table, partition: &str, rows: &[String]) -> Result<Vec<Row>> {
        let partition = keys::write(partition);
        let wanted: BTreeSet<String> = rows.iter().map(|row| keys::write(row)).collect();
        let found =
            read(&self.tables, table.name(), &partition, wanted.into_iter().collect()).await?;
        Ok(found)
    }

    async fn scan(
        &self,
        table: Table,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row>> {
        let prefix = keys::write(prefix);
        let mut filter = format!("PartitionKey eq {}", literal(&keys::write(partition)));
        let mut and = |comparison: &str, key: &str| {
            filter.push_str(&format!(" and RowKey {comparison} {}", literal(key)))
        };
        match after.map(keys::write).filter(|after| *after >= prefix) {
            Some(after) => and("gt", &after),
            None if prefix.is_empty() => (),
            None => and("ge", &prefix),
        }
        if let Some(above) = keys::above(&prefix) {
            and("lt", &above);
        }
        let limit = limit.clamp(1, MAX_PAGE);
        let (mut rows, mut next) = (Vec::new(), None);
        // The service may return a part of the page, or nothing, with a continuation token.
        loop {
            let page =
                self.tables.query(table.name(), &filter, limit - rows.len(), next.as_ref()).await?;
            for entity in page.rows {
                rows.push(entity.into_row()?);
            }
            next = page.next;
            if next.is_none() || rows.len() >= limit {
                return Ok(rows);
            }
        }
    }

    async fn commit(&self, table: Table, partition: &str, ops: &[Op]) -> Result<Vec<String>> {
        commit(&self.tables, table.name(), partition, ops).await
    }
}

/// The rows that have one of these encoded keys.
async fn read(
    tables: &Tables,
    table: &str,
    partition: &str,
    rows: Vec<String>,
) -> Result<Vec<Row>, AzureFault> {
    let reads = rows.into_iter().map(|row| async move {
        let found = tables.get(table, partition, &row).await?;
        found.map(|entity| entity.into_row()).transpose()
    });
    stream::iter(reads)
        .buffer_unordered(MAX_CONCURRENT_READS)
        .try_filter_map(async |row| Ok(row))
        .try_collect()
        .await
}

/// Writes several rows of one partition, all or none.
///
/// *A lost answer.* An attempt whose answer was lost may have been carried out; the next attempt
/// then finds its rows and is refused. So every commit writes a random id into its rows. If a
/// refusal follows an uncertain attempt, the ids show whether this commit wrote the rows.
///
/// # Errors
/// As [`Store::commit`].
pub(super) async fn commit(
    tables: &Tables,
    table: &str,
    partition: &str,
    ops: &[Op],
) -> Result<Vec<String>> {
    check_commit(partition, ops)?;
    let partition = &keys::write(partition);
    if !keys::fits(partition) || ops.iter().any(|op| !keys::fits(&keys::write(op.key()))) {
        return Err(Error::TooLarge(
            "a key that is longer than storage takes, as it is written there".into(),
        ));
    }
    if let Some(index) =
        ops.iter().position(|op| etag(op).is_some_and(|etag| !is_service_etag(etag)))
    {
        return Err(Error::Conflict(index));
    }
    let by = signature();
    let mut etags = vec![String::new(); ops.len()];
    let mut chosen: Vec<usize> = (0..ops.len()).collect();
    let mut doubt = false;
    for attempt in 0..ATTEMPTS {
        if chosen.is_empty() {
            return Ok(etags);
        }
        let batch: Vec<&Op> = chosen.iter().map(|index| &ops[*index]).collect();
        let (outcome, doubtful) = match tables.change(table, partition, &by, &batch).await {
            Ok(answer) => answer,
            // Some services refuse the whole request if the table is missing.
            Err(AzureFault::Refused(refusal)) if refusal.is_table_missing() => {
                (BatchOutcome::Refused(0, refusal), false)
            }
            Err(fault) => return Err(fault.into()),
        };
        doubt |= doubtful;
        let (position, refusal) = match outcome {
            BatchOutcome::Done(new) => {
                for (index, etag) in chosen.into_iter().zip(new) {
                    if ops[index].value().is_some() {
                        etags[index] = etag;
                    }
                }
                return Ok(etags);
            }
            BatchOutcome::Refused(position, refusal) => (position, refusal),
        };
        let index = chosen[position];
        if refusal.is_table_missing() {
            tables.create(table).await?;
        } else if refusal.is_row_missing() && is_unconditional_delete(&ops[index]) {
            chosen = without_missing(tables, table, partition, ops, chosen, index).await?;
        } else if refusal.conflicts() {
            if doubt
                && let Some(etags) = is_already_written(tables, table, partition, &by, ops).await?
            {
                return Ok(etags);
            }
            return Err(Error::Conflict(index));
        } else if refusal.is_transient() {
            // The pipeline does not see a failure within a change set that was answered with 202.
            tokio::time::sleep(std::time::Duration::from_millis(100 << attempt)).await;
        } else {
            return Err(AzureFault::from(refusal).into());
        }
    }
    Err(AzureFault::from(ServiceRefusal {
        status: 503,
        code: "others keep writing to the same rows".into(),
    })
    .into())
}

/// The operations without the unconditional deletes of missing rows; `index` is known to be one of
/// these deletes.
async fn without_missing(
    tables: &Tables,
    table: &str,
    partition: &str,
    ops: &[Op],
    chosen: Vec<usize>,
    index: usize,
) -> Result<Vec<usize>, AzureFault> {
    let candidates = chosen
        .iter()
        .filter(|i| **i != index && is_unconditional_delete(&ops[**i]))
        .map(|i| keys::write(ops[*i].key()));
    let there: BTreeSet<String> = read(tables, table, partition, candidates.collect())
        .await?
        .into_iter()
        .map(|row| row.key)
        .collect();
    Ok(chosen
        .into_iter()
        .filter(|i| {
            !is_unconditional_delete(&ops[*i]) || (*i != index && there.contains(ops[*i].key()))
        })
        .collect())
}

/// The ETags that an earlier attempt of this commit wrote, if it did.
async fn is_already_written(
    tables: &Tables,
    table: &str,
    partition: &str,
    by: &str,
    ops: &[Op],
) -> Result<Option<Vec<String>>, AzureFault> {
    let mut etags = Vec::with_capacity(ops.len());
    let (mut ours, mut gone) = (false, true);
    for op in ops {
        let found = tables.get(table, partition, &keys::write(op.key())).await?;
        gone &= found.is_none();
        etags.push(match found {
            _ if op.value().is_none() => String::new(),
            Some(entity) if entity.by == by => {
                ours = true;
                entity.etag
            }
            // Another process has written or removed the row since.
            _ => STALE.to_owned(),
        });
    }
    // A commit that only deletes leaves no row to recognise; its rows are gone, as intended.
    let only_deletes = ops.iter().all(|op| op.value().is_none());
    Ok((ours || (only_deletes && gone)).then_some(etags))
}

fn is_unconditional_delete(op: &Op) -> bool {
    matches!(op, Op::Delete { etag: None, .. })
}

fn etag(op: &Op) -> Option<&str> {
    match op {
        Op::Replace { etag, .. } => Some(etag),
        Op::Delete { etag, .. } => etag.as_deref(),
        Op::Insert { .. } | Op::Put { .. } => None,
    }
}

/// Whether this can be an ETag of the service. Another text in a condition might have a meaning
/// (`*` matches every version), or break the request.
fn is_service_etag(etag: &str) -> bool {
    let inner = etag.strip_prefix("W/\"datetime'").and_then(|rest| rest.strip_suffix("'\""));
    inner.is_some_and(|inner| {
        inner.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:%".contains(&b))
    })
}

/// A random id, which no other commit has.
fn signature() -> String {
    let mut random = [0; 12];
    // Without random numbers nothing else works either, and the id is needed only if an answer is
    // lost.
    let _ = rand::fill(&mut random);
    BASE64URL_NOPAD.encode(&random)
}

/// A string literal of a filter.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_etag_of_the_service_is_sent() {
        assert!(
            is_service_etag("W/\"datetime'2026-11-21T04%3A07%3A47.1234567Z'\"")
                && is_service_etag(STALE)
        );
        for foreign in [
            "*",
            "",
            "W/\"x\"",
            "0",
            "W/\"datetime'x\r\nIf-Match: *'\"",
            "W/\"datetime'\"",
            "W/\"datetime'x', *'\"",
        ] {
            assert!(!is_service_etag(foreign), "{foreign}");
        }
    }
}
