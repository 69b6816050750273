//! Writing: every write is conditional on what its caller has seen, and none can reach a guest.

mod read_back;
mod refusal;
#[cfg(test)]
mod tests;

use engine::event::{Event, EventId, Exception};
use ical::{EditError, ObjectContext};
use url::Url;

use super::dav::{Condition, Put};
use super::fetch::Raw;
use super::stored_object::Sent;
use super::version::NOT_TAKEN;
use super::{CalDav, name, name_in_collection};
use crate::{Edit, Error, Found, NewCopy, Provider, Result, Version, Written};
use refusal::{is_known, refused};

/// Said where an edit would lose what was not read.
const ATTACHED: &str = "it carries attachments that are too large to be written back with it";

/// Said where a GET does not find what the server has.
const NOT_GIVEN: &str = "the server lists it, and answers that it is not there";

/// The beginning of the file names (and UIDs) of copies; no other program makes such names.
const COPY: &str = "calrelay-";

impl CalDav {
    /// Makes a copy under a name of our own.
    pub(super) async fn create_copy(&self, calendar: &str, copy: &NewCopy<'_>) -> Result<Written> {
        let id = self.id_of_copy(calendar, copy.uid).ok_or(Error::CalendarMissing)?;
        let url = self.event_url(calendar, &id)?;
        let object = ical::write(copy, 0, self.flavour.object_style());
        match self.dav.put(&url, Condition::Absent, &object).await? {
            Put::Done(stored) => {
                let sent = Sent { object: &object, sequence: 0, condition: Condition::Absent };
                self.written(calendar, &id, stored, &sent).await
            }
            Put::Refused(refusal) => Err(match refusal.status.as_u16() {
                403 | 409 | 412 if refusal.has_condition("no-uid-conflict") => Error::Exists,
                // Some servers answer 412 to every broken precondition, and name it.
                412 if refusal.conditions.is_empty() => Error::Exists,
                404 | 409 | 410 if !self.calendar_is_there(calendar).await? => {
                    Error::CalendarMissing
                }
                404 | 410 => Error::Unreachable(
                    "the server did not take a new event in a calendar that is there".into(),
                ),
                400 | 403 | 409
                    if refusal.conditions.iter().all(|condition| !is_known(condition)) =>
                {
                    Error::NameRefused(Box::new(refused(&refusal)))
                }
                _ => refused(&refusal),
            }),
        }
    }

    /// Replaces a copy as a whole.
    pub(super) async fn replace_copy(
        &self,
        calendar: &str,
        id: &EventId,
        version: &Version,
        copy: &NewCopy<'_>,
    ) -> Result<Written> {
        let id = &self.current_id(calendar, id).await?;
        let url = self.event_url(calendar, id)?;
        let read;
        let condition = match &version.etag {
            Some(etag) => Condition::Version(etag),
            None => {
                read = self
                    .read_version(calendar, id, |event| {
                        event.marker.is_some() && event.sequence == version.sequence
                    })
                    .await?;
                read.as_deref().map_or(Condition::None, Condition::Version)
            }
        };
        let sequence = version.sequence.saturating_add(1);
        let object = ical::write(copy, sequence, self.flavour.object_style());
        self.replace(calendar, id, &url, condition, None, (&object, sequence)).await
    }

