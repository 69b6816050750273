//! What is known of the events of a pair: why one was or was not copied, what a day holds, what
//! could not be copied, and conflicts.

use axum::Json;
use engine::calendar::PairId;
use jiff::civil::Date;
use jobs::day::{self, DayEvent};
use jobs::next_step::{neutral, reason_in_words};
use jobs::report::Explanation;
use records::pair_state::conflicts::ConflictRow;
use records::problem::EventProblem;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::path::PathId;
use super::query::{Asked, PageQuery, wrong_query};
use crate::problem::ApiError;
use crate::visitor::MayRead;

/// Which event.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichEvent {
    /// The id of the event, as actions and problems have it.
    #[param(min_length = 1, max_length = 2000)]
    event: String,
}

/// Which day.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct WhichDay {
    #[param(value_type = String, format = Date)]
    day: Date,
    /// A name of the IANA database.
    #[param(min_length = 1, max_length = 100)]
    zone: String,
}

/// The events of a day in both calendars.
#[derive(Serialize, ToSchema)]
pub struct DayAnswer {
    events: Vec<DayEntry>,
    /// There are more events.
    more: bool,
    /// The calendars that could not be read now.
    unread: Vec<UnreadEntry>,
}

/// An event of a day.
#[derive(Serialize, ToSchema)]
struct DayEntry {
    event: String,
    calendar: String,
    start: Option<String>,
    end: Option<String>,
    copied: bool,
    reason: Option<String>,
    message: String,
    /// The id of the copy.
    copy: Option<String>,
}

/// A calendar that could not be read.
#[derive(Serialize, ToSchema)]
struct UnreadEntry {
    calendar: String,
    code: String,
    message: String,
}

/// Events that could not be copied.
#[derive(Serialize, ToSchema)]
pub struct Problems {
    problems: Vec<EventProblem>,
    next: Option<String>,
}

/// Changes of both calendars to one event that met.
#[derive(Serialize, ToSchema)]
pub struct Conflicts {
    conflicts: Vec<ConflictRow>,
    next: Option<String>,
}

/// Says why an event was, or was not, copied.
#[utoipa::path(get, path = "/pairs/{id}/explain", tag = "pairs",
    params(("id" = String, Path), WhichEvent), responses((status = 200, body = Explanation)))]
pub async fn explain(
    MayRead(visitor): MayRead,
    PathId(id): PathId,
    Asked(asked): Asked<WhichEvent>,
) -> Result<Json<Explanation>, ApiError> {
    if asked.event.is_empty() || asked.event.chars().count() > 2000 {
        return Err(wrong_query());
    }
    let mut answer = jobs::explain(&visitor.scope, &PairId::new(id), &asked.event).await?;
    answer.message = neutral(&answer.message);
    Ok(Json(answer))
}

/// What both calendars hold on a day, read now: each event with its verdict.
#[utoipa::path(get, path = "/pairs/{id}/events", tag = "pairs",
    params(("id" = String, Path), WhichDay), responses((status = 200, body = DayAnswer)))]
pub async fn events(
    MayRead(visitor): MayRead,
    PathId(id): PathId,
    Asked(asked): Asked<WhichDay>,
) -> Result<Json<DayAnswer>, ApiError> {
    let found = day::events(&visitor.scope, &PairId::new(id), asked.day, &asked.zone).await?;
    let unread = found.unread.into_iter().map(|unread| UnreadEntry {
        calendar: unread.calendar.to_string(),
        message: unread.told.detail(),
        code: unread.told.code,
    });
    Ok(Json(DayAnswer {
        unread: unread.collect(),
        more: found.more,
        events: found.events.into_iter().map(DayEntry::from).collect(),
    }))
}

impl From<DayEvent> for DayEntry {
    fn from(event: DayEvent) -> Self {
        let message = event.neutral_message();
        let DayEvent { event, calendar, start, end, copied, reason, copy, .. } = event;
        let reason = reason.and_then(|reason| serde_json::to_value(reason).ok());
        let reason = reason.and_then(|name| name.as_str().map(str::to_owned));
        Self { event, calendar: calendar.to_string(), start, end, copied, reason, message, copy }
    }
}

/// Lists the events that could not be copied.
#[utoipa::path(get, path = "/pairs/{id}/problems", tag = "pairs",
    params(("id" = String, Path), PageQuery), responses((status = 200, body = Problems)))]
pub async fn problems(
    MayRead(visitor): MayRead,
    PathId(id): PathId,
    Asked(page): Asked<PageQuery>,
) -> Result<Json<Problems>, ApiError> {
    let (cursor, limit) = page.checked()?;
    let listed = jobs::problems(&visitor.scope, &PairId::new(id), cursor, limit).await?;
    let without_commands = |mut problem: EventProblem| {
        problem.message = match problem.message.is_empty() {
            true => reason_in_words(problem.reason),
            false => neutral(&problem.message),
        };
        problem
    };
    let problems = listed.problems.into_iter().map(without_commands).collect();
    Ok(Json(Problems { problems, next: listed.next }))
}

/// Lists conflicts of the last 30 days, the latest first.
#[utoipa::path(get, path = "/pairs/{id}/conflicts", tag = "pairs",
    params(("id" = String, Path), PageQuery), responses((status = 200, body = Conflicts)))]
pub async fn conflicts(
    MayRead(visitor): MayRead,
    PathId(id): PathId,
    Asked(page): Asked<PageQuery>,
) -> Result<Json<Conflicts>, ApiError> {
    let (cursor, limit) = page.checked()?;
    let listed = jobs::conflicts::list(&visitor.scope, &PairId::new(id), cursor, limit).await?;
    Ok(Json(Conflicts { conflicts: listed.conflicts, next: listed.next }))
}
