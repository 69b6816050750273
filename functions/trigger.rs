//! What starts a function: a request, a tick, a message; and what it answers.

use std::net::IpAddr;

use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use jobs::Services;

/// What a function is started by, and its code.
#[derive(Clone, Copy)]
pub enum FunctionCode {
    /// A request from outside, with a body of at most so many bytes.
    Http(usize, for<'a> fn(&'a Services, HttpTrigger) -> BoxFuture<'a, Response>),
    /// The clock, by the schedule in its `function.json`.
    Timer(for<'a> fn(&'a Services, Tick) -> BoxFuture<'a, Disposition>),
    /// The clock, as [`Run::Timer`]; where one process is all there is, also at its start, past
    /// due: it makes up for what was missed.
    Upkeep(for<'a> fn(&'a Services, Tick) -> BoxFuture<'a, Disposition>),
    /// The clock, by `CALRELAY_POLL_SECONDS`; the schedule in its `function.json` is the closest
    /// that the Functions host gets to it.
    Poll(for<'a> fn(&'a Services, Tick) -> BoxFuture<'a, Disposition>),
    /// A message of a queue.
    Queue(for<'a> fn(&'a Services, QueueMessage) -> BoxFuture<'a, Disposition>),
}

/// A request from outside.
#[derive(Debug)]
pub struct HttpTrigger {
    /// Method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// Header fields.
    pub headers: HeaderMap,
    /// Body, of bounded size.
    pub body: Vec<u8>,
    /// The client's address, as far as it is known: for the audit trail, and for no decision.
    pub from: Option<IpAddr>,
    /// The host knows that it comes from an operator. Standalone that is the machine's own user;
    /// under the Functions host, where everybody comes through the front, whoever has shown the key
    /// of a function that asks for one.
    pub operator: bool,
}

/// The answer to a request.
#[derive(Debug, PartialEq, Eq)]
pub struct Response {
    /// Status.
    pub status: StatusCode,
    /// Content type.
    pub content_type: &'static str,
    /// Body.
    pub body: String,
    /// Header fields beside those that every answer has.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Response {
    /// A JSON document.
    pub fn json(status: StatusCode, document: &impl serde::Serialize) -> Self {
        match serde_json::to_string(document) {
            Ok(body) => {
                Self { status, content_type: "application/json", body, headers: Vec::new() }
            }
            Err(_) => Self::text(
                StatusCode::INTERNAL_SERVER_ERROR,
                "The answer cannot be written down.\n",
            ),
        }
    }

    /// Words.
    pub fn text(status: StatusCode, words: impl Into<String>) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            body: words.into(),
            headers: Vec::new(),
        }
    }
}

/// The clock struck.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    /// It should have been earlier, and nobody was there.
    pub past_due: bool,
}

/// A message was taken from a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueMessage {
    /// What it says.
    pub text: String,
    /// How often it has been taken, this time included.
    pub dequeue_count: u32,
}

/// What is to become of a message; after a tick it only says how the run is to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It is dealt with.
    Done,
    /// It comes back after a while, and goes to the poison queue if that happens too often.
    Retry,
}

impl From<jobs::NudgeOutcome> for Disposition {
    fn from(verdict: jobs::NudgeOutcome) -> Self {
        match verdict {
            jobs::NudgeOutcome::Done => Self::Done,
            jobs::NudgeOutcome::Retry => Self::Retry,
        }
    }
}
