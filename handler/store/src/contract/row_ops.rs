//! Short forms of operations on rows, for the contract of rows.

use crate::{Error, Op, Row, Store, Table};

pub(super) fn insert(key: &str, value: &str) -> Op {
    Op::Insert { key: key.into(), value: value.into() }
}

pub(super) fn put(key: &str, value: &str) -> Op {
    Op::Put { key: key.into(), value: value.into() }
}

pub(super) fn replace(key: &str, etag: &str, value: &str) -> Op {
    Op::Replace { key: key.into(), etag: etag.into(), value: value.into() }
}

pub(super) fn delete(key: &str, etag: Option<&str>) -> Op {
    Op::Delete { key: key.into(), etag: etag.map(Into::into) }
}

pub(super) async fn write(store: &dyn Store, partition: &str, ops: &[Op]) -> Vec<String> {
    store.commit(Table::Pairs, partition, ops).await.expect("the commit is accepted")
}

pub(super) async fn value(store: &dyn Store, partition: &str, key: &str) -> Option<String> {
    store
        .get(Table::Pairs, partition, key)
        .await
        .expect("a row can be asked for")
        .map(|row| row.value)
}

pub(super) async fn conflict(
    store: &dyn Store,
    partition: &str,
    ops: &[Op],
    index: usize,
    why: &str,
) {
    match store.commit(Table::Pairs, partition, ops).await {
        Err(Error::Conflict(found)) => {
            assert_eq!(found, index, "the conflict names the operation: {why}")
        }
        other => panic!("a conflict was expected, {why}; it was {other:?}"),
    }
}

/// Every row of the prefix, page by page.
pub(super) async fn scan(
    store: &dyn Store,
    partition: &str,
    prefix: &str,
    limit: usize,
) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    loop {
        let after = rows.last().map(|row| row.key.clone());
        let page = store
            .scan(Table::Pairs, partition, prefix, after.as_deref(), limit)
            .await
            .expect("a scan is answered");
        assert!(page.len() <= limit, "a page holds no more than its limit");
        let last = page.len() < limit;
        rows.extend(page);
        assert!(rows.len() <= 10_000, "a scan comes to an end");
        if last {
            return rows;
        }
    }
}

pub(super) fn keys(rows: &[Row]) -> Vec<&str> {
    rows.iter().map(|row| row.key.as_str()).collect()
}
