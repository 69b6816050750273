//! Microsoft 365 and Outlook.com, through Microsoft Graph v1.0
//! (<https://learn.microsoft.com/en-us/graph/api/resources/calendar>).
//!
//! # Properties
//! * No request can mail a guest: bodies have no member for one (`wire`), and what other people
//!   take part in is neither edited nor deleted.
//! * A round of changes is a hint (`delta`): what counts is a read of the event or series, or a
//!   complete view of the calendar.
//! * A deleted event may go on answering by its id, so only a view shows that it is gone (`place`).
//! * A series that this program wrote is one event; any other is its occurrences (`series`).
//! * Every change of an event is conditional on a version (`If-Match`), and a create whose answer
//!   was lost is found again by its `transactionId` or its mark (`write::create`).
//! * Stays below the three requests at once that a mailbox bears (`api`).
//!
//! `api` sends, `address` makes the addresses, `wire` is Graph's JSON, `convert` and `recurrence`
//! are the only modules that know both languages; `account` holds the connection; `pages` reads
//! complete lists; `changes`, `fetch`, `place`, `write` and `watches` implement the methods of
//! [`Provider`].

mod account;
mod address;
mod api;
mod calendars;
mod changes;
mod clock;
mod convert;
mod cursor;
mod delta;
mod errors;
mod fetch;
mod ids;
mod item;
mod lines;
pub mod notification;
pub mod oauth;
mod pages;
mod place;
mod recurrence;
mod series;
#[cfg(test)]
mod tests;
mod watches;
mod wire;
mod write;
mod zones;

use std::time::Duration;

use async_trait::async_trait;
use engine::calendar::RemoteCalendar;
use engine::change::{Absence, Cursor, StateTag};
use engine::event::{EventId, Parts};
use jiff::Timestamp;

pub use account::GraphCalendar;
pub use address::GRAPH;

use crate::{
    ActiveWatch, Answering, ChangeSet, CollectionState, Edit, Fetched, NewCopy, Provider, Result,
    Since, Version, WatchRequest, Written,
};

#[async_trait]
impl Provider for GraphCalendar {
    async fn calendars(&self) -> Result<Vec<RemoteCalendar>> {
        self.list_calendars().await
    }

    /// Graph has no mark of a calendar's state; a deleted calendar is noticed when its changes are
    /// listed.
    async fn collection_states(&self, calendars: &[String]) -> Result<Vec<CollectionState>> {
        Ok(vec![CollectionState::Untagged; calendars.len()])
    }

    async fn list_changes(
        &self,
        calendar: &str,
        since: Since<'_>,
        _state: Option<&StateTag>,
    ) -> Result<ChangeSet> {
        self.changes_since(calendar, since).await
    }

    fn is_current(&self, _cursor: &Cursor, _state: &StateTag) -> bool {
        false
    }

    /// 410, and a round that does not end.
    fn rejects_expired_cursor(&self) -> bool {
        true
    }

    async fn ask(&self, calendar: &str) -> Result<Answering> {
        self.read_access(calendar).await
    }

    async fn fetch(&self, calendar: &str, ids: &[EventId]) -> Result<Vec<Fetched>> {
        self.fetch_events(calendar, ids).await
    }

    fn batch(&self) -> usize {
        fetch::MOST
    }

    fn parallel_writes(&self) -> usize {
        api::PARALLEL
    }

    async fn absence(&self, calendar: &str, id: &EventId) -> Result<Option<Absence>> {
        self.read_absence(calendar, id).await
    }

    async fn absences(&self, calendar: &str, ids: &[EventId]) -> Result<Vec<Option<Absence>>> {
        self.read_absences(calendar, ids).await
    }

    /// A deleted event answers from another folder.
    fn answers_prove_presence(&self) -> bool {
        false
    }

    async fn find_uid(&self, calendar: &str, uid: &str) -> Result<Option<EventId>> {
        self.search_uid(calendar, uid).await
    }

    /// Microsoft chooses the ids.
    fn id_of_copy(&self, _calendar: &str, _uid: &str) -> Option<EventId> {
        None
    }

    async fn find_copy(&self, calendar: &str, copy: &NewCopy<'_>) -> Result<Option<EventId>> {
        self.find_first(calendar, copy).await
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
        self.replace_copy(calendar, id, version, copy, None).await
    }

    async fn rewrite_parts(
        &self,
        calendar: &str,
        id: &EventId,
        version: &Version,
        copy: &NewCopy<'_>,
        parts: &Parts,
    ) -> Result<Written> {
        self.replace_copy(calendar, id, version, copy, Some(parts)).await
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

    async fn create_watch(&self, request: &WatchRequest<'_>) -> Result<ActiveWatch> {
        self.subscribe(request).await
    }

    async fn renew_watch(
        &self,
        _id: &str,
        resource: &str,
        lifetime: Duration,
    ) -> Result<Option<ActiveWatch>> {
        self.renew_subscription(resource, lifetime).await
    }

    async fn watch_end(&self, _id: &str, resource: &str) -> Result<Option<Timestamp>> {
        self.end_of_subscription(resource).await
    }

    async fn delete_watch(&self, _id: &str, resource: &str) -> Result<()> {
        self.unsubscribe(resource).await
    }
}
