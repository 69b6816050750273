//! Accounts: connected, opened, listed; their secrets and their status.
//!
//! # Properties
//! * Accounts and calendars are recognised by what their server says and keep their ids: connecting
//!   an account again, however its address is spelled, keeps its pairs. Where two addresses may be
//!   one account, a comparison of the calendars decides.
//!   Where the provider gives its users an id that never changes, that id decides, and the name that
//!   people see may change ([`GrantEndpoint`]).
//! * Nothing is stored for an account whose provider refused it.
//! * Connecting and removing hold one lease of the owner, so that two processes cannot both pass
//!   one check.
//! * No function of this module writes to a calendar.

pub mod account_status;
mod compare;
mod compare_stored;
mod connect;
mod grant_endpoint;
mod grants;
mod identity;
pub mod list_calendars;
mod open;
mod recognise;
mod rediscover;
mod refresh_token_store;
mod rewrap;
mod secret;

pub use account_status::{record_outcome, set_account_state};
pub(crate) use compare::{CalendarView, Comparison, compare_calendars};
pub use connect::{connect_account, connect_grant};
pub use grant_endpoint::GrantEndpoint;
pub(crate) use grant_endpoint::demanded_claims;
pub(crate) use grants::revoke;
pub use list_calendars::{CalendarsFound, calendars};
pub use open::open;
pub(crate) use open::open_in;
pub(crate) use recognise::may_contact;
pub(crate) use rediscover::rediscover;
#[cfg(test)]
pub(crate) use refresh_token_store::record_token_request;
pub(crate) use rewrap::{key_versions, rewrap};
#[cfg(test)]
pub(crate) use secret::seal;
