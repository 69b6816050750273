//! Objects into the engine's words.
//!
//! Choices where calendar programs disagree: the first of two properties that may occur once
//! counts; of two components for the same thing the newer one counts (SEQUENCE, then DTSTAMP); an
//! occurrence that is both excluded (EXDATE) and changed (RECURRENCE-ID) is excluded where the
//! master is the newer part (SEQUENCE, then LAST-MODIFIED), and else changed, so that nothing is
//! lost; a changed occurrence without CLASS has that of its series, so that nothing private shows;
//! one that the owner declined is cancelled; an all-day event that does not end after it starts
//! takes its day; midnight to midnight is all-day where Microsoft's property says so.

mod reader;
mod series;
#[cfg(test)]
mod tests;

use engine::event::{Event, EventId};

use crate::context::ObjectContext;
use crate::error::Unreadable;
use crate::layout;
use crate::people;
use crate::property::MARKER;
use crate::stamps::{sequence, stamps};
use crate::tree::{Component, Object};

pub(crate) use reader::ObjectReader;

/// Reads an object.
///
/// # Errors
/// The object holds no event, or one that cannot be shown in full (`EXRULE`); see [`Unreadable`].
pub fn read(
    id: EventId,
    etag: Option<String>,
    object: &[u8],
    context: ObjectContext<'_>,
) -> Result<Event, Unreadable> {
    let tree = Object::parse(object)?;
    ObjectReader::new(layout::calendar(&tree)?, context)?.event(id, etag)
}

impl ObjectReader<'_> {
    /// The whole event.
    pub(crate) fn event(&self, id: EventId, etag: Option<String>) -> Result<Event, Unreadable> {
        let main = self.main();
        if main.property("EXRULE").is_some() {
            return Err(Unreadable(
                "it excludes occurrences by a rule (EXRULE), which is not supported".into(),
            ));
        }
        let content = self.content(main)?;
        let series = self.series(&content)?;
        let marked =
            |event: &Component| event.property(MARKER).map(|marker| marker.value.trim().to_owned());
        Ok(Event {
            id,
            uid: layout::uid_of(self.calendar).unwrap_or_default().to_owned(),
            etag,
            sequence: sequence(main),
            content,
            series,
            organizer: people::organizer(main, self.context),
            cancelled: layout::is_cancelled(main),
            declined: people::declined(main, self.context),
            others: layout::events(self.calendar)
                .iter()
                .any(|(_, event)| people::has_others(event, self.context)),
            marker: marked(main).or_else(|| {
                layout::events(self.calendar).into_iter().find_map(|(_, event)| marked(event))
            }),
            stamps: stamps(main),
            updated: None,
            zone_guessed: self.zones.guessed(),
        })
    }
}
