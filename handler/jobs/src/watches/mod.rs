//! Watches: providers send notifications when something changes, so that their calendars need no
//! polls. Google calls a watch a channel, Microsoft a subscription.
//!
//! # Properties
//! * A calendar whose provider sends notifications has a watch as long as an active pair (not
//!   paused, and no draft) needs it, and is not polled while it has one. Without a watch, the
//!   provider's facts say whether it is polled. The sync after every renewal and the nightly pass
//!   find changes that no notification reported.
//! * A provider watches a calendar, or a whole account ([`engine::provider::Push`]). A watch of an
//!   account covers all its paired calendars, and its notifications nudge each of them. In all else
//!   the two kinds are one: one record, one course of life, one lease.
//! * Where the provider can give a watch a later end, it is renewed in place, unless its secret was
//!   signed with a key that signs no more. A watch that the provider does not know any more is
//!   replaced, and its calendars are synced.
//! * A new watch is open before the watch that it replaces is stopped, so that no change between
//!   the two is missed.
//! * The record is written before the provider is asked, because the first notification may arrive
//!   before the provider's answer. If the provider's answer is lost, the first notification
//!   delivers the id of the resource.
//! * A provider may remove a watch without a notification. Where it can be asked, it is asked once
//!   between two renewals, and after a time in which no run happened.
//! * A watch that is not needed any more is stopped, before its account's consent is revoked. If
//!   that fails, it is tried again, and notifications of that watch are dropped meanwhile. A watch
//!   that may have been created without an answer is stopped as soon as its first notification
//!   names its resource.
//! * Where the consent has ended, or the provider has closed the account for a while, no request is
//!   made: live watches end by themselves, and their records are deleted then. After a new consent
//!   each calendar gets a new watch, and the old one is stopped.
//! * The next run completes what was interrupted: it compares the watches that are needed with the
//!   records, and does not depend on the run before.
//! * Only a secret that this installation made causes a read of storage, and the answer does not
//!   reveal whether the secret was valid. A watch whose secret was signed with a key that is not
//!   valid any more is replaced at once.
//!
//! # Design
//! `renew` creates, renews, replaces and stops watches. It runs by the clock, for watches of
//! calendars (`renew_google_channels`) and for watches of accounts (`renew_graph_subscriptions`),
//! before the first pass over a new pair, and, to stop watches, after a pair was paused or removed.
//! Only a process that serves requests creates watches, because only that process knows its public
//! address ([`Setup::public_url`](crate::Setup::public_url)). `notification` receives
//! notifications, `check` asks whether watches exist, `delivery` calls that hold many of them,
//! `secret` verifies their secrets with the valid `keys`, and `debounce` limits the nudges.
//! `nudge_pairs` nudges pairs that no poll would find. The records are in the directory, which a
//! pass reads anyway.

mod call;
mod check;
mod create;
mod debounce;
mod delivery;
pub(crate) mod keys;
mod needed;
mod notification;
mod nudge_pairs;
mod renew;
mod renew_in_place;
mod secret;
mod spread;
mod status;
mod stop;
#[cfg(test)]
mod tests;

pub use check::removed_watches;
pub use delivery::{DeliveryOutcome, Received, receive_delivery};
pub use needed::WatchKind;
pub use notification::{NoticeOutcome, receive, receive_headers};
pub(crate) use nudge_pairs::{nudge_pair, nudge_pairs_of_account};
pub use renew::{RenewOutcome, renew};
pub(crate) use renew::{create_missing, stop_unneeded};
pub(crate) use status::is_polled;
pub use status::{WatchState, states};
