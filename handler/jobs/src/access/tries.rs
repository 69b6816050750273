//! Limits of tries that hold for all instances: a row for each name holds the times of the last
//! tries.
//!
//! The rows are in [`Table::Secrets`], partition `tries`, under a hash of the name. Each try that
//! is counted deletes some rows whose tries are over.

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64URL_NOPAD;
use jiff::{SignedDuration, Timestamp};
use records::consent::{decode, encode};
use serde::{Deserialize, Serialize};
use store::{Op, Table};

use crate::{Result, Services};

const PARTITION: &str = "tries";
/// The time in which tries are counted.
const SPAN: SignedDuration = SignedDuration::from_secs(60);
/// How often a row is read again that another process wrote meanwhile.
const ATTEMPTS: usize = 8;
/// Rows that are looked through for tries that are over.
const SWEPT: usize = 20;

#[derive(Clone, Default, Serialize, Deserialize)]
struct Tries {
    at: Vec<Timestamp>,
}

/// Counts a try under this name: `Some` with the time after which another one is allowed, where
/// there were `most` within the last minute. A refused try is not counted.
///
/// # Errors
/// Storage failures.
pub async fn count_try(
    services: &Services,
    name: &str,
    most: usize,
) -> Result<Option<SignedDuration>> {
    let key = BASE64URL_NOPAD.encode(digest(&SHA256, name.as_bytes()).as_ref());
    for attempt in 0..ATTEMPTS {
        let now = services.clock.now();
        let row = services.store.get(Table::Secrets, PARTITION, &key).await?;
        let mut tries: Tries = row.as_ref().and_then(|row| decode(&row.value)).unwrap_or_default();
        tries.at.retain(|at| now.duration_since(*at).abs() < SPAN);
        if tries.at.len() >= most {
            let first = tries.at.iter().min().copied().unwrap_or(now);
            return Ok(Some(SPAN.saturating_sub(now.duration_since(first).abs())));
        }
        tries.at.push(now);
        let (key, value) = (key.clone(), encode(&tries)?);
        let op = match row {
            Some(row) => Op::Replace { key, etag: row.etag, value },
            None => Op::Insert { key, value },
        };
        match services.store.commit(Table::Secrets, PARTITION, &[op]).await {
            Ok(_) => {
                sweep(services, now).await;
                return Ok(None);
            }
            Err(store::Error::Conflict(_)) if attempt + 1 < ATTEMPTS => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Some(SPAN))
}

/// Deletes some rows whose tries are over; a failure is no matter of the caller.
async fn sweep(services: &Services, now: Timestamp) {
    let Ok(rows) = services.store.scan(Table::Secrets, PARTITION, "", None, SWEPT).await else {
        return;
    };
    let is_over = |value: &str| {
        let tries: Tries = decode(value).unwrap_or_default();
        tries.at.iter().all(|at| now.duration_since(*at).abs() >= SPAN)
    };
    for row in rows.into_iter().filter(|row| is_over(&row.value)) {
        let delete = Op::Delete { key: row.key, etag: Some(row.etag) };
        if services.store.commit(Table::Secrets, PARTITION, &[delete]).await.is_err() {
            return;
        }
    }
}
