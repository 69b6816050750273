//! The watches that are needed, and the address for their notifications.

use std::collections::BTreeMap;

use engine::calendar::{AccountId, CalendarId};
use engine::provider::{Push, WatchFacts};
use records::account::{Account, AccountStatus};
use records::calendar::CalendarRecord;
use records::snapshot::Snapshot;
use records::watch::WatchRecord;

use super::secret;
use crate::{Error, Result, Scope};

/// What one watch is of: a calendar, or a whole account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub account: AccountId,
    /// `None` for the whole account.
    pub calendar: Option<CalendarId>,
}

impl Target {
    pub fn of(row: &WatchRecord) -> Self {
        Self { account: row.account.clone(), calendar: row.calendar.clone() }
    }

    /// The account, where the watch is of all of it.
    pub fn of_account(&self) -> Option<&AccountId> {
        self.calendar.is_none().then_some(&self.account)
    }

    /// Whether a watch of this target covers a calendar.
    pub fn covers(&self, calendar: &CalendarRecord) -> bool {
        self.account == calendar.account
            && self.calendar.as_ref().is_none_or(|own| *own == calendar.id)
    }
}

/// The kinds of watches, by what one watch is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchKind {
    /// One calendar.
    Calendar,
    /// A whole account.
    Account,
}

impl WatchKind {
    pub(super) fn is_of(self, target: &Target) -> bool {
        target.calendar.is_some() == (self == Self::Calendar)
    }
}

/// A watch that is needed.
pub(super) struct Needed {
    pub account: Account,
    /// `None` for the whole account.
    pub calendar: Option<CalendarRecord>,
    pub facts: WatchFacts,
}

impl Needed {
    /// Whether the provider can be asked for a watch now.
    pub fn may_ask(&self, now: jiff::Timestamp) -> bool {
        self.account.state != AccountStatus::NeedsReconnect
            && self.account.suspended_for(now).is_none()
    }
}

/// The watches that pairs which are neither paused nor drafts need. A calendar whose records cannot
/// be read needs none: its pairs report the failure.
pub(super) fn needed(directory: &Snapshot) -> BTreeMap<Target, Needed> {
    let mut needed = BTreeMap::new();
    for pair in directory.readable_pairs().into_iter().filter(|pair| pair.is_active()) {
        for id in [pair.from, pair.to] {
            let Ok(Some(calendar)) = directory.calendar(&id) else { continue };
            let Ok(account) = directory.account(&calendar.account) else { continue };
            let (facts, calendar) = match account.kind.facts().push {
                Push::Never => continue,
                Push::ByCalendar(facts) => (facts, Some(calendar)),
                Push::ByAccount(facts) => (facts, None),
            };
            let target = Target {
                account: account.id.clone(),
                calendar: calendar.as_ref().map(|calendar| calendar.id.clone()),
            };
            needed.insert(target, Needed { account, calendar, facts });
        }
    }
    needed
}

/// The address for the notifications of an account's provider; `None` where this installation has
/// no public address.
pub(super) fn address(scope: &Scope, account: &Account) -> Option<String> {
    let url = scope.setup.public_url.as_deref()?.trim_end_matches('/');
    Some(format!("{url}/webhooks/{}", account.kind))
}

/// A new id: a random UUID (RFC 9562 section 5.4).
pub(super) fn new_id() -> Result<String> {
    let mut bytes = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Error::Request("the system gave no random numbers; try again".into()))?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Ok(secret::uuid(&bytes))
}
