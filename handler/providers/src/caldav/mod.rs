//! Any CalDAV server (RFC 4791), Apple's included.

pub mod ical;
