//! Reading events by their ids: fifty at a time, series whole.

use std::collections::{BTreeMap, HashSet};

use engine::event::EventId;

use super::api::{Call, Given, Reply};
use super::convert;
use super::errors::Refusal;
use super::known::Manner;
use super::series::{self, Whole};
use super::{Client, wire};
use crate::{Absence, Blame, Error, Fetched, Found, Result};

/// The most pages of one series.
const MAX_PAGES: usize = 4;
const STRANGE: &str = "it is not what Google describes as an event";

/// What the items of one series came to.
pub(super) enum Read {
    Series {
        whole: Box<Whole>,
        manner: Manner,
        bytes: usize,
    },
    /// The series is not in this calendar; these occurrences of it are.
    Alone {
        items: Vec<wire::Event>,
        manner: Manner,
    },
    /// One of the items cannot be read.
    Unreadable,
    /// Google does not give it.
    Refused(Error),
}

/// What stands under an id.
pub(super) enum Standing {
    /// An event or a series.
    There(Box<Whole>, Manner),
    /// Nothing, or nothing but a tombstone; its version where there is one.
    Gone { tombstone: Option<String> },
    /// Something that cannot be read.
    Strange { etag: Option<String> },
    /// Google does not give it.
    Refused(Error),
}

impl Client {
    /// Reads events; the answer has every id once.
    pub(super) async fn read(&self, calendar: &str, ids: &[EventId]) -> Result<Vec<Fetched>> {
        let mut seen = HashSet::new();
        let ids: Vec<&EventId> = ids.iter().filter(|id| seen.insert(id.as_str())).collect();
        let standing = self.standing(calendar, &ids).await?;
        if !standing.is_empty()
            && standing
                .iter()
                .all(|standing| matches!(standing, Standing::Gone { tombstone: None }))
        {
            // Nothing is there at all: is the calendar?
            match self.gone(calendar).await? {
                Error::Gone => {}
                error => return Err(error),
            }
        }
        let mut blame = Blame::default();
        let mut answer = Vec::with_capacity(ids.len());
        for (id, standing) in ids.into_iter().zip(standing) {
            let found = match standing {
                Standing::Refused(error) => {
                    Found::Refused(blame.event(self, calendar, error).await?)
                }
                standing => found(standing),
            };
            answer.push(Fetched { id: id.clone(), found });
        }
        Ok(answer)
    }

    /// How Google says that an event is not there, by a read of its own.
    pub(super) async fn is_gone(&self, calendar: &str, id: &EventId) -> Result<Option<Absence>> {
        match self.stands(calendar, id).await? {
            Standing::There(whole, _) => {
                Ok((!convert::is_event(&whole.master)).then_some(Absence::NoEvent))
            }
            Standing::Strange { .. } => Ok(None),
            Standing::Refused(error) => Err(error),
            Standing::Gone { tombstone: Some(_) } => Ok(Some(Absence::Cancelled)),
            Standing::Gone { tombstone: None } => match self.gone(calendar).await? {
                Error::Gone => Ok(Some(Absence::NotFound)),
                error => Err(error),
            },
        }
    }

    /// What stands under one id.
    pub(super) async fn stands(&self, calendar: &str, id: &EventId) -> Result<Standing> {
        let mut standing = self.standing(calendar, &[id]).await?;
        standing
            .pop()
            .ok_or_else(|| Error::BadAnswer("Google did not answer for this event".into()))
    }

