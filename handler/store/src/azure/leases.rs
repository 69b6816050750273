//! Leases: a row a name, written again every ten seconds while the lease is held.
//!
//! # Properties
//! * At most one holder at a time, as long as the holder can reach the table at least once in [`TERM`].
//! * A holder that was killed blocks nobody for longer than [`TERM`]; one that ends its lease blocks nobody from then on.
//! * Two machines need not agree on the time.
//!
//! # Design
//! *Taking.* The row is inserted, which succeeds for one of many. Where it is there already, it is read: the service says when
//! it was last written (`Timestamp`) and what time it is (`Date`), both by its own clock. If it is older than [`TERM`], its
//! holder is dead, and the row is replaced under the condition that it is still the version that was read: of several who
//! noticed, one wins. Our own clock is asked only how long ten seconds are. `Date` is in whole seconds, rounded down, so a row
//! looks younger than it is by less than a second, never older.
//!
//! *Holding.* A task replaces the row under the condition of its last ETag. If the condition fails, somebody has taken over
//! (this process was asleep, or away from the table for too long): the task says so in the log and leaves the row alone. The
//! work that is under way does not learn it; what it writes is guarded by ETags and by the providers' own, as it has to be
//! anyway against a person who edits at the same moment.
//!
//! *Ending.* Dropping the lease wakes the task, which deletes its version of the row. [`Azure::settle`] waits for that; a
//! process that exits without it leaves rows that end by themselves.
//!
//! *Why no lease of a blob*: that is what the Functions host uses, and would be one request less now and then; but it would
//! need a third service, a container, and one more role for the identity, for a term that cannot be below 15 s either.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use data_encoding::HEXLOWER;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{OwnedRwLockReadGuard, RwLock, oneshot};
use tokio::time::timeout;

use super::Azure;
use super::rows::commit;
use super::table::Tables;
use crate::{Error, Lease, Leases, Op, Result};

/// A lease that was not renewed for so long is free.
pub(super) const TERM: SignedDuration = SignedDuration::from_secs(30);

/// Between two renewals.
const RENEW: Duration = Duration::from_secs(10);

/// After a renewal that failed, and the most that one may take: two more fit into the term.
const AGAIN: Duration = Duration::from_secs(5);

/// Where leases stand: the partition is the hash of the name, and each has one row.
const TABLE: &str = "leases";
const ROW: &str = "lease";

#[async_trait]
impl Leases for Azure {
    async fn acquire(&self, name: &str) -> Result<Option<Lease>> {
        let slot = Slot::new(&self.tables, name)?;
        let insert = Op::Insert { key: ROW.into(), value: slot.holder.clone() };
        let etag = match slot.write(insert).await {
            Err(Error::Conflict(_)) => slot.take_over().await?,
            outcome => Some(outcome?),
        };
        Ok(etag.map(|etag| Lease::new(hold(slot, etag, self.endings.clone()))))
    }
}

/// One lease's row, and who wants it.
struct Slot {
    tables: Tables,
    partition: String,
    holder: String,
}

impl Slot {
    fn new(tables: &Tables, name: &str) -> Result<Self> {
        // A name may hold anything and be of any length.
        let partition = HEXLOWER.encode(&digest(&SHA256, name.as_bytes()).as_ref()[..20]);
        let mut random = [0; 16];
        rand::fill(&mut random).map_err(|_| Error::Failed("the system gives no random numbers".into()))?;
        Ok(Self { tables: tables.clone(), partition, holder: HEXLOWER.encode(&random) })
    }

    /// Writes the row; its new ETag.
    async fn write(&self, op: Op) -> Result<String> {
        let etags = commit(&self.tables, TABLE, &self.partition, &[op]).await?;
        etags.into_iter().next().ok_or_else(|| Error::Failed("a lease was written and no ETag came".into()))
    }

