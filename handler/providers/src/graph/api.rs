//! Requests for one account: authorization, rate limits, and answers divided into results and
//! refusals.
//!
//! # Every request
//! * carries `Prefer: IdType="ImmutableId"`, UTC and text bodies, also on writes and on links that
//!   an answer gave, and a `client-request-id` of its own;
//! * goes to the host of the account's root: a link to any other place is not followed.
//!
//! # Rate
//! Exchange serves four requests at once for a mailbox and an app, and refuses more with 429, or
//! with 503; both name the seconds to wait. One process keeps to three. Several processes do not
//! know of each other: together they may run into the limit, and then each waits as the answer
//! says. A refused request has no effect, so that costs time and nothing else. A wait that is
//! longer than [`RateLimits::patience`] goes back to the queue.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL_NOPAD};
use reqwest::header::{
    ACCEPT, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, IF_MATCH, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::address::Addresses;
use super::clock::ServerClock;
use super::errors::GraphRefusal;
use super::ids;
use crate::http::{Credentials, Http, HttpRequest, LONG_WAIT, RateLimit, RateLimits, RetryPolicy};
use crate::oauth::AccessTokens;
use crate::{Error, Result};

/// The largest answer that is read: a page of 1,000 events with all their texts is far below.
const MAX_ANSWER: u64 = 64 << 20;
/// The largest explanation of a refusal that is read.
const MAX_REFUSAL: u64 = 64 << 10;
/// The longest claims that are kept.
const MAX_CLAIMS: usize = 4 << 10;
/// Throttled answers without a time to wait that are borne, each twice as long as the one before.
const SHORT_WAITS: u32 = 5;

const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("client-request-id");
const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCES: &str =
    r#"IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text""#;

/// Requests under way at once for a mailbox.
pub(super) const PARALLEL: usize = 3;

const MAILBOX: RateLimits = RateLimits {
    parallel: PARALLEL,
    spacing: Duration::ZERO,
    doubling: false,
    patience: LONG_WAIT,
    persistent: true,
};

/// The connection of one account to Microsoft Graph.
pub(super) struct Api {
    http: Arc<Http>,
    limit: Arc<RateLimit>,
    tokens: Arc<dyn AccessTokens>,
    pub(super) addresses: Addresses,
    clock: ServerClock,
}

/// A request.
pub(super) struct ApiCall {
    method: Method,
    url: Url,
    body: Vec<u8>,
    if_match: Option<HeaderValue>,
    /// The entries of a page that are asked for, where the address cannot say it.
    page: Option<usize>,
    /// The answer may take long.
    slow: bool,
}

/// What Graph answered.
pub(super) enum ApiReply {
    Given(Given),
    Refused(GraphRefusal),
}

/// An answer with what was asked for.
pub(super) struct Given {
    pub body: Vec<u8>,
}

impl Given {
    /// The body as JSON.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|_| {
            Error::BadAnswer("Microsoft's answer is not what its interface describes".into())
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
        Self { method: Method::GET, url, body: Vec::new(), if_match: None, page: None, slow: false }
    }

    /// A page of a list; its address has the size of the page, and a link to the next page too.
    pub(super) fn list(url: Url) -> Self {
        Self { slow: true, ..Self::get(url) }
    }

    /// A page of a round of changes, whose size is a preference of each request, also of those that
    /// follow a link.
    pub(super) fn round(url: Url, size: usize) -> Self {
        Self { page: Some(size), ..Self::list(url) }
    }

    /// A write of this JSON, only if the event still has the version.
    ///
    /// # Errors
    /// [`Error::ChangedMeanwhile`] for a version that no event can have.
    pub(super) fn write<T: Serialize>(
        method: Method,
        url: Url,
        etag: Option<&str>,
        body: Option<&T>,
    ) -> Result<Self> {
        let if_match =
            etag.map(HeaderValue::from_str).transpose().map_err(|_| Error::ChangedMeanwhile)?;
        let body = body
            .map(serde_json::to_vec)
            .transpose()
            .map_err(|_| Error::Refused("it cannot be written as JSON".into()))?;
        Ok(Self { method, url, body: body.unwrap_or_default(), if_match, page: None, slow: false })
    }

    fn is_write(&self) -> bool {
        self.method != Method::GET
    }
}

