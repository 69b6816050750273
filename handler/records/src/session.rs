//! Sessions of browsers, and the links that begin them.
//!
//! Both are in [`store::Table::Secrets`], under the hash of a secret that storage does not have:
//! sessions in the partition `session:OWNER`, links in `sign-in:OWNER`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use crate::consent::{decode, encode};

/// A browser that is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionRecord {
    pub created: Timestamp,
    /// To the hour: a request seldom writes.
    pub last_seen: Timestamp,
}

/// A link that signs one browser in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInLinkRecord {
    pub made: Timestamp,
}

/// The partition of an owner's sessions.
pub fn sessions(owner: &str) -> String {
    format!("session:{owner}")
}

/// The partition of an owner's links.
pub fn links(owner: &str) -> String {
    format!("sign-in:{owner}")
}
