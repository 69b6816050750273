//! Watches, which Microsoft calls subscriptions
//! (<https://learn.microsoft.com/en-us/graph/api/resources/subscription>).
//!
//! A subscription is of the whole mailbox, and its id is Microsoft's. While the request for one is
//! under way, Microsoft calls the webhook and wants an answer.

use std::collections::HashSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use super::GraphCalendar;
use super::api::{ApiCall, ApiReply};
use super::errors::GraphRefusal;
use crate::{ActiveWatch, Error, Result, WatchRequest, WatchScope};

/// All events of the mailbox. Subscriptions of one calendar are not documented.
const RESOURCE: &str = "me/events";
const CHANGES: &str = "created,updated,deleted";
/// The longest lifetime that Microsoft grants; its documentation names another one.
const LONGEST: Duration = Duration::from_secs(10_070 * 60);
/// The most pages of subscriptions that are read.
const MAX_PAGES: usize = 20;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NewSubscription<'a> {
    change_type: &'a str,
    notification_url: &'a str,
    /// It cannot be added later. Both kinds of notifications come to one address.
    lifecycle_notification_url: &'a str,
    resource: &'a str,
    expiration_date_time: String,
    client_state: &'a str,
    latest_supported_tls_version: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Renewal {
    expiration_date_time: String,
}

/// A subscription, as far as it is needed. Its secret is not in lists.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Subscription {
    id: Option<String>,
    resource: Option<String>,
    notification_url: Option<String>,
    expiration_date_time: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Subscriptions {
    value: Vec<Subscription>,
    #[serde(rename = "@odata.nextLink")]
    next_link: Option<String>,
}

impl Subscription {
    fn active(self, id: Option<&str>) -> Result<ActiveWatch> {
        let id = self.id.filter(|id| !id.is_empty()).or_else(|| id.map(str::to_owned));
        let expires = self.expiration_date_time.and_then(|at| at.parse::<Timestamp>().ok());
        match (id, expires) {
            (Some(resource), Some(expires)) => Ok(ActiveWatch { resource, expires }),
            _ => Err(Error::BadAnswer(
                "Microsoft does not say how long it will send notifications".into(),
            )),
        }
    }
}

impl GraphCalendar {
    /// Creates a subscription. Where Microsoft has one of this program already, which no row knows
    /// any more, that one is deleted first.
    pub(super) async fn subscribe(&self, request: &WatchRequest<'_>) -> Result<ActiveWatch> {
        if request.scope != WatchScope::Account {
            return Err(Error::NoPush);
        }
        for is_again in [false, true] {
            let body = NewSubscription {
                change_type: CHANGES,
                notification_url: request.address,
                lifecycle_notification_url: request.address,
                resource: RESOURCE,
                expiration_date_time: self.end_of(request.lifetime).await?,
                client_state: request.secret.expose_secret(),
                latest_supported_tls_version: "v1_2",
            };
            let url = self.api.addresses.subscriptions()?;
            let call = ApiCall::write(Method::POST, url, None, Some(&body))?;
            match self.api.call(&call).await? {
                ApiReply::Given(given) => return given.json::<Subscription>()?.active(None),
                ApiReply::Refused(refusal)
                    if refusal.status.as_u16() == 409
                        && !is_again
                        && self.delete_stale(request.address).await? => {}
                ApiReply::Refused(refusal) => return Err(refused(&refusal)),
            }
        }
        Err(Error::ChangedMeanwhile)
    }

    /// Deletes subscriptions that send to this address; whether there were any.
    async fn delete_stale(&self, address: &str) -> Result<bool> {
        let mut call = ApiCall::list(self.api.addresses.subscriptions()?);
        let (mut stale, mut seen) = (Vec::new(), HashSet::new());
        for _ in 0..MAX_PAGES {
            let page: Subscriptions = match self.api.call(&call).await? {
                ApiReply::Given(given) => given.json()?,
                ApiReply::Refused(refusal) => return Err(refused(&refusal)),
            };
            stale.extend(page.value.into_iter().filter_map(|subscription| {
                let is_ours = subscription.notification_url.as_deref() == Some(address)
                    && subscription.resource.as_deref().is_some_and(is_resource);
                subscription.id.filter(|id| is_ours && !id.is_empty())
            }));
            match page.next_link {
                Some(link) if seen.insert(link.clone()) => {
                    call = ApiCall::list(self.api.addresses.link(&link)?)
                }
                _ => break,
            }
        }
        for id in &stale {
            self.unsubscribe(id).await?;
        }
        Ok(!stale.is_empty())
    }

