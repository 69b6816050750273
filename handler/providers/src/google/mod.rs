//! Google Calendar, API version 3
//! (<https://developers.google.com/workspace/calendar/api/v3/reference>).
//!
//! # Properties
//! * No request can mail a guest or put anything onto another person's calendar: the addresses of
//!   writes are made in one place (`address`), bodies have no field for a guest (`convert`), and
//!   what other people take part in is neither edited nor deleted.
//! * A change costs one list and one write. A series costs one request more, to be read whole.
//! * A copy's id follows from its UID, so that a create whose answer was lost is found again, not
//!   repeated.
//! * Every write but a create is conditional on a version (`If-Match`).
//! * Stays below Google's quotas by itself (`api`), and distinguishes those that last seconds, an
//!   hour or a day (`errors`).
//!
//! `api` sends, `wire` is Google's JSON, `convert` the only file that knows both languages;
//! `account` holds the connection; `series` joins masters and exceptions; `changes`, `fetch`,
//! `write`, `exceptions` and `watches` implement the methods of [`Provider`]; `oauth` has Google's
//! part of the sign-in, and `notification` reads what Google sends to a webhook.

mod account;
mod address;
mod api;
mod batch;
mod calendar_info;
mod calendars;
mod changes;
mod convert;
mod errors;
mod exceptions;
mod fetch;
pub mod items;
pub mod notification;
pub mod oauth;
mod series;
#[cfg(test)]
mod tests;
mod watches;
mod wire;
mod write;

use async_trait::async_trait;
use engine::calendar::RemoteCalendar;
use engine::change::{Cursor, StateTag};
use engine::event::EventId;

pub use account::GoogleCalendar;
pub use address::GOOGLE;

pub use crate::oauth::AccessTokens;
use crate::{
    ActiveWatch, Answering, ChangeSet, CollectionState, Edit, Fetched, NewCopy, Provider, Result,
    Since, Version, WatchRequest, Written,
};
use engine::change::Absence;

/// Writes under way at once: those to one calendar take turns, and meanwhile the other side of a
/// pair need not wait.
const PARALLEL_WRITES: usize = 4;

#[async_trait]
impl Provider for GoogleCalendar {
    async fn calendars(&self) -> Result<Vec<RemoteCalendar>> {
        self.list_calendars().await
    }

    /// Google has no ctag; a deleted calendar is noticed when its changes are listed.
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

    /// 410, on whichever page.
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
        batch::MOST
    }

    fn parallel_writes(&self) -> usize {
        PARALLEL_WRITES
    }

    async fn absence(&self, calendar: &str, id: &EventId) -> Result<Option<Absence>> {
        self.read_absence(calendar, id).await
    }

    async fn find_uid(&self, calendar: &str, uid: &str) -> Result<Option<EventId>> {
        self.search_uid(calendar, uid).await
    }

    fn id_of_copy(&self, _calendar: &str, uid: &str) -> Option<EventId> {
        Some(address::id_of_copy(uid))
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

    async fn create_watch(&self, request: &WatchRequest<'_>) -> Result<ActiveWatch> {
        self.open_channel(request).await
    }

    async fn delete_watch(&self, id: &str, resource: &str) -> Result<()> {
        self.stop_channel(id, resource).await
    }
}
