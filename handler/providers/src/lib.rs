//! Calendar providers behind one trait.
//!
//! # To add another one
//! Make a folder with `mod.rs` (its [`Provider`]), `wire.rs` (its format, named as it names things)
//! and `convert.rs` (the only file that knows both languages); map its answers to [`Error`] by what
//! the caller can do about them; run the scenarios on a simulator that rejects what the original
//! rejects.

mod blame;
pub mod caldav;
mod error;
pub mod google;
pub mod http;
pub mod oauth;
mod watch;

use std::time::Duration;

use async_trait::async_trait;
use engine::calendar::RemoteCalendar;
use engine::change::{Cursor, Listed, StateTag};
use engine::event::{Event, EventId};
use engine::fidelity::Fidelity;
use engine::pair::Window;

pub use blame::Blame;
pub use engine::write::{Edit, NewCopy};
pub use error::{Error, Result};
pub use oauth::RefreshTokenStore;
pub use watch::{ActiveWatch, Lifecycle, Notification, NotificationKind, WatchRequest, WatchScope};

/// One account at one provider.
///
/// Every method may be repeated: a create that finds its own event says [`Error::Exists`], a delete
/// of what is gone succeeds. No method ever lets a guest be mailed: no organizer or attendee is
/// written, and [`Provider::edit`] and [`Provider::delete`] refuse events in which other people are
/// involved ([`Error::HasGuests`]).
#[async_trait]
pub trait Provider: Send + Sync {
    /// The calendars that hold events, writable or not.
    async fn calendars(&self) -> Result<Vec<RemoteCalendar>>;

    /// The state of several calendars, as cheaply as the provider allows: one request for all where
    /// it can be had. The answer stands in the order of the question.
    async fn collection_states(&self, calendars: &[String]) -> Result<Vec<CollectionState>>;

    /// What happened in a calendar. `tip` is what [`Provider::glance`] said before this call, and
    /// becomes part of the new cursor.
    ///
    /// # Errors
    /// [`Error::CursorExpired`] where the provider no longer knows the cursor: ask again with
    /// [`Since::Window`].
    async fn list_changes(
        &self,
        calendar: &str,
        since: Since<'_>,
        tip: Option<&StateTag>,
    ) -> Result<ChangeSet>;

    /// Whether the cursor was taken at this tip, so that there is nothing to survey.
    fn is_current(&self, cursor: &Cursor, tip: &StateTag) -> bool;

    /// Whether a cursor that is no longer known is always refused. Some servers list everything
    /// instead, without a word, and leave out what was deleted meanwhile.
    fn rejects_expired_cursor(&self) -> bool {
        false
    }

    /// Whether the calendar answers, by a request that is about nothing else, and whether it may be
    /// written to. Where a request about one event fails, this tells whose failure it is.
    ///
    /// # Errors
    /// What is wrong with the calendar, the account or the server.
    async fn ask(&self, calendar: &str) -> Result<Answering>;

    /// Reads events in batches; the answer has every id once, in any order. At most
    /// [`Provider::batch`] ids a call. What the server refuses to give of one of them spoils no
    /// other: it is [`Found::Refused`] as long as the calendar answers.
    async fn fetch(&self, calendar: &str, ids: &[EventId]) -> Result<Vec<Fetched>>;

    /// How many ids a [`Provider::fetch`] takes.
    fn batch(&self) -> usize;

    /// How many writes may be under way at once.
    fn parallel_writes(&self) -> usize;

    /// How the provider says that there is no event under this id, by a read of its own: the
    /// evidence that a deletion needs. None where there is one; any failure is an error, never
    /// "gone". Whether it has another id by now, [`Provider::find_uid`] tells.
    async fn absence(&self, calendar: &str, id: &EventId) -> Result<Option<Absence>>;

    /// The opposite of [`Provider::absence`].
    async fn exists(&self, calendar: &str, id: &EventId) -> Result<bool> {
        Ok(self.absence(calendar, id).await?.is_none())
    }

    /// The event that has this iCalendar UID, by a search, where the provider can search; `None`
    /// where there is none or it cannot. What was deleted is no event. A search that fails is an
    /// error.
    async fn find_uid(&self, _calendar: &str, _uid: &str) -> Result<Option<EventId>> {
        Ok(None)
    }