    /// What stands under each id, in the same order.
    async fn standing(&self, calendar: &str, ids: &[&EventId]) -> Result<Vec<Standing>> {
        let urls = ids
            .iter()
            .map(|id| self.api.addresses.event(calendar, id.as_str()))
            .collect::<Result<Vec<_>>>()?;
        let mut all = Vec::with_capacity(ids.len());
        // By the ids of the series that have to be read whole, their UIDs.
        let mut masters = BTreeMap::new();
        for reply in self.api.read_all(urls).await? {
            let standing = match reply {
                Ok(Reply::Given(given)) => standing(&given, self.manner(calendar))?,
                Ok(Reply::Refused(refusal)) if refusal.is_gone() => {
                    Standing::Gone { tombstone: None }
                }
                Ok(Reply::Refused(refusal)) => Standing::Refused(one(refusal)?),
                Err(error) => Standing::Refused(error),
            };
            if let Standing::There(whole, _) = &standing {
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
        let series: BTreeMap<String, Read> =
            self.read_series(calendar, masters.into_iter().collect()).await?.into_iter().collect();
        for standing in &mut all {
            let Standing::There(whole, _) = standing else { continue };
            let id = whole.master.id.clone();
            let is_exception = whole.master.recurring_event_id.is_some();
            if !is_exception && !whole.master.is_master() {
                // No part of a series: it stands for itself.
                continue;
            }
            let etag = whole.master.etag.clone();
            match series.get(whole.master.recurring_event_id.as_ref().unwrap_or(&id)) {
                // A part of a series is no event of its own.
                Some(Read::Series { .. } | Read::Unreadable) if is_exception => {
                    *standing = Standing::Gone { tombstone: etag }
                }
                Some(Read::Series { whole, manner, .. }) => {
                    *standing = Standing::There(whole.clone(), manner.clone())
                }
                Some(Read::Unreadable) => *standing = Standing::Strange { etag: None },
                Some(Read::Refused(error)) => *standing = Standing::Refused(error.clone()),
                Some(Read::Alone { .. }) | None if is_exception => {}
                Some(Read::Alone { .. }) | None => *standing = Standing::Gone { tombstone: etag },
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
    ) -> Result<Vec<(String, Read)>> {
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
                Ok(Reply::Given(given)) => {
                    named.extend(given.json::<wire::Head>()?.i_cal_uid.map(|uid| (id, uid)))
                }
                Ok(Reply::Refused(refusal)) if refusal.is_gone() => {}
                Ok(Reply::Refused(refusal)) => all.push((id, Read::Refused(one(refusal)?))),
                Err(error) => all.push((id, Read::Refused(error))),
            }
        }
        let urls = named
            .iter()
            .map(|(_, uid)| self.series_url(calendar, uid, None))
            .collect::<Result<Vec<_>>>()?;
        let replies = self.api.read_all(urls).await?;
        for ((id, uid), reply) in named.into_iter().zip(replies) {
            let first = match reply {
                Ok(Reply::Given(given)) => given,
                Ok(Reply::Refused(refusal)) if refusal.is_gone() => {
                    return Err(Error::CalendarMissing);
                }
                Ok(Reply::Refused(refusal)) => {
                    all.push((id, Read::Refused(one(refusal)?)));
                    continue;
                }
                Err(error) => {
                    all.push((id, Read::Refused(error)));
                    continue;
                }
            };
            let read = self.pages(calendar, &id, &uid, first).await?;
            all.push((id, read));
        }
        Ok(all)
    }

    /// The event that has this iCalendar UID: a master before its exceptions.
    pub(super) async fn named(&self, calendar: &str, uid: &str) -> Result<Option<EventId>> {
        if uid.is_empty() {
            return Ok(None);
        }
        let (mut page_token, mut occurrence) = (None, None);
        for _ in 0..MAX_PAGES {
            let mut parameters = vec![("iCalUID", uid), ("showDeleted", "false")];
            parameters.extend(page_token.as_deref().map(|token| ("pageToken", token)));
            let given = match self
                .api
                .call(&Call::list(self.api.addresses.list(calendar, &parameters)?))
                .await?
            {
                Reply::Given(given) => given,
                Reply::Refused(refusal) if refusal.is_gone() => return Err(Error::CalendarMissing),
                Reply::Refused(refusal) => return Err(refusal.error()),
            };
            let page: wire::Events = given.json()?;
            let heads = page
                .items
                .iter()
                .filter_map(|item| serde_json::from_str::<wire::Head>(item.get()).ok());
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

    async fn pages(&self, calendar: &str, id: &str, uid: &str, first: Given) -> Result<Read> {
        let mut given = first;
        let (mut items, mut bytes, mut readable) = (Vec::new(), 0, true);
        for _ in 0..MAX_PAGES {
            bytes += given.body.len();
            let page: wire::Events = given.json()?;
            for item in &page.items {
                match serde_json::from_str::<wire::Event>(item.get()) {
                    Ok(item) => items.push(item),
                    Err(_) => readable = false,
                }
            }
            let manner = Manner::of(&page);
            let Some(token) = page.next_page_token else {
                if !readable {
                    return Ok(Read::Unreadable);
                }
                let (whole, items) = series::join(id, items);
                return Ok(match whole {
                    Some(whole) => Read::Series { whole: Box::new(whole), manner, bytes },
                    None => Read::Alone { items, manner },
                });
            };
            given = self
                .api
                .call(&Call::list(self.series_url(calendar, uid, Some(&token))?))
                .await?
                .given()?;
        }
        Ok(Read::Unreadable)
    }
}

/// A refusal that may be about one event.
fn one(refusal: Refusal) -> Result<Error> {
    let error = refusal.error();
    if error.may_concern_one_event() { Ok(error) } else { Err(error) }
}

fn standing(given: &Given, manner: Manner) -> Result<Standing> {
    let head: wire::Head = given.json()?;
    if head.status.as_deref() == Some(wire::CANCELLED) {
        return Ok(Standing::Gone { tombstone: head.etag.or(Some(String::new())) });
    }
    Ok(match given.json::<wire::Event>() {
        Ok(item) => Standing::There(Box::new(Whole::alone(item)), manner),
        Err(_) => Standing::Strange { etag: head.etag },
    })
}

fn found(standing: Standing) -> Found {
    match standing {
        Standing::There(whole, _) if !convert::is_event(&whole.master) => Found::NoEvent,
        Standing::There(whole, manner) => match whole.event(manner.context()) {
            Ok(event) => Found::Event(Box::new(event)),
            Err(why) => Found::Unreadable { etag: whole.version(), why: why.0 },
        },
        Standing::Gone { .. } => Found::NotFound,
        Standing::Strange { etag } => Found::Unreadable { etag, why: STRANGE.into() },
        Standing::Refused(error) => Found::Refused(error.said()),
    }
}
