//! Reading events by their ids: fifty at a time, series whole.

use std::collections::{BTreeMap, HashSet};

use engine::event::EventId;

use super::api::{ApiCall, ApiReply, Given};
use super::calendar_info::CalendarInfo;
use super::convert;
use super::errors::GoogleRefusal;
use super::series::{self, SeriesItems};
use super::{GoogleCalendar, wire};
use crate::{Error, FailureCause, Fetched, Found, Result};
use engine::change::Absence;

/// The most pages of one series.
const MAX_PAGES: usize = 4;
const STRANGE: &str = "it is not what Google describes as an event";

/// What the items of one series came to.
pub(super) enum SeriesRead {
    Series {
        whole: Box<SeriesItems>,
        info: CalendarInfo,
        bytes: usize,
    },
    /// The series is not in this calendar; these occurrences of it are.
    Alone {
        items: Vec<wire::WireEvent>,
        info: CalendarInfo,
    },
    /// One of the items cannot be read.
    Unreadable,
    /// Google does not give it.
    Refused(Error),
}

/// What there is under an id.
pub(super) enum GoogleItem {
    /// An event or a series.
    There(Box<SeriesItems>, CalendarInfo),
    /// Nothing, or nothing but a tombstone; its version where there is one.
    Gone { tombstone: Option<String> },
    /// Something that cannot be read.
    Strange { etag: Option<String> },
    /// Google does not give it.
    Refused(Error),
}

impl GoogleCalendar {
    /// Reads events; the answer has every id once.
    pub(super) async fn fetch_events(
        &self,
        calendar: &str,
        ids: &[EventId],
    ) -> Result<Vec<Fetched>> {
        let mut seen = HashSet::new();
        let ids: Vec<&EventId> = ids.iter().filter(|id| seen.insert(id.as_str())).collect();
        let standing = self.read_items(calendar, &ids).await?;
        if !standing.is_empty()
            && standing
                .iter()
                .all(|standing| matches!(standing, GoogleItem::Gone { tombstone: None }))
        {
            // Nothing is there at all: is the calendar?
            match self.missing_error(calendar).await? {
                Error::Gone => {}
                error => return Err(error),
            }
        }
        let mut cause = FailureCause::default();
        let mut answer = Vec::with_capacity(ids.len());
        for (id, standing) in ids.into_iter().zip(standing) {
            let found = match standing {
                GoogleItem::Refused(error) => {
                    Found::Refused(cause.event(self, calendar, error).await?)
                }
                standing => found(standing),
            };
            answer.push(Fetched { id: id.clone(), found });
        }
        Ok(answer)
    }

    /// How Google says that an event is not there, by a read of its own.
    pub(super) async fn read_absence(
        &self,
        calendar: &str,
        id: &EventId,
    ) -> Result<Option<Absence>> {
        match self.read_item(calendar, id).await? {
            GoogleItem::There(whole, _) => {
                Ok((!convert::is_event(&whole.master)).then_some(Absence::NoEvent))
            }
            GoogleItem::Strange { .. } => Ok(None),
            GoogleItem::Refused(error) => Err(error),
            GoogleItem::Gone { tombstone: Some(_) } => Ok(Some(Absence::Cancelled)),
            GoogleItem::Gone { tombstone: None } => match self.missing_error(calendar).await? {
                Error::Gone => Ok(Some(Absence::NotFound)),
                error => Err(error),
            },
        }
    }

    /// What there is under one id.
    pub(super) async fn read_item(&self, calendar: &str, id: &EventId) -> Result<GoogleItem> {
        let mut standing = self.read_items(calendar, &[id]).await?;
        standing
            .pop()
            .ok_or_else(|| Error::BadAnswer("Google did not answer for this event".into()))
    }

