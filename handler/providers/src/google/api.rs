//! Requests for one account: authorization, rate limits, and answers divided into results and
//! refusals.
//!
//! # Rate
//! Google allows a user of a deployment 600 units in any minute (a call is one, a PATCH three, a
//! batch as many as its parts are), and limits writes to one calendar without a published number.
//! One process sends a request for an account at most every 110 ms, and a write to a calendar at
//! most every 200 ms, one after the other. So it stays below both limits, however many pairs the
//! account has. 10,000 units a minute for all users together would take more accounts at once than
//! one process works on.
//!
//! Several processes (instances of a Functions app) do not know of each other, and together may
//! exceed the quota. Google then refuses calls with 403 or 429 and a reason; a refused call has no
//! effect. The process waits 1, 2, 4, 8 and 16 s and a random part, which is enough for the rest of
//! a minute whose quota was used up after half of it. From then on it sends half as many requests
//! for that account, for some minutes, so that two processes come to share the quota. After a sixth
//! refusal it sends no request for the account for a minute, and leaves the nudge to the queue,
//! which delivers it again.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, IF_MATCH};
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

use super::address::Addresses;
use super::errors::{BUSY, GoogleRefusal, Quota};
use crate::http::{Credentials, Http, HttpRequest, RateLimit, RateLimits, RetryPolicy, SHORT_WAIT};
use crate::oauth::AccessTokens;
use crate::{Error, Result};

/// The largest answer that is read: a page of 2,500 events with all their texts is far below.
const MAX_ANSWER: u64 = 64 << 20;
/// The largest explanation of a refusal that is read.
const MAX_REFUSAL: u64 = 64 << 10;
/// The number of short waits for a quota, each twice as long as the one before; then the error is
/// returned.
const SHORT_WAITS: u32 = 5;
/// What a PATCH costs of the quota; everything else costs one.
const PATCH_UNITS: u32 = 3;

/// 600 requests a minute are allowed to a user of this deployment; 545 leave room for clocks that
/// differ.
const ACCOUNT: RateLimits = RateLimits {
    patience: Duration::from_secs(40),
    persistent: false,
    ..limits(8, Duration::from_millis(110))
};
/// Fast writes to one calendar run into limits that Google does not publish.
const CALENDAR: RateLimits = limits(1, Duration::from_millis(200));

const fn limits(parallel: usize, spacing: Duration) -> RateLimits {
    RateLimits { parallel, spacing, doubling: false, patience: SHORT_WAIT, persistent: false }
}

/// The connection of one account to Google.
pub(super) struct Api {
    http: Arc<Http>,
    limit: Arc<RateLimit>,
    tokens: Arc<dyn AccessTokens>,
    account: String,
    pub(super) addresses: Addresses,
}

/// A request.
pub(super) struct ApiCall {
    method: Method,
    url: Url,
    body: Vec<u8>,
    content_type: Option<HeaderValue>,
    if_match: Option<HeaderValue>,
    /// What it costs of the quota.
    units: u32,
    slow: bool,
}

/// What Google answered.
pub(super) enum ApiReply {
    Given(Given),
    Refused(GoogleRefusal),
}

/// An answer with what was asked for.
pub(super) struct Given {
    pub content_type: String,
    pub body: Vec<u8>,
}

impl Given {
    /// The body as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|_| {
            Error::BadAnswer("Google's answer is not what its interface describes".into())
        })
    }
}

impl ApiReply {
    /// What was given; a refusal as an error.
    pub(super) fn given(self) -> Result<Given> {
        match self {
            Self::Given(given) => Ok(given),
            Self::Refused(refusal) => Err(refusal.error()),
        }
    }
}

impl ApiCall {
    /// A read.
    pub(super) fn get(url: Url) -> Self {
        Self {
            method: Method::GET,
            url,
            body: Vec::new(),
            content_type: None,
            if_match: None,
            units: 1,
            slow: false,
        }
    }

    /// A read that may take its time.
    pub(super) fn list(url: Url) -> Self {
        Self { slow: true, ..Self::get(url) }
    }

    /// Many reads as one.
    pub(super) fn batch(url: Url, content_type: HeaderValue, body: Vec<u8>, units: u32) -> Self {
        Self {
            method: Method::POST,
            body,
            content_type: Some(content_type),
            units,
            slow: true,
            ..Self::get(url)
        }
    }

    /// A write of this JSON, only if the event still has the version.
    ///
    /// # Errors
    /// [`Error::ChangedMeanwhile`] for a version that no event can have.
    pub(super) fn write(
        method: Method,
        url: Url,
        etag: Option<&str>,
        body: Option<&serde_json::Map<String, serde_json::Value>>,
    ) -> Result<Self> {
        let if_match =
            etag.map(HeaderValue::from_str).transpose().map_err(|_| Error::ChangedMeanwhile)?;
        let units = if method == Method::PATCH { PATCH_UNITS } else { 1 };
        let content_type = body.is_some().then(|| HeaderValue::from_static("application/json"));
        let body = body
            .map(serde_json::to_vec)
            .transpose()
            .map_err(|_| Error::Refused("it cannot be written as JSON".into()))?;
        Ok(Self {
            method,
            url,
            body: body.unwrap_or_default(),
            content_type,
            if_match,
            units,
            slow: false,
        })
    }

