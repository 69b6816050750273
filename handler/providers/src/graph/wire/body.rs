//! Events as they are written. There is no member for a guest, and none may be added: any write of
//! `attendees` makes Microsoft send mail.

use serde::{Deserialize, Serialize};

use super::or_default;
use super::recurrence::PatternedRecurrence;

/// The body of a create or of a change: what is `None` is not named, and stays as it is.
#[derive(Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct EventBody {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<ItemBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<DateTimeTimeZone>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<DateTimeTimeZone>,
    /// Always together with `start` and `end`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_all_day: Option<bool>,
    /// Replaces all `locations`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<LocationBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub show_as: Option<FreeBusyStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<Sensitivity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_reminder_on: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_requested: Option<bool>,
    /// Of a create only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// `Some(None)` turns a series into a single event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recurrence: Option<Option<PatternedRecurrence>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub single_value_extended_properties: Option<[ExtendedProperty; 1]>,
}

/// A description.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ItemBody {
    pub content_type: BodyType,
    pub content: String,
}

/// How a description is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in super::super) enum BodyType {
    Text,
}

/// A place.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct LocationBody {
    pub display_name: String,
}

/// A wall-clock time without an offset, and the zone that it is meant in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in super::super) struct DateTimeTimeZone {
    #[serde(deserialize_with = "or_default")]
    pub date_time: String,
    /// Absent means UTC.
    pub time_zone: Option<String>,
}

/// What an event does to the free/busy of its owner. `unknown` is read and never written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) enum FreeBusyStatus {
    Free,
    Tentative,
    Busy,
    Oof,
    WorkingElsewhere,
}

/// Who sees the details. `personal` is read and never written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) enum Sensitivity {
    Normal,
    Private,
    Confidential,
}

/// What a program keeps with an event.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(in super::super) struct ExtendedProperty {
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    #[serde(deserialize_with = "or_default")]
    pub value: String,
}
