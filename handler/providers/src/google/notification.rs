//! Notifications of Google's channels
//! (<https://developers.google.com/workspace/calendar/api/guides/push>): everything is in headers.

use crate::{Notification, NotificationKind};

const CHANNEL_ID: &str = "x-goog-channel-id";
const CHANNEL_TOKEN: &str = "x-goog-channel-token";
const RESOURCE_ID: &str = "x-goog-resource-id";
const RESOURCE_STATE: &str = "x-goog-resource-state";

/// Reads a notification. `header` finds the value of a header by its lower-case name; a missing
/// header is read as an empty one, which no watch has.
pub fn read<'a>(header: impl Fn(&str) -> Option<&'a str>) -> Notification<'a> {
    let value = |name| header(name).unwrap_or_default();
    Notification {
        watch: value(CHANNEL_ID),
        secret: value(CHANNEL_TOKEN),
        resource: value(RESOURCE_ID),
        // Every other state, `exists` and `not_exists` above all, means that something has changed.
        kind: match value(RESOURCE_STATE) {
            "sync" => NotificationKind::Started,
            _ => NotificationKind::Changed,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_state(state: &'static str) -> Notification<'static> {
        read(|name| match name {
            "x-goog-channel-id" => Some("01234567-89ab-4cde-8f01-23456789abcd"),
            "x-goog-channel-token" => Some("the secret"),
            "x-goog-resource-id" => Some("ret08u3rv24htgh289g"),
            "x-goog-resource-state" => Some(state),
            _ => None,
        })
    }

    #[test]
    fn the_first_notification_of_a_channel_says_that_it_has_started() {
        let found = with_state("sync");
        assert_eq!(
            (found.watch, found.secret, found.resource),
            ("01234567-89ab-4cde-8f01-23456789abcd", "the secret", "ret08u3rv24htgh289g")
        );
        assert_eq!(found.kind, NotificationKind::Started);
    }

    #[test]
    fn every_other_state_is_a_change() {
        for state in ["exists", "not_exists", "SYNC", "something new", ""] {
            assert_eq!(with_state(state).kind, NotificationKind::Changed, "{state}");
        }
    }

    #[test]
    fn a_missing_header_is_an_empty_one() {
        let found = read(|_| None);
        assert_eq!((found.watch, found.secret, found.resource), ("", "", ""));
        assert_eq!(found.kind, NotificationKind::Changed);
    }
}
