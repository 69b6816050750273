//! Leases: one row for each name, all rows of one scope in one partition, renewed every ten seconds
//! while they are held.
//!
//! # Properties
//! * At most one holder at a time, if the holder checks [`Lease::holds`] before each step. Leases
//!   that are taken together are taken, renewed and ended together, or not at all.
//! * A killed holder blocks others for at most [`TERM`]; a holder that ends its leases blocks no
//!   one from then on.
//! * A holder learns that it may have lost its leases before another process can take them.
//! * The clocks of two machines need not agree.
//!
//! # Design
//! *Taking.* The rows are inserted in one transaction, which succeeds for one of several processes.
//! If one of the rows exists, the partition is read: the service returns when each row was last
//! written (`Timestamp`) and the time (`Date`), both by its own clock. A row that is older than
//! [`TERM`] has a dead holder, and is replaced on the condition of the ETag that was read: of
//! several processes that find it, one wins. `Date` is in whole seconds, rounded down, so a row
//! seems younger than it is by less than a second, never older.
//!
//! A task of its own takes the leases. It survives a caller that stops waiting, and then ends the
//! leases: otherwise a request that is under way would leave rows that no task renews or ends.
//!
//! *Holding.* A task replaces the rows under the condition of their last ETags. If a condition
//! fails, another process has taken over. How long the leases hold is measured with a monotonic
//! clock from the moment at which the last renewal was *sent*: the service wrote the rows later
//! than that, so no process finds them expired before [`TERM`] has passed here. From
//! [`HOLDS_FOR`](super::lease_term::HOLDS_FOR) on [`Lease::holds`] returns `false`; the time
//! between the two is left to the request that is under way at that moment. (A sleeping machine may
//! not count its sleep. ETags guard what a pass stores and writes as well.)
//!
//! *Ending.* The task deletes its version of the rows. [`Lease::end`] waits for that;
//! [`Azure::settle`] waits for dropped leases. Rows of a process that exits earlier expire.
//!
//! *Costs.* One transaction to take any number of leases of a scope, one every ten seconds, one to
//! end them; two to find that one is busy.
//!
//! *Why no blob leases*, which the Functions host uses: they need a third service, a container, and
//! one more role for the identity; their term cannot be below 15 s either; and one request cannot
//! take several.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use data_encoding::HEXLOWER;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::{OwnedRwLockReadGuard, RwLock, oneshot};
use tokio::time::timeout;

use super::Azure;
use super::lease_term::LeaseTerm;
use super::rows::{commit, literal};
use super::table::{Entity, Tables};
use crate::{Acquired, Error, Hold, Lease, Leases, MAX_COMMIT, Op, Result};

/// A lease that was not renewed for this time is free.
pub(super) const TERM: SignedDuration = SignedDuration::from_secs(30);

/// The time between two renewals.
const RENEW_AFTER: Duration = Duration::from_secs(10);

/// The pause after a failed renewal, and the time-out of a renewal: two more renewals fit into the
/// term.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// How long [`Lease::end`] waits at most.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// The pause between two attempts to take a busy lease: each costs two transactions.
const PAUSE: Duration = Duration::from_secs(1);

/// The table of the leases.
const TABLE: &str = "leases";

#[async_trait]
impl Leases for Azure {
    async fn acquire(&self, scope: &str, names: &[&str]) -> Result<Acquired> {
        let claim = LeaseRequest::new(&self.tables, scope, names)?;
        let keys: Vec<String> = names.iter().map(|name| key(name)).collect();
        let endings = self.endings.clone();
        let (give, taken) = oneshot::channel();
        // `settle` waits for this guard too.
        let settling = endings.clone().try_read_owned().ok();
        tokio::spawn(async move {
            let attempt = claim.take().await.map(|outcome| match outcome {
                Ok(held) => Acquired::Taken(Lease::new(renew_until_ended(claim, held, endings))),
                // Its position among the given names, which may repeat a name.
                Err(row) => {
                    Acquired::Busy(keys.iter().position(|key| *key == claim.rows[row]).unwrap_or(0))
                }
            });
            if let Err(Ok(Acquired::Taken(lease))) = give.send(attempt) {
                lease.end().await;
            }
            drop(settling);
        });
        taken.await.unwrap_or_else(|_| Err(Error::Failed("the program is ending".into())))
    }

    fn pause(&self) -> Duration {
        PAUSE
    }
}

/// A name can have any characters and any length.
fn key(name: &str) -> String {
    HEXLOWER.encode(&digest(&SHA256, name.as_bytes()).as_ref()[..20])
}