    /// What there is under each id, in the order of the ids.
    async fn read_items(&self, calendar: &str, ids: &[&EventId]) -> Result<Vec<GoogleItem>> {
        let urls = ids
            .iter()
            .map(|id| self.api.addresses.event(calendar, id.as_str()))
            .collect::<Result<Vec<_>>>()?;
        let mut all = Vec::with_capacity(ids.len());
        // By the ids of the series that have to be read whole, their UIDs.
        let mut masters = BTreeMap::new();
        for reply in self.api.read_all(urls).await? {
            let standing = match reply {
                Ok(ApiReply::Given(given)) => item_of(&given, self.info(calendar))?,
                Ok(ApiReply::Refused(refusal)) if refusal.is_gone() => {
                    GoogleItem::Gone { tombstone: None }
                }
                Ok(ApiReply::Refused(refusal)) => GoogleItem::Refused(one(refusal)?),
                Err(error) => GoogleItem::Refused(error),
            };
            if let GoogleItem::There(whole, _) = &standing {
                let item = &whole.master;
                if item.is_master() {
                    masters.insert(item.id.clone(), item.i_cal_uid.clone());
                } else if let Some(master) = &item.recurring_event_id {
                    masters.insert(master.clone(), item.i_cal_uid.clone());
                }
            }
            all.push(standing);
        }
        if masters.is_empty() {
            return Ok(all);
        }
        let series: BTreeMap<String, SeriesRead> =
            self.read_series(calendar, masters.into_iter().collect()).await?.into_iter().collect();
        for standing in &mut all {
            let GoogleItem::There(whole, _) = standing else { continue };
            let id = whole.master.id.clone();
            let is_exception = whole.master.recurring_event_id.is_some();
            if !is_exception && !whole.master.is_master() {
                // Not part of a series.
                continue;
            }
            let etag = whole.master.etag.clone();
            match series.get(whole.master.recurring_event_id.as_ref().unwrap_or(&id)) {
                // A part of a series is no event of its own.
                Some(SeriesRead::Series { .. } | SeriesRead::Unreadable) if is_exception => {
                    *standing = GoogleItem::Gone { tombstone: etag }
                }
                Some(SeriesRead::Series { whole, info, .. }) => {
                    *standing = GoogleItem::There(whole.clone(), info.clone())
                }
                Some(SeriesRead::Unreadable) => *standing = GoogleItem::Strange { etag: None },
                Some(SeriesRead::Refused(error)) => *standing = GoogleItem::Refused(error.clone()),
                Some(SeriesRead::Alone { .. }) | None if is_exception => {}
                Some(SeriesRead::Alone { .. }) | None => {
                    *standing = GoogleItem::Gone { tombstone: etag }
                }
            }
        }
        Ok(all)
    }

    /// Series by the ids of their masters, and by their UIDs where those are known. What is not
    /// there at all is left out.
    pub(super) async fn read_series(
        &self,
        calendar: &str,
        wanted: Vec<(String, Option<String>)>,
    ) -> Result<Vec<(String, SeriesRead)>> {
        let (named, unnamed): (Vec<_>, Vec<_>) =
            wanted.into_iter().partition(|(_, uid)| uid.is_some());
        let mut named: Vec<(String, String)> =
            named.into_iter().filter_map(|(id, uid)| Some((id, uid?))).collect();
        let mut all = Vec::new();
        let urls = unnamed
            .iter()
            .map(|(id, _)| self.api.addresses.event(calendar, id))
            .collect::<Result<Vec<_>>>()?;
        for ((id, _), reply) in unnamed.into_iter().zip(self.api.read_all(urls).await?) {
            match reply {
                Ok(ApiReply::Given(given)) => {
                    named.extend(given.json::<wire::ItemHead>()?.i_cal_uid.map(|uid| (id, uid)))
                }
                Ok(ApiReply::Refused(refusal)) if refusal.is_gone() => {}
                Ok(ApiReply::Refused(refusal)) => {
                    all.push((id, SeriesRead::Refused(one(refusal)?)))
                }
                Err(error) => all.push((id, SeriesRead::Refused(error))),
            }
        }
        let urls = named
            .iter()
            .map(|(_, uid)| self.series_url(calendar, uid, None))
            .collect::<Result<Vec<_>>>()?;
        let replies = self.api.read_all(urls).await?;
        for ((id, uid), reply) in named.into_iter().zip(replies) {
            let first = match reply {
                Ok(ApiReply::Given(given)) => given,
                Ok(ApiReply::Refused(refusal)) if refusal.is_gone() => {
                    return Err(Error::CalendarMissing);
                }
                Ok(ApiReply::Refused(refusal)) => {
                    all.push((id, SeriesRead::Refused(one(refusal)?)));
                    continue;
                }
                Err(error) => {
                    all.push((id, SeriesRead::Refused(error)));
                    continue;
                }
            };
            let read = self.pages(calendar, &id, &uid, first).await?;
            all.push((id, read));
        }
        Ok(all)
    }

