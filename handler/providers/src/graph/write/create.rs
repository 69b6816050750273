//! Creates copies.
//!
//! A second request with one `transactionId` never makes a second event. It is answered in one of
//! three ways: with the first event as if it were new, or with 400 or 409, which may name the first
//! event or not. The first event may also lie among the deleted ones by now; then its
//! `transactionId` is used up, and another name is needed.

use std::ops::Range;

use engine::event::{Draft, EventId};
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;

use super::super::api::ApiReply;
use super::super::convert::{self, WriteContext};
use super::super::item::{GraphItem, WholeItem};
use super::super::pages::{Walk, wider};
use super::super::wire::{self, WireEvent};
use super::super::{GraphCalendar, ids};
use super::occurrence::OTHER_OCCURRENCES;
use super::{Wanted, anchored};
use crate::overlay::is_same_copy;
use crate::{Error, NewCopy, Result, Written};

/// An event that is that much older than the answer was not created by the request. A new one that
/// is taken for an old one costs some reads.
const FRESH: SignedDuration = SignedDuration::from_secs(10);

/// The service may save a new event once more at once.
const AT_ONCE: SignedDuration = SignedDuration::from_secs(2);

const NOT_MADE: &str = "Microsoft answers that there is no place for it, and shows its calendar";

/// Where the events of one mark are.
enum FirstEvent {
    /// In the calendar.
    Here(EventId),
    /// In none, or in another one.
    NotHere,
}

