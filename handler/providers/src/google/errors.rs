//! Refusals by what the caller can do about them
//! (<https://developers.google.com/workspace/calendar/api/guides/errors>).
//!
//! Google distinguishes quotas, permissions and plain mistakes by a `reason` below the status. Only
//! reasons that we know are ever repeated: the rest of the body may quote the event.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use reqwest::StatusCode;
use serde::Deserialize;

use crate::Error;
use crate::http;

/// How long an account is left alone that Google has blocked for its use as a whole.
const BLOCKED: Duration = Duration::from_secs(3600);
/// How long to wait once several short waits did not help.
pub(super) const BUSY: Duration = Duration::from_secs(64);

/// Google said no.
pub(super) struct GoogleRefusal {
    pub status: StatusCode,
    reasons: Vec<String>,
    host: String,
}

#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorExplanation,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorExplanation {
    errors: Vec<ErrorDetail>,
    details: Vec<ErrorDetail>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorDetail {
    reason: Option<String>,
}

/// What a refusal for the sake of a quota asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quota {
    /// Some seconds of peace.
    Seconds,
    /// At least so long.
    Long(Duration),
}

impl GoogleRefusal {
    /// From the status and the body of an answer.
    pub(super) fn new(status: StatusCode, host: &str, body: &[u8]) -> Self {
        let explained =
            serde_json::from_slice::<ErrorBody>(body).map(|body| body.error).unwrap_or_default();
        let reasons = explained
            .errors
            .into_iter()
            .chain(explained.details)
            .filter_map(|detail| detail.reason)
            .take(16)
            .collect();
        Self { status, reasons, host: host.to_owned() }
    }

    pub(super) fn has_reason(&self, reason: &str) -> bool {
        self.reasons.iter().any(|said| said == reason)
    }

    /// There is nothing, or not any more.
    pub(super) fn is_gone(&self) -> bool {
        matches!(self.status.as_u16(), 404 | 410)
    }

    /// The consent that was given does not cover what was asked for: no request of this account
    /// will fare better.
    pub(super) fn is_about_consent(&self) -> bool {
        self.status == StatusCode::FORBIDDEN
            && (self.has_reason("insufficientPermissions")
                || self.has_reason("ACCESS_TOKEN_SCOPE_INSUFFICIENT"))
    }

    /// Which quota was used up; `now` gives the rest of the day.
    pub(super) fn quota(&self, now: Option<Timestamp>) -> Option<Quota> {
        if self.status != StatusCode::FORBIDDEN {
            return None;
        }
        if self.has_reason("dailyLimitExceeded") {
            return Some(Quota::Long(now.and_then(until_midnight).unwrap_or(BLOCKED)));
        }
        if self.has_reason("quotaExceeded") {
            return Some(Quota::Long(BLOCKED));
        }
        (self.has_reason("userRateLimitExceeded") || self.has_reason("rateLimitExceeded"))
            .then_some(Quota::Seconds)
    }

    /// As an error, where the caller knows nothing better.
    pub(super) fn error(&self) -> Error {
        match self.status.as_u16() {
            403 if self.quota(None).is_some() => Error::RateLimited { retry_after: Some(BUSY) },
            403 if self.is_about_consent() => Error::Consent(
                "Google was not asked, or not allowed, to let Calrelay do this; connect the \
                account again and tick every box"
                    .into(),
            ),
            403 if self.has_reason("forbiddenForNonOrganizer") => Error::HasGuests,
            403 if self.has_reason("accessNotConfigured")
                || self.has_reason("SERVICE_DISABLED") =>
            {
                Error::Misconfigured(
                    "the Google Calendar API is not switched on in the Google \
                Cloud project of this deployment"
                        .into(),
                )
            }
            403 => Error::Forbidden("this account may not do that in this calendar".into()),
            400 | 422 => Error::Refused(self.mistake().into()),
            404 | 410 => Error::Gone,
            409 => Error::Exists,
            412 => Error::ChangedMeanwhile,
            _ => http::refusal(self.status, &self.host),
        }
    }

    /// Why an event is not taken.
    fn mistake(&self) -> &'static str {
        const KNOWN: [(&str, &str); 6] = [
            ("timeRangeEmpty", "Google finds that it ends before it begins"),
            ("required", "Google misses something in it"),
            ("invalid", "Google finds a value in it invalid"),
            ("eventTypeRestriction", "Google does not allow this for an event of its kind"),
            ("malformedEvent", "Google cannot make sense of it"),
            ("calendarUsageLimitsExceeded", "Google finds it too large"),
        ];
        KNOWN
            .iter()
            .find(|(reason, _)| self.has_reason(reason))
            .map_or("Google answered 400", |(_, words)| words)
    }
}

