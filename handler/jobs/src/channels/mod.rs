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

mod heard;
mod keep;
pub(crate) mod keys;
mod look;
mod state;
#[cfg(test)]
mod tests;
mod token;
pub(crate) mod told;

use std::collections::BTreeMap;

use engine::calendar::CalendarId;
use engine::provider::ProviderKind;

pub use heard::{Heard, Notice, hear, hear_google};
pub use keep::{RenewOutcome, renew};
pub(crate) use keep::{end_unwanted, open_missing};
pub(crate) use look::{look, look_again};
pub use state::{WatchState, states};

use crate::directory::{Account, CalendarRecord, Snapshot};
use crate::{Error, Result, Services};

/// Whether a provider calls us, so that its calendars are not polled.
pub fn calls_us(kind: ProviderKind) -> bool {
    match kind {
        ProviderKind::Google => true,
        ProviderKind::Caldav | ProviderKind::Icloud => false,
    }
}

/// Where calls go; `None` where nobody outside can reach us.
fn address(services: &Services, kind: ProviderKind) -> Option<String> {
    let url = services.setup.public_url.as_deref()?.trim_end_matches('/');
    Some(format!("{url}/webhooks/{kind}"))
}

/// A calendar that is to have a channel.
struct WantedWatch {
    calendar: CalendarRecord,
    account: Account,
}

/// The calendars that are to have one. One whose rows cannot be read is left out: its pairs say
/// what is wrong.
fn wanted(directory: &Snapshot) -> Result<BTreeMap<CalendarId, WantedWatch>> {
    let mut wanted = BTreeMap::new();
    for pair in directory.readable_pairs().into_iter().filter(|pair| !pair.paused) {
        for id in [pair.from, pair.to] {
            let Ok(Some(calendar)) = directory.calendar(&id) else { continue };
            let Ok(account) = directory.account(&calendar.account) else { continue };
            if calls_us(account.kind) {
                wanted.insert(id, WantedWatch { calendar, account });
            }
        }
    }
    Ok(wanted)
}

/// A new id: a random UUID (RFC 9562 section 5.4).
fn id() -> Result<String> {
    let mut bytes = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Error::Request("the system gave no random numbers; try again".into()))?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = data_encoding::HEXLOWER.encode(&bytes);
    Ok([&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-"))
}