    /// The id that [`Provider::create`] asks for, where we choose it: by it an earlier copy is
    /// found again in a listing. Some servers give another, which [`Written::id`] says.
    fn id_of_copy(&self, calendar: &str, uid: &str) -> Option<EventId>;

    /// Makes a copy.
    ///
    /// # Errors
    /// [`Error::Exists`] where an event stands under that name already: fetch it and see whether it
    /// is ours.
    async fn create(&self, calendar: &str, copy: &NewCopy<'_>) -> Result<Written>;

    /// Writes a copy anew, whole. Only for copies that nobody has edited since our last write.
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

    /// Changes some parts of an event and keeps everything else as it stands, byte for byte where
    /// the format allows. Reads the event first, and writes only if it still has `version.etag`
    /// (any version, if that is `None`).
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

    /// Reminds the provider of what [`Provider::fidelity`] said earlier.
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

    /// Ends a watch before its time; one that has ended already is a success. `resource` is
    /// [`ActiveWatch::resource`].
    async fn delete_watch(&self, _id: &str, _resource: &str) -> Result<()> {
        Ok(())
    }
}

/// What [`Provider::glance`] saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CollectionState {
    /// The calendar is there, in this state.
    Tagged(StateTag),
    /// It is there, but the provider has no cheap mark of its state.
    Untagged,
    /// It is not there any more, or not for us.
    Missing,
}

/// What [`Provider::ask`] heard from a calendar that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answering {
    /// It may be written to, as far as it says.
    pub writable: bool,
}

/// Where a survey begins.
#[derive(Clone, Copy, Debug)]
pub enum Since<'a> {
    /// What happened since then.
    Cursor(&'a Cursor),
    /// Everything that lies in the window, and a fresh cursor taken before the listing began.
    Window(Window),
    /// The same without a window: everything that the calendar holds.
    Everything,
}

/// The answer to [`Provider::survey`].
#[derive(Debug)]
pub struct ChangeSet {
    /// What is listed; every id once. The calendar itself and whatever is no event are left out.
    pub listed: Vec<Listed>,
    /// Where to go on next time; save it when everything listed has been dealt with.
    pub cursor: Cursor,
}

/// One answer of [`Provider::fetch`].
#[derive(Debug)]
pub struct Fetched {
    /// Which event.
    pub id: EventId,
    /// What was found.
    pub found: Found,
}

/// What stands under an id.
#[derive(Debug)]
pub enum Found {
    /// An event.
    Event(Box<Event>),
    /// The provider answered for this id that nothing is there. No evidence for a deletion by
    /// itself.
    NotFound,
    /// Something that is no event (a task, say).
    NoEvent,
    /// The server does not give it, and gives others; the words say what it answered. Says nothing
    /// of whether it is there.
    Refused(String),
    /// Something that cannot be read as an event; the words say why and quote none of its content.
    Unreadable {
        /// Its version, so that it is not read again until it changes.
        etag: Option<String>,
        /// Why, in words for its owner.
        why: String,
    },
}

/// How a provider says that there is no event under an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// It knows nothing under this id (404 or 410), and the calendar answers.
    NotFound,
    /// It names the event as deleted.
    Cancelled,
    /// Something that is no event has the id.
    NoEvent,
}

/// The version that a write is based on.
#[derive(Clone, Debug, Default)]
pub struct Version {
    /// ETag; `None` where the provider gives none.
    pub etag: Option<String>,
    /// SEQUENCE of that version.
    pub sequence: u32,
}

/// What a write left behind.
#[derive(Clone, Debug)]
pub struct Written {
    /// The id of the event: the one that it has now, should the provider have given it another.
    pub id: EventId,
    /// Its version now.
    pub etag: Option<String>,
    /// Its SEQUENCE now.
    pub sequence: u32,
    /// The event as the provider shows it, where its answer says so, or where it had to be read
    /// again.
    pub event: Option<Box<Event>>,
    /// The provider has changed it on its way in.
    pub rewritten: bool,
}

impl Written {
    /// Of an event that shows already what it should.
    pub fn as_it_is(event: &Event) -> Self {
        Self {
            id: event.id.clone(),
            etag: event.etag.clone(),
            sequence: event.sequence,
            event: None,
            rewritten: false,
        }
    }
}
