//! Asks the accounts of the calendars to poll, once each.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use engine::calendar::{AccountId, CalendarId};
use engine::pair::Pair;
use futures::{Stream, StreamExt};
use providers::{CollectionState, Provider};
use records::account::AccountStatus;
use records::calendar::CalendarRecord;
use records::snapshot::Snapshot;

use crate::accounts::{self, account_status};
use crate::{Error, Result, Scope, watches};

/// Accounts asked at once.
const MAX_CONCURRENT: usize = 32;

/// An account that has not answered within this time counts as unreachable and is asked less and
/// less often, because it delays each poll by this time.
const TIMEOUT: Duration = Duration::from_secs(20);
/// What a poll knows about a calendar.
pub(super) enum PolledCalendar {
    /// The account has answered; `is_back` where it did not answer the request before.
    Answered { state: CollectionState, provider: Arc<dyn Provider>, is_back: bool },
    /// The provider sends notifications; no request is made.
    Pushes,
    /// The provider could send notifications, and no watch is open: only a pass can find changes.
    Unwatched,
    /// The server did not answer.
    Unreachable,
    /// An earlier poll is still waiting for the answer.
    PollRunning,
    /// The account refuses its password; no request is made.
    Refused,
}

/// The calendars of one account.
pub(super) type PolledCalendars = Vec<(CalendarId, PolledCalendar)>;

/// Asks each account once. The answers come in the order of their arrival; those that are there
/// together come together.
pub(super) fn poll_accounts<'a>(
    scope: &'a Scope,
    directory: &'a Snapshot,
    pairs: &[Pair],
) -> Result<impl Stream<Item = Vec<Result<PolledCalendars>>> + use<'a>> {
    let ids: BTreeSet<&CalendarId> = pairs.iter().flat_map(|pair| [&pair.from, &pair.to]).collect();
    let mut accounts: BTreeMap<AccountId, Vec<CalendarRecord>> = BTreeMap::new();
    for id in ids {
        if let Some(row) = directory.calendar(id)? {
            accounts.entry(row.account.clone()).or_default().push(row);
        }
    }
    let answers = futures::stream::iter(accounts)
        .map(move |(id, rows)| poll_account(scope, directory, id, rows));
    Ok(answers.buffer_unordered(MAX_CONCURRENT).ready_chunks(MAX_CONCURRENT))
}

async fn poll_account(
    scope: &Scope,
    snapshot: &Snapshot,
    id: AccountId,
    rows: Vec<CalendarRecord>,
) -> Result<PolledCalendars> {
    let all = |rows: Vec<CalendarRecord>, polled: fn() -> PolledCalendar| {
        Ok(rows.into_iter().map(|row| (row.id, polled())).collect())
    };
    let account = match snapshot.account(&id) {
        Ok(account) if account.state == AccountStatus::NeedsReconnect => {
            return all(rows, || PolledCalendar::Refused);
        }
        Ok(account) if account.kind.pushes() => {
            let polled = |row: CalendarRecord| {
                let is_polled = watches::is_polled(scope, snapshot, &account, &row.id)?;
                let polled =
                    if is_polled { PolledCalendar::Unwatched } else { PolledCalendar::Pushes };
                Ok((row.id, polled))
            };
            return rows.into_iter().map(polled).collect();
        }
        Ok(account) => account,
        // The account was removed, with its pairs, while the directory was read.
        Err(records::Error::NoAccount(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    };
    if scope.work.is_unresponsive(&account.id, scope.clock.now()) {
        return all(rows, || PolledCalendar::Unreachable);
    }
    let Some(_asking) = scope.work.begin_poll(&account.id) else {
        return all(rows, || PolledCalendar::PollRunning);
    };
    // Opening an account of an earlier version makes a request, once.
    let opened = tokio::time::timeout(TIMEOUT, accounts::open_in(scope, snapshot, &account)).await;
    let provider = match opened.unwrap_or_else(|_| Err(Error::Provider(timeout_error()))) {
        Ok(provider) => provider,
        Err(error @ (Error::Provider(_) | Error::Vault(vault::Error::CannotOpen))) => {
            account_status::record_outcome(scope, &account, Some(&error)).await?;
            let is_away = matches!(&error, Error::Provider(error) if error.is_transient());
            return all(
                rows,
                if is_away { || PolledCalendar::Unreachable } else { || PolledCalendar::Refused },
            );
        }
        Err(error) => return Err(error),
    };
    let addresses: Vec<String> = rows.iter().map(|row| row.address.clone()).collect();
    let answer = tokio::time::timeout(TIMEOUT, provider.collection_states(&addresses)).await;
    scope.work.record_answer(&account.id, answer.is_ok(), scope.clock.now());
    match answer.unwrap_or_else(|_| Err(timeout_error())) {
        Ok(answers) => {
            account_status::record_outcome(scope, &account, None).await?;
            let is_back = account.state == AccountStatus::Unreachable;
            let seen = rows.into_iter().zip(answers).map(|(row, state)| {
                (row.id, PolledCalendar::Answered { state, provider: provider.clone(), is_back })
            });
            Ok(seen.collect())
        }
        Err(error) => {
            account_status::record_outcome(scope, &account, Some(&Error::Provider(error.clone())))
                .await?;
            all(
                rows,
                if matches!(error, providers::Error::Unauthorized | providers::Error::NotGranted(_))
                {
                    || PolledCalendar::Refused
                } else {
                    || PolledCalendar::Unreachable
                },
            )
        }
    }
}

fn timeout_error() -> providers::Error {
    providers::Error::NoAnswer(format!("it did not answer within {} seconds", TIMEOUT.as_secs()))
}
