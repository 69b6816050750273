//! Graph's JSON, named as Graph names it
//! (<https://learn.microsoft.com/en-us/graph/api/resources/event>).
//!
//! Properties:
//! * Read tolerantly: unknown members are no error, `null` is as good as absent, members with
//!   `@odata` in their names may stand anywhere, and of a deletion or an occurrence in a delta page
//!   only a few members are there.
//! * Written strictly: what is written has types of its own ([`body`]), which hold exactly what is
//!   written, and nothing that names a guest. A test binds every member and every value of them to
//!   `schema.json`.
//! * What holds content has no `Debug`, or one that shows none.

mod body;
mod item;
mod recurrence;
#[cfg(test)]
pub(super) mod schema;

pub(super) use body::{
    BodyType, DateTimeTimeZone, EventBody, ExtendedProperty, FreeBusyStatus, ItemBody,
    LocationBody, Sensitivity,
};
pub(super) use item::{ItemHead, WireAttendee, WireBody, WireEvent};
pub(super) use recurrence::{DayOfWeek, Pattern, PatternedRecurrence, Range, WeekIndex};

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The extended property that carries the loop mark. The GUID was made for it, and never changes.
pub(super) const MARKER: &str = "String {6d1f8f0e-7c1b-4f0b-9d53-2f1f6a3c9e10} Name CalrelayOrigin";

/// The members of an event that are read, as `$select` names them.
/// `singleValueExtendedProperties` has to be expanded besides, and is missing where only one of the
/// two names it.
pub(super) const EVENT_MEMBERS: [&str; 25] = [
    "id",
    "iCalUId",
    "transactionId",
    "type",
    "seriesMasterId",
    "createdDateTime",
    "lastModifiedDateTime",
    "subject",
    "body",
    "start",
    "end",
    "isAllDay",
    "originalStart",
    "originalStartTimeZone",
    "originalEndTimeZone",
    "location",
    "showAs",
    "sensitivity",
    "isCancelled",
    "isOrganizer",
    "organizer",
    "attendees",
    "hideAttendees",
    "responseStatus",
    "singleValueExtendedProperties",
];

/// Members of a master that no occurrence has. The last two are answered to a read of the master
/// alone; `exceptionOccurrences` has to be expanded besides.
pub(super) const MASTER_MEMBERS: [&str; 3] =
    ["recurrence", "cancelledOccurrences", "exceptionOccurrences"];

/// The members of a calendar that are read.
pub(super) const CALENDAR_MEMBERS: [&str; 8] = [
    "id",
    "name",
    "isDefaultCalendar",
    "canEdit",
    "canShare",
    "canViewPrivateItems",
    "isRemovable",
    "owner",
];

/// The most entries of a page that are read. 1,000 are asked for, and a series is never divided.
const MOST_ENTRIES: usize = 50_000;

/// A page of events or changes. Each entry is kept as it came, so that one that cannot be read does
/// not spoil the others.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Page {
    #[serde(deserialize_with = "entries")]
    pub value: Vec<Box<RawValue>>,
    /// Where the next page is.
    #[serde(rename = "@odata.nextLink")]
    pub next_link: Option<String>,
    /// The cursor after the last page of changes.
    #[serde(rename = "@odata.deltaLink")]
    pub delta_link: Option<String>,
}

/// A page of calendars.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct CalendarPage {
    #[serde(deserialize_with = "or_default")]
    pub value: Vec<WireCalendar>,
    /// Where the next page is.
    #[serde(rename = "@odata.nextLink")]
    pub next_link: Option<String>,
}

/// A calendar of the mailbox, or one that is shared with its owner.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WireCalendar {
    #[serde(deserialize_with = "or_default")]
    pub id: String,
    #[serde(deserialize_with = "or_default")]
    pub name: String,
    #[serde(deserialize_with = "or_default")]
    pub is_default_calendar: bool,
    #[serde(deserialize_with = "or_default")]
    pub can_edit: bool,
    #[serde(deserialize_with = "or_default")]
    pub can_share: bool,
    /// `None` where the answer does not say it.
    pub can_view_private_items: Option<bool>,
    #[serde(deserialize_with = "or_default")]
    pub is_removable: bool,
    pub owner: Option<EmailAddress>,
}

/// A name and an address.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct EmailAddress {
    pub name: Option<String>,
    pub address: Option<String>,
}

/// The body of a refusal.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ErrorBody {
    #[serde(deserialize_with = "or_default")]
    pub error: ErrorDetail,
}

/// What a refusal says.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ErrorDetail {
    #[serde(deserialize_with = "or_default")]
    pub code: String,
    /// May quote what was sent.
    #[serde(deserialize_with = "or_default")]
    pub message: String,
    /// Of a `transactionId` that is used already: the event that has it, in some answers.
    #[serde(rename = "@event.existingEventId")]
    pub existing_event_id: Option<String>,
    #[serde(deserialize_with = "or_default")]
    pub inner_error: InnerError,
}

impl std::fmt::Debug for ErrorDetail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ErrorDetail")
            .field("code", &self.code)
            .field("inner_error", &self.inner_error)
            .finish_non_exhaustive()
    }
}

/// By what Microsoft finds the request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub(super) struct InnerError {
    pub request_id: Option<String>,
    pub client_request_id: Option<String>,
}

/// The entries of a page, at most [`MOST_ENTRIES`] of them.
fn entries<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Box<RawValue>>, D::Error> {
    struct Entries;

    impl<'de> Visitor<'de> for Entries {
        type Value = Vec<Box<RawValue>>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a list of entries")
        }

        fn visit_none<E>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }

        fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Self::Value, D::Error> {
            inner.deserialize_seq(self)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = seq.next_element()? {
                if entries.len() == MOST_ENTRIES {
                    return Err(serde::de::Error::custom("a page has too many entries"));
                }
                entries.push(entry);
            }
            Ok(entries)
        }
    }

    deserializer.deserialize_option(Entries)
}

/// `null` is as good as absent.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests;
