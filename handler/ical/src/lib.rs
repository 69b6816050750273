//! Lossless iCalendar (RFC 5545) objects of one event each, as CalDAV servers store them (RFC 4791
//! section 4.1).
//!
//! * [`read()`] turns an object into an [`engine::event::Event`].
//! * [`write()`] makes an object for a copy from scratch.
//! * [`edit()`] changes parts of an object and keeps every other line byte for byte.
//! * [`recurrence`] reads and writes bare recurrence lines, for providers whose events are no
//!   iCalendar objects.
//! * [`calendar_zone`] reads the zone of a calendar.
//!
//! Objects come from other programs and are not trusted: their size, their depth and the number of
//! their lines are limited, and no error quotes their content. No function does I/O or reads the
//! clock.
//!
//! # Example
//! ```
//! use std::collections::BTreeSet;
//!
//! use engine::event::{Draft, EventId, Field, Parts};
//! use engine::write::Edit;
//! use ical::ObjectContext;
//!
//! let object = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1@example.org\r\n\
//!     DTSTAMP:20260301T080000Z\r\nDTSTART:20260310T090000Z\r\nDTEND:20260310T100000Z\r\n\
//!     SUMMARY:Review\r\nX-ROOM:4\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
//! let context = ObjectContext { is_me: &|address| address == "me@example.org", zone: None, now: None };
//! let event = ical::read(EventId::new("1.ics"), None, object, context)?;
//! assert_eq!(event.content.title, "Review");
//!
//! let mut draft = Draft::from(&event);
//! draft.content.title = "Design review".into();
//! let parts = Parts { fields: BTreeSet::from([Field::Title]), ..Parts::default() };
//! let now = "2026-03-02T08:00:00Z".parse()?;
//! let edit = Edit { parts: &parts, draft: &draft, marker: None, now };
//! let edited = ical::edit(object, &edit, context)?;
//! let text = String::from_utf8(edited.object)?;
//! assert!(text.contains("SUMMARY:Design review\r\n") && text.contains("X-ROOM:4\r\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod context;
#[cfg(test)]
mod corpus_tests;
mod edit;
mod error;
mod fields;
#[cfg(test)]
mod laws;
mod layout;
mod lines;
mod observance;
mod people;
mod property;
mod ranges;
mod read;
pub mod recurrence;
mod stamps;
mod tree;
mod until;
mod value;
mod vtimezone;
mod write;
mod zones;

pub use context::ObjectContext;
pub use edit::{Edited, edit};
pub use error::{EditError, Unreadable};
pub use read::read;
pub use write::{ObjectStyle, write};
pub use zones::calendar_zone;
