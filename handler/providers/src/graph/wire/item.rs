//! Events and changes as they are read.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::body::{DateTimeTimeZone, ExtendedProperty};
use super::{EmailAddress, or_default};

/// What every entry of a page has, however strange the rest of it is.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in super::super) struct ItemHead {
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    /// Of a sparse entry it is not that of the event.
    #[serde(rename = "@odata.etag", deserialize_with = "text")]
    pub etag: Option<String>,
    #[serde(rename = "type", deserialize_with = "text")]
    pub kind: Option<String>,
    #[serde(deserialize_with = "text")]
    pub series_master_id: Option<String>,
    #[serde(rename = "iCalUId", deserialize_with = "text")]
    pub i_cal_uid: Option<String>,
    /// Made by the program that created the event, Outlook included.
    #[serde(deserialize_with = "text")]
    pub transaction_id: Option<String>,
    /// Its absence shows that a page of changes names an occurrence and does not describe it.
    pub is_all_day: Option<Value>,
    /// The entry says that an event is deleted, or was never in the range.
    #[serde(rename = "@removed")]
    pub removed: Option<Value>,
}

/// A text; anything else is as good as absent, so that one event does not spoil its page.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        _ => None,
    })
}

impl ItemHead {
    /// Deleted, or outside the range.
    pub(in super::super) fn is_removed(&self) -> bool {
        self.removed.is_some()
    }

    /// Only named: what the event shows has to be read by another request.
    pub(in super::super) fn is_sparse(&self) -> bool {
        self.removed.is_none() && self.is_all_day.as_ref().is_none_or(Value::is_null)
    }

    /// The series of which it is a part: its own id if it is the master.
    pub(in super::super) fn series(&self) -> Option<&str> {
        match &self.series_master_id {
            Some(master) => Some(master),
            None => (self.kind.as_deref() == Some("seriesMaster")).then_some(self.id.as_str()),
        }
    }
}

/// A single event, a master, an occurrence or an exception of a series.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in super::super) struct WireEvent {
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    #[serde(rename = "@odata.etag")]
    pub etag: Option<String>,
    #[serde(rename = "iCalUId")]
    pub i_cal_uid: Option<String>,
    pub transaction_id: Option<String>,
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub series_master_id: Option<String>,
    pub created_date_time: Option<String>,
    pub last_modified_date_time: Option<String>,
    pub subject: Option<String>,
    pub body: Option<WireBody>,
    pub start: Option<DateTimeTimeZone>,
    pub end: Option<DateTimeTimeZone>,
    /// `None` where the answer does not describe the event.
    pub is_all_day: Option<bool>,
    /// The instant that the rule of its series gave it.
    pub original_start: Option<String>,
    /// As it was written: a Windows name, an IANA name, or Microsoft's name for any other zone.
    pub original_start_time_zone: Option<String>,
    pub original_end_time_zone: Option<String>,
    pub location: Option<WireLocation>,
    pub show_as: Option<String>,
    pub sensitivity: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub is_cancelled: bool,
    pub is_organizer: Option<bool>,
    pub organizer: Option<Recipient>,
    #[serde(deserialize_with = "or_default")]
    pub attendees: Vec<WireAttendee>,
    #[serde(deserialize_with = "or_default")]
    pub hide_attendees: bool,
    pub response_status: Option<ResponseStatus>,
    /// Of a master. Kept as it came: it is looked at only where a series is read as one.
    pub recurrence: Option<Value>,
    /// Of a master that was read by itself.
    #[serde(deserialize_with = "or_default")]
    pub cancelled_occurrences: Vec<String>,
    /// Of a master that was read by itself, where the request expands it.
    #[serde(deserialize_with = "or_default")]
    pub exception_occurrences: Vec<WireEvent>,
    /// Only where the request expands it, and never in a page of changes.
    #[serde(deserialize_with = "or_default")]
    pub single_value_extended_properties: Vec<ExtendedProperty>,
}

impl std::fmt::Debug for WireEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Event")
            .field("id", &self.id)
            .field("etag", &self.etag)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

impl WireEvent {
    /// A series as such, not one of its occurrences.
    pub(in super::super) fn is_master(&self) -> bool {
        self.kind.as_deref() == Some("seriesMaster")
    }

    /// An occurrence of a series, changed or not.
    pub(in super::super) fn is_instance(&self) -> bool {
        !self.is_master() && self.series_master_id.is_some()
    }

    /// An occurrence that departs from its series.
    pub(in super::super) fn is_exception(&self) -> bool {
        self.kind.as_deref() == Some("exception")
    }

    /// The value of an extended property. Microsoft writes the GUID in either case.
    pub(in super::super) fn extended_property(&self, id: &str) -> Option<&str> {
        self.single_value_extended_properties
            .iter()
            .find(|property| property.id.eq_ignore_ascii_case(id))
            .map(|property| property.value.as_str())
    }
}

/// A description.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in super::super) struct WireBody {
    pub content_type: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub content: String,
}

/// A place. Only its name is compared: everything else is Microsoft's.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in super::super) struct WireLocation {
    pub display_name: Option<String>,
}

/// A person in a role.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in super::super) struct Recipient {
    pub email_address: Option<EmailAddress>,
}

/// A guest, or a room.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in super::super) struct WireAttendee {
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub email_address: Option<EmailAddress>,
}

/// What the owner of the mailbox answered.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in super::super) struct ResponseStatus {
    pub response: Option<String>,
}
