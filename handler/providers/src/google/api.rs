//! Requests for one account: authorization, pace, and answers sorted into what was given and what was refused.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, IF_MATCH};
use reqwest::{Method, StatusCode};
use serde::de::DeserializeOwned;
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

use super::address::Addresses;
use super::errors::{BUSY, Quota, Refusal};
use super::tokens::Tokens;
use crate::http::{Credentials, Http, Limits, Pace, Request, Retry};
use crate::{Error, Result};

/// The largest answer that is read: a page of 2,500 events with all their texts is far below.
const MAX_ANSWER: u64 = 64 << 20;
/// The largest explanation of a refusal that is read.
const MAX_REFUSAL: u64 = 64 << 10;
/// So many short waits for a quota, each twice as long as the one before, then the caller waits.
const SHORT_WAITS: u32 = 3;
/// What a PATCH costs of the quota; everything else costs one.
const PATCH_UNITS: u32 = 3;

/// 600 requests a minute are allowed to a user of this deployment; 545 leave room for clocks that differ.
const ACCOUNT: Limits = Limits { parallel: 8, spacing: Duration::from_millis(110), doubling: false };
/// Fast writes to one calendar run into limits that Google does not publish.
const CALENDAR: Limits = Limits { parallel: 1, spacing: Duration::from_millis(200), doubling: false };

/// One account's way to Google.
pub(super) struct Api {
    http: Arc<Http>,
    pace: Arc<Pace>,
    tokens: Arc<dyn Tokens>,
    account: String,
    pub(super) addresses: Addresses,
}

/// A request.
pub(super) struct Call {
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
pub(super) enum Reply {
    Given(Given),
    Refused(Refusal),
}

/// An answer with what was asked for.
pub(super) struct Given {
    pub content_type: String,
    pub body: Vec<u8>,
}

impl Given {
    /// The body as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|_| Error::BadAnswer("Google's answer is not what its interface describes".into()))
    }
}

impl Reply {
    /// What was given; a refusal as an error.
    pub(super) fn given(self) -> Result<Given> {
        match self {
            Self::Given(given) => Ok(given),
            Self::Refused(refusal) => Err(refusal.error()),
        }
    }
}

impl Call {
    /// A read.
    pub(super) fn get(url: Url) -> Self {
        Self { method: Method::GET, url, body: Vec::new(), content_type: None, if_match: None, units: 1, slow: false }
    }

    /// A read that may take its time.
    pub(super) fn list(url: Url) -> Self {
        Self { slow: true, ..Self::get(url) }
    }

    /// Many reads as one.
    pub(super) fn batch(url: Url, content_type: HeaderValue, body: Vec<u8>, units: u32) -> Self {
        Self { method: Method::POST, body, content_type: Some(content_type), units, slow: true, ..Self::get(url) }
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
        let if_match = etag.map(HeaderValue::from_str).transpose().map_err(|_| Error::ChangedMeanwhile)?;
        let units = if method == Method::PATCH { PATCH_UNITS } else { 1 };
        let content_type = body.is_some().then(|| HeaderValue::from_static("application/json"));
        let body = body.map(serde_json::to_vec).transpose().map_err(|_| Error::Refused("it cannot be written as JSON".into()))?;
        Ok(Self { method, url, body: body.unwrap_or_default(), content_type, if_match, units, slow: false })
    }

    fn is_write(&self) -> bool {
        !self.slow && self.method != Method::GET
    }
}

impl Api {
    pub(super) fn new(http: Arc<Http>, addresses: Addresses, account: &str, tokens: Arc<dyn Tokens>) -> Self {
        let pace = http.pace(&format!("google {account}"), ACCOUNT);
        Self { http, pace, tokens, account: account.to_owned(), addresses }
    }

    /// Waits for a turn to write to a calendar; it lasts until it is dropped.
    pub(super) async fn turn(&self, calendar: &str) -> Result<OwnedSemaphorePermit> {
        self.http.pace(&format!("google {} {calendar}", self.account), CALENDAR).admit().await
    }

    /// Asks. Waits for quotas that are back in some seconds; a token that is refused is renewed once.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] where the new token is refused too, [`Error::Consent`] where it opens too little, [`Error::RateLimited`], and what
    /// [`Http::send`] says. Other refusals are answers.
    pub(super) async fn call(&self, call: &Call) -> Result<Reply> {
        let (mut renewed, mut waits) = (false, 0);
        loop {
            let bearer = self.tokens.bearer().await?;
            let answer = self.http.send(&self.request(call, &Credentials::bearer(&bearer)?), &self.pace).await?;
            self.pace.charge(call.units - 1);
            let status = answer.status();
            if status == StatusCode::UNAUTHORIZED {
                self.tokens.refused(&bearer);
                if renewed {
                    return Err(self.barred(Error::Unauthorized).await);
                }
                renewed = true;
                continue;
            }
            let host = answer.host().to_owned();
            if status.is_success() {
                let content_type = answer.header(CONTENT_TYPE.as_str()).unwrap_or_default().to_owned();
                let body = answer
                    .bytes(MAX_ANSWER)
                    .await?
                    .ok_or_else(|| Error::BadAnswer(format!("{host} sends more than any calendar holds")))?;
                return Ok(Reply::Given(Given { content_type, body }));
            }
            let body = answer.bytes(MAX_REFUSAL).await.ok().flatten().unwrap_or_default();
            let refusal = Refusal::new(status, &host, &body);
            if refusal.is_about_consent() {
                return Err(self.barred(refusal.error()).await);
            }
            let wait = match refusal.quota(self.http.server_time()) {
                None => return Ok(Reply::Refused(refusal)),
                Some(Quota::Long(wait)) => {
                    self.pace.throttled(Some(wait));
                    return Err(self.barred(Error::RateLimited { retry_after: Some(wait) }).await);
                }
                Some(Quota::Seconds) => jittered(Duration::from_secs(1 << waits)),
            };
            if waits == SHORT_WAITS {
                return Err(Error::RateLimited { retry_after: Some(BUSY) });
            }
            waits += 1;
            self.pace.throttled(Some(wait));
        }
    }

    /// What concerns the account as a whole is told to whoever keeps its grant, before anybody else hears of it.
    async fn barred(&self, error: Error) -> Error {
        self.tokens.barred(&error).await;
        error
    }

    fn request<'a>(&self, call: &'a Call, credentials: &'a Credentials) -> Request<'a> {
        let mut headers = HeaderMap::new();
        if let Some(content_type) = &call.content_type {
            headers.insert(CONTENT_TYPE, content_type.clone());
        }
        if let Some(etag) = &call.if_match {
            headers.insert(IF_MATCH, etag.clone());
        }
        Request {
            method: call.method.clone(),
            url: &call.url,
            credentials: Some(credentials),
            headers,
            body: call.body.clone(),
            retry: if call.is_write() { Retry::Write } else { Retry::Read },
            slow: call.slow,
        }
    }
}

/// Somewhat longer, so that those who were sent away together do not come back together.
fn jittered(wait: Duration) -> Duration {
    let mut random = [0];
    match aws_lc_rs::rand::fill(&mut random) {
        Ok(()) => wait + wait * u32::from(random[0]) / 1024,
        Err(_) => wait,
    }
}
