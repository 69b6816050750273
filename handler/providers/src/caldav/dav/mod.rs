//! WebDAV requests (RFC 4918) for one account: credentials, redirects, and answers divided into
//! results and refusals.

mod object;
mod refusal;

use std::collections::BTreeSet;
use std::sync::Arc;

use reqwest::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH,
    IF_NONE_MATCH,
};
use reqwest::{Method, StatusCode};
use url::Url;

use super::address;
use super::bodies;
use super::icloud::PartitionRoute;
use super::multistatus::{self, Entry, Tail};
use super::trusted_hosts::TrustedHosts;
use crate::http::{Credentials, Http, HttpAnswer, HttpRequest, RateLimit, RetryPolicy};
use crate::{Error, Result};
use refusal::{MAX_REFUSAL, refused};

pub(super) use refusal::DavRefusal;

/// The largest listing that is read.
const MAX_LISTING: u64 = 512 << 20;
/// Redirects that are followed in a row.
pub(super) const MAX_HOPS: usize = 5;

/// The connection of one account to its server.
pub(super) struct Dav {
    pub http: Arc<Http>,
    pub limit: Arc<RateLimit>,
    pub credentials: Credentials,
    pub scope: TrustedHosts,
    /// Apple's choice of hosts.
    pub route: Option<PartitionRoute>,
}

/// What became of a request for a multistatus answer.
#[derive(Debug)]
pub(super) enum MultistatusReply {
    Read(Tail),
    Refused(DavRefusal),
}

/// What a GET found.
pub(super) enum Got {
    /// `cut`: large attachments were left out of it.
    Object {
        etag: Option<String>,
        body: Vec<u8>,
        cut: bool,
    },
    TooLarge {
        etag: Option<String>,
    },
    Refused(DavRefusal),
}

/// What a write is conditional on.
#[derive(Clone, Copy)]
pub(super) enum Condition<'a> {
    /// There must be no resource yet.
    Absent,
    /// It still has this version.
    Version(&'a str),
    /// None: only where the server gives no versions and the caller has made sure by other means.
    None,
}

/// What a write left behind.
pub(super) enum Put {
    Done(Stored),
    Refused(DavRefusal),
}

/// What the server said about an object that it took.
#[derive(Debug)]
pub(super) struct Stored {
    pub etag: Option<String>,
    /// The path that the object has now, where the server names one (RFC 9110 section 10.2.2).
    pub location: Option<String>,
    /// The answer is a web page with status 200, as of a captive portal: no server that stores an
    /// object answers so.
    pub is_web_page: bool,
}

/// A request before it has found its host.
struct DavCall<'a> {
    method: Method,
    headers: HeaderMap,
    body: &'a str,
    bytes: &'a [u8],
    retry: RetryPolicy,
    slow: bool,
    single: bool,
}

impl Dav {
    /// PROPFIND (RFC 4918 section 9.1).
    pub(super) async fn propfind<V>(
        &self,
        url: &Url,
        depth: &'static str,
        body: &str,
        visit: V,
    ) -> Result<MultistatusReply>
    where
        V: FnMut(Entry) -> Result<()> + Send,
    {
        let retry = if body == bodies::ACCESS { RetryPolicy::Probe } else { RetryPolicy::Read };
        self.ask("PROPFIND", url, depth, body, retry, visit).await
    }

    /// REPORT (RFC 3253 section 3.6).
    pub(super) async fn report<V>(
        &self,
        url: &Url,
        depth: &'static str,
        body: &str,
        retry: RetryPolicy,
        visit: V,
    ) -> Result<MultistatusReply>
    where
        V: FnMut(Entry) -> Result<()> + Send,
    {
        self.ask("REPORT", url, depth, body, retry, visit).await
    }

    async fn ask<V>(
        &self,
        method: &str,
        url: &Url,
        depth: &'static str,
        body: &str,
        retry: RetryPolicy,
        visit: V,
    ) -> Result<MultistatusReply>
    where
        V: FnMut(Entry) -> Result<()> + Send,
    {
        let call = DavCall::xml(method, depth, body, retry);
        let answer = self.follow(url, &call).await?;
        read(answer, visit).await
    }

