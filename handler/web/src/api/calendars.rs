//! `/calendars`: the calendars of the accounts, as they were listed last.

use std::collections::BTreeMap;

use axum::Json;
use engine::calendar::AccountId;
use engine::provider::ProviderKind;
use records::calendar::CalendarRecord;
use records::snapshot::Snapshot;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::path::is_id;
use super::query::{Asked, wrong_query};
use crate::problem::ApiError;
use crate::visitor::MayRead;

/// Which calendars.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only those of this account.
    #[param(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    account: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub struct Calendars {
    calendars: Vec<CalendarState>,
}

/// A calendar.
#[derive(Serialize, ToSchema)]
pub struct CalendarState {
    id: String,
    /// The server's name for it.
    name: String,
    /// The id of its account.
    account: String,
    #[schema(value_type = String)]
    provider: ProviderKind,
    writable: bool,
    /// It can be the target of a pair.
    offered: bool,
    /// Why it cannot.
    why_not: Option<&'static str>,
}

impl CalendarState {
    /// How a calendar is shown.
    pub fn new(calendar: CalendarRecord, provider: ProviderKind) -> Self {
        let CalendarRecord { id, name, account, writable, .. } = calendar;
        let why_not = (!writable).then_some("Its server lets nobody write to it.");
        let (id, account) = (id.to_string(), account.to_string());
        Self { id, name, account, provider, writable, offered: writable, why_not }
    }
}

/// The calendars that are stored, of one account or of all.
pub fn of_directory(directory: &Snapshot, only: Option<&AccountId>) -> Vec<CalendarState> {
    let kinds: BTreeMap<_, _> =
        directory.accounts().into_iter().map(|account| (account.id, account.kind)).collect();
    directory
        .calendars()
        .into_iter()
        .filter(|calendar| only.is_none_or(|only| calendar.account == *only))
        .filter_map(|calendar| {
            let kind = *kinds.get(&calendar.account)?;
            Some(CalendarState::new(calendar, kind))
        })
        .collect()
}

/// Lists calendars, from what is stored. A listing that failed is an error of its account.
#[utoipa::path(get, path = "/calendars", tag = "calendars", params(Filter),
    responses((status = 200, body = Calendars)))]
pub async fn list(
    MayRead(visitor): MayRead,
    Asked(filter): Asked<Filter>,
) -> Result<Json<Calendars>, ApiError> {
    let account = filter.account;
    if account.as_deref().is_some_and(|id| !is_id(id)) {
        return Err(wrong_query());
    }
    let (directory, only) = (visitor.scope.snapshot().await?, account.map(AccountId::new));
    if let Some(id) = &only {
        directory.account(id)?;
    }
    Ok(Json(Calendars { calendars: of_directory(&directory, only.as_ref()) }))
}
