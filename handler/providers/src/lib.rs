//! Calendar providers behind one trait.
//!
//! # To add another one
//! Make a folder with `mod.rs` (the implementation of [`Provider`]), `wire.rs` (the provider's
//! format, with its names) and `convert.rs` (the only file that knows both formats). Map the
//! answers to [`Error`] by what the caller can do about them. A provider that signs in by OAuth
//! implements [`oauth::OAuthProvider`]. Run the scenarios on a simulator that rejects what the
//! original rejects.

mod by_occurrence;
pub mod caldav;
mod claims_request;
mod error;
mod failure_cause;
pub mod google;
pub mod graph;
mod html;
pub mod http;
mod not_granted;
mod notifications;
pub mod oauth;
mod overlay;
mod watch;

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use engine::calendar::RemoteCalendar;
use engine::change::{Absence, Cursor, Listed, StateTag};
use engine::event::{Event, EventId, Parts};
use engine::fidelity::Fidelity;
use engine::pair::Window;
use jiff::Timestamp;

pub use by_occurrence::ByOccurrence;
pub use claims_request::ClaimsRequest;
pub use engine::write::{Edit, NewCopy};
pub use error::{Error, Result};
pub use failure_cause::FailureCause;
pub use not_granted::{ConsentStep, NotGranted};
pub use notifications::{read_handshake, read_notification, read_notifications};
pub use oauth::RefreshTokenStore;
pub use watch::{
    ActiveWatch, Handshake, LIFECYCLE_PATH, Lifecycle, Notification, NotificationItem,
    NotificationKind, WatchRequest, WatchScope,
};

/// One account at one provider.
///
/// Every method may be repeated: a create that finds its own event returns [`Error::Exists`], and
/// the deletion of a missing event succeeds. No method causes mail to a guest: no organizer or
/// attendee is written, and [`Provider::edit`] and [`Provider::delete`] refuse events in which
/// other people are involved ([`Error::HasGuests`]).
#[async_trait]
pub trait Provider: Send + Sync {
    /// The calendars that hold events, writable or not.
    async fn calendars(&self) -> Result<Vec<RemoteCalendar>>;

    /// The state of several calendars, as cheaply as the provider allows: by one request for all
    /// where possible. The answer has the order of the question.
    async fn collection_states(&self, calendars: &[String]) -> Result<Vec<CollectionState>>;

    /// The changes in a calendar. `state` is the answer of [`Provider::collection_states`] before
    /// this call, and becomes part of the new cursor.
    ///
    /// # Errors
    /// [`Error::CursorExpired`] where the provider no longer knows the cursor: call again with
    /// [`Since::Window`].
    async fn list_changes(
        &self,
        calendar: &str,
        since: Since<'_>,
        state: Option<&StateTag>,
    ) -> Result<ChangeSet>;

    /// Whether the cursor was taken in this state, so that there are no changes to list.
    fn is_current(&self, cursor: &Cursor, state: &StateTag) -> bool;

    /// Whether a cursor that is no longer known is always refused. Some servers list everything
    /// instead, without an error, and leave out what was deleted meanwhile.
    fn rejects_expired_cursor(&self) -> bool {
        false
    }

    /// Requests the calendar alone, and says whether it may be written to. Where a request about
    /// one event fails, the answer shows whether the event or the calendar is the cause.
    ///
    /// # Errors
    /// What is wrong with the calendar, the account or the server.
    async fn ask(&self, calendar: &str) -> Result<Answering>;

    /// Reads events in batches; the answer has every id once, in any order. At most
    /// [`Provider::batch`] ids a call. An event that the server refuses to return does not fail the
    /// others: it is [`Found::Refused`] as long as the calendar answers.
    async fn fetch(&self, calendar: &str, ids: &[EventId]) -> Result<Vec<Fetched>>;

    /// How many ids a [`Provider::fetch`] takes.
    fn batch(&self) -> usize;

    /// How many writes may be under way at once.
    fn parallel_writes(&self) -> usize;

    /// Reads the id alone: the provider's statement that there is no event under it, which is the
    /// evidence that a deletion needs. `None` where there is an event; any failure is an error,
    /// never "gone". [`Provider::find_uid`] finds an event that has another id by now.
    async fn absence(&self, calendar: &str, id: &EventId) -> Result<Option<Absence>>;

    /// As [`Provider::absence`], in the order of the question: occurrences of one series
    /// ([`EventId::in_series`]), of which some providers can say that with few requests.
    async fn absences(&self, calendar: &str, ids: &[EventId]) -> Result<Vec<Option<Absence>>> {
        let mut absences = Vec::with_capacity(ids.len());
        for id in ids {
            absences.push(self.absence(calendar, id).await?);
        }
        Ok(absences)
    }

