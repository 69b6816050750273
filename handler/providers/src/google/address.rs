//! Addresses of the API. Those of writes are made here and nowhere else, and each forbids mail to
//! guests.

use data_encoding::BASE32HEX_NOPAD;
use engine::event::EventId;
use url::Url;

use crate::{Error, Result};

/// Where Google serves its APIs.
pub const GOOGLE: &str = "https://www.googleapis.com/";

/// The beginning of the ids that we give.
const OURS: &str = "calr";
/// Events in one page: the most that Google gives.
const PAGE: &str = "2500";

/// What is asked for of an event; the rest would only be thrown away.
const EVENT: &str = "id,etag,status,updated,summary,description,location,start,end,recurrence,recurringEventId,originalStartTime,iCalUID,sequence,\
visibility,transparency,attendees(email,self,resource,responseStatus),attendeesOmitted,organizer(email,self),eventType,locked,\
extendedProperties/private";

/// The addresses under one root.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    root: Url,
}

impl Addresses {
    pub(super) fn new(root: Url) -> Self {
        Self { root }
    }

    /// The user's list of calendars.
    pub(super) fn calendars(&self) -> Result<Url> {
        let mut url = self.at(&["users", "me", "calendarList"])?;
        url.query_pairs_mut().append_pair("maxResults", "250").append_pair(
            "fields",
            "nextPageToken,items(id,summary,summaryOverride,timeZone,accessRole,deleted)",
        );
        Ok(url)
    }

    /// A calendar in that list.
    pub(super) fn listed_calendar(&self, calendar: &str) -> Result<Url> {
        let mut url = self.at(&["users", "me", "calendarList", calendar])?;
        url.query_pairs_mut().append_pair("fields", "id,timeZone");
        Ok(url)
    }

    /// A list of events: masters and exceptions, never single occurrences.
    pub(super) fn list(&self, calendar: &str, parameters: &[(&str, &str)]) -> Result<Url> {
        let mut url = self.at(&["calendars", calendar, "events"])?;
        let fields = format!("nextPageToken,nextSyncToken,timeZone,accessRole,items({EVENT})");
        url.query_pairs_mut()
            .append_pair("singleEvents", "false")
            .append_pair("maxResults", PAGE)
            .append_pair("fields", &fields)
            .extend_pairs(parameters);
        Ok(url)
    }

    /// The shortest request that shows whether a calendar exists.
    pub(super) fn probe(&self, calendar: &str) -> Result<Url> {
        let mut url = self.at(&["calendars", calendar, "events"])?;
        url.query_pairs_mut()
            .append_pair("maxResults", "1")
            .append_pair("fields", "timeZone,accessRole");
        Ok(url)
    }

    /// One event.
    pub(super) fn event(&self, calendar: &str, id: &str) -> Result<Url> {
        let mut url = self.at(&["calendars", calendar, "events", id])?;
        url.query_pairs_mut().append_pair("fields", EVENT);
        Ok(url)
    }

    /// The occurrence of a series that began there by its rule.
    pub(super) fn instance(&self, calendar: &str, id: &str, original_start: &str) -> Result<Url> {
        let mut url = self.at(&["calendars", calendar, "events", id, "instances"])?;
        url.query_pairs_mut()
            .append_pair("originalStart", original_start)
            .append_pair("showDeleted", "true")
            .append_pair("maxResults", "10")
            .append_pair("fields", &format!("items({EVENT})"));
        Ok(url)
    }

    /// To insert an event.
    pub(super) fn insert(&self, calendar: &str) -> Result<Url> {
        self.at(&["calendars", calendar, "events"]).map(|url| silent(url, true))
    }

    /// To update or patch an event.
    pub(super) fn change(&self, calendar: &str, id: &str) -> Result<Url> {
        self.at(&["calendars", calendar, "events", id]).map(|url| silent(url, true))
    }

    /// To delete an event.
    pub(super) fn delete(&self, calendar: &str, id: &str) -> Result<Url> {
        self.at(&["calendars", calendar, "events", id]).map(|url| silent(url, false))
    }