    /// Takes the row from a holder that has let it grow old.
    async fn take_over(&self) -> Result<Option<String>> {
        let (found, now) = self.tables.get(TABLE, &self.partition, ROW).await.map_err(Error::from)?;
        let taken = match found {
            // It was ended just now.
            None => self.write(Op::Insert { key: ROW.into(), value: self.holder.clone() }).await,
            Some(row) if now.is_some_and(|now| is_over(row.timestamp, now)) => {
                self.write(Op::Replace { key: ROW.into(), etag: row.etag, value: self.holder.clone() }).await
            }
            Some(_) => return Ok(None),
        };
        match taken {
            Err(Error::Conflict(_)) => Ok(None),
            taken => taken.map(Some),
        }
    }

    /// Writes the row again. `None` where somebody else has it.
    async fn renew(&self, etag: &str) -> Result<Option<String>> {
        let replace = Op::Replace { key: ROW.into(), etag: etag.to_owned(), value: self.holder.clone() };
        match self.write(replace).await {
            // An earlier renewal, which was given up for its slowness, may have been carried out after all.
            Err(Error::Conflict(_)) => {
                let (found, _) = self.tables.get(TABLE, &self.partition, ROW).await.map_err(Error::from)?;
                Ok(found.filter(|row| row.value() == self.holder).map(|row| row.etag))
            }
            outcome => outcome.map(Some),
        }
    }

    async fn end(&self, etag: &str) -> Result<()> {
        let delete = |etag: &str| Op::Delete { key: ROW.into(), etag: Some(etag.to_owned()) };
        match commit(&self.tables, TABLE, &self.partition, &[delete(etag)]).await {
            Err(Error::Conflict(_)) => match self.renew(etag).await? {
                Some(etag) => commit(&self.tables, TABLE, &self.partition, &[delete(&etag)]).await.map(|_| ()),
                None => Ok(()),
            },
            outcome => outcome.map(|_| ()),
        }
    }
}

fn is_over(written: Timestamp, now: Timestamp) -> bool {
    now.duration_since(written) > TERM
}

/// What a lease holds: its end wakes the task.
struct Guard {
    end: Option<oneshot::Sender<Option<OwnedRwLockReadGuard<()>>>>,
    endings: Arc<RwLock<()>>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Whoever settles waits for this mark; where somebody does already, the ending is not waited for.
        let mark = self.endings.clone().try_read_owned().ok();
        if let Some(end) = self.end.take() {
            // A task that is gone had lost the lease.
            let _ = end.send(mark);
        }
    }
}

fn hold(slot: Slot, mut etag: String, endings: Arc<RwLock<()>>) -> Guard {
    let (end, mut ended) = oneshot::channel();
    tokio::spawn(async move {
        let mut pause = RENEW;
        let _mark = loop {
            match timeout(pause, &mut ended).await {
                Ok(mark) => break mark.ok().flatten(),
                Err(_) => match timeout(AGAIN, slot.renew(&etag)).await {
                    Ok(Ok(Some(new))) => (etag, pause) = (new, RENEW),
                    Ok(Ok(None)) => {
                        tracing::warn!("a lease was lost: storage was out of reach, or this process asleep, for longer than its term");
                        return;
                    }
                    Ok(Err(error)) => {
                        tracing::warn!(%error, "a lease could not be renewed; trying again");
                        pause = AGAIN;
                    }
                    Err(_) => pause = Duration::from_secs(1),
                },
            }
        };
        if let Err(error) = slot.end(&etag).await {
            tracing::info!(%error, "a lease could not be ended; it ends by itself");
        }
    });
    Guard { end: Some(end), endings }
}

impl Azure {
    /// Waits until leases that were dropped have ended, for a few seconds at most. To be called before the process exits, so
    /// that the next one need not wait for their term.
    pub async fn settle(&self) {
        // Nothing is lost if it takes too long.
        let _ = timeout(Duration::from_secs(5), self.endings.write()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_over_after_its_term_by_the_clock_of_the_service() {
        let written: Timestamp = "2026-11-21T04:00:00.9999999Z".parse().unwrap();
        let after = |seconds: i64| {
            jiff::fmt::rfc2822::parse("Sat, 21 Nov 2026 04:00:00 GMT").unwrap().timestamp() + SignedDuration::from_secs(seconds)
        };
        assert!(!is_over(written, after(0)) && !is_over(written, after(30)) && is_over(written, after(31)));
    }
}