    /// Whether an event that [`Provider::fetch`] finds is in the calendar. Some providers go on
    /// answering by the id of an event that was deleted or moved to another calendar; there
    /// [`Provider::absence`] decides.
    fn answers_prove_presence(&self) -> bool {
        true
    }

    /// Whether this is a series that is shown by its occurrences, and not by this id any more.
    fn is_shown_by_occurrence(&self, _id: &EventId) -> bool {
        false
    }

    /// The opposite of [`Provider::absence`].
    async fn exists(&self, calendar: &str, id: &EventId) -> Result<bool> {
        Ok(self.absence(calendar, id).await?.is_none())
    }

    /// The event that has this iCalendar UID, by a search, where the provider can search; `None`
    /// where there is none or it cannot. A deleted event is not found. A search that fails is an
    /// error.
    async fn find_uid(&self, _calendar: &str, _uid: &str) -> Result<Option<EventId>> {
        Ok(None)
    }

    /// The id that [`Provider::create`] requests, where the client chooses it: an earlier copy is
    /// found in a listing by this id. Some servers give the copy another id ([`Written::id`]).
    fn id_of_copy(&self, calendar: &str, uid: &str) -> Option<EventId>;

    /// The event for which [`Provider::create`] returned [`Error::Exists`], as far as its name or
    /// its mark shows; the caller checks whose it is. Where the client chooses ids, it follows from
    /// [`Provider::id_of_copy`].
    async fn find_copy(&self, calendar: &str, copy: &NewCopy<'_>) -> Result<Option<EventId>> {
        Ok(self.id_of_copy(calendar, copy.uid))
    }

    /// Creates a copy.
    ///
    /// # Errors
    /// [`Error::Exists`] where there is an event under that name already: fetch it and check
    /// whether it is this copy.
    async fn create(&self, calendar: &str, copy: &NewCopy<'_>) -> Result<Written>;

    /// Replaces a copy as a whole. Only for copies without edits since the last write.
    ///
    /// # Errors
    /// [`Error::ChangedMeanwhile`] where the event no longer has that version; [`Error::Gone`]
    /// where it is not there.
    async fn rewrite(
        &self,
        calendar: &str,
        id: &EventId,
        version: &Version,
        copy: &NewCopy<'_>,
    ) -> Result<Written>;

    /// As [`Provider::rewrite`], of a copy that differs from `copy` in these parts alone. A
    /// provider that can write parts of an event writes no others.
    async fn rewrite_parts(
        &self,
        calendar: &str,
        id: &EventId,
        version: &Version,
        copy: &NewCopy<'_>,
        _parts: &Parts,
    ) -> Result<Written> {
        self.rewrite(calendar, id, version, copy).await
    }

    /// Changes some parts of an event and keeps everything else, byte for byte where the format
    /// allows. Reads the event first, and writes only if it still has `version.etag` (any version,
    /// if that is `None`).
    ///
    /// # Errors
    /// As [`Provider::rewrite`]; [`Error::HasGuests`] where the write could reach other people.
    async fn edit(
        &self,
        calendar: &str,
        id: &EventId,
        version: &Version,
        edit: &Edit<'_>,
    ) -> Result<Written>;

    /// Deletes an event that still has this version; one that is gone already is a success.
    ///
    /// # Errors
    /// [`Error::ChangedMeanwhile`]; [`Error::HasGuests`].
    async fn delete(&self, calendar: &str, id: &EventId, etag: Option<&str>) -> Result<()>;

    /// What a calendar is known to keep as it is written; `None` where the provider's answers
    /// always show the stored event.
    fn fidelity(&self, _calendar: &str) -> Option<Fidelity> {
        None
    }

    /// Restores what [`Provider::fidelity`] returned earlier.
    fn recall(&self, _calendar: &str, _fidelity: &Fidelity) {}

    /// Creates a watch: the provider notifies our webhook of changes until the watch ends. A failed
    /// call is repeated with another id only.
    ///
    /// # Errors
    /// [`Error::NoPush`] where the provider has no watches, or none of this scope.
    async fn create_watch(&self, _request: &WatchRequest<'_>) -> Result<ActiveWatch> {
        Err(Error::NoPush)
    }

    /// Gives a watch a later end. `None` where that is not possible, because the provider cannot
    /// renew a watch or has removed this one: create another one. `resource` is
    /// [`ActiveWatch::resource`].
    async fn renew_watch(
        &self,
        _id: &str,
        _resource: &str,
        _lifetime: Duration,
    ) -> Result<Option<ActiveWatch>> {
        Ok(None)
    }

    /// When a watch ends, according to the provider; `None` where the provider has no such watch
    /// any more. `resource` is [`ActiveWatch::resource`].
    ///
    /// # Errors
    /// [`Error::NoPush`] where the provider cannot say.
    async fn watch_end(&self, _id: &str, _resource: &str) -> Result<Option<Timestamp>> {
        Err(Error::NoPush)
    }

    /// Ends a watch before its time; one that has ended already is a success. `resource` is
    /// [`ActiveWatch::resource`].
    async fn delete_watch(&self, _id: &str, _resource: &str) -> Result<()> {
        Ok(())
    }
}

/// The state of a calendar ([`Provider::collection_states`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CollectionState {
    /// The calendar is there, in this state.
    Tagged(StateTag),
    /// It exists, but the provider has no cheap mark of its state.
    Untagged,
    /// It does not exist any more.
    Missing,
    /// The server does not let this account read it.
    Closed,
}

