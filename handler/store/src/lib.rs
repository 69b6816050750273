//! Storage behind three traits: rows ([`Store`]), messages ([`Queue`]) and exclusive work
//! ([`Leases`]).
//!
//! The traits follow Azure Tables and Storage Queues, the stricter of the two implementations: a
//! row has a partition key, a row key and an ETag; a commit writes to one partition and at most 100
//! rows; a message becomes visible again unless it is deleted in time. Both implementations keep
//! the same contract.
//!
//! # To add another one
//! Implement the three traits and run the tests of `contract` (behind the feature of that name) on
//! the implementation.

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

/// The tables. The crates that define rows describe the partition and row keys.
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
    /// Every table.
    pub const ALL: [Table; 3] = [Table::Directory, Table::Secrets, Table::Pairs];

    /// The name: letters and digits only, as Azure requires.
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

/// The largest value of a row, in bytes (Azure: 64 KiB a property, several properties a row).
pub const MAX_VALUE: usize = 256 * 1024;

/// Rows.
#[async_trait]
pub trait Store: Send + Sync {
    /// The row with this key, if there is one.
    async fn get(&self, table: Table, partition: &str, row: &str) -> Result<Option<Row>>;

    /// The rows of a partition that have one of these keys, in any order.
    async fn get_many(&self, table: Table, partition: &str, rows: &[String]) -> Result<Vec<Row>>;

    /// Rows of a partition whose key begins with `prefix`, in the order of their keys, after the
    /// key `after`; at most `limit` (1 to 1,000). A shorter result is the last one.
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
    /// The key within the partition.
    pub key: String,
    /// The version.
    pub etag: String,
    /// JSON, by convention with a version in `v`.
    pub value: String,
}

/// One write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// A new row; conflict if the row exists.
    Insert {
        /// Key.
        key: String,
        /// Value.
        value: String,
    },
    /// A new value for a row; conflict if its ETag is another.
    Replace {
        /// Key.
        key: String,
        /// The ETag of the replaced version.
        etag: String,
        /// Value.
        value: String,
    },
    /// A value for a row, whether the row exists or not.
    Put {
        /// Key.
        key: String,
        /// Value.
        value: String,
    },
    /// Removes a row; with an ETag only that version (conflict otherwise). Without an ETag a
    /// missing row is no conflict.
    Delete {
        /// Key.
        key: String,
        /// The ETag of the removed version.
        etag: Option<String>,
    },
}

/// Messages, each delivered at least once.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Puts a message, which becomes visible after a delay.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for a body above [`MAX_BODY`] or a delay above [`MAX_DELAY`].
    async fn put(&self, queue: &str, body: &str, delay: Duration) -> Result<()>;

    /// Takes up to `max` (1 to 32) visible messages and hides them for `visibility`.
    async fn take(&self, queue: &str, max: usize, visibility: Duration) -> Result<Vec<Message>>;

    /// Removes a taken message.
    ///
    /// # Errors
    /// [`Error::Conflict`] if the receipt is no longer valid: the message became visible again, and
    /// another consumer may have it.
    async fn delete(&self, queue: &str, message: &Message) -> Result<()>;

    /// Hides a taken message for longer (with zero, makes it visible at once), under a new receipt.
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

    /// The approximate number of messages, visible or not.
    async fn len(&self, queue: &str) -> Result<u64>;
}

/// A taken message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: String,
    /// Proves that this consumer has taken the message.
    pub receipt: String,
    pub body: String,
    /// How often the message was taken, this time included.
    pub dequeue_count: u32,
}