/// The daily quota begins again at midnight in California.
fn until_midnight(now: Timestamp) -> Option<Duration> {
    let here = now.to_zoned(TimeZone::get("America/Los_Angeles").ok()?);
    let midnight = here.tomorrow().ok()?.start_of_day().ok()?;
    Duration::try_from(midnight.timestamp().duration_since(now)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(status: u16, reason: &str) -> GoogleRefusal {
        let body = format!(
            r#"{{"error":{{"code":{status},"message":"secret","errors":[{{"domain":"x","reason":"{reason}","message":"secret"}}]}}}}"#
        );
        GoogleRefusal::new(StatusCode::from_u16(status).unwrap(), "example.org", body.as_bytes())
    }

    #[test]
    fn each_refusal_is_what_the_caller_can_do_about_it() {
        type ErrorMeaning = fn(&Error) -> bool;
        let table: [(u16, &str, ErrorMeaning); 14] = [
            (400, "timeRangeEmpty", |e| matches!(e, Error::Refused(_))),
            (400, "anything", |e| matches!(e, Error::Refused(_))),
            (401, "authError", |e| matches!(e, Error::Unauthorized)),
            (403, "userRateLimitExceeded", |e| matches!(e, Error::RateLimited { .. })),
            (403, "insufficientPermissions", |e| matches!(e, Error::Consent(_))),
            (403, "forbidden", |e| matches!(e, Error::Forbidden(_))),
            (403, "requiredAccessLevel", |e| matches!(e, Error::Forbidden(_))),
            (403, "forbiddenForNonOrganizer", |e| matches!(e, Error::HasGuests)),
            (403, "accessNotConfigured", |e| matches!(e, Error::Misconfigured(_))),
            (404, "notFound", |e| matches!(e, Error::Gone)),
            (409, "duplicate", |e| matches!(e, Error::Exists)),
            (410, "deleted", |e| matches!(e, Error::Gone)),
            (412, "conditionNotMet", |e| matches!(e, Error::ChangedMeanwhile)),
            (503, "backendError", |e| matches!(e, Error::NoAnswer(_))),
        ];
        for (status, reason, is) in table {
            let error = refusal(status, reason).error();
            assert!(is(&error), "{status} {reason}: {error:?}");
            assert!(!format!("{error} {error:?}").contains("secret"));
        }
    }

    #[test]
    fn reasons_are_found_in_googles_newer_form_too() {
        let refusal = |reason: &str| {
            let detail = format!(
                r#"{{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"{reason}","domain":"googleapis.com"}}"#
            );
            let body = format!(
                r#"{{"error":{{"code":403,"message":"secret","status":"PERMISSION_DENIED","details":[{detail}]}}}}"#
            );
            GoogleRefusal::new(StatusCode::FORBIDDEN, "example.org", body.as_bytes()).error()
        };
        assert!(matches!(refusal("ACCESS_TOKEN_SCOPE_INSUFFICIENT"), Error::Consent(_)));
        assert!(matches!(refusal("SERVICE_DISABLED"), Error::Misconfigured(_)));
        assert!(matches!(refusal("IAM_PERMISSION_DENIED"), Error::Forbidden(_)));
    }

    #[test]
    fn quotas_are_told_apart_by_how_long_they_last() {
        let evening = Some("2026-11-20T07:00:00Z".parse().unwrap());
        assert_eq!(refusal(403, "rateLimitExceeded").quota(evening), Some(Quota::Seconds));
        assert_eq!(refusal(403, "quotaExceeded").quota(evening), Some(Quota::Long(BLOCKED)));
        assert_eq!(
            refusal(403, "dailyLimitExceeded").quota(evening),
            Some(Quota::Long(Duration::from_secs(3600)))
        );
        assert_eq!(refusal(403, "forbidden").quota(evening), None);
        assert_eq!(refusal(400, "quotaExceeded").quota(evening), None);
    }

    #[test]
    fn a_body_that_explains_nothing_is_no_trouble() {
        for body in
            [&b""[..], b"<html>", b"{\"error\":{\"errors\":[{}]}}", b"{\"error\":\"x\"}", b"[]"]
        {
            assert!(matches!(
                GoogleRefusal::new(StatusCode::FORBIDDEN, "h", body).error(),
                Error::Forbidden(_)
            ));
        }
    }
}
