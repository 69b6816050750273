//! Channels: how a provider tells us of changes, where it does.

use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;

/// A channel to be opened.
#[derive(Clone, Debug)]
pub struct Watch<'a> {
    /// Its id: ours, never used before, and good for this channel only.
    pub channel: &'a str,
    /// Comes with every notification, and proves that it is one.
    pub token: &'a SecretString,
    /// Where notifications go.
    pub address: &'a str,
    /// How long it is to last.
    pub ttl: Duration,
}

/// A channel that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watching {
    /// The provider's name for what is watched; needed to end the channel.
    pub resource: String,
    /// The provider's own word on when the channel ends, whatever was asked for.
    pub expires: Timestamp,
}
