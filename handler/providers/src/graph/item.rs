//! What there is under an id: an event, or a series with its exceptions.

use engine::event::Event;
use engine::marker::MappingId;
use ical::Unreadable;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::GraphCalendar;
use super::address::is_segment;
use super::api::{ApiCall, ApiReply, Given};
use super::convert::{self, EventContext};
use super::errors::GraphRefusal;
use super::pages::Walk;
use super::wire::{self, WireEvent};
use crate::{Error, Result};

/// Said of an event that is not what Microsoft describes.
pub(super) const STRANGE: &str = "it is not what Microsoft describes as an event";

/// An event or a series as it was read.
#[derive(Clone)]
pub(super) struct WholeItem {
    pub item: WireEvent,
    /// Of a series: the occurrences that depart from it.
    pub exceptions: Vec<WireEvent>,
    /// All exceptions could be read.
    is_readable: bool,
}

/// What there is under an id, in whichever calendar of the mailbox.
pub(super) enum GraphItem {
    There(Box<WholeItem>),
    /// 404.
    Gone,
    /// Something that cannot be read.
    Strange {
        etag: Option<String>,
    },
    /// Microsoft does not give it.
    Refused(Error),
}

/// The exceptions in an answer about a series.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Exceptions {
    #[serde(rename = "exceptionOccurrences")]
    exceptions: Option<Vec<Box<RawValue>>>,
    #[serde(rename = "exceptionOccurrences@odata.nextLink")]
    next_link: Option<String>,
}

impl WholeItem {
    /// A single event, or a series whose exceptions are not needed.
    pub(super) fn alone(item: WireEvent) -> Self {
        Self { item, exceptions: Vec::new(), is_readable: true }
    }

    /// As an event of the engine, a series as one.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(super) fn event(&self, context: EventContext<'_>) -> Result<Event, Unreadable> {
        if !self.is_readable {
            return Err(Unreadable("one of its exceptions cannot be read".into()));
        }
        if self.item.is_master() {
            convert::series(&self.item, &self.exceptions, context)
        } else {
            convert::event(&self.item, context)
        }
    }

    /// Whether this program has written it.
    pub(super) fn is_marked(&self) -> bool {
        self.item.extended_property(wire::MARKER).is_some()
    }
}

impl GraphCalendar {
    /// Reads an event by its id; a series with its exceptions, by one request more.
    pub(super) async fn read_item(&self, id: &str) -> Result<GraphItem> {
        if is_no_id(id) {
            return Ok(GraphItem::Gone);
        }
        let item = match self.api.call(&ApiCall::get(self.api.addresses.event(id)?)).await? {
            ApiReply::Given(given) => item_of(&given)?,
            ApiReply::Refused(refusal) => return refused(refusal),
        };
        match item {
            GraphItem::There(whole) if whole.item.is_master() => self.read_master(id).await,
            item => Ok(item),
        }
    }

    /// Reads what is a series, as far as is known, with its exceptions.
    pub(super) async fn read_master(&self, id: &str) -> Result<GraphItem> {
        if !is_segment(id) {
            return Ok(GraphItem::Gone);
        }
        let given = match self.api.call(&ApiCall::get(self.api.addresses.master(id)?)).await? {
            ApiReply::Given(given) => given,
            ApiReply::Refused(refusal) => return refused(refusal),
        };
        let GraphItem::There(mut whole) = item_of(&given)? else { return item_of(&given) };
        let Exceptions { exceptions, next_link } = given.json()?;
        for item in exceptions.unwrap_or_default() {
            whole.add_exception(&item);
        }
        if let Some(link) = next_link {
            let url = self.api.addresses.link(&link)?;
            match self.walk(url, &mut |item| whole.add_exception(item)).await? {
                Walk::Read => {}
                Walk::Refused(refusal) => return refused(refusal),
            }
        }
        Ok(GraphItem::There(whole))
    }
}

/// Whether an id is the UID of a copy, which replaces the id of a copy whose creation was not
/// answered, or no id at all: Microsoft chooses ids, so nothing has this one.
pub(super) fn is_no_id(id: &str) -> bool {
    MappingId::of_uid(id).is_some() || !is_segment(id)
}

impl WholeItem {
    fn add_exception(&mut self, json: &RawValue) {
        match serde_json::from_str(json.get()) {
            Ok(item) => self.exceptions.push(item),
            Err(_) => self.is_readable = false,
        }
    }
}

/// A refusal that may be about one event.
pub(super) fn refused(refusal: GraphRefusal) -> Result<GraphItem> {
    if refusal.is_gone() {
        return Ok(GraphItem::Gone);
    }
    one(refusal.error()).map(GraphItem::Refused)
}

/// An error that may be about one event; any other is the caller's.
pub(super) fn one(error: Error) -> Result<Error> {
    if error.may_concern_one_event() { Ok(error) } else { Err(error) }
}

fn item_of(given: &Given) -> Result<GraphItem> {
    let head: wire::ItemHead = given.json()?;
    Ok(match given.json::<WireEvent>() {
        Ok(item) => GraphItem::There(Box::new(WholeItem::alone(item))),
        Err(_) => GraphItem::Strange { etag: head.etag },
    })
}
