//! What a subscription is.

use std::collections::BTreeSet;

use jiff::Timestamp;
use url::{Host, Url};

/// What happens to a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    /// Notifications were lost.
    Missed,
    /// It is removed.
    Removed,
    /// It is silent until it is authorized again.
    Reauthorize,
}

impl Lifecycle {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::Removed => "subscriptionRemoved",
            Self::Reauthorize => "reauthorizationRequired",
        }
    }
}

/// A subscription.
#[derive(Clone, Debug)]
pub(super) struct Subscription {
    pub id: String,
    pub person: usize,
    pub resource: String,
    /// The key of the one calendar that it is of.
    pub calendar: Option<u64>,
    pub changes: BTreeSet<String>,
    pub said_changes: String,
    pub url: Url,
    pub lifecycle_url: Option<Url>,
    pub client_state: Option<String>,
    pub tls: String,
    pub expires: Timestamp,
    pub immutable: bool,
    /// It waits for an authorization.
    pub silent: bool,
    /// When it was renewed or authorized last, and whether by a PATCH.
    pub touched: Option<(Timestamp, bool)>,
}

/// Whether an address is on this machine.
pub(super) fn is_loopback(address: &Url) -> bool {
    match address.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