    fn is_write(&self) -> bool {
        !self.slow && self.method != Method::GET
    }
}

impl Api {
    pub(super) fn new(
        http: Arc<Http>,
        addresses: Addresses,
        account: &str,
        tokens: Arc<dyn AccessTokens>,
    ) -> Self {
        let limit = http.rate_limit(&format!("google {account}"), ACCOUNT);
        Self { http, limit, tokens, account: account.to_owned(), addresses }
    }

    /// Waits for a turn to write to a calendar; it lasts until it is dropped.
    pub(super) async fn turn(&self, calendar: &str) -> Result<OwnedSemaphorePermit> {
        self.http
            .rate_limit(&format!("google {} {calendar}", self.account), CALENDAR)
            .admit(1)
            .await
    }

    /// Asks. Waits for quotas that are back in some seconds; a token that is refused is renewed
    /// once.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] where the new token is refused too, [`Error::Consent`] where it
    /// opens too little, [`Error::RateLimited`], and what [`Http::send`] says. Other refusals are
    /// answers.
    pub(super) async fn call(&self, call: &ApiCall) -> Result<ApiReply> {
        let (mut renewed, mut waits) = (false, 0);
        loop {
            let bearer = self.tokens.access_token().await?;
            let answer = match self
                .http
                .send(&self.request(call, &Credentials::bearer(&bearer)?), &self.limit)
                .await
            {
                Ok(answer) => answer,
                // 429, which says the same as 403 with its reason.
                Err(Error::RateLimited { retry_after: None }) => {
                    self.wait(&mut waits)?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            let status = answer.status();
            if status == StatusCode::UNAUTHORIZED {
                self.tokens.invalidate(&bearer);
                if renewed {
                    return Err(self.denied(Error::Unauthorized).await);
                }
                renewed = true;
                continue;
            }
            let host = answer.host().to_owned();
            if status.is_success() {
                let content_type =
                    answer.header(CONTENT_TYPE.as_str()).unwrap_or_default().to_owned();
                let body = answer.bytes(MAX_ANSWER).await?.ok_or_else(|| {
                    Error::BadAnswer(format!("{host} sends more than any calendar holds"))
                })?;
                return Ok(ApiReply::Given(Given { content_type, body }));
            }
            let body = answer.bytes(MAX_REFUSAL).await.ok().flatten().unwrap_or_default();
            let refusal = GoogleRefusal::new(status, &host, &body);
            if refusal.is_about_consent() {
                return Err(self.denied(refusal.error()).await);
            }
            match refusal.quota(self.http.server_time()) {
                None => return Ok(ApiReply::Refused(refusal)),
                Some(Quota::Seconds) => self.wait(&mut waits)?,
                Some(Quota::Long(wait)) => {
                    self.limit.throttled(Some(wait));
                    return Err(self.denied(Error::RateLimited { retry_after: Some(wait) }).await);
                }
            }
        }
    }

    /// Records an error that concerns the whole account with its grant, before the error is
    /// returned.
    async fn denied(&self, error: Error) -> Error {
        self.tokens.record_denial(&error).await;
        error
    }

    /// The account is left alone for some seconds, and asked less often from then on. The sixth
    /// time, the error is returned.
    fn wait(&self, waits: &mut u32) -> Result<()> {
        self.limit.slow_down();
        let last = *waits == SHORT_WAITS;
        let wait = jittered(if last { BUSY } else { Duration::from_secs(1 << *waits) });
        *waits += 1;
        self.limit.throttled(Some(wait));
        if last { Err(Error::RateLimited { retry_after: Some(wait) }) } else { Ok(()) }
    }

    fn request<'a>(&self, call: &'a ApiCall, credentials: &'a Credentials) -> HttpRequest<'a> {
        let mut headers = HeaderMap::new();
        if let Some(content_type) = &call.content_type {
            headers.insert(CONTENT_TYPE, content_type.clone());
        }
        if let Some(etag) = &call.if_match {
            headers.insert(IF_MATCH, etag.clone());
        }
        HttpRequest {
            method: call.method.clone(),
            url: &call.url,
            credentials: Some(credentials),
            headers,
            body: call.body.clone(),
            retry: if call.is_write() { RetryPolicy::Write } else { RetryPolicy::Read },
            slow: call.slow,
            // Google counts by account and by project, never by event.
            single: false,
            units: call.units,
        }
    }
}

/// Somewhat longer, so that processes that were refused together do not repeat their calls
/// together.
fn jittered(wait: Duration) -> Duration {
    let mut random = [0];
    match aws_lc_rs::rand::fill(&mut random) {
        Ok(()) => wait + wait * u32::from(random[0]) / 1024,
        Err(_) => wait,
    }
}
