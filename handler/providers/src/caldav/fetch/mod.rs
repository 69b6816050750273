//! Reading events: many at once by calendar-multiget, and one by one where that fails or leaves
//! some out.

use std::collections::HashMap;

use engine::event::{Content, Event, EventId, Span, Zone};
use ical::ObjectContext;

use super::dav::{Got, MultistatusReply};
use super::multistatus::{Data, Entry};
use super::{CalDav, address, bodies, name, name_in_collection};
use crate::FailureCause;
use crate::http::RetryPolicy;
use crate::{Error, Fetched, Found, Result};
use engine::change::Absence;

const TOO_LARGE: &str = "it is larger than 1 MiB, more than calendar servers take";

/// An object as it was read, before it is understood.
pub(super) enum Raw {
    /// `cut`: large attachments were left out of it, so that it must not be written back.
    Object {
        etag: Option<String>,
        body: Vec<u8>,
        cut: bool,
    },
    TooLarge {
        etag: Option<String>,
    },
    Gone,
}

impl CalDav {
    /// Reads events; the answer has every id once.
    pub(super) async fn fetch_events(
        &self,
        calendar: &str,
        ids: &[EventId],
    ) -> Result<Vec<Fetched>> {
        let mut raw =
            if ids.len() > 1 { self.multiget(calendar, ids).await? } else { HashMap::new() };
        let mut answer = Vec::with_capacity(ids.len());
        let mut done = std::collections::HashSet::new();
        let mut cause = FailureCause::default();
        for id in ids.iter().filter(|id| done.insert(id.as_str())) {
            // Some servers leave out in silence what they cannot find or cannot read; and one that
            // has moved to another path does not know the former paths in a body, though it sends
            // requests for them on.
            let found = match raw.remove(name_in_collection(calendar, id).as_str()) {
                Some(raw @ (Raw::Object { .. } | Raw::TooLarge { .. })) => raw,
                Some(Raw::Gone) | None => match self.read_one(calendar, id).await {
                    Ok(raw) => raw,
                    Err(error) => {
                        let found = Found::Refused(cause.event(self, calendar, error).await?);
                        answer.push(Fetched { id: id.clone(), found });
                        continue;
                    }
                },
            };
            answer.push(Fetched {
                id: id.clone(),
                found: self.parse_found(calendar, id, found).await?,
            });
        }
        Ok(answer)
    }

    pub(super) async fn multiget(
        &self,
        calendar: &str,
        ids: &[EventId],
    ) -> Result<HashMap<String, Raw>> {
        let url = self.url(calendar)?;
        let paths: Vec<String> =
            ids.iter().filter_map(|id| name::request_path(url.path(), id)).collect();
        let body = bodies::multiget(paths.iter().map(String::as_str));
        let mut found = HashMap::with_capacity(ids.len());
        let reply = self.dav.report(&url, "1", &body, RetryPolicy::ReadUnless500, |entry| {
            // By name: the server may answer with other paths than it was asked for.
            if let Some(member) = name::member(calendar, &address::path(&url, &entry.href))
                && let Some(raw) = raw(entry)
            {
                found.insert(member.id.as_str().to_owned(), raw);
            }
            Ok(())
        });
        match reply.await {
            Ok(MultistatusReply::Read(_)) => Ok(found),
            Ok(MultistatusReply::Refused(refusal))
                if refusal.is_gone() && !self.calendar_is_there(calendar).await? =>
            {
                Err(Error::CalendarMissing)
            }
            Ok(MultistatusReply::Refused(refusal))
                if matches!(refusal.status.as_u16(), 400..=499 | 500 | 501 | 507) =>
            {
                Ok(HashMap::new())
            }
            // One object may be what it breaks down at; so may one with a byte in it that XML
            // cannot carry.
            Ok(MultistatusReply::Refused(refusal)) => FailureCause::default()
                .event(self, calendar, refusal.error())
                .await
                .map(|_| HashMap::new()),
            Err(Error::BadAnswer(_)) => Ok(HashMap::new()),
            Err(error) => {
                FailureCause::default().event(self, calendar, error).await.map(|_| HashMap::new())
            }
        }
    }

    /// One object by itself. Gone is what is not under its name either, where it was last seen
    /// under another path than its calendar's.
    pub(super) async fn get(&self, calendar: &str, id: &EventId) -> Result<Raw> {
        match self.get_as_spelled(calendar, id).await? {
            Raw::Gone if name::is_elsewhere(id) => {
                self.get_as_spelled(
                    calendar,
                    &EventId::new(name_in_collection(calendar, id).as_str()),
                )
                .await
            }
            raw => Ok(raw),
        }
    }

