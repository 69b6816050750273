//! Answers, and refusals in the shapes of Graph and of Entra.

use axum::body::Bytes;
use jiff::Timestamp;
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
            .header("content-type", "application/json;odata.metadata=minimal;charset=utf-8")
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

/// A refusal of Graph: a status, and the code that clients look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub status: u16,
    pub code: String,
    pub message: String,
    pub headers: Vec<(&'static str, String)>,
    /// The id of the event that a `transactionId` made.
    pub existing: Option<String>,
}

impl Refusal {
    pub fn new(status: u16, code: &str, message: &str) -> Self {
        let (code, message) = (code.to_owned(), message.to_owned());
        Self { status, code, message, headers: Vec::new(), existing: None }
    }

    /// 400 `ErrorInvalidRequest`.
    pub fn invalid(message: &str) -> Self {
        Self::new(400, "ErrorInvalidRequest", message)
    }

    /// 400 `RequestBodyRead`: a body that does not fit the type.
    pub fn body(message: &str) -> Self {
        Self::new(400, "RequestBodyRead", message)
    }

    /// 400 `ErrorPropertyValidationFailure`.
    pub fn property(message: &str) -> Self {
        let message = format!("At least one property failed validation. {message}");
        Self::new(400, "ErrorPropertyValidationFailure", &message)
    }

    /// 400 of a subscription.
    pub fn subscription(code: &str, message: &str) -> Self {
        Self::new(400, code, message)
    }

    /// 404 `ErrorItemNotFound`.
    pub fn not_found() -> Self {
        let words = "The specified object was not found in the store.";
        Self::new(404, "ErrorItemNotFound", words)
    }

    /// 403 `ErrorAccessDenied`.
    pub fn denied() -> Self {
        let words = "Access is denied. Check credentials and try again.";
        Self::new(403, "ErrorAccessDenied", words)
    }

    /// Too much at once, or too much.
    pub fn throttled(status: u16, seconds: u64) -> Self {
        let words = "Application is over its MailboxConcurrency limit.";
        Self::new(status, "ApplicationThrottled", words).with("retry-after", seconds.to_string())
    }

    pub fn with(mut self, header: &'static str, value: String) -> Self {
        self.headers.push((header, value));
        self
    }

    /// The refusal that usually goes with a status.
    pub fn of_status(status: u16) -> Self {
        let code = match status {
            400 => "ErrorInvalidRequest",
            401 => "InvalidAuthenticationToken",
            403 => "ErrorAccessDenied",
            404 => "ErrorItemNotFound",
            409 | 412 => "ErrorIrresolvableConflict",
            410 => "SyncStateNotFound",
            429 => "ApplicationThrottled",
            503 => "ServiceUnavailable",
            504 => "GatewayTimeout",
            502 => "BadGateway",
            _ => "ErrorInternalServerError",
        };
        Self::new(status, code, "Refused on purpose.")
    }

    pub fn reply(&self, now: Timestamp, request: &str, client_request: &str) -> Reply {
        let inner = json!({
            "date": now.strftime("%Y-%m-%dT%H:%M:%S").to_string(),
            "request-id": request,
            "client-request-id": client_request,
        });
        let mut error = json!({"code": self.code, "message": self.message, "innerError": inner});
        if let Some(existing) = &self.existing {
            error["@event.existingEventId"] = json!(existing);
        }
        let mut reply = Reply::json(self.status, json!({"error": error}));
        reply.headers.extend(self.headers.iter().cloned());
        reply
    }
}