    /// Changes parts of an event.
    pub(super) async fn edit_event(
        &self,
        calendar: &str,
        id: &EventId,
        version: &Version,
        edit: &Edit<'_>,
    ) -> Result<Written> {
        let id = &self.current_id(calendar, id).await?;
        let raw = self.read_one(calendar, id).await?;
        let (etag, body) = match self
            .require_version(calendar, id, raw, version.etag.as_deref())
            .await?
        {
            Raw::Object { cut: true, .. } => return Err(Error::Refused(ATTACHED.into())),
            Raw::Object { etag, body, .. } => (etag, body),
            Raw::TooLarge { .. } => return Err(Error::Refused("it is larger than 1 MiB".into())),
            Raw::Gone => return Err(self.missing_error(calendar).await?),
        };
        // An origin is never written without a condition.
        let Some(etag) = etag else {
            return Err(Error::Refused(
                "the server gives no version of it, so it could not be changed without the risk \
                of undoing another person's edit"
                    .into(),
            ));
        };
        // As it was read: what a zone that nothing explains means depends on the calendar's.
        let zone = match self.zone_if_known(calendar) {
            Some(zone) => zone,
            None if self.depends_on_zone(id, &body) => self.zone(calendar).await?,
            None => None,
        };
        let context = ObjectContext {
            is_me: &|address| self.is_me(address),
            zone: zone.as_deref(),
            now: self.dav.http.server_time(),
        };
        let edited = ical::edit(&body, edit, context).map_err(|error| match error {
            EditError::HasGuests => Error::HasGuests,
            EditError::Unreadable(why) => Error::Refused(why.to_string()),
        })?;
        if edited.object == body {
            return Ok(Written {
                id: id.clone(),
                etag: Some(etag),
                sequence: edited.sequence,
                event: None,
                rewritten: false,
                is_missing: false,
            });
        }
        let url = self.event_url(calendar, id)?;
        self.replace(
            calendar,
            id,
            &url,
            Condition::Version(&etag),
            Some(&body),
            (&edited.object, edited.sequence),
        )
        .await
    }

    async fn replace(
        &self,
        calendar: &str,
        id: &EventId,
        url: &Url,
        condition: Condition<'_>,
        judged: Option<&[u8]>,
        (object, sequence): (&[u8], u32),
    ) -> Result<Written> {
        let sent = |condition| Sent { object, sequence, condition };
        let refusal = match self.dav.put(url, condition, object).await? {
            Put::Done(stored) => {
                return self.written(calendar, id, stored, &sent(condition)).await;
            }
            Put::Refused(refusal) => refusal,
        };
        let refusal = match self.in_another_form(calendar, id, condition, &refusal, judged).await? {
            Some(version) => match self.dav.put(url, Condition::Version(&version), object).await? {
                Put::Done(stored) => {
                    let sent = sent(Condition::Version(&version));
                    return self.written(calendar, id, stored, &sent).await;
                }
                Put::Refused(refusal) if refusal.status.as_u16() == 412 => {
                    return Err(Error::Refused(NOT_TAKEN.into()));
                }
                Put::Refused(refusal) => refusal,
            },
            None => refusal,
        };
        Err(match refusal.status.as_u16() {
            412 if !refusal.conditions.is_empty() => refused(&refusal),
            404 | 410 | 412 => self.changed_or_gone(calendar, id).await?,
            409 if !self.calendar_is_there(calendar).await? => Error::CalendarMissing,
            _ => refused(&refusal),
        })
    }

    /// The id by which an event is reached, where it was last seen under another path than its
    /// calendar's: that path, or its name in the calendar.
    async fn current_id(&self, calendar: &str, id: &EventId) -> Result<EventId> {
        if !name::is_elsewhere(id) {
            return Ok(id.clone());
        }
        Ok(match self.get_as_spelled(calendar, id).await? {
            Raw::Gone => EventId::new(name_in_collection(calendar, id).as_str()),
            Raw::Object { .. } | Raw::TooLarge { .. } => id.clone(),
        })
    }

    /// What a failed condition means.
    async fn changed_or_gone(&self, calendar: &str, id: &EventId) -> Result<Error> {
        match self.get(calendar, id).await? {
            Raw::Gone => self.missing_error(calendar).await,
            Raw::Object { .. } | Raw::TooLarge { .. } => Ok(Error::ChangedMeanwhile),
        }
    }

    /// What a missing event means.
    pub(super) async fn missing_error(&self, calendar: &str) -> Result<Error> {
        Ok(if self.calendar_is_there(calendar).await? {
            Error::Gone
        } else {
            Error::CalendarMissing
        })
    }