    /// To open a channel: Google sends notifications of changes in the calendar through it.
    pub(super) fn watch(&self, calendar: &str) -> Result<Url> {
        let mut url = self.at(&["calendars", calendar, "events", "watch"])?;
        url.query_pairs_mut().append_pair("fields", "resourceId,expiration");
        Ok(url)
    }

    /// To end a channel.
    pub(super) fn stop(&self) -> Result<Url> {
        self.at(&["channels", "stop"])
    }

    /// To send many requests as one.
    pub(super) fn batch(&self) -> Url {
        let mut url = self.root.clone();
        url.set_path("/batch/calendar/v3");
        url
    }

    fn at(&self, segments: &[&str]) -> Result<Url> {
        // These would climb up, however they are written.
        if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
            return Err(Error::Gone);
        }
        let mut url = self.root.clone();
        url.set_path("/calendar/v3");
        url.path_segments_mut()
            .map_err(|()| Error::Address("it has no path".into()))?
            .extend(segments);
        Ok(url)
    }
}

/// The address of a write: no guest gets mail, and no conference is changed.
fn silent(mut url: Url, has_body: bool) -> Url {
    url.query_pairs_mut().append_pair("sendUpdates", "none");
    if has_body {
        url.query_pairs_mut()
            .append_pair("conferenceDataVersion", "0")
            .append_pair("fields", EVENT);
    }
    url
}

/// The id of a copy: the alphabet that Google allows is that of base32hex (RFC 4648 section 7) in
/// small letters.
pub(super) fn id_of_copy(uid: &str) -> EventId {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, uid.as_bytes());
    EventId::new(format!(
        "{OURS}{}",
        BASE32HEX_NOPAD.encode(&digest.as_ref()[..20]).to_ascii_lowercase()
    ))
}

/// Whether an id is one that we gave.
pub(super) fn is_ours(id: &EventId) -> bool {
    id.as_str().len() == OURS.len() + 32 && id.as_str().starts_with(OURS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses() -> Addresses {
        Addresses::new(Url::parse(GOOGLE).unwrap())
    }

    #[test]
    fn ids_are_escaped_and_cannot_climb() {
        let url = addresses().event("a#b@group.calendar.google.com", "x/../y?z").unwrap();
        assert_eq!(
            url.path(),
            "/calendar/v3/calendars/a%23b@group.calendar.google.com/events/x%2F..%2Fy%3Fz"
        );
        for id in ["", ".", ".."] {
            assert!(matches!(addresses().event("c", id), Err(Error::Gone)));
        }
    }

    #[test]
    fn every_write_says_that_nobody_is_to_be_mailed() {
        let all =
            [addresses().insert("c"), addresses().change("c", "e"), addresses().delete("c", "e")];
        for url in all.map(Result::unwrap) {
            let said: Vec<_> =
                url.query_pairs().filter(|(name, _)| name.starts_with("send")).collect();
            assert_eq!(said, [("sendUpdates".into(), "none".into())]);
        }
    }

    #[test]
    fn no_write_touches_a_conference_and_no_list_takes_a_series_apart() {
        let parameter = |url: Result<Url>, wanted: &str| {
            url.unwrap()
                .query_pairs()
                .filter(|(name, _)| name == wanted)
                .map(|(_, value)| value.into_owned())
                .collect::<Vec<_>>()
        };
        for url in [addresses().insert("c"), addresses().change("c", "e")] {
            assert_eq!(parameter(url, "conferenceDataVersion"), ["0"]);
        }
        assert_eq!(
            parameter(addresses().list("c", &[("syncToken", "t=&+")]), "singleEvents"),
            ["false"]
        );
        assert_eq!(
            parameter(addresses().list("c", &[("syncToken", "t=&+")]), "syncToken"),
            ["t=&+"],
            "its content is never used"
        );
    }

    #[test]
    fn our_ids_have_googles_alphabet_and_one_uid_has_one() {
        let id = id_of_copy("calrelay-abc");
        assert!(
            id.as_str().bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'v')) && is_ours(&id)
        );
        assert_eq!(id, id_of_copy("calrelay-abc"));
        assert_ne!(id, id_of_copy("calrelay-abc-1"));
    }
}