    /// The event that has this iCalendar UID: a master before its exceptions.
    pub(super) async fn search_uid(&self, calendar: &str, uid: &str) -> Result<Option<EventId>> {
        if uid.is_empty() {
            return Ok(None);
        }
        let (mut page_token, mut occurrence) = (None, None);
        for _ in 0..MAX_PAGES {
            let mut parameters = vec![("iCalUID", uid), ("showDeleted", "false")];
            parameters.extend(page_token.as_deref().map(|token| ("pageToken", token)));
            let given = match self
                .api
                .call(&ApiCall::list(self.api.addresses.list(calendar, &parameters)?))
                .await?
            {
                ApiReply::Given(given) => given,
                ApiReply::Refused(refusal) if refusal.is_gone() => {
                    return Err(Error::CalendarMissing);
                }
                ApiReply::Refused(refusal) => return Err(refusal.error()),
            };
            let page: wire::Events = given.json()?;
            let heads = page
                .items
                .iter()
                .filter_map(|item| serde_json::from_str::<wire::ItemHead>(item.get()).ok());
            // Cancelled occurrences are listed also where tombstones were not asked for.
            for head in heads.filter(|head| {
                !head.id.is_empty() && head.status.as_deref() != Some(wire::CANCELLED)
            }) {
                match head.recurring_event_id {
                    None => return Ok(Some(EventId::new(head.id))),
                    Some(_) => occurrence = occurrence.or_else(|| Some(EventId::new(head.id))),
                }
            }
            page_token = page.next_page_token;
            if page_token.is_none() {
                return Ok(occurrence);
            }
        }
        Err(Error::BadAnswer("Google's list of the events of one UID has no end".into()))
    }

    fn series_url(&self, calendar: &str, uid: &str, page: Option<&str>) -> Result<url::Url> {
        let mut parameters = vec![("iCalUID", uid), ("showDeleted", "true")];
        parameters.extend(page.map(|token| ("pageToken", token)));
        self.api.addresses.list(calendar, &parameters)
    }

    async fn pages(&self, calendar: &str, id: &str, uid: &str, first: Given) -> Result<SeriesRead> {
        let mut given = first;
        let (mut items, mut bytes, mut readable) = (Vec::new(), 0, true);
        for _ in 0..MAX_PAGES {
            bytes += given.body.len();
            let page: wire::Events = given.json()?;
            for item in &page.items {
                match serde_json::from_str::<wire::WireEvent>(item.get()) {
                    Ok(item) => items.push(item),
                    Err(_) => readable = false,
                }
            }
            let info = CalendarInfo::of(&page);
            let Some(token) = page.next_page_token else {
                if !readable {
                    return Ok(SeriesRead::Unreadable);
                }
                let (whole, items) = series::join(id, items);
                return Ok(match whole {
                    Some(whole) => SeriesRead::Series { whole: Box::new(whole), info, bytes },
                    None => SeriesRead::Alone { items, info },
                });
            };
            given = self
                .api
                .call(&ApiCall::list(self.series_url(calendar, uid, Some(&token))?))
                .await?
                .given()?;
        }
        Ok(SeriesRead::Unreadable)
    }
}

/// A refusal that may be about one event.
fn one(refusal: GoogleRefusal) -> Result<Error> {
    let error = refusal.error();
    if error.may_concern_one_event() { Ok(error) } else { Err(error) }
}

fn item_of(given: &Given, info: CalendarInfo) -> Result<GoogleItem> {
    let head: wire::ItemHead = given.json()?;
    if head.status.as_deref() == Some(wire::CANCELLED) {
        return Ok(GoogleItem::Gone { tombstone: head.etag.or(Some(String::new())) });
    }
    Ok(match given.json::<wire::WireEvent>() {
        Ok(item) => GoogleItem::There(Box::new(SeriesItems::alone(item)), info),
        Err(_) => GoogleItem::Strange { etag: head.etag },
    })
}

fn found(standing: GoogleItem) -> Found {
    match standing {
        GoogleItem::There(whole, _) if !convert::is_event(&whole.master) => Found::NoEvent,
        GoogleItem::There(whole, info) => match whole.event(info.context()) {
            Ok(event) => Found::Event(Box::new(event)),
            Err(why) => Found::Unreadable { etag: whole.version(), why: why.0 },
        },
        GoogleItem::Gone { .. } => Found::NotFound,
        GoogleItem::Strange { etag } => Found::Unreadable { etag, why: STRANGE.into() },
        GoogleItem::Refused(error) => Found::Refused(error.said()),
    }
}