    /// Moves the end of a subscription; `None` where there is none.
    pub(super) async fn renew_subscription(
        &self,
        id: &str,
        lifetime: Duration,
    ) -> Result<Option<ActiveWatch>> {
        let body = Renewal { expiration_date_time: self.end_of(lifetime).await? };
        let url = self.api.addresses.subscription(id)?;
        let call = ApiCall::write(Method::PATCH, url, None, Some(&body))?;
        match self.api.call(&call).await? {
            ApiReply::Given(given) => given.json::<Subscription>()?.active(Some(id)).map(Some),
            ApiReply::Refused(refusal) if refusal.is_gone() => Ok(None),
            ApiReply::Refused(refusal) => Err(refused(&refusal)),
        }
    }

    /// When a subscription ends; `None` where there is none.
    pub(super) async fn end_of_subscription(&self, id: &str) -> Result<Option<Timestamp>> {
        let call = ApiCall::get(self.api.addresses.subscription(id)?);
        match self.api.call(&call).await? {
            ApiReply::Given(given) => {
                let active = given.json::<Subscription>()?.active(Some(id))?;
                Ok(Some(active.expires))
            }
            ApiReply::Refused(refusal) if refusal.is_gone() => Ok(None),
            ApiReply::Refused(refusal) => Err(refused(&refusal)),
        }
    }

    /// Deletes a subscription; one that has ended is a success.
    pub(super) async fn unsubscribe(&self, id: &str) -> Result<()> {
        let url = self.api.addresses.subscription(id)?;
        let call = ApiCall::write(Method::DELETE, url, None, None::<&Renewal>)?;
        match self.api.call(&call).await? {
            ApiReply::Given(_) => Ok(()),
            ApiReply::Refused(refusal) if refusal.is_gone() => Ok(()),
            ApiReply::Refused(refusal) => Err(refused(&refusal)),
        }
    }

    /// The end of this lifetime, by Microsoft's clock.
    async fn end_of(&self, lifetime: Duration) -> Result<String> {
        let lifetime = SignedDuration::try_from(lifetime.min(LONGEST)).unwrap_or_default();
        let end = self.now().await?.saturating_add(lifetime).unwrap_or(Timestamp::MAX);
        Ok(end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    }
}

/// Microsoft repeats the path with or without a slash before it, and in any case.
fn is_resource(resource: &str) -> bool {
    resource.trim_start_matches('/').eq_ignore_ascii_case(RESOURCE)
}

/// The error for a refusal that concerns a subscription, not an event.
fn refused(refusal: &GraphRefusal) -> Error {
    match (refusal.status.as_u16(), refusal.known_code()) {
        (400, "ValidationError" | "InvalidRequest") => Error::Misconfigured(
            "Microsoft got no answer from the address in CALRELAY_PUBLIC_URL: it must begin with \
            https://, under a certificate that is trusted, and be reachable from the internet"
                .into(),
        ),
        (400 | 409, _) => Error::Misconfigured(
            "Microsoft refuses the subscription that this calrelay asks for".into(),
        ),
        _ => match refusal.error() {
            Error::Gone => Error::NoPush,
            error => error,
        },
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::*;

    fn answer(status: u16, code: &str) -> Error {
        let body = format!(r#"{{"error":{{"code":"{code}","message":"secret"}}}}"#);
        refused(&GraphRefusal::new(StatusCode::from_u16(status).unwrap(), "h", body.as_bytes()))
    }

    #[test]
    fn an_address_that_does_not_answer_is_told_from_a_wrong_request() {
        for code in ["ValidationError", "InvalidRequest"] {
            assert!(
                matches!(answer(400, code), Error::Misconfigured(words) if words.contains("CALRELAY_PUBLIC_URL"))
            );
        }
        assert!(matches!(answer(400, "ExtensionError"), Error::Misconfigured(_)));
        assert!(matches!(answer(403, "ErrorAccessDenied"), Error::Forbidden(_)));
        assert!(matches!(answer(404, "ResourceNotFound"), Error::NoPush));
        assert!(matches!(answer(503, "x"), Error::NoAnswer(_)));
    }

    #[test]
    fn a_subscription_is_known_by_its_path_however_it_is_written() {
        assert!(is_resource("me/events") && is_resource("/me/Events"));
        assert!(!is_resource("me/messages") && !is_resource("users/x/events"));
    }
}
