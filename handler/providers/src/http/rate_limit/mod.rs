//! How fast one account may be asked, and how long it is left alone once the server complained.
//!
//! Changes of what stands there already begin one at a time: some servers lock a calendar for each
//! and refuse the others with 423 (RFC 4918 section 11.3). Where that goes well they become more,
//! up to the limit; the first 423 ends that for good.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::Instant;

use super::login::Login;
use crate::{Error, Result};

/// The longest time that a server can send an account away for.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// So many changes have to go well before twice as many are under way at once.
const GONE_WELL: u32 = 16;

/// After so long without a complaint half of what was slowed down is taken back.
const SLOW: Duration = Duration::from_secs(300);
/// The spacing is doubled so many times at the most.
const MOST_DOUBLINGS: u32 = 3;
/// Complaints within this time are one: they are about what was asked before the first of them.
const ONE_COMPLAINT: Duration = Duration::from_secs(60);

/// The longest `Retry-After` that a request waits out; a longer one is returned to the caller, which
/// can do other work meanwhile.
pub(crate) const SHORT_WAIT: Duration = Duration::from_secs(5);
/// Throttling that ends within this time is waited out, where the provider has no rule of its own.
pub(crate) const LONG_WAIT: Duration = Duration::from_secs(60);
/// What an account's server bears.
#[derive(Clone, Copy, Debug)]
pub struct RateLimits {
    /// Requests under way at once.
    pub parallel: usize,
    /// The least time between the beginnings of two requests.
    pub spacing: Duration,
    /// The server's `Retry-After` is known to be too short: wait at least 2, 4, 8… seconds.
    pub doubling: bool,
    /// A request waits so long at the most while the server wants to be left alone; a longer wait
    /// is its caller's, who can use the time better.
    pub patience: Duration,
    /// A request that is throttled is sent again within that time, however often.
    pub persistent: bool,
}

/// The pace of one account.
#[derive(Debug)]
pub(crate) struct RateLimit {
    limits: RateLimits,
    /// All waits are divided by this.
    hurry: u32,
    slots: Arc<Semaphore>,
    /// Turns for changes of what stands there; as many as [`State::changes_at_once`].
    changes: Semaphore,
    state: Mutex<RateState>,
    /// How the account signs in.
    pub(super) login: Login,
}

#[derive(Debug)]
struct RateState {
    changes_at_once: usize,
    /// Changes that went well since their number grew last; `None` once one was refused with 423.
    gone_well: Option<u32>,
    /// When the next request may begin, by our own spacing.
    next: Option<Instant>,
    /// How many times the spacing is doubled, and since when nobody asked for more.
    slowed: Option<(u32, Instant)>,
    /// Until when the server wants to be left alone.
    closed_until: Option<Instant>,
    /// How many times in a row it said so.
    complaints: u32,
}

impl RateState {
    /// How many times the spacing is doubled by now.
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

    /// Waits until a request may begin that counts as so many: the next one keeps its distance from
    /// all of them. The permit is held until its answer has been read.
    ///
    /// # Errors
    /// [`Error::RateLimited`] while the server wants to be left alone for longer than is worth
    /// waiting here.
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

    /// Waits for a turn to change something that stands there; before [`Pace::admit`].
    pub(crate) async fn change_permit(&self) -> Result<SemaphorePermit<'_>> {
        self.changes.acquire().await.map_err(|_| Error::Unreachable("the program is ending".into()))
    }

    /// Notes that a change was not refused for a lock.
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

    /// Notes that a change met the lock of another one: from now on there is one turn less, down to
    /// one.
    pub(crate) fn record_lock(&self, turn: SemaphorePermit<'_>) {
        let mut state = self.state();
        state.gone_well = None;
        if state.changes_at_once > 1 {
            state.changes_at_once -= 1;
            turn.forget();
        }
    }

    /// Notes that the account is asked too much although this process keeps its limit: others ask in
    /// its name as well. From now on requests keep twice the distance, up to eight times; each five
    /// minutes in which that was enough take half of it back.
    pub(crate) fn slow_down(&self) {
        let now = Instant::now();
        let mut state = self.state();
        let doublings = state.doublings(now, self.hurry);
        // What was under way together is refused together, and is one complaint.
        let again = state.slowed.is_some_and(|(_, since)| {
            now.saturating_duration_since(since) < ONE_COMPLAINT / self.hurry
        });
        if !again {
            state.slowed = Some((MOST_DOUBLINGS.min(doublings + 1), now));
        }
    }

    /// Takes the next turn if it is now; otherwise says when to ask again.
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

    /// How long a throttled request is sent again and again.
    pub(crate) fn persistence(&self) -> Duration {
        if self.limits.persistent { self.limits.patience } else { Duration::ZERO }
    }

    /// Notes that the server complained; says how long to wait.
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

    /// The same for a request about one event: a wait that is too long to be waited out here holds
    /// up nothing else.
    pub(crate) fn throttled_for_one(&self, asked: Option<Duration>) -> Option<Duration> {
        if asked.is_some_and(|asked| asked > self.limits.patience) {
            asked.map(|asked| asked.min(LONGEST) / self.hurry)
        } else {
            self.throttled(asked)
        }
    }

    /// Whether any 503 of this server is a complaint.
    pub(crate) fn doubles(&self) -> bool {
        self.limits.doubling
    }

    /// Whether nothing would be forgotten with it.
    pub(crate) fn is_idle(&self) -> bool {
        let now = Instant::now();
        let state = self.state();
        state.closed_until.is_none_or(|until| until <= now)
            && state.next.is_none_or(|next| next <= now)
    }

    /// Notes that the server answered as usual.
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
