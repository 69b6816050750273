//! Refusals by what the caller can do about them
//! (<https://learn.microsoft.com/en-us/graph/errors>).
//!
//! Graph distinguishes refusals by a code below the status. Only codes that are known are ever
//! repeated: the rest of the body may quote the event.

use std::time::Duration;

use reqwest::StatusCode;

use super::wire;
use crate::Error;
use crate::http;

/// The codes that are distinguished, or named in a sentence or in the log.
const KNOWN: [&str; 27] = [
    "ApplicationThrottled",
    "Authorization_RequestDenied",
    "ErrorAccessDenied",
    "ErrorCannotDeleteObject",
    "ErrorDuplicateTransactionId",
    "ErrorInvalidIdMalformed",
    "ErrorInvalidRecurrenceRange",
    "ErrorInvalidRequest",
    "ErrorIrresolvableConflict",
    "ErrorItemNotFound",
    "ErrorMailboxStoreUnavailable",
    "ErrorOccurrenceCrossingBoundary",
    "ErrorPropertyValidationFailure",
    "ErrorQuotaExceeded",
    "ErrorServerBusy",
    "ErrorTooManyObjectsOpened",
    "ExtensionError",
    "InvalidAuthenticationToken",
    "InvalidRequest",
    "MailboxNotEnabledForRESTAPI",
    "SyncStateNotFound",
    "SyncStateInvalid",
    "resyncRequired",
    "ResourceNotFound",
    "TimeZoneNotSupportedException",
    "TooManyRequests",
    "ValidationError",
];

/// Graph said no.
pub(super) struct GraphRefusal {
    pub status: StatusCode,
    detail: wire::ErrorDetail,
    host: String,
}

impl GraphRefusal {
    /// From the status and the body of an answer.
    pub(super) fn new(status: StatusCode, host: &str, body: &[u8]) -> Self {
        let detail = serde_json::from_slice::<wire::ErrorBody>(body).unwrap_or_default().error;
        Self { status, detail, host: host.to_owned() }
    }

    pub(super) fn has_code(&self, code: &str) -> bool {
        self.detail.code.eq_ignore_ascii_case(code)
    }

