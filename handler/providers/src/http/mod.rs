//! The one HTTP client: TLS, time-outs, retries, rate limits, and the guard against private
//! addresses.
//!
//! # Properties
//! * Only `https`, TLS 1.2 or newer; `http` only to loopback and private addresses, and only where
//!   [`AddressPolicy::allow_private`] says so.
//! * No redirect is followed in here: a caller that follows one passes the new address through
//!   [`Http::send`], so that every hop is checked.
//! * No proxy, no cookie, no referrer: a request contains only what the caller has put into
//!   it.
//! * An answer's body is never read further than its limit, counted after decompression.
//! * The log shows method, host, status and duration; never a path, a query, a header or a body.

mod answer;
mod credentials;
mod failure;
mod guard;
mod login;
mod rate_limit;
mod request;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use jiff::Timestamp;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, DATE, HeaderMap, IF_MATCH};

pub use guard::AddressPolicy;
pub use rate_limit::RateLimits;

pub(crate) use answer::{HttpAnswer, read_buffered};
pub(crate) use credentials::Credentials;
pub(crate) use failure::refusal;
pub(crate) use rate_limit::{LONG_WAIT, RateLimit, SHORT_WAIT};
pub(crate) use request::{HttpRequest, RetryPolicy};

use crate::{Error, Result};
use failure::Failed;
use login::LoginStep;

/// The time-out of a connection attempt.
const CONNECT: Duration = Duration::from_secs(30);
/// The time-out for the first byte of an answer, and between two bytes.
const PATIENCE: Duration = Duration::from_secs(30);
/// The time-out for a listing: some servers parse a whole calendar before they answer.
const LISTING_PATIENCE: Duration = Duration::from_secs(240);
/// With more accounts than this, unused rate limits are dropped.
const MAX_ACCOUNTS: usize = 1024;
/// The pause before the second try; it doubles, and a random part is added.
const FIRST_DELAY: Duration = Duration::from_millis(200);
/// The most times that a request is sent while the server asks for another authentication: without
/// a challenge, with the answer to one, and with the next nonce.
const ROUNDS: u32 = 3;
/// Tries after the first.
const RETRIES: usize = 2;

/// The HTTP client, one for the process: it keeps connections open and holds the rate
/// limit of each account.
pub struct Http {
    access: AddressPolicy,
    tls: reqwest::Client,
    plain: reqwest::Client,
    rate_limits: Mutex<HashMap<String, Arc<RateLimit>>>,
    /// Waits are divided by this; 1 except for simulated servers.
    hurry: u32,
    /// The last `Date` that a server sent, and the time of its arrival.
    server_date: Mutex<Option<(Timestamp, Instant)>>,
}

impl std::fmt::Debug for Http {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http").field("access", &self.access).finish_non_exhaustive()
    }
}

impl Http {
    /// Builds the client. It takes some milliseconds: make one and share it.
    ///
    /// # Errors
    /// [`Error::Unreachable`] where TLS cannot be set up on this machine.
    pub fn new(access: AddressPolicy) -> Result<Self> {
        let unusable = |error: reqwest::Error| {
            Error::Unreachable(format!("the HTTP client cannot be set up: {error}"))
        };
        let tls = builder(guard::Resolver::new(access.reach()))
            .https_only(true)
            .build()
            .map_err(unusable)?;
        let plain = builder(guard::Resolver::new(guard::AddressSet::PrivateOnly))
            .build()
            .map_err(unusable)?;
        Ok(Self {
            access,
            tls,
            plain,
            rate_limits: Mutex::default(),
            hurry: 1,
            server_date: Mutex::default(),
        })
    }

    /// A client that waits a thousandth of the usual time between tries and requests: for simulated
    /// servers only.
    ///
    /// # Errors
    /// As [`Http::new`].
    pub fn hurried(access: AddressPolicy) -> Result<Self> {
        Ok(Self { hurry: 1_000, ..Self::new(access)? })
    }

    /// Which addresses may be reached.
    pub fn access(&self) -> AddressPolicy {
        self.access
    }

