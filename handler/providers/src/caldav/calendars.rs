//! Which calendars an account has, and how far each has come.

use std::collections::HashMap;

use engine::calendar::RemoteCalendar;
use reqwest::StatusCode;
use url::Url;

use super::account::{CalDav, HomePlace};
use super::address::{self, with_slash};
use super::bodies;
use super::dav::MultistatusReply;
use super::multistatus::{Entry, Props};
use super::sync_position::SyncPosition;
use crate::{Answering, CollectionState, Error, Result};

impl CalDav {
    /// The calendars that hold events, each once. Inboxes, task lists and plain folders are left
    /// out.
    pub(super) async fn list_calendars(&self) -> Result<Vec<RemoteCalendar>> {
        let mut found: Vec<RemoteCalendar> = Vec::new();
        let mut refused = None;
        for home in &self.homes {
            let depth = if home.is_calendar { "0" } else { "1" };
            let mut listed = Vec::new();
            let reply = self.dav.propfind(&home.url, depth, bodies::CALENDARS, |entry| {
                listed.extend(calendar(&home.url, entry));
                Ok(())
            });
            match reply.await? {
                MultistatusReply::Read(_) => {}
                MultistatusReply::Refused(refusal) if refusal.is_gone() => {
                    refused = Some(Error::CalendarMissing)
                }
                MultistatusReply::Refused(refusal) => refused = Some(refusal.error()),
            }
            for (calendar, path) in listed {
                self.learn(&calendar.address, |known| {
                    known.path = Some(path);
                    known.zone = Some(calendar.zone.clone());
                });
                if !found.iter().any(|other| other.address == calendar.address) {
                    found.push(calendar);
                }
            }
        }
        // One home of several may be closed to us; all of them closed is a failure.
        match refused {
            Some(error) if found.is_empty() => Err(error),
            _ => Ok(found),
        }
    }

    /// The state of several calendars: one request a home that holds more than one of them, and one
    /// more for each calendar without a ctag.
    pub(super) async fn read_states(&self, calendars: &[String]) -> Result<Vec<CollectionState>> {
        let keys: Vec<String> = calendars.iter().map(|calendar| with_slash(calendar)).collect();
        let mut seen: HashMap<String, CollectionState> = HashMap::new();
        for home in self.homes.iter().filter(|home| !home.is_calendar) {
            let here =
                |key: &&String| self.home(key).is_some_and(|place| std::ptr::eq(place, home));
            if keys.iter().filter(here).collect::<std::collections::BTreeSet<_>>().len() > 1 {
                self.read_home_states(home, &keys, &mut seen).await?;
            }
        }
        let mut answer = Vec::with_capacity(keys.len());
        for key in &keys {
            let state = match seen.get(key) {
                // There, and without a ctag: the sync token may serve as well.
                Some(CollectionState::Untagged) => self.read_state_alone(key).await?,
                Some(state) => state.clone(),
                None => self.read_state(key).await?,
            };
            seen.insert(key.clone(), state.clone());
            answer.push(state);
        }
        Ok(answer)
    }

