//! Google's JSON, named as Google names it
//! (<https://developers.google.com/workspace/calendar/api/v3/reference/events#resource>).
//!
//! Read tolerantly: of a tombstone only the id is sure to be there, and fields that are not named
//! here are ignored. What holds content has no `Debug`, or one that shows none.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

/// `status` of what was deleted or cancelled.
pub(super) const CANCELLED: &str = "cancelled";

/// A calendar in the user's list.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CalendarListEntry {
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    pub summary: Option<String>,
    pub summary_override: Option<String>,
    pub time_zone: Option<String>,
    pub access_role: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub deleted: bool,
}

/// A page of calendars.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CalendarList {
    #[serde(deserialize_with = "or_default")]
    pub items: Vec<CalendarListEntry>,
    pub next_page_token: Option<String>,
}

/// A page of events. Each is kept as it came, so that one that cannot be read does not spoil the
/// others.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Events {
    #[serde(deserialize_with = "or_default")]
    pub items: Vec<Box<RawValue>>,
    pub next_page_token: Option<String>,
    pub next_sync_token: Option<String>,
    pub time_zone: Option<String>,
    pub access_role: Option<String>,
}

/// What every item has, however strange the rest of it is.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ItemHead {
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    pub etag: Option<String>,
    pub status: Option<String>,
    pub recurring_event_id: Option<String>,
    #[serde(rename = "iCalUID")]
    pub i_cal_uid: Option<String>,
}

/// An event, a master of a series, an exception of one, or what is left of any of them.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WireEvent {
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    pub etag: Option<String>,
    pub status: Option<String>,
    pub updated: Option<String>,
    pub summary: Option<String>,
    pub description: Option<String>,
    pub location: Option<String>,
    pub start: Option<EventDateTime>,
    pub end: Option<EventDateTime>,
    #[serde(deserialize_with = "or_default")]
    pub recurrence: Vec<String>,
    pub recurring_event_id: Option<String>,
    pub original_start_time: Option<EventDateTime>,
    #[serde(rename = "iCalUID")]
    pub i_cal_uid: Option<String>,
    pub sequence: Option<u32>,
    pub visibility: Option<String>,
    pub transparency: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub attendees: Vec<EventAttendee>,
    #[serde(deserialize_with = "or_default")]
    pub attendees_omitted: bool,
    pub organizer: Option<WireOrganizer>,
    pub event_type: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub locked: bool,
    pub extended_properties: Option<ExtendedProperties>,
}

impl std::fmt::Debug for WireEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Event")
            .field("id", &self.id)
            .field("etag", &self.etag)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl WireEvent {
    /// Deleted, or a cancelled occurrence.
    pub(super) fn is_cancelled(&self) -> bool {
        self.status.as_deref() == Some(CANCELLED)
    }

    /// It repeats.
    pub(super) fn is_master(&self) -> bool {
        !self.recurrence.is_empty() && self.recurring_event_id.is_none()
    }

    /// Whether a write could reach other people, rooms included, as far as the event shows.
    pub(super) fn involves_others(&self) -> bool {
        let others = self.attendees.iter().any(|attendee| !attendee.is_self);
        others
            || self.attendees_omitted
            || self.organizer.as_ref().is_some_and(|organizer| !organizer.is_self)
    }
}

/// A day or a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct EventDateTime {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
}

/// A guest, or a room.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct EventAttendee {
    pub email: Option<String>,
    #[serde(rename = "self", deserialize_with = "or_default")]
    pub is_self: bool,
    #[serde(deserialize_with = "or_default")]
    pub resource: bool,
    pub response_status: Option<String>,
}

/// The organizer of the meeting.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WireOrganizer {
    pub email: Option<String>,
    #[serde(rename = "self", deserialize_with = "or_default")]
    pub is_self: bool,
}

/// What programs keep with an event.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ExtendedProperties {
    #[serde(deserialize_with = "or_default")]
    pub private: BTreeMap<String, String>,
}

/// `null` is as good as absent.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tombstone_is_an_event() {
        let event: WireEvent = serde_json::from_str(
            r#"{"id":"a","status":"cancelled","attendees":null,"recurrence":null,"new":{"x":[1]}}"#,
        )
        .unwrap();
        assert!(event.is_cancelled() && !event.is_master());
    }

    #[test]
    fn what_is_printed_shows_no_content() {
        let event: WireEvent = serde_json::from_str(
            r#"{"id":"a","summary":"secret","description":"secret","location":"secret"}"#,
        )
        .unwrap();
        assert!(!format!("{event:?}").contains("secret"));
    }
}