impl GraphCalendar {
    /// Makes a copy.
    pub(in super::super) async fn create_copy(
        &self,
        calendar: &str,
        copy: &NewCopy<'_>,
    ) -> Result<Written> {
        let draft = anchored(copy.draft);
        let transaction = ids::transaction(copy.uid);
        let range = self.range_of(calendar, &draft, copy.now);
        let make = |context: &WriteContext<'_>| {
            convert::create(&draft, copy.marker, &transaction, context)
        };
        let url = self.api.addresses.create(calendar)?;
        let item: WireEvent = match self.send(Method::POST, &url, None, &range, &make).await? {
            ApiReply::Given(given) => given.json()?,
            ApiReply::Refused(refusal) if refusal.is_repeated() => {
                let named = refusal.existing_event().map(str::to_owned);
                return Err(self.repeated(calendar, copy, &draft, &range, named).await?);
            }
            ApiReply::Refused(refusal) if refusal.is_gone() => {
                return Err(match self.missing_error(calendar).await? {
                    // The calendar answers, so it is this event.
                    Error::Gone => Error::Refused(NOT_MADE.into()),
                    error => error,
                });
            }
            ApiReply::Refused(refusal) => return Err(refusal.error()),
        };
        if self.is_older(&item, copy.now) {
            let named = Some(item.id.clone());
            return Err(self.repeated(calendar, copy, &draft, &range, named).await?);
        }
        let id = EventId::new(item.id.as_str());
        self.learn_copy(&transaction, id);
        if !draft.series.as_ref().is_some_and(convert::repeats) {
            let whole = WholeItem::alone(item);
            let nothing = Wanted::Only(Default::default());
            return self.finish(calendar, whole, &draft, nothing, Some(copy.marker), &range).await;
        }
        let Some(instances) = self.matching_instances(&item.id, &draft, &range).await? else {
            self.remove(calendar, &item).await?;
            return Err(Error::NotRepresentable(OTHER_OCCURRENCES.into()));
        };
        let (id, whole) = (item.id.clone(), WholeItem::alone(item));
        let wanted = Wanted::Among(instances);
        match self.finish(calendar, whole, &draft, wanted, Some(copy.marker), &range).await {
            // Nothing of it stays.
            Err(error @ (Error::NotRepresentable(_) | Error::Refused(_))) => {
                if let GraphItem::There(whole) = self.read_plain(&id).await? {
                    self.remove(calendar, &whole.item).await?;
                }
                Err(error)
            }
            outcome => outcome,
        }
    }

    /// Whether an event was there before the request that is answered with it: it is older, or has
    /// been changed since it was created. A deletion is such a change.
    fn is_older(&self, item: &WireEvent, now: Timestamp) -> bool {
        let instant = |text: &Option<String>| text.as_deref()?.parse::<Timestamp>().ok();
        let Some(created) = instant(&item.created_date_time) else { return false };
        let changed = instant(&item.last_modified_date_time).unwrap_or(created);
        // The clocks of both sides: whichever is behind.
        let now = self.api.server_time().map_or(now, |server| server.min(now));
        now.duration_since(created) > FRESH || changed.duration_since(created) > AT_ONCE
    }

    /// The instances of a new series in a range; `None` where they are others than its rule gives.
    async fn matching_instances(
        &self,
        id: &str,
        draft: &Draft,
        range: &Range<Timestamp>,
    ) -> Result<Option<Vec<WireEvent>>> {
        match self.instances(id, &wider(range.start, range.end)).await? {
            Ok(items) => {
                let same = convert::has_instances(draft, &items, range)
                    .map_err(|why| Error::Refused(why.to_string()))?;
                Ok(same.then_some(items))
            }
            Err(GraphItem::Refused(error)) => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// What is said of a create that was made before: [`Error::Exists`] where its event is in the
    /// calendar.
    async fn repeated(
        &self,
        calendar: &str,
        copy: &NewCopy<'_>,
        draft: &Draft,
        range: &Range<Timestamp>,
        named: Option<String>,
    ) -> Result<Error> {
        if let Some(id) = named {
            self.learn_copy(&ids::transaction(copy.uid), EventId::new(id));
        }
        match self.first_event(calendar, copy).await? {
            FirstEvent::Here(id) => {
                // A create that was interrupted may not have compared its occurrences.
                if draft.series.is_some()
                    && let GraphItem::There(whole) = self.read_item(id.as_str()).await?
                    && whole.exceptions.is_empty()
                    && whole.item.cancelled_occurrences.is_empty()
                    && self.shows_rule_of(&whole, calendar, draft)
                    && self.matching_instances(id.as_str(), draft, range).await?.is_none()
                {
                    self.remove(calendar, &whole.item).await?;
                    return Ok(Error::NotRepresentable(OTHER_OCCURRENCES.into()));
                }
                Ok(Error::Exists)
            }
            FirstEvent::NotHere => Ok(Error::NameRefused(Box::new(Error::Refused(
                "Microsoft has made this event before, and does not show it any more".into(),
            )))),
        }
    }

    /// Whether a series has the rule and the time of a draft; only then its occurrences should be
    /// the same.
    fn shows_rule_of(&self, whole: &WholeItem, calendar: &str, draft: &Draft) -> bool {
        let owner = self.owner();
        whole.event(self.context(calendar, &owner)).is_ok_and(|event| {
            convert::same_span(&event.content.span, &draft.content.span)
                && event.series.map(|series| series.rules)
                    == draft.series.as_ref().map(|series| series.rules.clone())
        })
    }

    /// The event that was created under the name of a copy, if it is in the calendar.
    pub(in super::super) async fn find_first(
        &self,
        calendar: &str,
        copy: &NewCopy<'_>,
    ) -> Result<Option<EventId>> {
        match self.first_event(calendar, copy).await? {
            FirstEvent::Here(id) => Ok(Some(id)),
            FirstEvent::NotHere => Ok(None),
        }
    }

    async fn first_event(&self, calendar: &str, copy: &NewCopy<'_>) -> Result<FirstEvent> {
        let transaction = ids::transaction(copy.uid);
        let mut candidates: Vec<String> =
            self.known_copy(&transaction).into_iter().map(|id| id.as_str().to_owned()).collect();
        if candidates.is_empty() {
            candidates = self.marked_events(copy.marker, &transaction).await?;
        }
        for id in candidates {
            match self.read_plain(&id).await? {
                GraphItem::There(whole) if self.is_in_calendar(calendar, &whole.item).await? => {
                    let id = EventId::new(id);
                    self.learn_copy(&transaction, id.clone());
                    return Ok(FirstEvent::Here(id));
                }
                GraphItem::Refused(error) => return Err(error),
                GraphItem::There(_) | GraphItem::Gone | GraphItem::Strange { .. } => {}
            }
        }
        Ok(FirstEvent::NotHere)
    }

    /// Events of the mailbox with a mark of the same mapping. Its search compares without regard to
    /// case, and a mark that was made with another key names the mapping too.
    async fn marked_events(&self, marker: &str, transaction: &str) -> Result<Vec<String>> {
        let mut found = Vec::new();
        let mut note = |json: &serde_json::value::RawValue| {
            let Ok(item) = serde_json::from_str::<WireEvent>(json.get()) else { return };
            let is_copy = item.transaction_id.as_deref() == Some(transaction)
                || item
                    .extended_property(wire::MARKER)
                    .is_some_and(|mark| is_same_copy(mark.trim(), marker));
            if is_copy && !item.id.is_empty() {
                found.push(item.id);
            }
        };
        match self.walk(self.api.addresses.marked(marker)?, &mut note).await? {
            Walk::Read => Ok(found),
            Walk::Refused(refusal) => Err(refusal.error()),
        }
    }

    /// The event that has this iCalendar UID; Microsoft gives copies UIDs of its own.
    pub(in super::super) async fn search_uid(
        &self,
        calendar: &str,
        uid: &str,
    ) -> Result<Option<EventId>> {
        if uid.is_empty() {
            return Ok(None);
        }
        let mut found: Vec<WireEvent> = Vec::new();
        let mut note = |json: &serde_json::value::RawValue| {
            if let Ok(item) = serde_json::from_str::<WireEvent>(json.get())
                && item.i_cal_uid.as_deref() == Some(uid)
            {
                found.push(item);
            }
        };
        match self.walk(self.api.addresses.with_uid(uid)?, &mut note).await? {
            Walk::Read => {}
            // It cannot search by UID.
            Walk::Refused(refusal) if refusal.status.as_u16() == 400 => return Ok(None),
            Walk::Refused(refusal) => return Err(refusal.error()),
        }
        for item in found {
            // A series that this program did not write is no event.
            let is_event = !item.is_master() || item.extended_property(wire::MARKER).is_some();
            if is_event && self.is_in_calendar(calendar, &item).await? {
                return Ok(Some(EventId::new(item.id)));
            }
        }
        Ok(None)
    }
}