    pub(super) async fn get_as_spelled(&self, calendar: &str, id: &EventId) -> Result<Raw> {
        let url = match self.event_url(calendar, id) {
            Err(Error::Gone) => return Ok(Raw::Gone),
            url => url?,
        };
        match self.dav.get(&url).await? {
            Got::Object { etag, body, cut } => Ok(Raw::Object { etag, body, cut }),
            Got::TooLarge { etag } => Ok(Raw::TooLarge { etag }),
            Got::Refused(refusal) if refusal.is_gone() => Ok(Raw::Gone),
            Got::Refused(refusal) => Err(refusal.error()),
        }
    }

    /// How the server says that an event is not there: only if the calendar is.
    pub(super) async fn read_absence(
        &self,
        calendar: &str,
        id: &EventId,
    ) -> Result<Option<Absence>> {
        match self.get(calendar, id).await? {
            // Something else has its name by now.
            Raw::Object { body, .. } => Ok(is_no_event(&body).then_some(Absence::NoEvent)),
            Raw::TooLarge { .. } => Ok(None),
            Raw::Gone if self.calendar_is_there(calendar).await? => Ok(Some(Absence::NotFound)),
            Raw::Gone => Err(Error::CalendarMissing),
        }
    }

    /// Reads an object as an event.
    pub(super) async fn parse_found(
        &self,
        calendar: &str,
        id: &EventId,
        raw: Raw,
    ) -> Result<Found> {
        let (etag, body) = match raw {
            Raw::Object { etag, body, .. } => (etag, body),
            Raw::TooLarge { etag } => return Ok(Found::Unreadable { etag, why: TOO_LARGE.into() }),
            Raw::Gone => return Ok(Found::NotFound),
        };
        let known = self.zone_if_known(calendar);
        let mut event = self.parse(id, etag.clone(), &body, known.clone().flatten().as_deref());
        // The calendar's zone matters to floating times and to zones that nothing explains: it is
        // asked for when the first of them turns up.
        if known.is_none()
            && event.as_ref().is_ok_and(|event| is_floating(event) || event.zone_guessed)
        {
            let zone = self.zone(calendar).await?;
            event = self.parse(id, etag.clone(), &body, zone.as_deref());
        }
        Ok(match event {
            Ok(event) => Found::Event(Box::new(event)),
            Err(_) if is_no_event(&body) => Found::NoEvent,
            Err(unreadable) => Found::Unreadable { etag, why: unreadable.to_string() },
        })
    }

    /// Whether an object has to be read with the zone of its calendar.
    pub(super) fn depends_on_zone(&self, id: &EventId, body: &[u8]) -> bool {
        self.parse(id, None, body, None).is_ok_and(|event| event.zone_guessed)
    }

    pub(super) fn parse(
        &self,
        id: &EventId,
        etag: Option<String>,
        body: &[u8],
        zone: Option<&str>,
    ) -> Result<Event, ical::Unreadable> {
        ical::read(
            id.clone(),
            etag,
            body,
            ObjectContext {
                is_me: &|address| self.is_me(address),
                zone,
                now: self.dav.http.server_time(),
            },
        )
    }
}

/// What a multiget said about one address; `None` if it has to be asked again.
fn raw(entry: Entry) -> Option<Raw> {
    if matches!(entry.status, Some(404 | 410)) {
        return Some(Raw::Gone);
    }
    let etag = entry.props.etag;
    match entry.props.data? {
        Data::Object(text) => Some(Raw::Object { etag, body: text.into_bytes(), cut: false }),
        Data::TooLarge => Some(Raw::TooLarge { etag }),
    }
}

fn is_floating(event: &Event) -> bool {
    let floats = |content: &Content| match &content.span {
        Span::AllDay { .. } => false,
        Span::Timed { start, end } => start.zone == Zone::Floating || end.zone == Zone::Floating,
    };
    floats(&event.content)
}

/// A task or a journal: a calendar may hold those too, and they are not ours to speak of.
fn is_no_event(body: &[u8]) -> bool {
    let has = |name: &[u8]| {
        body.split(|byte| matches!(byte, b'\n' | b'\r'))
            .any(|line| line.trim_ascii().eq_ignore_ascii_case(name))
    };
    !has(b"BEGIN:VEVENT")
        && (has(b"BEGIN:VTODO")
            || has(b"BEGIN:VJOURNAL")
            || has(b"BEGIN:VAVAILABILITY")
            || has(b"BEGIN:VFREEBUSY"))
}

#[cfg(test)]
mod tests;