/// The rows of leases that a holder wants.
struct LeaseRequest {
    tables: Tables,
    partition: String,
    rows: Vec<String>,
    holder: String,
}

/// The ETags of the held rows, in their order, and when the request that wrote them was sent.
struct HeldRows {
    etags: Vec<String>,
    sent: Instant,
}

impl LeaseRequest {
    fn new(tables: &Tables, scope: &str, names: &[&str]) -> Result<Self> {
        let mut rows: Vec<String> = Vec::with_capacity(names.len());
        for row in names.iter().map(|name| key(name)) {
            if !rows.contains(&row) {
                rows.push(row);
            }
        }
        if rows.len() > MAX_COMMIT {
            return Err(Error::TooLarge(format!(
                "{} leases at once, at most {MAX_COMMIT}",
                rows.len()
            )));
        }
        let mut random = [0; 16];
        rand::fill(&mut random)
            .map_err(|_| Error::Failed("the system gives no random numbers".into()))?;
        Ok(Self {
            tables: tables.clone(),
            partition: key(scope),
            rows,
            holder: HEXLOWER.encode(&random),
        })
    }

    fn insert(&self, row: &str) -> Op {
        Op::Insert { key: row.to_owned(), value: self.holder.clone() }
    }

    fn replace(&self, row: &str, etag: String) -> Op {
        Op::Replace { key: row.to_owned(), etag, value: self.holder.clone() }
    }

    async fn write(&self, ops: Vec<Op>) -> Result<HeldRows> {
        let sent = Instant::now();
        let etags = commit(&self.tables, TABLE, &self.partition, &ops).await?;
        Ok(HeldRows { etags, sent })
    }

    /// The rows of the request, in their order, and the time by the clock of the service.
    async fn read(&self) -> Result<(Vec<Option<Entity>>, Option<Timestamp>)> {
        // The rows of a scope are the leases that are held at this moment: only a few.
        let filter = format!("PartitionKey eq {}", literal(&self.partition));
        let mut found: Vec<Option<Entity>> = self.rows.iter().map(|_| None).collect();
        let (mut next, mut time) = (None, None);
        loop {
            let page = self
                .tables
                .query(TABLE, &filter, 1000, next.as_ref())
                .await
                .map_err(Error::from)?;
            // The earliest of several, so that no row looks older than it is.
            time = time.or(page.time);
            for entity in page.rows {
                if let Some(index) = self.rows.iter().position(|row| *row == entity.key) {
                    found[index] = Some(entity);
                }
            }
            next = page.next;
            if next.is_none() {
                return Ok((found, time));
            }
        }
    }

    /// Takes the free rows and the expired ones; or returns the index of one that is held.
    async fn take_over(&self) -> Result<Result<HeldRows, usize>> {
        let (found, now) = self.read().await?;
        let mut ops = Vec::with_capacity(found.len());
        for (index, (row, entity)) in self.rows.iter().zip(found).enumerate() {
            ops.push(match entity {
                None => self.insert(row),
                Some(entity) if now.is_some_and(|now| has_expired(entity.timestamp, now)) => {
                    self.replace(row, entity.etag)
                }
                Some(_) => return Ok(Err(index)),
            });
        }
        match self.write(ops).await {
            Err(Error::Conflict(index)) => Ok(Err(index)),
            written => written.map(Ok),
        }
    }

    /// Takes all rows, or returns the index of one that is held.
    async fn take(&self) -> Result<Result<HeldRows, usize>> {
        match self.write(self.rows.iter().map(|row| self.insert(row)).collect()).await {
            Err(Error::Conflict(_)) => self.take_over().await,
            outcome => outcome.map(Ok),
        }
    }

    /// Writes the rows again. `None` if another holder has one of them.
    async fn renew(&self, etags: &[String]) -> Result<Option<HeldRows>> {
        let again = |etags: &[String]| {
            self.rows.iter().zip(etags).map(|(row, etag)| self.replace(row, etag.clone())).collect()
        };
        match self.write(again(etags)).await {
            // An earlier renewal that timed out may have been carried out.
            Err(Error::Conflict(_)) => match self.own_etags().await? {
                Some(etags) => self.write(again(&etags)).await.map(Some),
                None => Ok(None),
            },
            outcome => outcome.map(Some),
        }
    }

    /// The ETags of the rows, if this holder still has all of them.
    async fn own_etags(&self) -> Result<Option<Vec<String>>> {
        let (found, _) = self.read().await?;
        Ok(found
            .into_iter()
            .map(|entity| {
                entity.filter(|entity| entity.value() == self.holder).map(|entity| entity.etag)
            })
            .collect())
    }

