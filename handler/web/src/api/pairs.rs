//! `/pairs`: added, listed, paused, resumed, ended.

use std::collections::BTreeMap;

use axum::Json;
use axum::response::{IntoResponse, Response};
use engine::calendar::{CalendarId, PairId};
use engine::pair::{Pair, Reach};
use http::{HeaderValue, StatusCode, header};
use jobs::next_step::neutral;
use jobs::pairs::NewPair;
use jobs::report::PairState;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body;
use super::path::{PathId, is_id};
use super::version::{Conditions, version};
use crate::problem::ApiError;
use crate::visitor::{MayRead, MaySync, MayWrite, Visitor};

/// A span: days or months.
const SPAN: &str = "^[0-9]{1,4}(d|mo)$";

#[derive(Serialize, ToSchema)]
pub struct Pairs {
    pairs: Vec<PairAnswer>,
}

/// A pair with its rules and its state.
#[derive(Serialize, ToSchema)]
pub struct PairAnswer {
    from: String,
    to: String,
    two_way: bool,
    private: bool,
    private_back: bool,
    window_past: String,
    window_future: String,
    #[serde(flatten)]
    state: PairState,
}

/// A pair to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPairBody {
    /// Events of this calendar are copied to `to`.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    from: String,
    #[schema(pattern = "^[A-Za-z0-9_-]{1,64}$")]
    to: String,
    /// Events of `to` are copied to `from`, too.
    #[serde(default)]
    #[schema(default = false)]
    two_way: bool,
    /// Copies in `to` show only "Busy".
    #[serde(default)]
    #[schema(default = false)]
    private: bool,
    /// Copies in `from` show only "Busy".
    #[serde(default)]
    #[schema(default = false)]
    private_back: bool,
    /// Days as `90d`, months as `3mo`.
    #[schema(pattern = "^[0-9]{1,4}(d|mo)$", default = "3mo")]
    window_past: Option<String>,
    #[schema(pattern = "^[0-9]{1,4}(d|mo)$", default = "12mo")]
    window_future: Option<String>,
    /// The pair is switched on at once; otherwise it is a draft, which is never synced.
    #[serde(default)]
    #[schema(default = false)]
    start: bool,
}

impl NewPairBody {
    /// # Errors
    /// `bad_request` for a value that breaks its pattern.
    fn checked(self) -> Result<NewPair, ApiError> {
        for (pointer, id) in [("#/from", &self.from), ("#/to", &self.to)] {
            if !is_id(id) {
                return Err(ApiError::wrong_member(pointer, "this is no id"));
            }
        }
        Ok(NewPair {
            from: CalendarId::new(self.from),
            to: CalendarId::new(self.to),
            two_way: self.two_way,
            private: self.private,
            private_back: self.private_back,
            window_past: span("#/window_past", self.window_past.as_deref().unwrap_or("3mo"))?,
            window_future: span(
                "#/window_future",
                self.window_future.as_deref().unwrap_or("12mo"),
            )?,
            take_over: false,
            draft: !self.start,
        })
    }
}

fn span(pointer: &str, text: &str) -> Result<Reach, ApiError> {
    let wrong = || ApiError::wrong_member(pointer, format!("a span has the form {SPAN}"));
    let digits = text.strip_suffix("mo").or_else(|| text.strip_suffix('d')).unwrap_or_default();
    let is_form = (1..=4).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if !is_form {
        return Err(wrong());
    }
    text.parse().map_err(|_| wrong())
}

/// Lists all pairs.
#[utoipa::path(get, path = "/pairs", tag = "pairs", responses((status = 200, body = Pairs)))]
pub async fn list(MayRead(visitor): MayRead) -> Result<Json<Pairs>, ApiError> {
    Ok(Json(Pairs { pairs: all(&visitor).await? }))
}

/// Adds a pair: a draft, unless it is to start.
#[utoipa::path(post, path = "/pairs", tag = "pairs", request_body = NewPairBody,
    responses((status = 201, body = PairAnswer)))]
