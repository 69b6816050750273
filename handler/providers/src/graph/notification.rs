//! Notifications of Graph's subscriptions
//! (<https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks>): one request
//! has up to a thousand items, which may be of many accounts.
//!
//! Nothing of an item is trusted but its `clientState`, the secret of the watch. The tenant and the
//! path of what changed are not looked at.

use std::borrow::Cow;

use serde::Deserialize;

use crate::{Lifecycle, Notification, NotificationKind};

/// The most items of one request that are read.
pub const MAX_ITEMS: usize = 1_000;
/// The largest body that is read.
pub const MAX_BODY: usize = 4 << 20;
/// Longer ids and secrets are no watch's.
const MAX_TEXT: usize = 256;

/// One item of a request.
pub struct Item<'a> {
    subscription: Cow<'a, str>,
    secret: Cow<'a, str>,
    kind: NotificationKind,
}

impl Item<'_> {
    /// The id of the subscription at Microsoft, which is [`crate::ActiveWatch::resource`].
    pub fn subscription(&self) -> &str {
        &self.subscription
    }

    /// The secret that was given to the watch.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// As a notification. Microsoft's items name only its own id of the watch: `watch` is ours,
    /// which the caller finds by the secret.
    pub fn notification<'b>(&'b self, watch: &'b str) -> Notification<'b> {
        Notification { watch, secret: &self.secret, resource: &self.subscription, kind: self.kind }
    }
}

/// The body is not what Microsoft describes, or too large.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request is no notification")]
pub struct NotANotification;

/// The body of a request.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    value: Vec<&'a serde_json::value::RawValue>,
}

/// What is read of an item. The id of the subscription and the secret are texts without a need for
/// escapes, but may have some.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct WireItem<'a> {
    #[serde(borrow)]
    subscription_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    client_state: Option<Cow<'a, str>>,
    #[serde(borrow)]
    lifecycle_event: Option<Cow<'a, str>>,
}

/// Reads the body of a request. An item that cannot be read, or that no watch can have caused, is
/// left out; the others are read all the same.
///
/// # Errors
/// [`NotANotification`]: nothing of it can be read.
pub fn read(body: &[u8]) -> Result<Vec<Item<'_>>, NotANotification> {
    if body.len() > MAX_BODY {
        return Err(NotANotification);
    }
    let body: Body<'_> = serde_json::from_slice(body).map_err(|_| NotANotification)?;
    Ok(body.value.into_iter().take(MAX_ITEMS).filter_map(|item| item_of(item.get())).collect())
}

fn item_of(json: &str) -> Option<Item<'_>> {
    let WireItem { subscription_id, client_state, lifecycle_event } =
        serde_json::from_str(json).ok()?;
    let text = |text: Option<Cow<'_, str>>| {
        text.filter(|text| !text.is_empty() && text.len() <= MAX_TEXT).is_some()
    };
    let kind = match lifecycle_event.as_deref() {
        None | Some("") => NotificationKind::Changed,
        Some("reauthorizationRequired") => NotificationKind::Lifecycle(Lifecycle::Reauthorize),
        Some("subscriptionRemoved") => NotificationKind::Lifecycle(Lifecycle::Removed),
        // `missed`, and what this version does not know.
        Some(_) => NotificationKind::Lifecycle(Lifecycle::Missed),
    };
    if !text(subscription_id.clone()) || !text(client_state.clone()) {
        return None;
    }
    Some(Item { subscription: subscription_id?, secret: client_state?, kind })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kinds(body: &serde_json::Value) -> Vec<(String, String, NotificationKind)> {
        let body = body.to_string();
        let items = read(body.as_bytes()).unwrap();
        let kind = |item: &Item<'_>| {
            let notification = item.notification("ours");
            assert_eq!(notification.watch, "ours");
            assert_eq!(notification.resource, item.subscription());
            assert_eq!(notification.secret, item.secret());
            (item.subscription().to_owned(), item.secret().to_owned(), notification.kind)
        };
        items.iter().map(kind).collect()
    }

    fn change(n: usize) -> serde_json::Value {
        json!({
            "subscriptionId": format!("s{n}"), "clientState": format!("secret{n}"), "changeType": "updated",
            "resource": "Users/x/Events/y", "tenantId": "84df9e7f-e9f6-40af-b435-aaaaaaaaaaaa",
            "subscriptionExpirationDateTime": "2026-03-12T10:00:00+00:00",
            "resourceData": { "@odata.type": "#Microsoft.Graph.Event", "@odata.etag": "W/\"CQAAAA==\"", "id": "y" },
        })
    }

    fn lifecycle(event: &str) -> serde_json::Value {
        json!({ "subscriptionId": "s", "clientState": "secret", "lifecycleEvent": event, "tenantId": "t" })
    }

    #[test]
    fn a_request_has_items_of_many_watches() {
        let found = kinds(&json!({ "value": [change(1), change(2), change(1)], "new": 1 }));
        let of = |n: usize| (format!("s{n}"), format!("secret{n}"), NotificationKind::Changed);
        assert_eq!(found, [of(1), of(2), of(1)]);
    }

    #[test]
    fn what_happened_to_a_watch_is_read_and_the_unknown_counts_as_missed() {
        for (event, kind) in [
            ("missed", Lifecycle::Missed),
            ("reauthorizationRequired", Lifecycle::Reauthorize),
            ("subscriptionRemoved", Lifecycle::Removed),
            ("somethingNew", Lifecycle::Missed),
        ] {
            let found = kinds(&json!({ "value": [lifecycle(event)] }));
            assert_eq!(found[0].2, NotificationKind::Lifecycle(kind), "{event}");
        }
    }

    #[test]
    fn a_broken_item_does_not_spoil_the_others() {
        let items = json!({ "value": [
            7, null, {}, [], { "subscriptionId": 7, "clientState": "x" }, { "subscriptionId": "s" },
            { "subscriptionId": "s", "clientState": null }, { "subscriptionId": "", "clientState": "x" },
            { "subscriptionId": "s", "clientState": "x".repeat(MAX_TEXT + 1) }, change(3),
        ] });
        assert_eq!(kinds(&items).len(), 1);
        let escaped = br#"{"value":[{"subscriptionId":"\u0073","clientState":"a\/b"}]}"#;
        let read = read(escaped).unwrap();
        assert_eq!((read[0].subscription(), read[0].secret()), ("s", "a/b"));
    }

    #[test]
    fn what_is_no_notification_is_refused_and_what_is_too_much_is_cut() {
        for body in [&b""[..], b"{}", b"[]", b"{\"value\":7}", b"{\"value\":null}", b"x=1", b"\xff"]
        {
            assert!(read(body).is_err());
        }
        let spaces = format!("{{\"value\":[]{}}}", " ".repeat(MAX_BODY));
        assert!(read(spaces.as_bytes()).is_err());
        let many: Vec<_> = (0..MAX_ITEMS + 5).map(change).collect();
        assert_eq!(kinds(&json!({ "value": many })).len(), MAX_ITEMS);
        assert!(read(br#"{"value":[]}"#).unwrap().is_empty());
    }
}
