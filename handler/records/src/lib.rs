//! The records: what is stored of an owner, and how it is written down.
//!
//! # Rows
//! All rows of an owner's directory are in [`store::Table::Directory`], in the partition that has
//! the owner's name, as JSON with `"v": 1` ([`codec`]):
//!
//! | key | record |
//! |---|---|
//! | `account:ID` | [`account::Account`]; its sealed secret is in [`store::Table::Secrets`], row `ID` ([`secret`]) |
//! | `calendar:ID` | [`calendar::CalendarRecord`]: what its provider said at the last listing |
//! | `channel:ID` | [`watch::WatchRecord`]: a watch that a provider was asked for |
//! | `pair:ID` | [`engine::pair::Pair`] |
//! | `ended:FROM:TO` | [`pair::EndedPair`]: copies of an ended pair may be left in `TO` |
//!
//! What a pass remembers of a pair is in [`store::Table::Pairs`], partition = pair id
//! ([`pair_state`]). Rows of the installation, which belong to no owner, are in a partition of their
//! own ([`webhook_keys`]).
//!
//! The directory of an owner is one partition, and so are the leases of that owner: the work of one
//! owner is limited by what a partition bears, and slows no other owner. A pass reads the partition
//! once ([`snapshot::Snapshot`]), and the secrets as well: two requests, for any number of pairs.
//!
//! # Properties
//! * A row of a newer version is left alone, and the error says so. A field that this version does
//!   not know is ignored.
//! * Nothing in here talks to a provider, and no record holds event content.
//!
//! # To add a record
//! 1. Add its prefix and its key function to [`kinds`].
//! 2. Add a file named after the record: the struct with `Serialize` and `Deserialize`, and its
//!    methods on [`directory::Directory`]. A new field of a record has `#[serde(default)]`.
//! 3. Add a line to the table above.

pub mod account;
pub mod calendar;
pub mod codec;
pub mod directory;
mod error;
pub mod kinds;
pub mod pair;
pub mod pair_state;
pub mod problem;
pub mod secret;
pub mod snapshot;
pub mod watch;
pub mod webhook_keys;

pub use error::{Error, Result};