    /// The rate limit of an account. All providers of one account share it, so that its limits hold
    /// for all of them together.
    pub(crate) fn rate_limit(&self, account: &str, limits: RateLimits) -> Arc<RateLimit> {
        let mut rate_limits = self.rate_limits.lock().unwrap_or_else(PoisonError::into_inner);
        if rate_limits.len() >= MAX_ACCOUNTS {
            rate_limits.retain(|_, limit| Arc::strong_count(limit) > 1 || !limit.is_idle());
        }
        rate_limits
            .entry(account.to_owned())
            .or_insert_with(|| Arc::new(RateLimit::new(limits, self.hurry)))
            .clone()
    }

    /// The time by the server that answered last (RFC 9110 section 6.6.1), exact to some seconds;
    /// `None` before the first answer.
    pub fn server_time(&self) -> Option<Timestamp> {
        let (date, at) = (*self.server_date.lock().unwrap_or_else(PoisonError::into_inner))?;
        date.checked_add(at.elapsed()).ok()
    }

    fn record_date(&self, headers: &HeaderMap) {
        let date = headers
            .get(DATE)
            .and_then(|date| date.to_str().ok())
            .and_then(|date| httpdate::parse_http_date(date).ok());
        if let Some(date) = date.and_then(|date| Timestamp::try_from(date).ok()) {
            *self.server_date.lock().unwrap_or_else(PoisonError::into_inner) =
                Some((date, Instant::now()));
        }
    }

    /// Sends a request, and again where that is safe and may help. Answers of any status are
    /// returned, except those that ask to wait.
    ///
    /// # Errors
    /// [`Error::Address`] for an address that may not be reached, [`Error::RateLimited`],
    /// [`Error::NoAnswer`].
    pub(crate) async fn send(
        &self,
        request: &HttpRequest<'_>,
        limit: &RateLimit,
    ) -> Result<HttpAnswer> {
        self.access.check(request.url)?;
        let backoff = ExponentialBuilder::default()
            .with_min_delay(FIRST_DELAY / self.hurry)
            .with_max_delay(SHORT_WAIT / self.hurry)
            .with_max_times(RETRIES)
            .with_jitter();
        let (begun, mut waits) = (Instant::now(), 0);
        loop {
            let tried = (|| self.attempt(request, limit))
                .retry(backoff)
                .when(|failed| failed.again)
                .adjust(|failed, delay| {
                    delay.map(|delay| failed.wait.map_or(delay, |wait| wait.max(delay)))
                })
                .await;
            let failed = match tried {
                Ok(answer) => return Ok(answer),
                Err(Failed { answer: Some(answer), .. }) => return Ok(*answer),
                Err(failed) => failed,
            };
            // Some servers enforce a longer pause than they ask for.
            let pause =
                Duration::from_secs(1 << waits).max(failed.wait.unwrap_or_default()) / self.hurry;
            let is_over = begun.elapsed() + pause > limit.persistence() / self.hurry;
            if is_over
                || request.retry == RetryPolicy::Probe
                || !matches!(failed.error, Error::RateLimited { .. })
            {
                return Err(failed.error);
            }
            if waits == 0 {
                tracing::warn!(
                    host = request.url.host_str().unwrap_or_default(),
                    "the server asks to wait; going on in some seconds"
                );
            }
            waits += 1;
            tokio::time::sleep(pause).await;
        }
    }