    async fn end(&self, etags: &[String]) -> Result<()> {
        let delete = |etags: &[String]| -> Vec<Op> {
            self.rows
                .iter()
                .zip(etags)
                .map(|(row, etag)| Op::Delete { key: row.clone(), etag: Some(etag.clone()) })
                .collect()
        };
        match commit(&self.tables, TABLE, &self.partition, &delete(etags)).await {
            Err(Error::Conflict(_)) => match self.own_etags().await? {
                Some(etags) => {
                    commit(&self.tables, TABLE, &self.partition, &delete(&etags)).await.map(|_| ())
                }
                None => Ok(()),
            },
            outcome => outcome.map(|_| ()),
        }
    }
}

fn has_expired(written: Timestamp, now: Timestamp) -> bool {
    now.duration_since(written) > TERM
}

/// Wakes the task that ends the leases. The sender in it is dropped when they have ended.
struct LeaseEnd {
    _settling: Option<OwnedRwLockReadGuard<()>>,
    _waiting: Option<oneshot::Sender<()>>,
}

struct AzureLease {
    end: Option<oneshot::Sender<LeaseEnd>>,
    until: Arc<LeaseTerm>,
    endings: Arc<RwLock<()>>,
}

impl AzureLease {
    fn send(&mut self, waiting: Option<oneshot::Sender<()>>) {
        // `settle` waits for this guard; if it is already waiting, it does not wait for this
        // ending.
        let settling = self.endings.clone().try_read_owned().ok();
        if let Some(end) = self.end.take() {
            // If the task has ended, it had lost the leases.
            let _ = end.send(LeaseEnd { _settling: settling, _waiting: waiting });
        }
    }
}

#[async_trait]
impl Hold for AzureLease {
    fn holds(&self) -> bool {
        self.until.holds()
    }

    async fn end(mut self: Box<Self>) {
        let (waiting, ended) = oneshot::channel();
        self.send(Some(waiting));
        // No value is sent: the sender is dropped when the leases have ended.
        let _ = timeout(END_TIMEOUT, ended).await;
    }
}

impl Drop for AzureLease {
    fn drop(&mut self) {
        self.send(None);
    }
}

/// Renews the leases until the guard is dropped.
fn renew_until_ended(claim: LeaseRequest, held: HeldRows, endings: Arc<RwLock<()>>) -> AzureLease {
    let (end, mut ended) = oneshot::channel::<LeaseEnd>();
    let until = Arc::new(LeaseTerm { begun: held.sent, millis: AtomicU64::new(0) });
    until.renewed(held.sent);
    let guard = AzureLease { end: Some(end), until: until.clone(), endings };
    tokio::spawn(async move {
        let (mut etags, mut pause) = (held.etags, RENEW_AFTER);
        let _end = loop {
            match timeout(pause, &mut ended).await {
                Ok(end) => break end.ok(),
                Err(_) => match timeout(RETRY_AFTER, claim.renew(&etags)).await {
                    Ok(Ok(Some(again))) => {
                        until.renewed(again.sent);
                        (etags, pause) = (again.etags, RENEW_AFTER);
                    }
                    Ok(Ok(None)) => {
                        until.lost();
                        tracing::warn!(
                            "a lease was lost: storage was out of reach, or this process asleep, \
                            for longer than its term"
                        );
                        return;
                    }
                    Ok(Err(error)) => {
                        tracing::warn!(%error, "a lease could not be renewed; trying again");
                        pause = RETRY_AFTER;
                    }
                    Err(_) => pause = Duration::from_secs(1),
                },
            }
        };
        if let Err(error) = claim.end(&etags).await {
            tracing::info!(%error, "a lease could not be ended; it ends by itself");
        }
    });
    guard
}

impl Azure {
    /// Waits until dropped leases have ended, for at most a few seconds. Called before the process
    /// exits, so that the next one need not wait for their term.
    pub async fn settle(&self) {
        // If it takes too long, the leases expire.
        let _ = timeout(END_TIMEOUT, self.endings.write()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_over_after_its_term_by_the_clock_of_the_service() {
        let written: Timestamp = "2026-11-21T04:00:00.9999999Z".parse().unwrap();
        let after = |seconds: i64| {
            jiff::fmt::rfc2822::parse("Sat, 21 Nov 2026 04:00:00 GMT").unwrap().timestamp()
                + SignedDuration::from_secs(seconds)
        };
        assert!(
            !has_expired(written, after(0))
                && !has_expired(written, after(30))
                && has_expired(written, after(31))
        );
    }
}
