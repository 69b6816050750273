//! One request, and what may be repeated of it.

use reqwest::Method;
use reqwest::header::HeaderMap;
use url::Url;

use super::credentials::Credentials;

/// What may be repeated when it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryPolicy {
    /// Reads: after a failed connection and after any 5xx. A time-out is not followed
    /// by another try, which would take as long.
    Read,
    /// Reads whose answer 500 has a meaning: as [`RetryPolicy::Read`], and 500 is returned at once.
    ReadUnless500,
    /// Writes: only where the server cannot have acted on the request (no connection, 423, 429,
    /// 503).
    Write,
    /// Reads whose failure is an answer too: as [`RetryPolicy::Read`], and a long pause is not
    /// waited out.
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
    /// The answer may take long (a listing).
    pub slow: bool,
    /// The request names events: a long pause that the server asks for may concern one of them
    /// only, and does not delay other requests.
    pub single: bool,
    /// The units that it counts as in the rate limit; one, unless it is a batch.
    pub units: u32,
}
