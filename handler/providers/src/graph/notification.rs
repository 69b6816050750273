//! Notifications of Graph's subscriptions
//! (<https://learn.microsoft.com/en-us/graph/change-notifications-delivery-webhooks>).
//!
//! One call holds up to a thousand notifications, of any accounts. `clientState` is the only proof
//! of each. `tenantId` may be Exchange's own for a personal mailbox, and `resource` is only a hint:
//! neither is read. Notifications have no id, so a repeated one cannot be distinguished from
//! another one.

use std::borrow::Cow;

use percent_encoding::percent_decode;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{Handshake, Lifecycle, NotificationItem, NotificationKind};

/// The parameter of a handshake.
const VALIDATION_TOKEN: &str = "validationToken";

/// A call holds a thousand notifications at most. What lies beyond many more is not read, so that
/// no stranger makes a call expensive.
const MAX_ITEMS: usize = 5_000;

/// The longest text that a handshake is answered with, in bytes.
const MAX_VALIDATION_TOKEN: usize = 4096;

/// A call. Each notification is parsed by itself, so that a malformed one fails no other.
#[derive(Default, Deserialize)]
struct Batch<'a> {
    #[serde(borrow, default)]
    value: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    #[serde(borrow)]
    client_state: Cow<'a, str>,
    #[serde(borrow)]
    subscription_id: Cow<'a, str>,
    #[serde(borrow, default)]
    change_type: Option<&'a RawValue>,
    #[serde(borrow, default)]
    lifecycle_event: Option<&'a RawValue>,
}

impl Item<'_> {
    fn kind(&self) -> NotificationKind {
        let missed = NotificationKind::Lifecycle(Lifecycle::Missed);
        // An unknown cause counts as lost notifications: everything is looked at.
        match (self.lifecycle_event.map(RawValue::get), self.change_type.map(RawValue::get)) {
            (None, Some(r#""created""# | r#""updated""# | r#""deleted""#)) => {
                NotificationKind::Changed
            }
            (Some(r#""reauthorizationRequired""#), _) => {
                NotificationKind::Lifecycle(Lifecycle::Reauthorize)
            }
            (Some(r#""subscriptionRemoved""#), _) => {
                NotificationKind::Lifecycle(Lifecycle::Removed)
            }
            _ => missed,
        }
    }
}

/// Reads the notifications of a call; `None` where the body is not JSON. What has another form than
/// a notification is left out.
pub fn read<'a>(body: &'a [u8]) -> Option<Vec<NotificationItem<'a>>> {
    let body: &'a RawValue = serde_json::from_slice(body).ok()?;
    // JSON of another form holds no notification.
    let batch: Batch<'a> = read_object(body).unwrap_or_default();
    let items = batch.value.into_iter().take(MAX_ITEMS).filter_map(read_object);
    let read = |item: Item<'a>| NotificationItem {
        kind: item.kind(),
        secret: item.client_state,
        resource: item.subscription_id,
    };
    Some(items.map(read).collect())
}

/// An array would be read as an object without the names of its members.
fn read_object<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    raw.get().starts_with('{').then(|| serde_json::from_str(raw.get()).ok())?
}

/// Reads the query of a handshake; `None` where the call is none. Graph waits for the answer while
/// it is asked for the subscription.
pub fn read_handshake(query: &str) -> Option<Handshake> {
    // A form as browsers send it: the service writes blanks as `+`.
    let decode = |text: &str| percent_decode(text.replace('+', " ").as_bytes()).collect::<Vec<_>>();
    let token = query.split('&').find_map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name) == VALIDATION_TOKEN.as_bytes()).then_some(value)
    })?;
    let token = decode(token);
    if token.len() > MAX_VALIDATION_TOKEN {
        return Some(Handshake::Refused);
    }
    Some(String::from_utf8(token).map_or(Handshake::Refused, Handshake::Echo))
}

#[cfg(test)]
mod tests;