impl Api {
    /// `mailbox` names the mailbox: all clients with this name share its rate limit.
    pub(super) fn new(
        http: Arc<Http>,
        addresses: Addresses,
        mailbox: &str,
        tokens: Arc<dyn AccessTokens>,
    ) -> Self {
        let limit = http.rate_limit(&format!("microsoft {mailbox}"), MAILBOX);
        Self { http, limit, tokens, addresses, clock: ServerClock::default() }
    }

    /// The time by Microsoft's clock; `None` before the first answer.
    pub(super) fn server_time(&self) -> Option<jiff::Timestamp> {
        self.clock.now()
    }

    /// Asks. Waits where Exchange asks for some seconds; a token that is refused is renewed once.
    ///
    /// # Errors
    /// [`Error::Unauthorized`] where the new token is refused too or the answer demands another
    /// sign-in, [`Error::RateLimited`], and what [`Http::send`] says. Other refusals are answers.
    pub(super) async fn call(&self, call: &ApiCall) -> Result<ApiReply> {
        let (mut renewed, mut waits) = (false, 0);
        loop {
            let bearer = self.tokens.access_token().await?;
            let request_id = ids::random()?;
            let credentials = Credentials::bearer(&bearer)?;
            let request = request(call, &credentials, &request_id)?;
            let answer = self.http.send(&request, &self.limit).await?;
            self.clock.record(answer.header(DATE.as_str()));
            let status = answer.status();
            let host = answer.host().to_owned();
            if status.is_success() {
                let body = answer.bytes(MAX_ANSWER).await?.ok_or_else(|| {
                    Error::BadAnswer(format!("{host} sends more than any calendar holds"))
                })?;
                return Ok(ApiReply::Given(Given { body }));
            }
            let claims = claims(answer.header(WWW_AUTHENTICATE.as_str()));
            let retry_after = retry_after(answer.header(RETRY_AFTER.as_str()));
            let body = answer.bytes(MAX_REFUSAL).await.ok().flatten().unwrap_or_default();
            let refusal = GraphRefusal::new(status, &host, &body);
            tracing::debug!(
                status = status.as_u16(),
                code = refusal.known_code(),
                client_request_id = %request_id,
                request_id = refusal.request_id().unwrap_or("-"),
                "Microsoft refuses a request"
            );
            if status == StatusCode::UNAUTHORIZED && !refusal.is_about_mailbox() {
                if let Some(claims) = claims {
                    self.tokens.record_claims(&claims).await;
                    return Err(self.denied(Error::Unauthorized).await);
                }
                self.tokens.invalidate(&bearer);
                if renewed {
                    return Err(self.denied(Error::Unauthorized).await);
                }
                renewed = true;
                continue;
            }
            let Some(wait) = refusal.throttles(retry_after) else {
                return Ok(ApiReply::Refused(refusal));
            };
            // 429, and 503 with a time to wait, are waited out below this.
            self.limit.throttled(wait);
            if call.is_write() || waits == SHORT_WAITS {
                return Err(Error::RateLimited { retry_after: wait });
            }
            if wait.is_none() {
                self.limit.throttled(Some(Duration::from_secs(1 << waits)));
            }
            waits += 1;
        }
    }

    /// Records an error that concerns the whole account with its grant, before the error is
    /// returned.
    async fn denied(&self, error: Error) -> Error {
        self.tokens.record_denial(&error).await;
        error
    }
}

