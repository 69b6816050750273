//! Messages in the file, with the behaviour of Azure Storage Queues.
//!
//! * A taken message is hidden, and becomes visible again unless it is deleted in time.
//! * A receipt is valid until the message is taken again or extended; it stays valid when the
//!   message becomes visible again.
//! * Messages are taken in the order in which they become visible; callers must not rely on it.
//! * A taken message is hidden for at least a second: without that, two consumers would get it.

use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::Embedded;
use super::fault::EmbeddedFault;
use super::schema;
use crate::limits::{check_delay, check_message};
use crate::{Error, Message, Queue, Result};

/// The most messages taken at once.
const MAX_TAKE: u8 = 32;

/// The shortest time that a taken message is hidden.
const MIN_VISIBILITY: Duration = Duration::from_secs(1);

#[async_trait]
impl Queue for Embedded {
    async fn put(&self, queue: &str, body: &str, delay: Duration) -> Result<()> {
        check_message(body)?;
        let visible_at = self.in_future(delay)?;
        let (queue, body) = (queue.to_owned(), body.to_owned());
        let work = move |db: &mut Connection| {
            let tx = begin(db)?;
            let id = schema::next_number(&tx, 1)?;
            tx.prepare_cached(
                "INSERT INTO messages (id, queue, visible_at, receipt, dequeue_count, body) \
                VALUES (?1, ?2, ?3, NULL, 0, ?4)",
            )?
            .execute(params![id, queue, visible_at, body])?;
            tx.commit()?;
            Ok(())
        };
        self.writer.run(work).await?;
        if delay.is_zero() {
            self.arrivals.notify_one();
        }
        Ok(())
    }

    async fn take(&self, queue: &str, max: usize, visibility: Duration) -> Result<Vec<Message>> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let max = u8::try_from(max).unwrap_or(MAX_TAKE).min(MAX_TAKE);
        let now = self.in_future(Duration::ZERO)?;
        let hidden_until = self.in_future(visibility.max(MIN_VISIBILITY))?;
        let queue = queue.to_owned();
        let work = move |db: &mut Connection| {
            let tx = begin(db)?;
            let ids: Vec<i64> = tx
                .prepare_cached(
                    "SELECT id FROM messages WHERE queue = ?1 AND visible_at <= ?2 \
                ORDER BY visible_at, id LIMIT ?3",
                )?
                .query_map(params![queue, now, max], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            if ids.is_empty() {
                return Ok(Vec::new());
            }
            let first = schema::next_number(&tx, ids.len())?;
            let mut messages = Vec::with_capacity(ids.len());
            for (id, receipt) in ids.into_iter().zip(first..) {
                let message = tx
                    .prepare_cached(
                        "UPDATE messages SET visible_at = ?2, receipt = ?3, dequeue_count = \
                        dequeue_count + 1 WHERE id = ?1
                         RETURNING body, dequeue_count",
                    )?
                    .query_row(params![id, hidden_until, receipt], |row| {
                        Ok(Message {
                            id: id.to_string(),
                            receipt: receipt.to_string(),
                            body: row.get(0)?,
                            dequeue_count: row.get(1)?,
                        })
                    })?;
                messages.push(message);
            }
            tx.commit()?;
            Ok(messages)
        };
        self.writer.run(work).await
    }

    async fn delete(&self, queue: &str, message: &Message) -> Result<()> {
        let (queue, held) = (queue.to_owned(), Receipt::of(message)?);
        let work = move |db: &mut Connection| {
            let tx = begin(db)?;
            let gone = tx
                .prepare_cached(
                    "DELETE FROM messages WHERE id = ?1 AND queue = ?2 AND receipt = ?3",
                )?
                .execute(params![held.id, queue, held.receipt])?;
            tx.commit()?;
            check_held(gone)
        };
        self.writer.run(work).await
    }

