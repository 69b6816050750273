//! What the fuzz targets have in common.

use engine::event::{Content, Draft, Event, EventId, Exception, Parts};
use engine::write::{Edit, NewCopy};
use ical::{EditError, Edited, ObjectContext, ObjectStyle, Unreadable};

/// The UID of every copy made here.
pub const UID: &str = "calrelay-fuzz";
/// The loop mark of every copy made here.
pub const MARKER: &str = "h1.fuzz";

fn now() -> jiff::Timestamp {
    jiff::Timestamp::UNIX_EPOCH
}

fn context() -> ObjectContext<'static> {
    ObjectContext { is_me: &|address| address.starts_with("me@"), zone: None, now: None }
}

/// Reads an object.
pub fn read(object: &[u8]) -> Result<Event, Unreadable> {
    ical::read(EventId::new("e"), None, object, context())
}

/// Writes a copy.
pub fn write(draft: &Draft) -> Vec<u8> {
    let copy = NewCopy { uid: UID, marker: MARKER, draft, now: now() };
    ical::write(&copy, 1, ObjectStyle { inert_alarm: true })
}

/// Edits an object.
pub fn edit(object: &[u8], parts: &Parts, draft: &Draft, marker: Option<&str>) -> Result<Edited, EditError> {
    ical::edit(object, &Edit { parts, draft, marker, now: now() }, context())
}

/// A draft as it reads after it was written, if a written copy of it stays below the size that is
/// read.
pub fn canonical(draft: &Draft) -> Option<Draft> {
    let written = write(draft);
    match read(&written) {
        Ok(event) => Some(Draft::from(&event)),
        Err(why) => {
            // Escapes, folds and headers may take a draft beyond what is read; nothing else may go
            // wrong.
            assert!(why.0.contains("MiB") || why.0.contains("KiB") || why.0.contains("lines"), "a copy cannot be read: {why}");
            None
        }
    }
}

/// A draft without its attendees, who are never written.
pub fn without_guests(mut draft: Draft) -> Draft {
    let clear = |content: &mut Content| content.attendees.clear();
    clear(&mut draft.content);
    for exception in draft.series.iter_mut().flat_map(|series| series.exceptions.values_mut()) {
        if let Exception::Changed(content) = exception {
            clear(content);
        }
    }
    draft
}