fn request<'a>(
    call: &'a ApiCall,
    credentials: &'a Credentials,
    request_id: &str,
) -> Result<HttpRequest<'a>> {
    let text = |text: &str| {
        HeaderValue::from_str(text).map_err(|_| Error::BadAnswer("it cannot be sent".into()))
    };
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(CLIENT_REQUEST_ID, text(request_id)?);
    let prefer = match call.page {
        Some(size) => format!("{PREFERENCES}, odata.maxpagesize={size}"),
        None => PREFERENCES.to_owned(),
    };
    headers.insert(PREFER, text(&prefer)?);
    if !call.body.is_empty() {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let Some(etag) = &call.if_match {
        headers.insert(IF_MATCH, etag.clone());
    }
    Ok(HttpRequest {
        method: call.method.clone(),
        url: &call.url,
        credentials: Some(credentials),
        headers,
        body: call.body.clone(),
        retry: if call.is_write() { RetryPolicy::Write } else { RetryPolicy::Read },
        slow: call.slow,
        // Exchange counts by mailbox, never by event.
        single: false,
        units: 1,
    })
}

/// Seconds, or the shortest wait for a date: which of the clocks it is of, only the answer to
/// another status says.
fn retry_after(header: Option<&str>) -> Option<Duration> {
    let text = header?.trim();
    Some(Duration::from_secs(text.parse().unwrap_or(1)))
}

/// The claims that the next sign-in has to carry, as JSON: Conditional Access wants more of the
/// owner than the token proves
/// (<https://learn.microsoft.com/en-us/entra/identity-platform/claims-challenge>).
fn claims(challenge: Option<&str>) -> Option<SecretString> {
    let challenge = challenge.filter(|challenge| challenge.contains("insufficient_claims"))?;
    let value = challenge.split("claims=\"").nth(1)?.split('"').next()?;
    if value.len() > MAX_CLAIMS {
        return None;
    }
    let bytes = [BASE64, BASE64_NOPAD, BASE64URL_NOPAD]
        .iter()
        .find_map(|encoding| encoding.decode(value.as_bytes()).ok())?;
    let text = String::from_utf8(bytes).ok()?;
    serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&text).ok()?;
    Some(text.into())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn claims_are_read_from_the_challenge_and_nothing_else_is() {
        let json = r#"{"access_token":{"acrs":{"essential":true,"value":"c1"}}}"#;
        let challenge = |encoded: &str, error: &str| {
            format!(
                r#"Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", error="{error}", claims="{encoded}""#
            )
        };
        for encoding in [BASE64, BASE64_NOPAD, BASE64URL_NOPAD] {
            let header = challenge(&encoding.encode(json.as_bytes()), "insufficient_claims");
            assert_eq!(claims(Some(&header)).unwrap().expose_secret(), json);
        }
        let encoded = BASE64.encode(json.as_bytes());
        for nothing in [
            challenge(&encoded, "invalid_token"),
            challenge("!!", "insufficient_claims"),
            challenge(&BASE64.encode(b"[1]"), "insufficient_claims"),
            challenge(&"QUJD".repeat(2_000), "insufficient_claims"),
            r#"Bearer error="insufficient_claims""#.into(),
            "Bearer".into(),
        ] {
            assert!(claims(Some(&nothing)).is_none(), "{nothing}");
        }
        assert!(claims(None).is_none());
    }

    #[test]
    fn every_request_asks_for_immutable_ids_and_utc_and_text() {
        let credentials = Credentials::bearer(&"t".into()).unwrap();
        let url = Url::parse("https://graph.microsoft.com/v1.0/me/calendars").unwrap();
        let body = serde_json::json!({});
        let calls = [
            ApiCall::get(url.clone()),
            ApiCall::list(url.clone()),
            ApiCall::round(url.clone(), 50),
            ApiCall::write(Method::POST, url.clone(), None, Some(&body)).unwrap(),
            ApiCall::write(Method::DELETE, url, Some("W/\"1\""), None::<&()>).unwrap(),
        ];
        for call in &calls {
            let request = request(call, &credentials, "id").unwrap();
            let prefer = request.headers[&PREFER].to_str().unwrap();
            for wanted in [
                r#"IdType="ImmutableId""#,
                r#"outlook.timezone="UTC""#,
                r#"outlook.body-content-type="text""#,
            ] {
                assert!(prefer.contains(wanted), "{prefer}");
            }
            assert_eq!(prefer.contains("odata.maxpagesize=50"), call.page.is_some());
            assert!(request.headers.contains_key(&CLIENT_REQUEST_ID));
        }
    }
}