    async fn extend(
        &self,
        queue: &str,
        message: &Message,
        visibility: Duration,
    ) -> Result<Message> {
        let (queue, held) = (queue.to_owned(), Receipt::of(message)?);
        let hidden_until = self.in_future(visibility)?;
        let work = move |db: &mut Connection| {
            let tx = begin(db)?;
            let receipt = schema::next_number(&tx, 1)?;
            let dequeue_count: Option<u32> = tx
                .prepare_cached(
                    "UPDATE messages SET visible_at = ?4, receipt = ?5 WHERE id = ?1 AND queue = \
                    ?2 AND receipt = ?3
                     RETURNING dequeue_count",
                )?
                .query_row(params![held.id, queue, held.receipt, hidden_until, receipt], |row| {
                    row.get(0)
                })
                .optional()?;
            let dequeue_count = dequeue_count.ok_or(Error::Conflict(0))?;
            tx.commit()?;
            Ok((receipt.to_string(), dequeue_count))
        };
        let (receipt, dequeue_count) = self.writer.run(work).await?;
        if visibility.is_zero() {
            self.arrivals.notify_one();
        }
        Ok(Message { id: message.id.clone(), receipt, body: message.body.clone(), dequeue_count })
    }

    async fn poison(&self, queue: &str, message: &Message) -> Result<()> {
        let (queue, held) = (queue.to_owned(), Receipt::of(message)?);
        let now = self.in_future(Duration::ZERO)?;
        let work = move |db: &mut Connection| {
            let tx = begin(db)?;
            // A new message, as on Azure, where it is put into one queue and deleted from the
            // other.
            let id = schema::next_number(&tx, 1)?;
            let moved = tx
                .prepare_cached(
                    "UPDATE messages SET id = ?4, queue = ?2 || '-poison', visible_at = ?5, \
                    receipt = NULL, dequeue_count = 0
                     WHERE id = ?1 AND queue = ?2 AND receipt = ?3",
                )?
                .execute(params![held.id, queue, held.receipt, id, now])?;
            tx.commit()?;
            check_held(moved)
        };
        self.writer.run(work).await
    }

    async fn len(&self, queue: &str) -> Result<u64> {
        let queue = queue.to_owned();
        let work = move |db: &mut Connection| {
            let count: i64 = db
                .prepare_cached("SELECT count(*) FROM messages WHERE queue = ?1")?
                .query_row([queue], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        };
        self.readers.run(work).await
    }
}

impl Embedded {
    /// Waits until a message that was put (or made visible) through this value can be taken;
    /// returns at once if that happened since the last wait. Messages of other processes, and those
    /// with a delay, do not wake the caller: use a time-out.
    pub async fn arrived(&self) {
        self.arrivals.notified().await;
    }

    /// Milliseconds since 1970 after a delay from now.
    fn in_future(&self, delay: Duration) -> Result<i64> {
        check_delay(delay)?;
        let delay = i64::try_from(delay.as_millis()).expect("at most seven days");
        Ok((self.clock)().as_millisecond().saturating_add(delay))
    }
}

/// Identifies a taken message.
struct Receipt {
    id: i64,
    receipt: i64,
}

impl Receipt {
    /// A foreign receipt matches no message.
    fn of(message: &Message) -> Result<Self> {
        match (message.id.parse(), message.receipt.parse()) {
            (Ok(id), Ok(receipt)) => Ok(Self { id, receipt }),
            _ => Err(Error::Conflict(0)),
        }
    }
}

fn check_held(changed: usize) -> Result<(), EmbeddedFault> {
    if changed == 1 { Ok(()) } else { Err(Error::Conflict(0).into()) }
}

/// A message is a nudge, and the next poll or the nightly reconciliation repeats it, so it needs no
/// fsync (see `embedded`).
fn begin(db: &mut Connection) -> Result<rusqlite::Transaction<'_>, EmbeddedFault> {
    db.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(db.transaction_with_behavior(TransactionBehavior::Immediate)?)
}