/// The answer of a calendar that exists ([`Provider::ask`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answering {
    /// Whether the server allows writes, as far as it says.
    pub writable: bool,
}

/// Where a list of changes begins.
#[derive(Clone, Copy, Debug)]
pub enum Since<'a> {
    /// What happened since then.
    Cursor(&'a Cursor),
    /// Everything that lies in the window, and a fresh cursor taken before the listing began.
    Window(Window),
    /// Everything that the calendar holds, and a fresh cursor.
    Everything,
}

/// The answer of [`Provider::list_changes`].
#[derive(Debug)]
pub struct ChangeSet {
    /// What is listed; every id once. The calendar itself and resources other than events are left
    /// out.
    pub listed: Vec<Listed>,
    /// Series whose occurrences are events of their own ([`EventId::in_series`]): all of them that
    /// lie inside the window are listed. What is not listed is gone, or lies outside.
    pub series: Vec<EventId>,
    /// Events whose loop marks the listing leaves out: one that no mapping knows has to be read.
    pub unmarked: BTreeSet<EventId>,
    /// The start of the next list; save it after everything listed was processed.
    pub cursor: Cursor,
}

impl ChangeSet {
    /// A listing of events that have their marks, by a provider that shows series as wholes.
    pub fn new(listed: Vec<Listed>, cursor: Cursor) -> Self {
        Self { listed, series: Vec::new(), unmarked: BTreeSet::new(), cursor }
    }
}

/// One answer of [`Provider::fetch`].
#[derive(Debug)]
pub struct Fetched {
    /// Which event.
    pub id: EventId,
    /// What was found.
    pub found: Found,
}

/// What there is under an id.
#[derive(Debug)]
pub enum Found {
    /// An event.
    Event(Box<Event>),
    /// The provider answered that there is nothing under this id. No evidence for a deletion by
    /// itself.
    NotFound,
    /// Something that is no event (a task, say).
    NoEvent,
    /// The server refuses this id and returns others; the text says what it answered. The event may
    /// exist or not.
    Refused(String),
    /// Something that cannot be read as an event; the text says why and quotes none of its content.
    Unreadable {
        /// Its version, so that it is not read again until it changes.
        etag: Option<String>,
        /// Why, in words for its owner.
        why: String,
    },
}

/// The version that a write is based on.
#[derive(Clone, Debug, Default)]
pub struct Version {
    /// ETag; `None` where the provider gives none.
    pub etag: Option<String>,
    /// SEQUENCE of that version.
    pub sequence: u32,
}

/// The result of a write.
#[derive(Clone, Debug)]
pub struct Written {
    /// The id of the event now, also where the provider has given it another one.
    pub id: EventId,
    /// Its version now.
    pub etag: Option<String>,
    /// Its SEQUENCE now.
    pub sequence: u32,
    /// The event as the provider shows it, where the answer contains it or it was read again.
    pub event: Option<Box<Event>>,
    /// The provider has stored something else than was sent.
    pub rewritten: bool,
    /// It was made, and the provider answers that it is not there.
    pub is_missing: bool,
}

impl Written {
    /// The result for an event that needs no write.
    pub fn as_it_is(event: &Event) -> Self {
        Self {
            id: event.id.clone(),
            etag: event.etag.clone(),
            sequence: event.sequence,
            event: None,
            rewritten: false,
            is_missing: false,
        }
    }
}
