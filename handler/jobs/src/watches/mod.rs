//! Channels: providers that call us when something changes, so that they need not be asked.
//!
//! # Properties
//! * A calendar of a provider that calls us has a channel as long as a pair that is not paused
//!   needs it, and is never polled, whether it has one or not. What no call tells of is found by
//!   the sync that goes with every renewal, and by the nightly pass.
//! * A new channel is open before the one that it follows is stopped, so that between the two
//!   nothing is missed.
//! * The row is there before the provider is asked: its greeting may come before its answer. Where
//!   the answer is lost, the first call tells as much as it would have.
//! * A channel that is not wanted any more is stopped, and before its account's consent is given
//!   back. Where that fails it is tried again, and what comes through it meanwhile is dropped. One
//!   that may have been opened without an answer is stopped as soon as its first call tells how.
//! * Where consent has ended, or the provider has closed the account for a while, nothing is asked:
//!   channels that live are left to their end, and their rows go with it. With a new consent each
//!   calendar gets a new channel, and the old one is stopped.
//! * Whatever breaks off is put right by the next run: that looks at what is wanted and what is
//!   there, not at what it did before.
//! * Only a token that we have made opens a look at storage, and nobody is told whether it was one.
//!   A channel whose token has been signed with a key that counts no more is followed by another at
//!   once.
//!
//! # Design
//! `keep` opens, follows and stops; it runs by the clock (`renew_google_channels`), before the
//! first pass over a new pair, and, as far as it stops, where a pair is paused or removed. Only a
//! process that serves opens channels, since only it knows under which address it is reached
//! ([`Setup::public_url`](crate::doctor::Setup::public_url)). `heard` takes calls in, `token`
//! proves them by the `keys` that count, `told` thins them out. `look` has pairs looked at that no
//! poll would notice. The rows stand in the directory, where a pass sees them for nothing.

mod create;
mod debounce;
pub(crate) mod keys;
mod needed;
mod notification;
mod nudge_pairs;
mod renew;
mod status;
mod stop;
#[cfg(test)]
mod tests;
mod token;

pub use notification::{Notice, NoticeEvent, NoticeOutcome, receive};
pub(crate) use nudge_pairs::{nudge_pair, nudge_pairs_of_account};
pub use renew::{RenewOutcome, renew};
pub(crate) use renew::{create_missing, stop_unneeded};
pub use status::{WatchState, states};
