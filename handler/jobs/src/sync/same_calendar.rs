//! Refuses a pair whose ends are one calendar.

use engine::etag;
use engine::event::{Draft, EventId};
use engine::pair::{PerSide, Side};
use engine::provider::CalendarIdentity;
use engine::uid::UidHash;
use providers::Found;

use super::change::UnknownEvent;
use super::changes::Changes;
use super::context::Context;
use super::ends::End;
use crate::{Error, Result};

/// The most events that are read of both calendars and compared.
const COMPARED: usize = 50;

impl Context<'_> {
    /// Compares the events of both ends in the first listings, before anything is written: their
    /// names, their versions and what they show.
    ///
    /// # Errors
    /// [`Error::SameCalendar`].
    pub(super) async fn refuse_same_calendar(&self, changes: &Changes) -> Result<()> {
        // Where the provider has ids for calendars, two calendars with different ids are two.
        let has_ids =
            |end: &End| end.account.kind.facts().calendar_identity == CalendarIdentity::Id;
        let PerSide { from, to } = &changes.unknown;
        if self.ends.values().any(has_ids)
            || self.locked.copies().await > 0
            || !changes.mappings.is_empty()
            || from.is_empty()
            || to.is_empty()
        {
            return Ok(());
        }
        let same = |(id, unknown): (&EventId, &UnknownEvent)| {
            to.get(id)
                .is_some_and(|other| etag::are_same(other.etag.as_deref(), unknown.etag.as_deref()))
        };
        // The first listing of a calendar that is written to has no window, and may have more
        // events.
        if !from.iter().all(same) || (from.len() != to.len() && !changes.is_unbounded.to) {
            return Ok(());
        }
        let ids: Vec<EventId> = from.keys().take(COMPARED).cloned().collect();
        let (here, there) = futures::try_join!(
            self.fetch(Side::From, ids.clone()),
            self.fetch(Side::To, ids.clone())
        )?;
        let shown = |found: Option<&Found>| match found {
            Some(Found::Event(event)) => {
                Some((UidHash::of(&event.uid), self.keys.prints.origin(&Draft::from(&**event))))
            }
            _ => None,
        };
        let compared: Vec<_> =
            ids.iter().map(|id| (shown(here.get(id)), shown(there.get(id)))).collect();
        let differ = compared.iter().any(|(here, there)| here != there);
        let nothing = compared.iter().all(|(here, _)| here.is_none());
        if differ || nothing { Ok(()) } else { Err(Error::SameCalendar) }
    }
}