    async fn read_home_states(
        &self,
        home: &HomePlace,
        keys: &[String],
        seen: &mut HashMap<String, CollectionState>,
    ) -> Result<()> {
        let reply = self.dav.propfind(&home.url, "1", bodies::TIP, |entry| {
            let path = address::path(&home.url, &entry.href);
            let key = address::collection_key(&path);
            if keys.contains(&key) && entry.status.is_none_or(|status| status < 300) {
                self.learn(&key, |known| known.path = Some(path));
                seen.insert(key, state_of(&entry.props));
            }
            Ok(())
        });
        match reply.await {
            // Some servers do not list a home, or not this home: its calendars are asked one by
            // one.
            Ok(_) | Err(Error::BadAnswer(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn read_state(&self, key: &str) -> Result<CollectionState> {
        match self.props(key, bodies::TIP).await {
            Ok(Some(props)) if props.ctag.is_none() => self.read_state_alone(key).await,
            props => state(props),
        }
    }

    async fn read_state_alone(&self, key: &str) -> Result<CollectionState> {
        state(self.props(key, bodies::STATE).await)
    }

    /// Some properties of a calendar; `None` if it is not there.
    ///
    /// # Errors
    /// [`Error::Forbidden`] where the server says that it is closed to this account.
    async fn props(&self, calendar: &str, body: &str) -> Result<Option<Props>> {
        let mut found = None;
        let url = self.url(calendar)?;
        let reply = self.dav.propfind(&url, "0", body, |entry| {
            found.get_or_insert(entry);
            Ok(())
        });
        match reply.await? {
            MultistatusReply::Read(_) => Ok(found
                .filter(|entry| entry.status.is_none_or(|status| status < 300))
                .map(|entry| entry.props)),
            MultistatusReply::Refused(refusal) if refusal.is_gone() => Ok(None),
            MultistatusReply::Refused(refusal) if refusal.status == StatusCode::FORBIDDEN => {
                Err(Error::closed_calendar())
            }
            MultistatusReply::Refused(refusal) => Err(refusal.error()),
        }
    }

    /// How far a calendar has come, by a request of its own.
    pub(super) async fn read_position(&self, calendar: &str) -> Result<SyncPosition> {
        Ok(SyncPosition::of(
            &self.props(calendar, bodies::STATE).await?.ok_or(Error::CalendarMissing)?,
        ))
    }

    /// Whether the calendar is there and open to us.
    pub(super) async fn calendar_is_there(&self, calendar: &str) -> Result<bool> {
        Ok(self.props(calendar, bodies::STATE).await?.is_some())
    }

    /// Whether it answers, and may be written to as far as it says.
    pub(super) async fn read_access(&self, calendar: &str) -> Result<Answering> {
        let props = self.props(calendar, bodies::ACCESS).await?.ok_or(Error::CalendarMissing)?;
        Ok(Answering { writable: props.writable() })
    }

    /// The calendar's zone, asked for once.
    pub(super) async fn zone(&self, calendar: &str) -> Result<Option<String>> {
        let key = with_slash(calendar);
        if let Some(zone) = self.zone_if_known(calendar) {
            return Ok(zone);
        }
        let props = match self.props(&key, bodies::CALENDARS).await {
            Err(Error::Forbidden(_)) => None,
            props => props?,
        };
        let zone = props.and_then(|props| zone(&props));
        self.learn(&key, |known| known.zone = Some(zone.clone()));
        Ok(zone)
    }

    /// The calendar's zone, if it was asked for before.
    pub(super) fn zone_if_known(&self, calendar: &str) -> Option<Option<String>> {
        self.known().get(&with_slash(calendar)).and_then(|known| known.zone.clone())
    }
}

fn state(props: Result<Option<Props>>) -> Result<CollectionState> {
    match props {
        Ok(props) => Ok(props.map_or(CollectionState::Missing, |props| state_of(&props))),
        Err(Error::Forbidden(_)) => Ok(CollectionState::Closed),
        Err(error) => Err(error),
    }
}

fn state_of(props: &Props) -> CollectionState {
    SyncPosition::of(props).state_tag().map_or(CollectionState::Untagged, CollectionState::Tagged)
}

/// A calendar as it is offered, with the server's spelling of its path; `None` for a collection
/// without events.
fn calendar(home: &Url, entry: Entry) -> Option<(RemoteCalendar, String)> {
    let props = entry.props;
    if !props.kind.calendar
        || props.kind.scheduling
        || props.events == Some(false)
        || entry.status.is_some_and(|status| status >= 300)
    {
        return None;
    }
    let path = address::path(home, &entry.href);
    let address = address::collection_key(&path);
    let name = props.display_name.clone().unwrap_or_else(|| {
        address.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned()
    });
    let owned_at = props
        .shared_url
        .as_deref()
        .and_then(|href| owned_at(home, href))
        .filter(|owned_at| *owned_at != address);
    let calendar =
        RemoteCalendar { name, writable: props.writable(), zone: zone(&props), address, owned_at };
    Some((calendar, path))
}

/// The path of a shared calendar at its owner; `None` where that is on another server.
fn owned_at(home: &Url, href: &str) -> Option<String> {
    let is_here =
        href.starts_with('/') || home.join(href).is_ok_and(|url| url.host() == home.host());
    is_here.then(|| address::collection_key(&address::path(home, href)))
}

/// The IANA zone of a calendar: as it says, or as its VTIMEZONE describes it.
fn zone(props: &Props) -> Option<String> {
    [&props.zone_id, &props.zone_object]
        .into_iter()
        .flatten()
        .find_map(|zone| ical::calendar_zone(zone))
}

#[cfg(test)]
mod tests {
    use super::super::multistatus;
    use super::*;

    async fn calendars(xml: &str) -> Vec<RemoteCalendar> {
        let home = Url::parse("https://example.org/17/calendars/").unwrap();
        let mut found = Vec::new();
        multistatus::read(xml.as_bytes(), |entry| {
            found.extend(calendar(&home, entry).map(|(calendar, _)| calendar));
            Ok(())
        })
        .await
        .unwrap();
        found
    }

    fn response(href: &str, props: &str) -> String {
        format!(
            r#"<response><href>{href}</href><propstat><prop>{props}</prop><status>HTTP/1.1 200 OK</status></propstat>
               <propstat><prop><c:calendar-timezone/></prop><status>HTTP/1.1 404 Not Found</status></propstat></response>"#
        )
    }

    const CALENDAR: &str = "<resourcetype><collection/><c:calendar/></resourcetype>";

    #[tokio::test]
    async fn only_what_holds_events_is_offered() {
        let xml = [
            r#"<multistatus xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:cs="http://calendarserver.org/ns/">"#.to_owned(),
            response("/17/calendars/", "<resourcetype><collection/></resourcetype>"),
            response("/17/calendars/home/", &format!("{CALENDAR}<displayname> Home &amp; \
            garden</displayname>")),
            response(
                "/17/calendars/tasks/",
                &format!(r#"{CALENDAR}<c:supported-calendar-component-set><c:comp name="VTODO"/></c:supported-calendar-component-set>"#),
            ),
            response("/17/calendars/inbox/", "<resourcetype><collection/><c:calendar/><c:schedule-inbox/></resourcetype>"),
            response(
                "/17/calendars/holidays",
                "<resourcetype><collection/><c:calendar/><cs:subscribed/></resourcetype><c:calendar-timezone-id>Europe/Tallinn</c:calendar-timezone-id>",
            ),
            response(
                "/17/calendars/shared%20one/",
                &format!("{CALENDAR}<current-user-privilege-set><privilege><read/></privilege></current-user-privilege-set>"),
            ),
            response(
                "/17/calendars/ours/",
                &format!(
                    "{CALENDAR}<current-user-privilege-set><privilege><write-content/></privilege><privilege><bind/></privilege>\
                     </current-user-privilege-set><c:calendar-timezone>BEGIN:VCALENDAR\nBEGIN:VTIMEZONE\nTZID:/example.org/1/Europe/Berlin\n\
                     </c:calendar-timezone>"
                ),
            ),
            "</multistatus>".to_owned(),
        ];
        let found = calendars(&xml.concat()).await;
        let brief: Vec<_> = found
            .iter()
            .map(|c| (c.address.as_str(), c.name.as_str(), c.writable, c.zone.as_deref()))
            .collect();
        assert_eq!(
            brief,
            [
                ("/17/calendars/home/", " Home & garden", true, None),
                ("/17/calendars/holidays/", "holidays", false, Some("Europe/Tallinn")),
                ("/17/calendars/shared one/", "shared one", false, None),
                ("/17/calendars/ours/", "ours", true, Some("Europe/Berlin")),
            ]
        );
    }

    #[test]
    fn a_calendar_says_its_zone_in_many_forms() {
        let part = |kind: &str, from: &str, to: &str, rule: &str| {
            format!(
                "BEGIN:{kind}\nDTSTART:16010101T030000\nTZOFFSETFROM:{from}\nTZOFFSETTO:{to}\nRRULE:FREQ=YEARLY;{rule}\nEND:{kind}\n"
            )
        };
        let described = |head: &str| {
            let standard = part("STANDARD", "+0200", "+0100", "BYDAY=-1SU;BYMONTH=10");
            let daylight =
                part("DAYLIGHT", "+0100", "+0200", "BYDAY=-1SU;BYMONTH=3").replace("T03", "T02");
            format!("BEGIN:VTIMEZONE\n{head}\n{standard}{daylight}END:VTIMEZONE\n")
        };
        let whole = |head: &str| {
            format!("BEGIN:VCALENDAR\nVERSION:2.0\n{}END:VCALENDAR\n", described(head))
        };
        for (object, expected) in [
            (whole("TZID:Europe/Vienna"), Some("Europe/Vienna")),
            (whole("TZID:Europe/Vienna").replace('\n', "\r\n"), Some("Europe/Vienna")),
            (whole("TZID;X-A=b:Europe/\n Vienna"), Some("Europe/Vienna")),
            (whole("tzid:/example.org/2025a/Europe/Vienna"), Some("Europe/Vienna")),
            (whole("TZID:Customized Time Zone"), Some("Europe/Berlin")),
            (whole("TZID:Customized Time Zone\nX-LIC-LOCATION:Europe/Rome"), Some("Europe/Rome")),
            (
                whole(
                    "TZID:(UTC+01:00) Amsterdam\\, Berlin\\, Bern\\, Rome\\, Stockholm\\, Vienna",
                ),
                Some("Europe/Berlin"),
            ),
            (whole("TZID:GMT"), Some("Europe/Berlin")),
            (whole("COMMENT:no name"), Some("Europe/Berlin")),
            (described("TZID:W. Europe Standard Time"), Some("Europe/Berlin")),
            ("BEGIN:VTIMEZONE\nTZID:Asia/Tokyo".to_owned(), Some("Asia/Tokyo")),
            ("BEGIN:VTIMEZONE\nTZID:UTC\nEND:VTIMEZONE".to_owned(), Some("UTC")),
            ("Europe/Vienna".to_owned(), Some("Europe/Vienna")),
            (" W. Europe Standard Time\n".to_owned(), Some("Europe/Berlin")),
            ("BEGIN:VCALENDAR\nEND:VCALENDAR".to_owned(), None),
            ("Nowhere".to_owned(), None),
            (String::new(), None),
        ] {
            let props = Props { zone_object: Some(object.clone()), ..Props::default() };
            assert_eq!(zone(&props).as_deref(), expected, "{object}");
        }
        let both = Props {
            zone_id: Some("Asia/Tokyo".into()),
            zone_object: Some("Europe/Vienna".into()),
            ..Props::default()
        };
        assert_eq!(zone(&both).as_deref(), Some("Asia/Tokyo"));
    }

    #[tokio::test]
    async fn a_share_has_the_path_that_it_has_at_its_owner() {
        let shared =
            |href: &str| format!("{CALENDAR}<cs:shared-url><href>{href}</href></cs:shared-url>");
        let unknown = "<resourcetype><collection/><c:calendar/></resourcetype></prop><status>HTTP/1.1 200 OK</status></propstat>\
                       <propstat><prop><cs:shared-url><href>/a/b/</href></cs:shared-url></prop><status>HTTP/1.1 404 No</status></propstat>\
                       <propstat><prop>";
        let xml = [
            r#"<multistatus xmlns="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav" xmlns:cs="http://calendarserver.org/ns/">"#.to_owned(),
            response("/17/calendars/share/", &shared(" /25/calendars/w%C3%B6rk ")),
            response("/17/calendars/other-host/", &shared("https://example.net/25/calendars/work/")),
            response("/17/calendars/same-host/", &shared("https://example.org/25/calendars/work/")),
            response("/17/calendars/own/", &shared("/17/calendars/own")),
            response("/17/calendars/empty/", &shared("")),
            response("/17/calendars/elsewhere/", &format!("{CALENDAR}<cs:shared-url>/25/</cs:shared-url><href>/25/</href>")),
            response("/17/calendars/unknown/", unknown),
            response("/17/calendars/foreign/", &shared("/25/").replace("cs:shared-url", "shared-url")),
            "</multistatus>".to_owned(),
        ];
        let found = calendars(&xml.concat()).await;
        let brief: Vec<_> =
            found.iter().map(|c| (c.name.as_str(), c.owned_at.as_deref())).collect();
        assert_eq!(
            brief,
            [
                ("share", Some("/25/calendars/wörk/")),
                ("other-host", None),
                ("same-host", Some("/25/calendars/work/")),
                ("own", None),
                ("empty", None),
                ("elsewhere", None),
                ("unknown", None),
                ("foreign", None),
            ]
        );
    }
}
