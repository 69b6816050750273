//! Watches: how a provider notifies this program of changes.
//!
//! Google calls a watch a channel, Graph a subscription.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;

/// What a watch observes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchScope<'a> {
    /// One calendar, by its address.
    Calendar(&'a str),
    /// All calendars of the account.
    Account,
}

/// The path, below the address of a webhook, to which a provider may send what happens to a watch
/// itself. Both addresses take both.
pub const LIFECYCLE_PATH: &str = "/lifecycle";

/// A watch to create.
#[derive(Clone, Debug)]
pub struct WatchRequest<'a> {
    /// What it observes.
    pub scope: WatchScope<'a>,
    /// The id of the watch in our storage, never used before. Where the provider lets its client
    /// choose the id of a watch, it is the provider's id too.
    pub id: &'a str,
    /// A secret that comes back with every notification, and proves that it is genuine.
    pub secret: &'a SecretString,
    /// The address of our webhook. What happens to the watch itself may be sent to
    /// [`LIFECYCLE_PATH`] below it.
    pub address: &'a str,
    /// The lifetime that is requested.
    pub lifetime: Duration,
}

/// A watch that the provider has created or renewed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveWatch {
    /// The provider's name for the watch or for what it observes; renewal and deletion need it,
    /// and notifications repeat it.
    pub resource: String,
    /// The end that the provider has set, which may differ from the requested one.
    pub expires: Timestamp,
}

/// A notification as it arrived. Nothing in it is trusted before the secret is verified.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Notification<'a> {
    /// The id of the watch, in our storage.
    pub watch: &'a str,
    /// The secret of the watch.
    pub secret: &'a str,
    /// The provider's name for the watch or for what it observes ([`ActiveWatch::resource`]).
    pub resource: &'a str,
    /// What it says.
    pub kind: NotificationKind,
}

/// A notification of a call that may hold many. The provider repeats no id of ours: the secret
/// names the watch. Nothing in it is trusted before the secret is verified.
#[derive(Clone, PartialEq, Eq)]
pub struct NotificationItem<'a> {
    /// The secret of the watch.
    pub secret: Cow<'a, str>,
    /// As [`Notification::resource`].
    pub resource: Cow<'a, str>,
    /// What it says.
    pub kind: NotificationKind,
}

/// A call by which a provider tries whether an address is a webhook that expects it.
#[derive(Clone, PartialEq, Eq)]
pub enum Handshake {
    /// This text is to be the answer, byte for byte.
    Echo(String),
    /// The text is too long, or cannot be an answer in plain text.
    Refused,
}

/// What a notification says. The order is that of what follows from it: a later kind leads to all
/// that an earlier one leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NotificationKind {
    /// The watch has begun; nothing has changed.
    Started,
    /// Something has changed.
    Changed,
    /// Something has happened to the watch itself.
    Lifecycle(Lifecycle),
}

/// What has happened to a watch. The order is that of [`NotificationKind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lifecycle {
    /// Notifications were lost: everything that the watch observes is to be listed.
    Missed,
    /// The watch ends soon unless it is renewed with a fresh access token.
    Reauthorize,
    /// The provider has removed the watch: another one is to be created.
    Removed,
}
