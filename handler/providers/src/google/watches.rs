//! Watches, which Google calls channels
//! (<https://developers.google.com/workspace/calendar/api/guides/push>).
//!
//! A channel cannot be renewed, only replaced. A request whose answer was lost is not repeated:
//! Google accepts an id once, so the caller tries again with a new one.

use jiff::Timestamp;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::GoogleCalendar;
use super::api::{ApiCall, ApiReply};
use super::errors::GoogleRefusal;
use crate::{ActiveWatch, Error, Result, WatchRequest, WatchScope};

/// The answer to `events.watch`, as far as it is needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Channel {
    resource_id: String,
    /// Milliseconds since 1970, as text.
    expiration: String,
}

impl GoogleCalendar {
    /// `events.watch`.
    pub(super) async fn open_channel(&self, request: &WatchRequest<'_>) -> Result<ActiveWatch> {
        let WatchScope::Calendar(calendar) = request.scope else { return Err(Error::NoPush) };
        let body = object([
            ("id", json!(request.id)),
            ("type", json!("web_hook")),
            ("address", json!(request.address)),
            ("token", json!(request.secret.expose_secret())),
            // Seconds, as text.
            ("params", json!({ "ttl": request.lifetime.as_secs().to_string() })),
        ]);
        let call =
            ApiCall::write(Method::POST, self.api.addresses.watch(calendar)?, None, Some(&body))?;
        let Channel { resource_id, expiration } = match self.api.call(&call).await? {
            ApiReply::Given(given) => given.json()?,
            ApiReply::Refused(refusal) => return Err(refused(&refusal)),
        };
        let expires = expiration
            .parse()
            .ok()
            .and_then(|millisecond| Timestamp::from_millisecond(millisecond).ok());
        let expires = expires.ok_or_else(|| {
            Error::BadAnswer("Google does not say how long it will send notifications".into())
        })?;
        Ok(ActiveWatch { resource: resource_id, expires })
    }

    /// `channels.stop`. A channel that has ended is a success.
    pub(super) async fn stop_channel(&self, id: &str, resource: &str) -> Result<()> {
        let body = object([("id", json!(id)), ("resourceId", json!(resource))]);
        match self
            .api
            .call(&ApiCall::write(Method::POST, self.api.addresses.stop()?, None, Some(&body))?)
            .await?
        {
            ApiReply::Given(_) => Ok(()),
            ApiReply::Refused(refusal) if refusal.is_gone() => Ok(()),
            ApiReply::Refused(refusal) => Err(refused(&refusal)),
        }
    }
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The error for a refusal that concerns a channel, not an event.
fn refused(refusal: &GoogleRefusal) -> Error {
    if refusal.has_reason("pushNotSupportedForRequestedResource") {
        return Error::NoPush;
    }
    if ["push.webhookUrlNotHttps", "push.webhookUrlUnauthorized", "webhookUrlNotHttps"]
        .iter()
        .any(|reason| refusal.has_reason(reason))
    {
        return Error::Misconfigured(
            "Google does not send notifications to the address in CALRELAY_PUBLIC_URL: it must \
            begin with https://, under a certificate that \
             browsers trust"
                .into(),
        );
    }
    match refusal.error() {
        Error::Refused(_) => {
            Error::Misconfigured("Google refuses the channel that this calrelay asks for".into())
        }
        Error::Gone => Error::CalendarMissing,
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;

    fn answer(status: u16, reason: &str) -> Error {
        let body =
            format!(r#"{{"error":{{"errors":[{{"reason":"{reason}","message":"secret"}}]}}}}"#);
        refused(&GoogleRefusal::new(
            StatusCode::from_u16(status).unwrap(),
            "example.org",
            body.as_bytes(),
        ))
    }

    #[test]
    fn a_calendar_without_push_is_distinguished_from_a_wrong_request() {
        assert!(matches!(answer(400, "pushNotSupportedForRequestedResource"), Error::NoPush));
        assert!(
            matches!(answer(400, "push.webhookUrlNotHttps"), Error::Misconfigured(words) if words.contains("CALRELAY_PUBLIC_URL"))
        );
        assert!(matches!(answer(400, "channelIdNotUnique"), Error::Misconfigured(_)));
        assert!(matches!(answer(404, "notFound"), Error::CalendarMissing));
        assert!(matches!(answer(403, "rateLimitExceeded"), Error::RateLimited { .. }));
        assert!(matches!(answer(503, "backendError"), Error::NoAnswer(_)));
    }
}
