//! Looking for an event by its UID, where the server can search (RFC 4791 section 7.8).

use engine::change::Listed;
use engine::event::Event;

use super::changes::MemberListing;
use super::dav::MultistatusReply;
use super::{BATCH, CalDav, bodies};
use crate::http::RetryPolicy;
use crate::{Error, Found, Result};

impl CalDav {
    /// The event that has this UID; `None` where there is none, or where the server cannot search.
    /// What the search finds is read, and its UID compared.
    pub(super) async fn search(&self, calendar: &str, uid: &str) -> Result<Option<Box<Event>>> {
        if uid.trim().is_empty() {
            return Ok(None);
        }
        let url = self.url(calendar)?;
        let mut matches = MemberListing::new(calendar, url.clone());
        let body = bodies::uid_query(uid);
        let reply = self.dav.report(&url, "1", &body, RetryPolicy::ReadUnless500, |entry| {
            matches.add(entry);
            // A few others may have this UID as a part of theirs. A server that lists more has
            // listed everything.
            if matches.len() > BATCH {
                Err(Error::BadAnswer("it lists what was not searched for".into()))
            } else {
                Ok(())
            }
        });
        match reply.await {
            Ok(MultistatusReply::Read(_)) => {}
            Ok(MultistatusReply::Refused(refusal))
                if refusal.is_gone() && !self.calendar_is_there(calendar).await? =>
            {
                return Err(Error::CalendarMissing);
            }
            Ok(MultistatusReply::Refused(refusal))
                if matches!(refusal.status.as_u16(), 400..=499 | 500 | 501 | 507) =>
            {
                return Ok(None);
            }
            Ok(MultistatusReply::Refused(refusal)) => return Err(refusal.error()),
            Err(Error::BadAnswer(_)) => return Ok(None),
            Err(error) => return Err(error),
        }
        let ids: Vec<_> = matches
            .finish()
            .into_iter()
            .filter(|line| matches!(line, Listed::Present { .. }))
            .map(|line| line.id().clone())
            .collect();
        let found =
            self.fetch_events(calendar, &ids).await?.into_iter().find_map(|fetched| match fetched
                .found
            {
                Found::Event(event) if event.uid.trim() == uid.trim() => Some(event),
                _ => None,
            });
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
