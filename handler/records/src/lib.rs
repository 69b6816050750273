//! The records: what is stored of an owner, and the format of the rows.
//!
//! # Rows
//! All rows of an owner's directory are in [`store::Table::Directory`], in the partition that has
//! the owner's name, as JSON with `"v": 1` ([`codec`]):
//!
//! | key | record |
//! |---|---|
//! | `account:ID` | [`account::Account`]; its sealed secret is in [`store::Table::Secrets`], row `ID` ([`secret`]) |
//! | `calendar:ID` | [`calendar::CalendarRecord`]: a calendar as its provider last listed it |
//! | `channel:ID` | [`watch::WatchRecord`]: a watch that was requested from a provider |
//! | `pair:ID` | [`engine::pair::Pair`] |
//! | `ended:FROM:TO` | [`pair::EndedPair`]: the calendar `TO` may hold copies of a pair that was removed |
//!
//! The state and the mappings of a pair are in [`store::Table::Pairs`], partition = pair id
//! ([`pair_state`]). Rows that belong to the installation and to no owner are in a partition of
//! their own ([`webhook_keys`]). So are the rows that no pass reads: pending consents, invitations
//! and requests to administrators ([`consent`]), sessions ([`session`]) and access tokens ([`token`]), the audit trail and the settings of the last start
//! ([`audit`]). What is stored of a grant is part of its account ([`grant_endpoint`]).
//!
//! The directory of an owner is one partition, and so are the leases of that owner. The throughput
//! of one partition therefore limits the work of one owner and of no other owner. A pass reads the
//! partition once ([`snapshot::Snapshot`]), and the secrets once: two requests for any number of
//! pairs.
//!
//! # Properties
//! * A row of a newer version is not changed, and the error says so. A field that this version does
//!   not know is ignored.
//! * No function of this crate sends a request to a provider, and no record holds event content.
//!
//! # Layers
//! `error problem kinds codec`, then `directory`, then one file for each record, then `snapshot`
//! and [`pair_state`]. A module uses only modules before it in this list.
//!
//! # To add a record
//! 1. Add its prefix and its key function to [`kinds`].
//! 2. Add a file named after the record: the struct with `Serialize` and `Deserialize`, and its
//!    methods on [`directory::Directory`]. A new field of an existing record has
//!    `#[serde(default)]`; a field that is renamed keeps its stored name with `#[serde(rename =
//!    "…")]`.
//! 3. Add a line to the table above.

pub mod account;
pub mod audit;
pub mod calendar;
pub mod codec;
pub mod consent;
pub mod directory;
mod error;
pub mod grant_endpoint;
pub mod kinds;
pub mod pair;
pub mod pair_state;
pub mod problem;
pub mod secret;
pub mod session;
pub mod snapshot;
pub mod token;
pub mod watch;
pub mod webhook_keys;

pub use error::{Error, Result};