pub async fn add(
    MayWrite(visitor): MayWrite,
    body::Json(new): body::Json<NewPairBody>,
) -> Result<Response, ApiError> {
    let work = Box::pin(jobs::pairs::add_pair(&visitor.scope, new.checked()?));
    let pair = visitor.audited("pair.add", "", work, |pair| Some(pair.id.to_string())).await?;
    let answer = find(&visitor, pair.id.as_str()).await?;
    let mut response = (StatusCode::CREATED, Json(answer)).into_response();
    if let Ok(location) = HeaderValue::try_from(format!("/api/v1/pairs/{}", pair.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Shows a pair.
#[utoipa::path(get, path = "/pairs/{id}", tag = "pairs", params(("id" = String, Path)),
    responses((status = 200, body = PairAnswer), (status = 304)))]
pub async fn show(
    MayRead(visitor): MayRead,
    PathId(id): PathId,
    conditions: Conditions,
) -> Result<Response, ApiError> {
    let pair = find(&visitor, &id).await?;
    Ok(conditions.answer(&pair.version(), &pair))
}

/// Pauses a pair: its calendars are neither read nor written until it is resumed.
#[utoipa::path(post, path = "/pairs/{id}/pause", tag = "pairs", params(("id" = String, Path)),
    responses((status = 200, body = PairAnswer)))]
pub async fn pause(
    MaySync(visitor): MaySync,
    PathId(id): PathId,
) -> Result<Json<PairAnswer>, ApiError> {
    let pair = PairId::new(id.clone());
    let work = jobs::pairs::pause_pair(&visitor.scope, &pair);
    visitor.audited("pair.pause", &id, work, |_| None).await?;
    Ok(Json(find(&visitor, &id).await?))
}

/// Resumes a pair: it goes on where it stopped.
#[utoipa::path(post, path = "/pairs/{id}/resume", tag = "pairs", params(("id" = String, Path)),
    responses((status = 200, body = PairAnswer)))]
pub async fn resume(
    MaySync(visitor): MaySync,
    PathId(id): PathId,
) -> Result<Json<PairAnswer>, ApiError> {
    let pair = PairId::new(id.clone());
    let work = jobs::pairs::resume_pair(&visitor.scope, &pair);
    visitor.audited("pair.resume", &id, work, |_| None).await?;
    Ok(Json(find(&visitor, &id).await?))
}

/// Ends a pair. Its copies stay as ordinary events.
#[utoipa::path(delete, path = "/pairs/{id}", tag = "pairs", params(("id" = String, Path)),
    responses((status = 204)))]
pub async fn end(
    MayWrite(visitor): MayWrite,
    PathId(id): PathId,
    conditions: Conditions,
) -> Result<StatusCode, ApiError> {
    conditions.check(&find(&visitor, &id).await?.version())?;
    let pair = PairId::new(id.clone());
    let work = jobs::pairs::remove_pair(&visitor.scope, &pair);
    visitor.audited("pair.remove", &id, work, |()| None).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn all(visitor: &Visitor) -> Result<Vec<PairAnswer>, ApiError> {
    let status = jobs::status(&visitor.scope, visitor.scope.setup.poll_seconds).await?;
    let pairs = visitor.scope.directory().pairs().await?;
    let mut pairs: BTreeMap<_, _> = pairs.into_iter().map(|pair| (pair.id.clone(), pair)).collect();
    let states = status.pairs.into_iter();
    Ok(states.filter_map(|state| Some(PairAnswer::new(pairs.remove(&state.id)?, state))).collect())
}

async fn find(visitor: &Visitor, id: &str) -> Result<PairAnswer, ApiError> {
    let pairs = all(visitor).await?.into_iter();
    pairs.into_iter().find(|pair| pair.state.id.as_str() == id).ok_or_else(ApiError::not_found)
}

impl PairAnswer {
    fn new(pair: Pair, mut state: PairState) -> Self {
        // The words of the API name no command line.
        if let Some(error) = &mut state.error {
            error.message = neutral(&error.message);
        }
        for problem in &mut state.problem_events {
            problem.message = neutral(&problem.message);
        }
        Self {
            from: pair.from.to_string(),
            to: pair.to.to_string(),
            two_way: pair.two_way,
            private: pair.private,
            private_back: pair.private_back,
            window_past: pair.window_past.to_string(),
            window_future: pair.window_future.to_string(),
            state,
        }
    }

    /// The version of what its owner decides about: the rules, and what is held.
    fn version(&self) -> String {
        let rules = (&self.from, &self.to, self.two_way, self.private, self.private_back);
        let window = (&self.window_past, &self.window_future);
        version(&(rules, window, self.state.state, &self.state.held))
    }
}
