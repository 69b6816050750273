//! The rows of a program between two of its commands: put there, and moved back in time, so that
//! time has passed for the program, whose clock is the system's.

use anyhow::Context as _;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::Value;
use store::{MAX_COMMIT, Op, Store, Table};

use crate::support::cli::Cli;
use crate::support::storage::Opened;

/// Whose rows they are where there is one user.
const OWNER: &str = "local";

/// What is known of a pair besides its mappings begins with this.
const STATE: &str = "s";

/// Puts rows: table, partition, key and value of each.
pub async fn put(cli: &Cli, rows: Vec<(Table, String, String, Value)>) -> anyhow::Result<()> {
    let opened = cli.storage().open(&cli.data_dir()).await?;
    let mut rows = rows.into_iter().peekable();
    while let Some((table, partition, key, value)) = rows.next() {
        let mut ops = vec![Op::Put { key, value: value.to_string() }];
        while let Some((_, _, key, value)) =
            rows.next_if(|row| (row.0, &row.1) == (table, &partition) && ops.len() < MAX_COMMIT)
        {
            ops.push(Op::Put { key, value: value.to_string() });
        }
        opened.store().commit(table, &partition, &ops).await?;
    }
    settled(opened).await
}

/// So many hours pass for all pairs: every instant and every day that is remembered lies earlier by
/// so much.
pub async fn hours_pass(cli: &Cli, hours: i64) -> anyhow::Result<()> {
    let opened = cli.storage().open(&cli.data_dir()).await?;
    let store = opened.store();
    for row in all(&*store, Table::Directory, OWNER, "pair:").await? {
        let pair = row.key.strip_prefix("pair:").context("a pair")?.to_owned();
        // Of mappings only those that say when their event was written.
        let is_dated = |row: &store::Row| {
            row.key.starts_with(STATE)
                || ["\"former\"", "missed_on"].iter().any(|name| row.value.contains(name))
        };
        for row in all(&*store, Table::Pairs, &pair, "").await?.into_iter().filter(is_dated) {
            let mut value: Value = serde_json::from_str(&row.value)?;
            shift(&mut value, hours);
            let op = Op::Replace { key: row.key, etag: row.etag, value: value.to_string() };
            store.commit(Table::Pairs, &pair, &[op]).await?;
        }
    }
    settled(opened).await
}

async fn all(
    store: &dyn Store,
    table: Table,
    partition: &str,
    prefix: &str,
) -> anyhow::Result<Vec<store::Row>> {
    let mut rows: Vec<store::Row> = Vec::new();
    loop {
        let after = rows.last().map(|row| row.key.clone());
        let page = store.scan(table, partition, prefix, after.as_deref(), 1000).await?;
        let last = page.len() < 1000;
        rows.extend(page);
        if last {
            return Ok(rows);
        }
    }
}

fn shift(value: &mut Value, hours: i64) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(|one| shift(one, hours)),
        Value::Object(fields) => {
            // A cursor is the provider's own text, and an event's times are its own.
            let ours = fields
                .iter_mut()
                .filter(|(name, _)| !["cursor", "start", "end"].contains(&name.as_str()));
            ours.for_each(|(_, one)| shift(one, hours));
        }
        Value::String(text) => {
            if let Ok(instant) = text.parse::<Timestamp>() {
                *text = (instant - SignedDuration::from_hours(hours)).to_string();
            } else if let Ok(day) = text.parse::<Date>() {
                // A part of a day moves no day: what is due each day is not due yet.
                *text = day.saturating_sub((hours / 24).days()).to_string();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

async fn settled(opened: Opened) -> anyhow::Result<()> {
    opened.settle().await;
    Ok(())
}
