//! `/accounts`: connected, listed, disconnected.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use engine::calendar::{AccountId, CalendarId};
use engine::pair::Pair;
use engine::provider::ProviderKind;
use http::{HeaderValue, StatusCode, header};
use jobs::next_step::neutral;
use jobs::report::AccountState;
use jobs::watches::WatchState;
use records::account::Account;
use records::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body;
use super::calendars::{CalendarState, of_directory};
use super::path::PathId;
use super::version::{Conditions, version};
use crate::connect::{ConnectError, PasswordAccount};
use crate::problem::{ApiError, Code, of_given};
use crate::visitor::{MayRead, MayWrite, Visitor};

/// A removal that takes longer goes on by itself.
const REMOVAL_PATIENCE: Duration = Duration::from_secs(20);

#[derive(Serialize, ToSchema)]
pub struct Accounts {
    accounts: Vec<AccountAnswer>,
}

/// An account.
#[derive(Serialize, ToSchema)]
pub struct AccountAnswer {
    #[serde(flatten)]
    state: AccountState,
    /// How many calendars it has.
    calendars: usize,
    /// How many pairs use one of them.
    pairs: usize,
    /// Whether its provider notifies this installation of changes; `null` where it is polled.
    push: Option<PushState>,
}

/// Whether a provider notifies of changes.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PushState {
    Open,
    None,
    Failing,
}

/// An account to be connected with a password.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "provider", rename_all = "lowercase", deny_unknown_fields)]
pub enum NewAccount {
    /// A CalDAV server.
    Caldav {
        #[schema(min_length = 1, max_length = 2000)]
        url: String,
        #[schema(min_length = 1, max_length = 500)]
        user: String,
        #[schema(min_length = 1, max_length = 1000)]
        password: String,
    },
    /// Apple iCloud, with an app-specific password.
    Icloud {
        #[schema(min_length = 1, max_length = 500)]
        user: String,
        #[schema(min_length = 1, max_length = 1000)]
        password: String,
    },
}

/// The calendars of an account, and what has changed.
#[derive(Serialize, ToSchema)]
pub struct Refreshed {
    calendars: Vec<CalendarState>,
    /// The ids of calendars that were not known before.
    added: Vec<String>,
    /// The ids of calendars that are gone.
    gone: Vec<String>,
}

/// Lists the connected accounts.
#[utoipa::path(get, path = "/accounts", tag = "accounts", responses((status = 200, body = Accounts)))]
pub async fn list(MayRead(visitor): MayRead) -> Result<Json<Accounts>, ApiError> {
    let directory = visitor.scope.snapshot().await?;
    let watches = jobs::watches::states(&visitor.scope).await?;
    let accounts = directory.accounts();
    let accounts =
        accounts.iter().map(|account| answer(&visitor, &directory, &watches, account)).collect();
    Ok(Json(Accounts { accounts }))
}

/// Shows an account.
#[utoipa::path(get, path = "/accounts/{id}", tag = "accounts", params(("id" = String, Path)),
    responses((status = 200, body = AccountAnswer), (status = 304)))]
pub async fn show(
    MayRead(visitor): MayRead,
    PathId(id): PathId,
    conditions: Conditions,
) -> Result<Response, ApiError> {
    let account = find(&visitor, &AccountId::new(id)).await?;
    Ok(conditions.answer(&version(&account), &account))
}

/// Connects an account with a password. One that is connected gets the new password and keeps its
/// id and its pairs. Nothing is stored where the server refuses.
#[utoipa::path(post, path = "/accounts", tag = "accounts", request_body = NewAccount,
    responses((status = 201, body = AccountAnswer), (status = 200, body = AccountAnswer)))]
