//! The client that is registered with this Google, and the scopes that clients ask for.

/// The client that is registered here. Invented.
pub const CLIENT_ID: &str = "calrelay-tests.apps.googleusercontent.com";

/// Its secret. Invented.
pub const CLIENT_SECRET: &str = "GOCSPX-simulated";

/// To read the list of calendars.
pub const CALENDAR_LIST_READONLY: &str =
    "https://www.googleapis.com/auth/calendar.calendarlist.readonly";

/// To read and write events.
pub const EVENTS: &str = "https://www.googleapis.com/auth/calendar.events";

/// What a sync needs, and no more.
pub const SCOPES: [&str; 2] = [CALENDAR_LIST_READONLY, EVENTS];
