//! Who is connected and what is paired: the rows of accounts, calendars and pairs.
//!
//! # Rows
//! All stand in [`store::Table::Directory`], in the partition
//! [`Services::owner`](crate::Services::owner), as JSON with `"v": 1`:
//!
//! | key | holds |
//! |---|---|
//! | `account:ID` | an [`Account`]; its secret and where it may go are sealed in [`store::Table::Secrets`], same partition, row `ID` |
//! | `calendar:ID` | a [`CalendarRow`]: what its provider said at the last listing |
//! | `channel:ID` | a [`ChannelRow`]: what a provider was asked to tell us of; its rules are in [`crate::channels`] |
//! | `pair:ID` | a [`Pair`](engine::pair::Pair); everything a pass remembers stands in [`store::Table::Pairs`], partition `ID` |
//!
//! All rows of an owner stand in one partition, and so do the leases of that owner: what one owner
//! does is limited by what a partition bears, and slows nobody else. Rows about the keys of the
//! installation are in a partition beside them (`keys.rs`). A pass reads the partition once, as a
//! [`Snapshot`], and the secrets as well: two requests, however many pairs it works on.
//!
//! # Properties
//! * Accounts and calendars are known by what their server says of them, and keep their ids:
//!   connecting an account again, however its address is spelled, finds its pairs as they were.
//!   Where two addresses may be one account, what the calendars hold decides.
//! * Nothing is stored for an account whose provider refused it.
//! * What sets up or removes (accounts, pairs) is done under one lease an owner, so that two
//!   processes cannot both pass the same check.
//! * A removal takes the rows that hang on a thing first and the thing itself last: one that was
//!   cut short is still listed and can be repeated.
//! * A row of a newer version is left alone and said to be so; a field that this version does not
//!   know is no obstacle.
//! * Copies are never touched by anything in here: they stay as ordinary events.

mod accounts;
mod calendars;
mod channels;
mod check;
mod evidence;
mod grants;
mod id;
mod identity;
mod keep;
mod keys;
mod lease;
mod overlap;
mod pairs;
mod problem;
mod recognise;
mod rediscover;
mod remembered;
mod rewrap;
mod rows;
mod sealed;
mod snapshot;
mod standing;
#[cfg(test)]
mod tests;

pub use accounts::{Account, Removal, account, accounts, connect_account, open, remove_account};
pub use calendars::{CalendarRecord, CalendarsFound, calendar, calendars};
pub use channels::{Notified, WatchRecord, WatchStatus};
pub(crate) use channels::{
    add_channel, change_channel, channel_version, channels, forget_channels, replace_channel,
};
pub use grants::connect_grant;
pub(crate) use grants::is_granted;
pub use identity::CalendarPlace;
pub(crate) use keys::{
    WebhookKeys, lease_keys, note_rotation, prove, put_webhook_keys, webhook_keys,
};
pub(crate) use lease::{
    calendar as lease_calendar, channels as channels_lease, work as lease_work,
};
pub use lease::{calendar_lease, pair_lease};
pub use pairs::{NewPair, add_pair, pair, pairs, pause_pair, remove_pair, resume_pair};
pub(crate) use rediscover::rediscover;
pub(crate) use rewrap::{key_versions, rewrap};
#[cfg(test)]
pub(crate) use sealed::seal;
pub use snapshot::Snapshot;
pub(crate) use standing::record;
pub use standing::{AccountStatus, Suspended, record_outcome, set_account_state};
