//! The rate of requests for one account, and the pause after the server answered 429 or 503.
//!
//! Changes of existing events begin one at a time: some servers lock a calendar for each change and
//! refuse the others with 423 (RFC 4918 section 11.3). While changes succeed, more are made at
//! once, up to the limit; the first 423 ends that permanently.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::login::Login;
use crate::{Error, Result};

/// The longest pause that a server can ask for.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// After this many successful changes, twice as many are made at once.
const GONE_WELL: u32 = 16;

/// After this time without throttling, the spacing is halved.
const SLOW: Duration = Duration::from_secs(300);
/// The most times that the spacing is doubled.
const MOST_DOUBLINGS: u32 = 3;
/// Refusals within this time count as one: they concern requests that were under way together.
const ONE_COMPLAINT: Duration = Duration::from_secs(60);

/// The longest `Retry-After` that a request waits out; a longer one is returned to the caller,
/// which can do other work meanwhile.
pub(crate) const SHORT_WAIT: Duration = Duration::from_secs(5);
/// Throttling that ends within this time is waited out, where the provider has no rule of its own.
pub(crate) const LONG_WAIT: Duration = Duration::from_secs(60);
/// The limits of requests for one account.
#[derive(Clone, Copy, Debug)]
pub struct RateLimits {
    /// Requests under way at once.
    pub parallel: usize,
    /// The least time between the beginnings of two requests.
    pub spacing: Duration,
    /// The server's `Retry-After` is known to be too short: wait at least 2, 4, 8… seconds.
    pub doubling: bool,
    /// The longest time that a request waits while the server asks for a pause; a longer pause is
    /// returned to the caller, which can do other work meanwhile.
    pub patience: Duration,
    /// A throttled request is sent again within that time, without a limit of tries.
    pub persistent: bool,
}

/// The rate limit of one account.
#[derive(Debug)]
pub(crate) struct RateLimit {
    limits: RateLimits,
    /// All waits are divided by this.
    hurry: u32,
    slots: Arc<Semaphore>,
    /// Permits for changes of existing events; as many as [`RateState::changes_at_once`].
    changes: Semaphore,
    state: Mutex<RateState>,
    /// The state of the account's HTTP authentication.
    pub(super) login: Login,
}

#[derive(Debug)]
struct RateState {
    changes_at_once: usize,
    /// Successful changes since their number grew last; `None` once one was refused with 423.
    gone_well: Option<u32>,
    /// The start of the next request, by the spacing.
    next: Option<Instant>,
    /// How many times the spacing is doubled, and the time of the last doubling.
    slowed: Option<(u32, Instant)>,
    /// The end of the pause that the server asked for.
    closed_until: Option<Instant>,
    /// How many times in a row the server asked for a pause.
    complaints: u32,
}

impl RateState {
    /// How many times the spacing is doubled now.
    fn doublings(&self, now: Instant, hurry: u32) -> u32 {
        let Some((doublings, since)) = self.slowed else { return 0 };
        let well =
            now.saturating_duration_since(since).as_millis() / (SLOW / hurry).as_millis().max(1);
        doublings.saturating_sub(u32::try_from(well).unwrap_or(u32::MAX))
    }
}

impl RateLimit {
    pub(crate) fn new(limits: RateLimits, hurry: u32) -> Self {
        let state = RateState {
            changes_at_once: 1,
            gone_well: Some(0),
            next: None,
            slowed: None,
            closed_until: None,
            complaints: 0,
        };
        Self {
            limits,
            hurry,
            slots: Arc::new(Semaphore::new(limits.parallel.max(1))),
            changes: Semaphore::new(1),
            state: Mutex::new(state),
            login: Login::default(),
        }
    }