    /// One PROPFIND without following redirects: the answer, or where it points to.
    pub(super) async fn hop<V>(&self, url: &Url, body: &str, visit: V) -> Result<Hop>
    where
        V: FnMut(Entry) -> Result<()> + Send,
    {
        let call = DavCall::xml("PROPFIND", "0", body, RetryPolicy::Read);
        let answer = self.send(url, &call).await?;
        match target(url, &answer)? {
            Some(next) => Ok(Hop::To(next)),
            None => Ok(Hop::Here(read(answer, visit).await?)),
        }
    }

    /// GET. The answer is asked for uncompressed: some servers mark a compressed answer with
    /// another ETag.
    pub(super) async fn get(&self, url: &Url) -> Result<Got> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/calendar"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let call = DavCall {
            method: Method::GET,
            headers,
            body: "",
            bytes: &[],
            retry: RetryPolicy::Read,
            slow: false,
            single: true,
        };
        let answer = self.follow(url, &call).await?;
        if answer.status() != StatusCode::OK {
            return Ok(Got::Refused(refused(answer).await?));
        }
        let etag = etag(&answer);
        Ok(match object::read(answer).await? {
            Some((body, cut)) => Got::Object { etag, body, cut },
            None => Got::TooLarge { etag },
        })
    }

    /// PUT of a calendar object (RFC 4791 section 5.3.2).
    pub(super) async fn put(
        &self,
        url: &Url,
        condition: Condition<'_>,
        object: &[u8],
    ) -> Result<Put> {
        let mut headers = conditional(condition)?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/calendar; charset=utf-8"));
        let call = DavCall {
            method: Method::PUT,
            headers,
            body: "",
            bytes: object,
            retry: RetryPolicy::Write,
            slow: false,
            single: true,
        };
        let (url, answer) = self.follow_to(url, &call).await?;
        if !answer.status().is_success() {
            return Ok(Put::Refused(refused(answer).await?));
        }
        let location = answer.header("location").map(|href| address::path(&url, href));
        let kind = answer.header("content-type").unwrap_or_default().trim().to_ascii_lowercase();
        let is_web_page = answer.status() == StatusCode::OK && kind.starts_with("text/html");
        let stored = Stored { etag: etag(&answer), location, is_web_page };
        finish(answer).await;
        Ok(Put::Done(stored))
    }

    /// Whether there is an object under an address, as a listing has it.
    pub(super) async fn lists(&self, url: &Url) -> Result<bool> {
        let mut there = false;
        let reply = self.propfind(url, "0", bodies::MEMBERS, |entry| {
            there |= entry.status.is_none_or(|status| status < 300) && entry.props.etag.is_some();
            Ok(())
        });
        match reply.await {
            Ok(MultistatusReply::Read(_)) => Ok(there),
            Ok(MultistatusReply::Refused(_)) | Err(Error::BadAnswer(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// DELETE. Attendees get no mail (RFC 6638 section 8.1).
    pub(super) async fn delete(
        &self,
        url: &Url,
        condition: Condition<'_>,
    ) -> Result<Option<DavRefusal>> {
        let mut headers = conditional(condition)?;
        headers.insert(HeaderName::from_static("schedule-reply"), HeaderValue::from_static("F"));
        let call = DavCall {
            method: Method::DELETE,
            headers,
            body: "",
            bytes: &[],
            retry: RetryPolicy::Write,
            slow: false,
            single: true,
        };
        let answer = self.follow(url, &call).await?;
        if !answer.status().is_success() {
            return Ok(Some(refused(answer).await?));
        }
        finish(answer).await;
        Ok(None)
    }

    /// Sends a request and follows where it is sent, with method and body, as far as the password
    /// may go.
    async fn follow(&self, url: &Url, call: &DavCall<'_>) -> Result<HttpAnswer> {
        self.follow_to(url, call).await.map(|(_, answer)| answer)
    }

    /// As [`Dav::follow`], with the address that has answered.
    async fn follow_to(&self, url: &Url, call: &DavCall<'_>) -> Result<(Url, HttpAnswer)> {
        let mut url = self.route.as_ref().map_or_else(|| url.clone(), |route| route.direct(url));
        let mut seen = BTreeSet::new();
        loop {
            if !seen.insert(url.clone()) {
                return Err(circle());
            }
            if seen.len() > MAX_HOPS + 1 {
                return Err(too_many_hops());
            }
            let answer = self.send(&url, call).await?;
            if let Some(next) = target(&url, &answer)? {
                if let Some(route) = self.route.as_ref().filter(|_| next.origin() != url.origin()) {
                    self.scope.check(&next)?;
                    route.follow(&next);
                }
                url = next;
                continue;
            }
            if answer.status() == StatusCode::MISDIRECTED_REQUEST
                && let Some(next) = self.route.as_ref().and_then(|route| route.misdirected(&url))
            {
                url = next;
                continue;
            }
            return Ok((url, answer));
        }
    }

    async fn send(&self, url: &Url, call: &DavCall<'_>) -> Result<HttpAnswer> {
        self.scope.check(url)?;
        let body = if call.bytes.is_empty() { call.body.as_bytes() } else { call.bytes };
        let request = HttpRequest {
            method: call.method.clone(),
            url,
            credentials: Some(&self.credentials),
            headers: call.headers.clone(),
            body: body.to_vec(),
            retry: call.retry,
            slow: call.slow,
            single: call.single,
            units: 1,
        };
        let answer = self.http.send(&request, &self.limit).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            Err(Error::Unauthorized)
        } else {
            Ok(answer)
        }
    }
}

/// What a single hop came to.
pub(super) enum Hop {
    Here(MultistatusReply),
    To(Url),
}

impl<'a> DavCall<'a> {
    fn xml(method: &str, depth: &'static str, body: &'a str, retry: RetryPolicy) -> Self {
        let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"));
        headers.insert(HeaderName::from_static("depth"), HeaderValue::from_static(depth));
        // A listing is made of everything in a calendar; all other questions have short answers.
        let slow = method.as_str() == "REPORT" || body == bodies::MEMBERS;
        // A read of named events: one of them may be the cause of the server's failure.
        let single = body.contains("calendar-multiget");
        Self { method, headers, body, bytes: &[], retry, slow, single }
    }
}

pub(super) fn circle() -> Error {
    Error::Address("its redirects go in a circle".into())
}

pub(super) fn too_many_hops() -> Error {
    Error::Address(format!("it redirects more than {MAX_HOPS} times in a row"))
}

/// Where a redirect points to; `None` if the answer is none.
fn target(url: &Url, answer: &HttpAnswer) -> Result<Option<Url>> {
    if !matches!(answer.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = answer
        .header("location")
        .ok_or_else(|| Error::BadAnswer("it redirects to nowhere".into()))?;
    address::resolve(url, location).map(Some)
}

async fn read<V>(answer: HttpAnswer, visit: V) -> Result<MultistatusReply>
where
    V: FnMut(Entry) -> Result<()> + Send,
{
    if matches!(answer.status().as_u16(), 200 | 207) {
        return Ok(MultistatusReply::Read(
            multistatus::read(answer.reader(MAX_LISTING), visit).await?,
        ));
    }
    Ok(MultistatusReply::Refused(refused(answer).await?))
}

/// Reads the rest of an answer whose status said all, so that the connection can be used again.
async fn finish(answer: HttpAnswer) {
    let _ = answer.bytes(MAX_REFUSAL).await;
}

fn etag(answer: &HttpAnswer) -> Option<String> {
    answer.header("etag").map(str::trim).filter(|etag| !etag.is_empty()).map(str::to_owned)
}

fn conditional(condition: Condition<'_>) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    match condition {
        Condition::Absent => {
            headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        }
        Condition::Version(etag) => {
            let value = HeaderValue::from_str(etag).map_err(|_| Error::ChangedMeanwhile)?;
            headers.insert(IF_MATCH, value);
        }
        Condition::None => {}
    }
    Ok(headers)
}

#[cfg(test)]
mod tests;