    /// Deletes an event without guests. A copy is not read first, because it cannot have guests.
    pub(super) async fn delete_event(
        &self,
        calendar: &str,
        id: &EventId,
        etag: Option<&str>,
    ) -> Result<()> {
        let id = &self.current_id(calendar, id).await?;
        let url = self.event_url(calendar, id)?;
        let own = id.as_str().rsplit('/').next().is_some_and(|name| name.starts_with(COPY));
        let (read, mut judged);
        judged = None;
        let condition = match etag {
            Some(etag) if own => Condition::Version(etag),
            _ => {
                let raw = self.read_one(calendar, id).await?;
                read = match self.require_version(calendar, id, raw, etag).await? {
                    Raw::Gone if self.dav.lists(&url).await? => {
                        return Err(Error::Refused(NOT_GIVEN.into()));
                    }
                    Raw::Gone => return self.check_calendar(calendar).await,
                    raw => {
                        judged = if let Raw::Object { body, .. } = &raw {
                            Some(body.clone())
                        } else {
                            None
                        };
                        self.deletable(calendar, id, raw).await?
                    }
                };
                read.as_deref().map_or(Condition::None, Condition::Version)
            }
        };
        let Some(mut refusal) = self.dav.delete(&url, condition).await? else { return Ok(()) };
        let version = match self
            .in_another_form(calendar, id, condition, &refusal, judged.as_deref())
            .await
        {
            Err(Error::Gone) => return Ok(()),
            version => version?,
        };
        if let Some(version) = version {
            match self.dav.delete(&url, Condition::Version(&version)).await? {
                Some(again) if again.status.as_u16() == 412 => {
                    return Err(Error::Refused(NOT_TAKEN.into()));
                }
                Some(again) => refusal = again,
                None => return Ok(()),
            }
        }
        match refusal.status.as_u16() {
            // The answer to a DELETE alone is no proof: some servers give it for what they do not
            // let go.
            404 | 410 => match self.get(calendar, id).await? {
                Raw::Gone if !self.dav.lists(&url).await? => self.check_calendar(calendar).await,
                _ => Err(Error::Refused(
                    "the server says that it is not there (404), and has it still".into(),
                )),
            },
            412 => match self.changed_or_gone(calendar, id).await? {
                Error::Gone => Ok(()),
                error => Err(error),
            },
            _ => Err(refused(&refusal)),
        }
    }

    async fn check_calendar(&self, calendar: &str) -> Result<()> {
        match self.missing_error(calendar).await? {
            Error::Gone => Ok(()),
            error => Err(error),
        }
    }

    /// The version to delete, if the event may be deleted.
    async fn deletable(&self, calendar: &str, id: &EventId, raw: Raw) -> Result<Option<String>> {
        let event = match self.parse_found(calendar, id, raw).await? {
            Found::Event(event) => event,
            Found::NotFound | Found::NoEvent => {
                return Err(Error::Refused("it is no event".into()));
            }
            Found::Unreadable { why, .. } | Found::Refused(why) => return Err(Error::Refused(why)),
        };
        if event.marker.is_none() && involves_others(&event) {
            return Err(Error::HasGuests);
        }
        Ok(event.etag.clone())
    }

    /// The current version, where the caller knows none; only if the event is as the caller
    /// expects.
    async fn read_version(
        &self,
        calendar: &str,
        id: &EventId,
        as_expected: impl Fn(&Event) -> bool,
    ) -> Result<Option<String>> {
        let raw = self.get(calendar, id).await?;
        match self.parse_found(calendar, id, raw).await? {
            Found::Event(event) if as_expected(&event) => Ok(event.etag),
            Found::Event(_) | Found::Unreadable { .. } | Found::Refused(_) | Found::NoEvent => {
                Err(Error::ChangedMeanwhile)
            }
            Found::NotFound => Err(self.missing_error(calendar).await?),
        }
    }
}

fn involves_others(event: &Event) -> bool {
    let guests = |exception: &Exception| matches!(exception, Exception::Changed(content) if !content.attendees.is_empty());
    event.has_guests()
        || event.series.as_ref().is_some_and(|series| series.exceptions.values().any(guests))
}
