//! One request, and what may be repeated of it.

use reqwest::Method;
use reqwest::header::HeaderMap;
use url::Url;

use super::credentials::Credentials;

/// What may be repeated when it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryPolicy {
    /// Reads: after a failed connection and after any 5xx. What was not answered in time is not
    /// asked again: that would take as long.
    Read,
    /// Reads whose answer 500 means something: as [`RetryPolicy::Read`], and 500 goes to the caller at
    /// once.
    ReadUnless500,
    /// Writes: only where the server cannot have acted on the request (no connection, 423, 429,
    /// 503).
    Write,
    /// A question whose failure is its answer: as [`RetryPolicy::Read`], and throttling is not waited out
    /// for long.
    Probe,
}

/// One request.
pub(crate) struct HttpRequest<'a> {
    pub method: Method,
    pub url: &'a Url,
    /// Sent only if given; the caller decides which host may have them.
    pub credentials: Option<&'a Credentials>,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    pub retry: RetryPolicy,
    /// The server may take its time (a listing).
    pub slow: bool,
    /// It is about events that it names: where the server wants to be left alone for long, that may
    /// concern one of these only, and nothing else waits for it.
    pub single: bool,
    /// What it counts as at the account's limit: one, where it is not made of several.
    pub units: u32,
}
