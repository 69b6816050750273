//! The data of triggers (a request, a timer tick, a message), and the answers of functions.

use std::net::IpAddr;

use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use jobs::Services;

pub use web::{BodyError, PendingBody, Source, WebRequest, WebResponse};

/// The code of a function, by its trigger.
#[derive(Clone, Copy)]
pub enum FunctionCode {
    /// An external request, with a body of at most this many bytes.
    Http(usize, for<'a> fn(&'a Services, HttpTrigger) -> BoxFuture<'a, Response>),
    /// An external request to a router, which reads the body itself, of at most this many bytes,
    /// and may answer with a stream.
    Router(usize, for<'a> fn(&'a Services, WebRequest) -> BoxFuture<'a, WebResponse>),
    /// A timer, by the schedule in `function.json`.
    Timer(for<'a> fn(&'a Services, Tick) -> BoxFuture<'a, Disposition>),
    /// A timer as [`FunctionCode::Timer`] that the standalone host also runs at its start, past
    /// due, to catch up on what it missed.
    TimerAtStart(for<'a> fn(&'a Services, Tick) -> BoxFuture<'a, Disposition>),
    /// A timer by `CALRELAY_POLL_SECONDS`; the schedule in `function.json` is the closest that the
    /// Functions host can come to it.
    Poll(for<'a> fn(&'a Services, Tick) -> BoxFuture<'a, Disposition>),
    /// A message of a queue.
    Queue(for<'a> fn(&'a Services, QueueMessage) -> BoxFuture<'a, Disposition>),
}

impl FunctionCode {
    /// Whether external requests start the function.
    pub fn is_http(&self) -> bool {
        matches!(self, Self::Http(..) | Self::Router(..))
    }
}

/// An external request.
#[derive(Debug)]
pub struct HttpTrigger {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    /// The body, of bounded size.
    pub body: Vec<u8>,
    /// The client's address, if it is known: for the audit trail, never for a decision.
    pub client_address: Option<IpAddr>,
    /// Whether the host knows that the request comes from an operator: in the standalone host the
    /// user of the machine, or a request with the operator's token; under the Functions host a
    /// request with the key of a function that requires one.
    pub operator: bool,
}

/// The answer to a request.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    pub status: StatusCode,
    pub content_type: &'static str,
    pub body: String,
    /// Additional header fields.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Response {
    /// A JSON document.
    pub fn json(status: StatusCode, document: &impl serde::Serialize) -> Self {
        match serde_json::to_string(document) {
            Ok(body) => {
                Self { status, content_type: "application/json", body, headers: Vec::new() }
            }
            Err(_) => {
                Self::text(StatusCode::INTERNAL_SERVER_ERROR, "The answer cannot be serialized.\n")
            }
        }
    }

    /// Plain text.
    pub fn text(status: StatusCode, words: impl Into<String>) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            body: words.into(),
            headers: Vec::new(),
        }
    }
}

/// A page of the router, as the answer of another function.
impl From<http::Response<String>> for Response {
    fn from(page: http::Response<String>) -> Self {
        let (parts, body) = page.into_parts();
        let kind = parts.headers.get(http::header::CONTENT_TYPE);
        let is_html = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        let mut response = Self::text(parts.status, body);
        if is_html {
            response.content_type = "text/html; charset=utf-8";
        }
        let others = parts.headers.into_iter().filter_map(|(name, value)| Some((name?, value)));
        response.headers = others.filter(|(name, _)| name != http::header::CONTENT_TYPE).collect();
        response
    }
}

/// A tick of a timer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    /// The tick is late: no process was running when it was due.
    pub past_due: bool,
}

/// A message that was taken from a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueMessage {
    pub text: String,
    /// How often the message was taken, this time included.
    pub dequeue_count: u32,
}

/// What happens to a message; after a tick it only counts as success or failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// The message is deleted.
    Done,
    /// The message becomes visible again after a while, and goes to the poison queue if this
    /// happens too often.
    Retry,
}

impl Disposition {
    /// The disposition after a failure that another run may not have. The failure is logged.
    pub fn retry(what: &str, error: &jobs::Error) -> Self {
        tracing::warn!(%error, "{what}");
        Self::Retry
    }
}

impl From<jobs::NudgeOutcome> for Disposition {
    fn from(verdict: jobs::NudgeOutcome) -> Self {
        match verdict {
            jobs::NudgeOutcome::Done => Self::Done,
            jobs::NudgeOutcome::Retry => Self::Retry,
        }
    }
}
