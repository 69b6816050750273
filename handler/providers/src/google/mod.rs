//! Google Calendar, API version 3 (<https://developers.google.com/workspace/calendar/api/v3/reference>).

pub mod oauth;
pub mod tokens;

pub use tokens::Tokens;