    /// Sends a request once, with the account's authentication; returns the digest that was sent,
    /// if any.
    async fn once(
        &self,
        request: &HttpRequest<'_>,
        limit: &RateLimit,
        (host, patience): (&str, Duration),
        next: LoginStep,
    ) -> Result<(reqwest::Response, Option<login::DigestSent>), Failed> {
        let client = if request.url.scheme() == "https" { &self.tls } else { &self.plain };
        let mut outgoing = client
            .request(request.method.clone(), request.url.clone())
            .headers(request.headers.clone());
        let mut digest = None;
        if let Some(credentials) = request.credentials {
            let header = match &credentials.password {
                Some(password) => limit
                    .login
                    .digest(password, &request.method, request.url, next)
                    .map_err(Failed::finally)?,
                None => None,
            };
            let (header, sent) = header.map_or_else(
                || (credentials.header.clone(), None),
                |(header, sent)| (header, Some(sent)),
            );
            digest = sent;
            outgoing = outgoing.header(AUTHORIZATION, header);
        }
        if !request.body.is_empty() {
            outgoing = outgoing.body(request.body.clone());
        }
        let begun = Instant::now();
        let sent = tokio::time::timeout(patience, outgoing.send()).await;
        let elapsed_ms = begun.elapsed().as_millis();
        match sent {
            Ok(Ok(response)) => {
                tracing::debug!(method = %request.method, host, status = response.status().as_u16(), elapsed_ms, "answered");
                self.record_date(response.headers());
                Ok((response, digest))
            }
            Ok(Err(error)) => {
                tracing::debug!(method = %request.method, host, elapsed_ms, "no answer");
                Err(Failed::connection(&error, host, request.retry))
            }
            Err(_) => {
                tracing::debug!(method = %request.method, host, elapsed_ms, "no answer in time");
                Err(Failed::finally(Error::NoAnswer(format!(
                    "{host} did not answer within {} seconds",
                    patience.as_secs()
                ))))
            }
        }
    }

    async fn attempt(
        &self,
        request: &HttpRequest<'_>,
        limit: &RateLimit,
    ) -> Result<HttpAnswer, Failed> {
        let mut change_permit = match request.headers.contains_key(IF_MATCH) {
            true => Some(limit.change_permit().await.map_err(Failed::finally)?),
            false => None,
        };
        let permit = limit.admit(request.units).await.map_err(Failed::finally)?;
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let patience = if request.slow { LISTING_PATIENCE } else { PATIENCE };
        let mut rounds = 1;
        let mut next = LoginStep::Stop;
        let response = loop {
            let (response, digest) = self.once(request, limit, (&host, patience), next).await?;
            let is_password =
                request.credentials.is_some_and(|credentials| credentials.password.is_some());
            if response.status() != StatusCode::UNAUTHORIZED || !is_password || rounds == ROUNDS {
                break response;
            }
            next = limit
                .login
                .refused(response.headers(), digest.as_ref())
                .map_err(Failed::finally)?;
            if matches!(next, LoginStep::Stop) {
                break response;
            }
            rounds += 1;
        };
        let status = response.status();
        let asked = rate_limit::retry_after(response.headers());
        if status == StatusCode::TOO_MANY_REQUESTS
            || (status == StatusCode::SERVICE_UNAVAILABLE && (asked.is_some() || limit.doubles()))
        {
            let wait = if request.single {
                limit.throttled_for_one(asked)
            } else {
                limit.throttled(asked)
            };
            let error = Error::RateLimited { retry_after: wait };
            return Err(Failed {
                error,
                answer: None,
                again: wait.is_none_or(|wait| wait <= SHORT_WAIT),
                wait,
            });
        }
        let answer = HttpAnswer::new(response, host, patience, permit);
        if status == StatusCode::LOCKED {
            if let Some(permit) = change_permit.take() {
                limit.record_lock(permit);
            }
            // Another request holds the lock; the server has not acted on this one.
            return Err(Failed {
                error: refusal(status, answer.host()),
                answer: Some(Box::new(answer)),
                again: true,
                wait: None,
            });
        }
        if change_permit.is_some() {
            limit.record_success();
        }
        if !status.is_server_error() {
            limit.reset();
            return Ok(answer);
        }
        let again = match request.retry {
            RetryPolicy::Read | RetryPolicy::Probe => {
                status != StatusCode::NOT_IMPLEMENTED && status != StatusCode::INSUFFICIENT_STORAGE
            }
            RetryPolicy::ReadUnless500 => matches!(status.as_u16(), 502..=504),
            RetryPolicy::Write => status == StatusCode::SERVICE_UNAVAILABLE,
        };
        Err(Failed {
            error: refusal(status, answer.host()),
            answer: Some(Box::new(answer)),
            again,
            wait: None,
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that builds clients")]
fn builder(resolver: guard::Resolver) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .user_agent(concat!("Calrelay/", env!("CARGO_PKG_VERSION")))
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .dns_resolver(resolver)
        .connect_timeout(CONNECT)
        .pool_idle_timeout(Duration::from_secs(50))
        .pool_max_idle_per_host(8)
}

#[cfg(test)]
mod tests;