    /// The code, if it is one that is known.
    pub(super) fn known_code(&self) -> &'static str {
        KNOWN.iter().find(|known| self.has_code(known)).copied().unwrap_or("other")
    }

    /// By what Microsoft finds the request.
    pub(super) fn request_id(&self) -> Option<&str> {
        let id = self.detail.inner_error.request_id.as_deref()?;
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        (id.len() <= 64 && id.bytes().all(is_plain)).then_some(id)
    }

    /// There is nothing, or not any more.
    pub(super) fn is_gone(&self) -> bool {
        self.status.as_u16() == 404 && !self.is_about_mailbox()
    }

    /// The mailbox is none that Graph serves, with any status.
    pub(super) fn is_about_mailbox(&self) -> bool {
        self.has_code("MailboxNotEnabledForRESTAPI")
    }

    /// The state of a round of changes is lost.
    pub(super) fn is_sync_state_lost(&self) -> bool {
        let status = self.status.as_u16();
        status == 410
            || ((400..500).contains(&status)
                && ["SyncStateNotFound", "SyncStateInvalid", "resyncRequired"]
                    .iter()
                    .any(|code| self.has_code(code)))
    }

    /// The version that a write was bound to is not the current one.
    pub(super) fn is_stale(&self) -> bool {
        self.status.as_u16() == 412
            || (self.status.as_u16() == 409 && self.has_code("ErrorIrresolvableConflict"))
    }

    /// The `transactionId` was used before.
    pub(super) fn is_repeated(&self) -> bool {
        matches!(self.status.as_u16(), 400 | 409) && self.has_code("ErrorDuplicateTransactionId")
    }

    /// The event that was created with the same `transactionId`, if the answer names it.
    pub(super) fn existing_event(&self) -> Option<&str> {
        self.detail.existing_event_id.as_deref().filter(|id| !id.is_empty())
    }

    /// The mailbox does not know the name of a zone.
    pub(super) fn is_about_zone(&self) -> bool {
        self.status.as_u16() == 400 && self.has_code("TimeZoneNotSupportedException")
    }

    /// An occurrence would pass a neighbour.
    pub(super) fn is_crossing(&self) -> bool {
        self.status.as_u16() == 400 && self.has_code("ErrorOccurrenceCrossingBoundary")
    }

    /// Whether too much was asked at once, and the time to wait where the answer says one.
    pub(super) fn throttles(&self, asked: Option<Duration>) -> Option<Option<Duration>> {
        let is_code = ["ApplicationThrottled", "TooManyRequests", "ErrorServerBusy"]
            .iter()
            .any(|code| self.has_code(code));
        match self.status.as_u16() {
            429 => Some(asked),
            503 | 504 if asked.is_some() || is_code => Some(asked),
            _ => None,
        }
    }

    /// As an error about an event, where the caller knows nothing better.
    pub(super) fn error(&self) -> Error {
        if self.is_about_mailbox() {
            return Error::Forbidden(
                "this mailbox is not in Exchange Online, so Microsoft gives no access to it".into(),
            );
        }
        if self.is_stale() {
            return Error::ChangedMeanwhile;
        }
        match self.status.as_u16() {
            400 | 422 => Error::Refused(self.mistake()),
            403 => Error::Forbidden("this account may not do that in this calendar".into()),
            404 => Error::Gone,
            409 => Error::Refused("Microsoft answered 409".into()),
            410 => Error::CursorExpired,
            _ => http::refusal(self.status, &self.host),
        }
    }

    /// As an error about a calendar.
    pub(super) fn calendar_error(&self) -> Error {
        if self.is_gone() { Error::CalendarMissing } else { self.error() }
    }

    /// As an error about the list of calendars, which every mailbox has.
    pub(super) fn listing_error(&self) -> Error {
        match (self.is_gone(), self.detail.code.is_empty()) {
            (false, _) => self.error(),
            (true, false) => Error::Forbidden("Microsoft finds no mailbox of this account".into()),
            (true, true) => Error::Misconfigured(format!(
                "{} does not know the list of calendars, so it is not Microsoft Graph. Correct \
                GRAPH_URL, or remove it",
                self.host
            )),
        }
    }

    /// Why an event is not taken.
    fn mistake(&self) -> String {
        let words = match self.known_code() {
            "TimeZoneNotSupportedException" => "Microsoft does not know its time zone",
            "ErrorInvalidRecurrenceRange" => {
                "Microsoft finds that its series does not begin on the day of the event"
            }
            "ErrorOccurrenceCrossingBoundary" => {
                "Microsoft does not allow one of its occurrences to pass its neighbour"
            }
            "ErrorPropertyValidationFailure" => "Microsoft finds a value in it invalid",
            "ErrorInvalidIdMalformed" => "Microsoft finds its id malformed",
            "ErrorQuotaExceeded" => "the mailbox is full",
            "other" => return format!("Microsoft answered {}", self.status.as_u16()),
            code => return format!("Microsoft answered {} ({code})", self.status.as_u16()),
        };
        words.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, code: &str) -> GraphRefusal {
        let body = format!(
            r#"{{"error":{{"code":"{code}","message":"secret","innerError":{{"request-id":"a-1","date":"x"}}}}}}"#
        );
        GraphRefusal::new(StatusCode::from_u16(status).unwrap(), "example.org", body.as_bytes())
    }

    #[test]
    fn each_refusal_is_what_the_caller_can_do_about_it() {
        type ErrorMeaning = fn(&Error) -> bool;
        let table: [(u16, &str, ErrorMeaning); 18] = [
            (400, "ErrorInvalidRequest", |e| matches!(e, Error::Refused(_))),
            (400, "ErrorPropertyValidationFailure", |e| matches!(e, Error::Refused(_))),
            (400, "SomethingNew", |e| matches!(e, Error::Refused(_))),
            (401, "InvalidAuthenticationToken", |e| matches!(e, Error::Unauthorized)),
            (401, "MailboxNotEnabledForRESTAPI", |e| matches!(e, Error::Forbidden(_))),
            (403, "MailboxNotEnabledForRESTAPI", |e| matches!(e, Error::Forbidden(_))),
            (404, "MailboxNotEnabledForRESTAPI", |e| matches!(e, Error::Forbidden(_))),
            (403, "ErrorAccessDenied", |e| matches!(e, Error::Forbidden(_))),
            (403, "Authorization_RequestDenied", |e| matches!(e, Error::Forbidden(_))),
            (404, "ErrorItemNotFound", |e| matches!(e, Error::Gone)),
            (409, "ErrorIrresolvableConflict", |e| matches!(e, Error::ChangedMeanwhile)),
            (409, "SomethingNew", |e| matches!(e, Error::Refused(_))),
            (410, "SyncStateNotFound", |e| matches!(e, Error::CursorExpired)),
            (412, "ErrorIrresolvableConflict", |e| matches!(e, Error::ChangedMeanwhile)),
            (413, "x", |e| matches!(e, Error::Refused(_))),
            (429, "ApplicationThrottled", |e| matches!(e, Error::RateLimited { .. })),
            (500, "x", |e| matches!(e, Error::Unreachable(_))),
            (503, "x", |e| matches!(e, Error::NoAnswer(_))),
        ];
        for (status, code, is) in table {
            let error = refusal(status, code).error();
            assert!(is(&error), "{status} {code}: {error:?}");
            assert!(!format!("{error} {error:?}").contains("secret"));
        }
        assert!(matches!(
            refusal(404, "ErrorItemNotFound").calendar_error(),
            Error::CalendarMissing
        ));
        assert!(matches!(
            refusal(404, "MailboxNotEnabledForRESTAPI").calendar_error(),
            Error::Forbidden(_)
        ));
    }

    #[test]
    fn the_list_of_calendars_is_never_gone() {
        let other = GraphRefusal::new(StatusCode::NOT_FOUND, "example.org", b"<html>");
        let words = other.listing_error().to_string();
        assert!(words.contains("example.org") && words.contains("GRAPH_URL"), "{words}");
        for code in ["MailboxNotEnabledForRESTAPI", "ResourceNotFound", "SomethingNew"] {
            let error = refusal(404, code).listing_error();
            assert!(matches!(error, Error::Forbidden(_)), "{error:?}");
        }
        assert!(matches!(refusal(503, "x").listing_error(), Error::NoAnswer(_)));
    }

    #[test]
    fn an_unknown_code_is_never_repeated() {
        let refused = refusal(400, "Lunch with Ben");
        assert_eq!(refused.known_code(), "other");
        assert!(!refused.error().to_string().contains("Lunch"));
        assert_eq!(refused.request_id(), Some("a-1"));
    }

    #[test]
    fn throttling_is_told_from_an_outage() {
        let second = Some(Duration::from_secs(1));
        assert_eq!(refusal(429, "x").throttles(None), Some(None));
        assert_eq!(refusal(503, "x").throttles(second), Some(second));
        assert_eq!(refusal(504, "x").throttles(second), Some(second));
        assert_eq!(refusal(503, "ApplicationThrottled").throttles(None), Some(None));
        assert_eq!(refusal(503, "x").throttles(None), None);
        assert_eq!(refusal(500, "ApplicationThrottled").throttles(second), None);
    }

    #[test]
    fn a_lost_state_is_known_by_its_status_or_its_code() {
        assert!(refusal(410, "x").is_sync_state_lost());
        assert!(refusal(400, "syncStateInvalid").is_sync_state_lost());
        assert!(refusal(404, "syncStateNotFound").is_sync_state_lost());
        assert!(refusal(409, "ResyncRequired").is_sync_state_lost());
        assert!(!refusal(400, "ErrorInvalidRequest").is_sync_state_lost());
        assert!(!refusal(500, "SyncStateInvalid").is_sync_state_lost());
    }

    #[test]
    fn a_repeated_create_may_name_the_event_that_is_there() {
        let body = br#"{"error":{"code":"ErrorDuplicateTransactionId","@event.existingEventId":"AAMk=","message":"secret"}}"#;
        let named = GraphRefusal::new(StatusCode::CONFLICT, "h", body);
        assert!(named.is_repeated());
        assert_eq!(named.existing_event(), Some("AAMk="));
        let bare = refusal(400, "ErrorDuplicateTransactionId");
        assert!(bare.is_repeated() && bare.existing_event().is_none());
        assert!(!refusal(409, "ErrorIrresolvableConflict").is_repeated());
    }

    #[test]
    fn a_body_that_explains_nothing_is_no_trouble() {
        for body in [&b""[..], b"<html>", b"{\"error\":{}}", b"{\"error\":\"x\"}", b"[]", b"null"] {
            assert!(matches!(
                GraphRefusal::new(StatusCode::FORBIDDEN, "h", body).error(),
                Error::Forbidden(_)
            ));
        }
    }
}