pub async fn connect(
    MayWrite(visitor): MayWrite,
    body::Json(new): body::Json<NewAccount>,
) -> Result<Response, ApiError> {
    let (kind, url, user, password) = match new {
        NewAccount::Caldav { url, user, password } => (ProviderKind::Caldav, url, user, password),
        NewAccount::Icloud { user, password } => {
            (ProviderKind::Icloud, visitor.scope.setup.icloud_url.clone(), user, password)
        }
    };
    let new = PasswordAccount { kind, url: &url, user: &user, password: password.into() };
    let account = new.connect(&visitor).await.map_err(|error| match error {
        ConnectError::TooManyTries { seconds } => {
            let words = format!(
                "There were too many tries with a password within a minute. Nothing was sent to the \
                server. Try again in {seconds} seconds."
            );
            ApiError::new(Code::Throttled, words).retry_after(seconds)
        }
        ConnectError::Failed(error) => of_given(error),
    })?;
    let answer = find(&visitor, &account.id).await?;
    let status = match account.was_connected_before() {
        true => StatusCode::OK,
        false => StatusCode::CREATED,
    };
    let mut response = (status, Json(answer)).into_response();
    if let Ok(location) = HeaderValue::try_from(format!("/api/v1/accounts/{}", account.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Disconnects an account: its pairs and what is stored of it go, copies stay as ordinary events.
#[utoipa::path(delete, path = "/accounts/{id}", tag = "accounts", params(("id" = String, Path)),
    responses((status = 204), (status = 202)))]
pub async fn disconnect(
    MayWrite(visitor): MayWrite,
    PathId(id): PathId,
    conditions: Conditions,
) -> Result<StatusCode, ApiError> {
    let id = AccountId::new(id);
    conditions.check(&version(&find(&visitor, &id).await?))?;
    let work = tokio::spawn(async move {
        let remove = jobs::remove_account(&visitor.scope, &id);
        visitor.audited("account.remove", id.as_str(), remove, |_| None).await
    });
    match tokio::time::timeout(REMOVAL_PATIENCE, work).await {
        Ok(Ok(removed)) => removed.map(|_| StatusCode::NO_CONTENT).map_err(ApiError::from),
        Ok(Err(_)) => Err(ApiError::internal()),
        Err(_) => Ok(StatusCode::ACCEPTED),
    }
}

/// Lists the calendars of an account at its provider now.
#[utoipa::path(post, path = "/accounts/{id}/refresh", tag = "accounts",
    params(("id" = String, Path)), responses((status = 200, body = Refreshed)))]
pub async fn refresh(
    MayWrite(visitor): MayWrite,
    PathId(id): PathId,
) -> Result<Json<Refreshed>, ApiError> {
    let id = AccountId::new(id);
    let before = ids(&visitor.scope.snapshot().await?, &id);
    let listed = jobs::accounts::calendars(&visitor.scope, Some(&id)).await?;
    if let Some((_, error)) = listed.failures.into_iter().next() {
        return Err(error.into());
    }
    let directory = visitor.scope.snapshot().await?;
    let after = ids(&directory, &id);
    let missing_in = |other: &[String], all: &[String]| {
        all.iter().filter(|id| !other.contains(id)).cloned().collect()
    };
    Ok(Json(Refreshed {
        calendars: of_directory(&directory, Some(&id)),
        added: missing_in(&before, &after),
        gone: missing_in(&after, &before),
    }))
}

/// The words of an error name no command line.
fn without_commands(mut state: AccountState) -> AccountState {
    if let Some(error) = &mut state.error {
        error.message = neutral(&error.message);
    }
    state
}

fn ids(directory: &Snapshot, account: &AccountId) -> Vec<String> {
    let calendars = directory.calendars().into_iter();
    calendars.filter(|it| it.account == *account).map(|it| it.id.to_string()).collect()
}

async fn find(visitor: &Visitor, id: &AccountId) -> Result<AccountAnswer, ApiError> {
    let directory = visitor.scope.snapshot().await?;
    let account = directory.account(id)?;
    let watches = jobs::watches::states(&visitor.scope).await?;
    Ok(answer(visitor, &directory, &watches, &account))
}

fn answer(
    visitor: &Visitor,
    directory: &Snapshot,
    watches: &[WatchState],
    account: &Account,
) -> AccountAnswer {
    let calendars = directory.calendars();
    let own: Vec<_> = calendars.iter().filter(|it| it.account == account.id).collect();
    let has = |id: &CalendarId| own.iter().any(|calendar| calendar.id == *id);
    let uses = |pair: &Pair| has(&pair.from) || has(&pair.to);
    let push = account.kind.pushes().then(|| {
        let mut own = watches.iter().filter(|watch| has(&watch.calendar));
        if own.clone().any(|watch| watch.error.is_some()) {
            PushState::Failing
        } else if own.any(|watch| watch.open) {
            PushState::Open
        } else {
            PushState::None
        }
    });
    AccountAnswer {
        state: without_commands(AccountState::of(account, visitor.scope.clock.now())),
        calendars: own.len(),
        pairs: directory.readable_pairs().iter().filter(|pair| uses(pair)).count(),
        push,
    }
}
