//! Storage behind three doors: rows ([`Store`]), messages ([`Queue`]) and exclusive work
//! ([`Leases`]).
//!
//! The doors are shaped by Azure Tables and Storage Queues, the stricter of the two kinds of rooms
//! behind them: a row has a partition and a row key and an ETag, a commit touches one partition and
//! at most 100 rows, a message comes back unless it is deleted in time. Whatever holds on SQLite
//! holds there.
//!
//! # To add another one
//! Implement the three traits and run `contract` (the same tests for all, behind the feature of
//! that name) on it.

#[cfg(feature = "azure")]
pub mod azure;
#[cfg(any(test, feature = "contract"))]
pub mod contract;
#[cfg(feature = "embedded")]
pub mod embedded;
mod error;
mod lease;
mod limits;

use std::time::Duration;

use async_trait::async_trait;

#[cfg(feature = "azure")]
pub use azure::Azure;
#[cfg(feature = "embedded")]
pub use embedded::Embedded;
pub use error::{Error, Result};
pub use lease::{Acquired, Hold, Lease, Leases};
pub use limits::{
    MAX_BODY, MAX_COMMIT_BYTES, MAX_DELAY, MAX_KEY, check_commit, check_delay, check_message,
};

/// The tables. Partition and row keys of each are described where its rows are defined (`jobs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Table {
    /// Accounts, calendars and pairs of a user.
    Directory,
    /// Sealed secrets.
    Secrets,
    /// The state, mappings and problems of a pair.
    Pairs,
}

impl Table {
    /// All tables.
    pub const ALL: [Table; 3] = [Table::Directory, Table::Secrets, Table::Pairs];

    /// Its name: letters and digits only, as Azure wants it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Secrets => "secrets",
            Self::Pairs => "pairs",
        }
    }
}

/// The most operations in one [`Store::commit`].
pub const MAX_COMMIT: usize = 100;

/// The largest value of a row, in bytes (Azure: 64 KiB a property, and we keep a row in few).
pub const MAX_VALUE: usize = 256 * 1024;

/// Rows.
#[async_trait]
pub trait Store: Send + Sync {
    /// One row.
    async fn get(&self, table: Table, partition: &str, row: &str) -> Result<Option<Row>>;

    /// Several rows of a partition by their keys, as many as there are, in any order.
    async fn get_many(&self, table: Table, partition: &str, rows: &[String]) -> Result<Vec<Row>>;

    /// Rows of a partition whose key begins with `prefix`, in the order of their keys, after the
    /// key `after`; at most `limit` (1 to 1,000). Where fewer come, none follow.
    async fn scan(
        &self,
        table: Table,
        partition: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Row>>;

    /// Writes several rows of one partition, all or none. Returns the new ETags in the order of
    /// `ops` (empty for a delete).
    ///
    /// # Errors
    /// [`Error::Conflict`] names the operation whose condition did not hold. [`Error::TooLarge`]
    /// for more than [`MAX_COMMIT`] operations, two on the same row, a value above [`MAX_VALUE`],
    /// values above [`MAX_COMMIT_BYTES`] together, or a key above [`MAX_KEY`].
    async fn commit(&self, table: Table, partition: &str, ops: &[Op]) -> Result<Vec<String>>;
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its key within the partition.
    pub key: String,
    /// Its version.
    pub etag: String,
    /// What it holds (JSON, by convention with a version in `v`).
    pub value: String,
}

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// A new row; conflict if it is there.
    Insert {
        /// Key.
        key: String,
        /// Value.
        value: String,
    },
    /// A new value for a row that still has this ETag.
    Replace {
        /// Key.
        key: String,
        /// The version that is replaced.
        etag: String,
        /// Value.
        value: String,
    },
    /// A row, whether it is there or not.
    Put {
        /// Key.
        key: String,
        /// Value.
        value: String,
    },
    /// Removes a row; with an ETag only that version (conflict otherwise). A row that is not there
    /// is no conflict without one.
    Delete {
        /// Key.
        key: String,
        /// The version that is removed.
        etag: Option<String>,
    },
}

/// Messages, at least once.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Puts a message in, to be seen after a delay.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for a body above [`MAX_BODY`] or a delay above [`MAX_DELAY`].
    async fn put(&self, queue: &str, body: &str, delay: Duration) -> Result<()>;

    /// Takes up to `max` (1 to 32) visible messages and hides them for `visibility`.
    async fn take(&self, queue: &str, max: usize, visibility: Duration) -> Result<Vec<Message>>;

    /// Removes a message that was taken.
    ///
    /// # Errors
    /// [`Error::Conflict`] where the receipt is no longer valid: it became visible again and may be
    /// in other hands.
    async fn delete(&self, queue: &str, message: &Message) -> Result<()>;

    /// Hides a taken message for longer (or shows it at once, with zero), under a new receipt.
    ///
    /// # Errors
    /// As [`Queue::delete`].
    async fn extend(&self, queue: &str, message: &Message, visibility: Duration)
    -> Result<Message>;

    /// Moves a taken message to the poison queue `<queue>-poison`.
    ///
    /// # Errors
    /// As [`Queue::delete`].
    async fn poison(&self, queue: &str, message: &Message) -> Result<()>;

    /// About how many messages there are, visible or not.
    async fn len(&self, queue: &str) -> Result<u64>;
}

/// A message that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// Proof that it is ours for now.
    pub receipt: String,
    /// What it says.
    pub body: String,
    /// How often it has been taken, this time included.
    pub dequeue_count: u32,
}
