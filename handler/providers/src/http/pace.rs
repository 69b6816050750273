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
    pub(crate) async fn turn_to_change(&self) -> Result<SemaphorePermit<'_>> {
        self.changes.acquire().await.map_err(|_| Error::Unreachable("the program is ending".into()))
    }

    /// Notes that a change was not refused for a lock.
    pub(crate) fn went_well(&self) {
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
    pub(crate) fn met_a_lock(&self, turn: SemaphorePermit<'_>) {
        let mut state = self.state();
        state.gone_well = None;
        if state.changes_at_once > 1 {
            state.changes_at_once -= 1;
            turn.forget();
        }
    }

    /// Notes that the account is asked too much although this process keeps its pace: others ask in
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
    pub(crate) fn is_at_rest(&self) -> bool {
        let now = Instant::now();
        let state = self.state();
        state.closed_until.is_none_or(|until| until <= now)
            && state.next.is_none_or(|next| next <= now)
    }

    /// Notes that the server answered as usual.
    pub(crate) fn relaxed(&self) {
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
mod tests {
    use super::*;

    use super::super::SHORT_WAIT;

    const APPLE: RateLimits = RateLimits {
        parallel: 2,
        spacing: Duration::from_millis(250),
        doubling: true,
        patience: SHORT_WAIT,
        persistent: false,
    };

    #[tokio::test(start_paused = true)]
    async fn requests_keep_their_distance() {
        let pace = RateLimit::new(APPLE, 1);
        let begun = Instant::now();
        for _ in 0..9 {
            drop(pace.admit(1).await.unwrap());
        }
        assert_eq!(begun.elapsed(), Duration::from_secs(2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_may_count_as_several() {
        let pace = RateLimit::new(APPLE, 1);
        let begun = Instant::now();
        for _ in 0..3 {
            drop(pace.admit(3).await.unwrap());
        }
        drop(pace.admit(1).await.unwrap());
        assert_eq!(begun.elapsed(), Duration::from_millis(9 * 250));
    }

    /// Counted when it begins: those that are under way at once do not all begin before the first
    /// has been counted.
    #[tokio::test(start_paused = true)]
    async fn what_counts_as_several_keeps_its_distance_from_the_beginning() {
        let pace = RateLimit::new(RateLimits { parallel: 8, ..APPLE }, 1);
        let begun = Instant::now();
        let mut under_way = Vec::new();
        for _ in 0..4 {
            under_way.push(pace.admit(50).await.unwrap());
        }
        assert_eq!(begun.elapsed(), Duration::from_millis(3 * 50 * 250));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_is_told_to_slow_down_does_and_comes_back() {
        let pace = RateLimit::new(APPLE, 1);
        let between = async || {
            drop(pace.admit(1).await.unwrap());
            let begun = Instant::now();
            drop(pace.admit(1).await.unwrap());
            begun.elapsed().as_millis()
        };
        assert_eq!(between().await, 250);
        for expected in [500, 1000, 2000, 2000] {
            // All that was under way is refused at once.
            (0..8).for_each(|_| pace.slow_down());
            assert_eq!(between().await, expected);
            tokio::time::advance(ONE_COMPLAINT).await;
        }
        for expected in [1000, 500, 250, 250] {
            tokio::time::advance(SLOW).await;
            assert_eq!(between().await, expected);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_than_the_limit_at_once() {
        let pace = RateLimit::new(APPLE, 1);
        let _one = pace.admit(1).await.unwrap();
        let two = pace.admit(1).await.unwrap();
        assert!(tokio::time::timeout(Duration::from_secs(60), pace.admit(1)).await.is_err());
        drop(two);
        drop(pace.admit(1).await.unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn a_retry_after_that_is_too_short_is_doubled_each_time() {
        let pace = RateLimit::new(APPLE, 1);
        let one = Some(Duration::from_secs(1));
        assert_eq!(pace.throttled(one), Some(Duration::from_secs(2)));
        assert_eq!(pace.throttled(one), Some(Duration::from_secs(4)));
        assert_eq!(pace.throttled(Some(Duration::from_secs(60))), Some(Duration::from_secs(60)));
        pace.relaxed();
        assert_eq!(pace.throttled(one), Some(Duration::from_secs(2)));
    }

    #[tokio::test(start_paused = true)]
    async fn while_the_server_wants_peace_nothing_is_sent() {
        let pace = RateLimit::new(APPLE, 1);
        pace.throttled(Some(Duration::from_secs(100)));
        assert!(
            matches!(pace.admit(1).await, Err(Error::RateLimited { retry_after: Some(wait) }) if wait <= Duration::from_secs(100))
        );
        tokio::time::advance(Duration::from_secs(96)).await;
        let begun = Instant::now();
        drop(pace.admit(1).await.unwrap());
        assert!(begun.elapsed() >= Duration::from_secs(3));
    }

    #[tokio::test]
    async fn changes_begin_one_at_a_time_and_become_more_where_none_is_locked() {
        let pace = RateLimit::new(RateLimits { parallel: 3, ..APPLE }, 1);
        let mut at_once = Vec::new();
        for _ in 0..2 * GONE_WELL + 1 {
            at_once.push(pace.changes.available_permits());
            drop(pace.turn_to_change().await.unwrap());
            pace.went_well();
        }
        let [first, then, last] =
            [0, GONE_WELL as usize, 2 * GONE_WELL as usize].map(|n| at_once[n]);
        assert_eq!((first, then, last), (1, 2, 3));
    }

    #[tokio::test]
    async fn a_lock_takes_the_turns_back_for_good() {
        let pace = RateLimit::new(RateLimits { parallel: 8, ..APPLE }, 1);
        for _ in 0..10 * GONE_WELL {
            pace.went_well();
        }
        assert_eq!(pace.changes.available_permits(), 8);
        for _ in 0..20 {
            pace.met_a_lock(pace.turn_to_change().await.unwrap());
            pace.went_well();
        }
        assert_eq!(pace.changes.available_permits(), 1);
    }

    #[test]
    fn retry_after_in_both_forms() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect::<HeaderMap>()
        };
        assert_eq!(
            retry_after(&headers(&[("retry-after", "120")])),
            Some(Duration::from_secs(120))
        );
        let date = [
            ("retry-after", "Fri, 20 Nov 2026 10:00:30 GMT"),
            ("date", "Fri, 20 Nov 2026 10:00:00 GMT"),
        ];
        assert_eq!(retry_after(&headers(&date)), Some(Duration::from_secs(30)));
        assert_eq!(retry_after(&headers(&[("retry-after", "soon")])), None);
        assert_eq!(retry_after(&headers(&[("retry-after", "99999999999999")])), Some(LONGEST));
    }
}
