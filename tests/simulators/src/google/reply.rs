//! Answers, and refusals in Google's own shape.

use axum::body::Bytes;
use serde_json::{Value, json};

/// An answer before it is on the wire.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Bytes,
    /// The body, where it is JSON.
    pub value: Value,
}

impl Reply {
    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), value: Value::Null }
    }

    pub fn json(status: u16, value: Value) -> Self {
        Self { body: Bytes::from(value.to_string()), value, ..Self::status(status) }
            .header("content-type", "application/json; charset=UTF-8")
    }

    pub fn html(status: u16, page: String) -> Self {
        Self { body: Bytes::from(page), ..Self::status(status) }
            .header("content-type", "text/html; charset=utf-8")
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// A refusal of the API: a status, and the reason that clients look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub status: u16,
    /// Empty where there is none.
    pub reason: String,
    pub message: String,
    pub retry_after: Option<u64>,
}

impl Refusal {
    pub fn new(status: u16, reason: &str, message: &str) -> Self {
        Self { status, reason: reason.to_owned(), message: message.to_owned(), retry_after: None }
    }

    /// 400 `invalid`: a value that cannot be.
    pub fn invalid(message: &str) -> Self {
        Self::new(400, "invalid", message)
    }

    /// 400 `required`: a value that is not there.
    pub fn required(message: &str) -> Self {
        Self::new(400, "required", message)
    }

    /// 404 `notFound`.
    pub fn not_found() -> Self {
        Self::new(404, "notFound", "Not Found")
    }

    /// 410 `fullSyncRequired`.
    pub fn full_sync() -> Self {
        Self::new(
            410,
            "fullSyncRequired",
            "Sync token is no longer valid, a full sync is required.",
        )
    }

    /// The refusal that usually goes with a status.
    pub fn of_status(status: u16) -> Self {
        let (reason, message) = match status {
            400 => ("badRequest", "Bad Request"),
            401 => ("authError", "Invalid Credentials"),
            403 => ("forbidden", "Forbidden"),
            404 => ("notFound", "Not Found"),
            409 => ("duplicate", "The requested identifier already exists."),
            410 => ("deleted", "Resource has been deleted"),
            412 => ("conditionNotMet", "Precondition Failed"),
            429 => ("rateLimitExceeded", "Rate Limit Exceeded"),
            _ => ("backendError", "Backend Error"),
        };
        Self::new(status, reason, message)
    }

    pub fn reply(&self) -> Reply {
        let mut error = json!({"domain": self.domain(), "message": self.message});
        if !self.reason.is_empty() {
            error["reason"] = json!(self.reason);
        }
        let body =
            json!({"error": {"errors": [error], "code": self.status, "message": self.message}});
        let mut reply = Reply::json(self.status, body);
        if self.status == 401 {
            reply = reply.header(
                "www-authenticate",
                "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\"",
            );
        }
        match self.retry_after {
            Some(seconds) => reply.header("retry-after", seconds.to_string()),
            None => reply,
        }
    }

    fn domain(&self) -> &'static str {
        match self.reason.as_str() {
            "rateLimitExceeded"
            | "userRateLimitExceeded"
            | "quotaExceeded"
            | "dailyLimitExceeded"
            | "accessNotConfigured" => "usageLimits",
            "fullSyncRequired"
            | "timeRangeEmpty"
            | "requiredAccessLevel"
            | "forbiddenForNonOrganizer"
            | "eventTypeRestriction" => "calendar",
            _ => "global",
        }
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        refusal.reply()
    }
}
