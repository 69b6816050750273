//! Any CalDAV server (RFC 4791), Apple's included.
//!
//! # Properties
//! * The password goes only where `trusted_hosts` allows it; every address is checked by `http` before it
//!   is connected to.
//! * A calendar that cannot be read is an error, never an empty one; an answer that was cut off is
//!   never taken for a whole one.
//! * A write is conditional on the version that its caller has seen (`If-Match`, `If-None-Match`);
//!   nothing is overwritten unseen.
//! * No request can mail a guest: copies carry neither organizer nor attendee, and what has guests
//!   is neither edited nor deleted.
//! * An event is identified by its name within its calendar, however the calendar is reached; a
//!   name that the server gives it is learned.
//!
//! `account` holds the connection, `dav` sends, `multistatus` reads, `discovery` finds the homes,
//! `name` names events, and `calendars`,
//! `changes`, `fetch`, `search` and `write` implement the methods of [`Provider`].

mod account;
mod address;
mod attachments;
mod bodies;
mod calendars;
mod changes;
mod dav;
mod discovery;
mod endpoint;
mod fetch;
mod flavour;
pub mod icloud;
mod multistatus;
mod name;
mod search;
mod stored_object;
#[cfg(test)]
mod stub;
mod sync_position;
mod trusted_hosts;
mod version;
mod write;

use async_trait::async_trait;
use engine::calendar::RemoteCalendar;
use engine::change::{Cursor, StateTag};
use engine::event::EventId;
use engine::fidelity::Fidelity;

use crate::{
    Answering, ChangeSet, CollectionState, Edit, Fetched, NewCopy, Provider, Result, Since,
    Version, Written,
};
use address::with_slash;
use engine::change::Absence;

pub use account::CalDav;
pub use discovery::discover;
pub use endpoint::{Endpoint, Home};
pub use flavour::Flavour;
pub use name::name_in_collection;

/// Events in one multiget.
const BATCH: usize = 50;

#[async_trait]
impl Provider for CalDav {
    async fn calendars(&self) -> Result<Vec<RemoteCalendar>> {
        self.list_calendars().await
    }

    async fn collection_states(&self, calendars: &[String]) -> Result<Vec<CollectionState>> {
        self.read_states(calendars).await
    }

    async fn list_changes(
        &self,
        calendar: &str,
        since: Since<'_>,
        state: Option<&StateTag>,
    ) -> Result<ChangeSet> {
        match since {
            Since::Cursor(cursor) => self.changes(calendar, cursor, state).await,
            Since::Window(window) => self.listing(calendar, Some(window), state).await,
            Since::Everything => self.listing(calendar, None, state).await,
        }
    }

    fn is_current(&self, cursor: &Cursor, state: &StateTag) -> bool {
        sync_position::is_current(cursor, state)
    }

    async fn ask(&self, calendar: &str) -> Result<Answering> {
        self.read_access(calendar).await
    }

    async fn fetch(&self, calendar: &str, ids: &[EventId]) -> Result<Vec<Fetched>> {
        self.fetch_events(calendar, ids).await
    }

    fn batch(&self) -> usize {
        BATCH
    }

    fn parallel_writes(&self) -> usize {
        self.flavour.parallel_writes()
    }

    async fn absence(&self, calendar: &str, id: &EventId) -> Result<Option<Absence>> {
        self.read_absence(calendar, id).await
    }

    fn id_of_copy(&self, _calendar: &str, uid: &str) -> Option<EventId> {
        Some(EventId::new(format!("{uid}.ics")))
    }

    async fn find_uid(&self, calendar: &str, uid: &str) -> Result<Option<EventId>> {
        Ok(self.search(calendar, uid).await?.map(|event| event.id))
    }

    async fn create(&self, calendar: &str, copy: &NewCopy<'_>) -> Result<Written> {
        self.create_copy(calendar, copy).await
    }

    async fn rewrite(
        &self,
        calendar: &str,
        id: &EventId,
        version: &Version,
        copy: &NewCopy<'_>,
    ) -> Result<Written> {
        self.replace_copy(calendar, id, version, copy).await
    }

    async fn edit(
        &self,
        calendar: &str,
        id: &EventId,
        version: &Version,
        edit: &Edit<'_>,
    ) -> Result<Written> {
        self.edit_event(calendar, id, version, edit).await
    }

    async fn delete(&self, calendar: &str, id: &EventId, etag: Option<&str>) -> Result<()> {
        self.delete_event(calendar, id, etag).await
    }

    fn fidelity(&self, calendar: &str) -> Option<Fidelity> {
        Some(
            self.known()
                .get(&with_slash(calendar))
                .map(|known| known.fidelity.clone())
                .unwrap_or_default(),
        )
    }

    fn recall(&self, calendar: &str, fidelity: &Fidelity) {
        self.learn(&with_slash(calendar), |known| known.fidelity.add(fidelity));
    }
}
