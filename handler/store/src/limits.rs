//! The limits of one write. They hold for every implementation, and are checked before anything is
//! written.

use std::collections::HashSet;
use std::time::Duration;

use crate::{Error, MAX_COMMIT, MAX_VALUE, Op, Result};

/// The longest partition or row key, in bytes (Azure: 512 UTF-16 units a key).
pub const MAX_KEY: usize = 512;

/// The largest sum of the values in one [`Store::commit`](crate::Store::commit), in bytes (Azure: 4
/// MiB a transaction, with its envelope).
pub const MAX_COMMIT_BYTES: usize = 3 * 1024 * 1024;

/// The largest body of a message, in bytes (Azure: 64 KiB, of which base64 leaves 48).
pub const MAX_BODY: usize = 48 * 1024;

/// The longest delay, and the longest time a message can be hidden (Azure: seven days).
pub const MAX_DELAY: Duration = Duration::from_secs(7 * 24 * 60 * 60);

impl Op {
    /// The key of the row that is written.
    pub fn key(&self) -> &str {
        match self {
            Self::Insert { key, .. }
            | Self::Replace { key, .. }
            | Self::Put { key, .. }
            | Self::Delete { key, .. } => key,
        }
    }

    /// The new value of the row; `None` for a delete.
    pub fn value(&self) -> Option<&str> {
        match self {
            Self::Insert { value, .. } | Self::Replace { value, .. } | Self::Put { value, .. } => {
                Some(value)
            }
            Self::Delete { .. } => None,
        }
    }
}

/// Checks whether these operations fit into one commit.
///
/// # Errors
/// [`Error::TooLarge`], with the limit and never with a key or a value.
pub fn check_commit(partition: &str, ops: &[Op]) -> Result<()> {
    let refuse = |why: String| Err(Error::TooLarge(why));
    if ops.len() > MAX_COMMIT {
        return refuse(format!("{} operations, at most {MAX_COMMIT}", ops.len()));
    }
    let mut keys = HashSet::with_capacity(ops.len());
    let mut bytes = 0;
    for (index, op) in ops.iter().enumerate() {
        let size = op.value().map_or(0, str::len);
        bytes += size;
        if size > MAX_VALUE {
            return refuse(format!(
                "operation {index} has a value of {size} bytes, at most {MAX_VALUE}"
            ));
        }
        if partition.len().max(op.key().len()) > MAX_KEY {
            return refuse(format!("operation {index} has a key above {MAX_KEY} bytes"));
        }
        if !keys.insert(op.key()) {
            return refuse(format!("operation {index} is the second one on the same row"));
        }
    }
    if bytes > MAX_COMMIT_BYTES {
        return refuse(format!("{bytes} bytes of values, at most {MAX_COMMIT_BYTES}"));
    }
    Ok(())
}

/// Checks the size of a message.
///
/// # Errors
/// [`Error::TooLarge`].
pub fn check_message(body: &str) -> Result<()> {
    if body.len() > MAX_BODY {
        return Err(Error::TooLarge(format!(
            "a message of {} bytes, at most {MAX_BODY}",
            body.len()
        )));
    }
    Ok(())
}

/// Checks how long a message is delayed or hidden.
///
/// # Errors
/// [`Error::TooLarge`].
pub fn check_delay(delay: Duration) -> Result<()> {
    if delay > MAX_DELAY {
        return Err(Error::TooLarge(format!(
            "a delay of {} s, at most {} s",
            delay.as_secs(),
            MAX_DELAY.as_secs()
        )));
    }
    Ok(())
}
