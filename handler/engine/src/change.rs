//! What happened in a calendar since a cursor.

use serde::{Deserialize, Serialize};

use crate::event::{Event, EventId};

/// How far a calendar was read: the provider's own token, opaque to all other code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// A cheap mark of a calendar's state (CalDAV: its ctag). Equal marks mean that nothing has
/// happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StateTag(pub String);

/// One line of a listing.
#[derive(Clone, Debug)]
pub enum Listed {
    /// It is there, in this version. The event itself where the provider sends it along.
    Present {
        /// Its id.
        id: EventId,
        /// Its version.
        etag: Option<String>,
        /// Its content, if the listing brought it.
        event: Option<Box<Event>>,
    },
    /// The provider says that it was removed: a hint, believed once a read of that id finds
    /// nothing.
    Removed {
        /// Its id.
        id: EventId,
    },
}

impl Listed {
    /// Which event the line is about.
    pub fn id(&self) -> &EventId {
        match self {
            Self::Present { id, .. } | Self::Removed { id } => id,
        }
    }
}

/// How a provider says that there is no event under an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// It knows nothing under this id (404 or 410), and the calendar answers.
    NotFound,
    /// It names the event as deleted.
    Cancelled,
    /// Something that is no event has the id.
    NoEvent,
    /// The event is in another calendar, and a complete view of this one lacks it.
    Elsewhere,
}