    /// Waits until a request of this many units may begin; the next request keeps the spacing of
    /// all of them. The caller holds the permit until the answer was read.
    ///
    /// # Errors
    /// [`Error::RateLimited`] during a pause that is longer than [`RateLimits::patience`].
    pub(crate) async fn admit(&self, units: u32) -> Result<OwnedSemaphorePermit> {
        let permit = self
            .slots
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| Error::Unreachable("the program is ending".into()))?;
        loop {
            let Some(until) = self.reserve(units)? else { return Ok(permit) };
            tokio::time::sleep_until(until).await;
        }
    }

    /// Waits for a permit to change an existing event; called before [`RateLimit::admit`].
    pub(crate) async fn change_permit(&self) -> Result<SemaphorePermit<'_>> {
        self.changes.acquire().await.map_err(|_| Error::Unreachable("the program is ending".into()))
    }

    /// Records that a change was not refused with 423.
    pub(crate) fn record_success(&self) {
        let mut state = self.state();
        let more =
            state.changes_at_once.min(self.limits.parallel.saturating_sub(state.changes_at_once));
        let Some(count) = &mut state.gone_well else { return };
        *count += 1;
        if *count >= GONE_WELL {
            *count = 0;
            state.changes_at_once += more;
            self.changes.add_permits(more);
        }
    }

    /// Records that a change was refused with 423: from now on there is one permit less, down to
    /// one.
    pub(crate) fn record_lock(&self, turn: SemaphorePermit<'_>) {
        let mut state = self.state();
        state.gone_well = None;
        if state.changes_at_once > 1 {
            state.changes_at_once -= 1;
            turn.forget();
        }
    }

    /// Records that the account is throttled although this process keeps its limit, because other
    /// processes work with the account too. From now on the spacing is doubled, up to eight times;
    /// after each five minutes without throttling it is halved.
    pub(crate) fn slow_down(&self) {
        let now = Instant::now();
        let mut state = self.state();
        let doublings = state.doublings(now, self.hurry);
        // Requests that were under way together are refused together, which counts once.
        let again = state.slowed.is_some_and(|(_, since)| {
            now.saturating_duration_since(since) < ONE_COMPLAINT / self.hurry
        });
        if !again {
            state.slowed = Some((MOST_DOUBLINGS.min(doublings + 1), now));
        }
    }

    /// Takes the next slot if it is now; otherwise returns its time.
    fn reserve(&self, units: u32) -> Result<Option<Instant>> {
        let now = Instant::now();
        let mut state = self.state();
        if let Some(until) = state.closed_until.filter(|until| *until > now) {
            let wait = until - now;
            return if wait > self.limits.patience {
                Err(Error::RateLimited { retry_after: Some(wait) })
            } else {
                Ok(Some(until))
            };
        }
        if let Some(next) = state.next.filter(|next| *next > now) {
            return Ok(Some(next));
        }
        let spacing = self.limits.spacing * (1 << state.doublings(now, self.hurry));
        state.next = Some(now + spacing * units / self.hurry);
        Ok(None)
    }

    /// How long a throttled request is repeated.
    pub(crate) fn persistence(&self) -> Duration {
        if self.limits.persistent { self.limits.patience } else { Duration::ZERO }
    }

    /// Records that the server asked for a pause; returns the time to wait.
    pub(crate) fn throttled(&self, asked: Option<Duration>) -> Option<Duration> {
        let mut state = self.state();
        state.complaints = state.complaints.saturating_add(1);
        let mut wait = asked;
        if self.limits.doubling {
            let least = Duration::from_secs(1 << state.complaints.min(12));
            wait = Some(wait.map_or(least, |asked| asked.max(least)));
        }
        let wait = wait.map(|wait| wait.min(LONGEST) / self.hurry);
        if let Some(wait) = wait {
            let until = Instant::now() + wait;
            state.closed_until =
                Some(state.closed_until.map_or(until, |earlier| earlier.max(until)));
        }
        wait
    }

    /// As [`RateLimit::throttled`] for a request about one event: a wait that is longer than
    /// [`RateLimits::patience`] pauses no other request.
    pub(crate) fn throttled_for_one(&self, asked: Option<Duration>) -> Option<Duration> {
        if asked.is_some_and(|asked| asked > self.limits.patience) {
            asked.map(|asked| asked.min(LONGEST) / self.hurry)
        } else {
            self.throttled(asked)
        }
    }

    /// Whether every 503 of this server asks for a pause.
    pub(crate) fn doubles(&self) -> bool {
        self.limits.doubling
    }

    /// Whether the rate limit has no state that is worth keeping.
    pub(crate) fn is_idle(&self) -> bool {
        let now = Instant::now();
        let state = self.state();
        state.closed_until.is_none_or(|until| until <= now)
            && state.next.is_none_or(|next| next <= now)
    }

    /// Records that the server answered without throttling.
    pub(crate) fn reset(&self) {
        self.state().complaints = 0;
    }

    fn state(&self) -> std::sync::MutexGuard<'_, RateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `Retry-After` as a span (RFC 9110 section 10.2.3: seconds, or a date that counts from the
/// server's own `Date`).
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(LONGEST));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let now = httpdate::parse_http_date(headers.get(reqwest::header::DATE)?.to_str().ok()?).ok()?;
    Some(until.duration_since(now).unwrap_or_default().min(LONGEST))
}

#[cfg(test)]
mod tests;
