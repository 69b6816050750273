//! The status of watches, without requests to providers.

use std::collections::BTreeMap;

use engine::calendar::{AccountId, CalendarId};
use engine::provider::Push;
use jiff::Timestamp;
use records::account::{Account, AccountStatus};
use records::problem::Problem;
use records::snapshot::Snapshot;
use records::watch::{WatchRecord, WatchStatus};
use serde::Serialize;

use crate::{Result, Scope};

/// Whether a calendar's provider sends notifications.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct WatchState {
    #[schema(value_type = String)]
    pub calendar: CalendarId,
    /// The account, where one watch covers all its calendars.
    #[serde(skip)]
    #[schema(ignore)]
    pub of_account: Option<AccountId>,
    /// A watch is open.
    pub open: bool,
    /// When the watch ends.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires: Option<Timestamp>,
    /// Why there is no watch, or why the next watch cannot be created.
    pub error: Option<Problem>,
    /// No setting helps: the provider has no watches for this calendar, or none was asked for yet.
    #[serde(skip)]
    pub needs_no_setting: bool,
    /// What finds changes while no watch is open.
    #[serde(skip)]
    pub finder: &'static str,
}

/// One entry for each calendar of a pair that is neither paused nor a draft and whose provider
/// sends notifications. One request.
pub async fn states(scope: &Scope) -> Result<Vec<WatchState>> {
    let directory = scope.snapshot().await?;
    let (rows, now) = (directory.watches()?, scope.clock.now());
    let mut states = BTreeMap::new();
    for pair in directory.readable_pairs().into_iter().filter(|pair| pair.is_active()) {
        for id in [pair.from, pair.to] {
            let Ok(Some(calendar)) = directory.calendar(&id) else { continue };
            let Ok(account) = directory.account(&calendar.account) else { continue };
            if account.kind.pushes() {
                let own = || {
                    rows.iter().filter(|row| {
                        row.covers(&account.id, &id) && row.state != WatchStatus::Ending
                    })
                };
                let expires = own()
                    .filter(|row| row.state == WatchStatus::Open && row.is_live(now))
                    .map(|row| row.expires)
                    .max();
                let last = own().max_by_key(|row| row.requested);
                let said = last.and_then(|row| row.error.clone());
                let is_refused = last.is_some_and(|row| row.state == WatchStatus::Refused);
                let needs_no_setting = said.is_none() || is_refused;
                let error = said.or_else(|| expires.is_none().then(|| no_watch(scope, &account)));
                let open = expires.is_some();
                let finder = finder(&account);
                let of_account = is_by_account(&account).then_some(account.id);
                states.insert(
                    id.clone(),
                    WatchState {
                        calendar: id,
                        of_account,
                        open,
                        expires,
                        error,
                        needs_no_setting,
                        finder,
                    },
                );
            }
        }
    }
    Ok(states.into_values().collect())
}

/// Whether polls find the changes of a calendar: its provider sends no notifications, or none
/// arrive and its facts say that it is polled then.
pub(crate) fn is_polled(
    scope: &Scope,
    directory: &Snapshot,
    account: &Account,
    calendar: &CalendarId,
) -> Result<bool> {
    let Some(facts) = account.kind.watch_facts() else { return Ok(true) };
    if !facts.polled_without || scope.setup.public_url.is_none() {
        return Ok(facts.polled_without);
    }
    let (rows, now) = (directory.watches()?, scope.clock.now());
    let covers = |row: &WatchRecord| {
        row.covers(&account.id, calendar) && row.state == WatchStatus::Open && row.is_live(now)
    };
    Ok(!rows.iter().any(covers))
}

/// Whether one watch covers all calendars of an account.
fn is_by_account(account: &Account) -> bool {
    matches!(account.kind.facts().push, Push::ByAccount(_))
}

/// What finds the changes of an account without a watch.
fn finder(account: &Account) -> &'static str {
    match account.kind.watch_facts() {
        Some(facts) if !facts.polled_without => "The nightly pass",
        _ => "Each poll",
    }
}

fn no_watch(scope: &Scope, account: &Account) -> Problem {
    let watched = match is_by_account(account) {
        true => "the calendars of this account",
        false => "this calendar",
    };
    let message = match scope.setup.public_url {
        _ if account.state == AccountStatus::NeedsReconnect => format!(
            "The provider sends no notifications of changes in {watched} until its account is \
            connected again; the first sync after that finds the changes."
        ),
        None => format!(
            "CALRELAY_PUBLIC_URL is not set, so the provider cannot send notifications of changes \
            in {watched}. {} of a running calrelay finds changes, and `calrelay sync` does. Set \
            CALRELAY_PUBLIC_URL to the address (https://…) under which this calrelay is reached \
            from outside.",
            finder(account)
        ),
        Some(_) => "No watch is open yet. A running calrelay creates one before its first sync of \
            the pair, and tries again every hour."
            .to_owned(),
    };
    Problem { code: "no_channel".into(), message }
}
